"""Where the lab keeps what it builds, and where a lab that stays up runs.

Outside the checkout, so that every checkout of a machine shares one build, and a fresh one finds it.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError

#: The checkout that this lab belongs to.
REPOSITORY = Path(__file__).resolve().parent.parent

_LOOK_AGAIN_S = 0.2


def build_folder() -> Path:
    """``$MOORING_LAB_DIR``, or ``mooring-lab`` in the user's cache folder. Not made here."""
    named = os.environ.get("MOORING_LAB_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(named or f"{cache}/mooring-lab").expanduser().absolute()


def run_folder() -> Path:
    """Sockets and consoles of ``python -m lab up``: short, because a Unix socket's path ends at 107 bytes."""
    return Path(tempfile.gettempdir()) / f"mooring-lab-{os.getuid()}"


@contextmanager
def held(path: Path, wait_s: float, refusal: LabError) -> Iterator[None]:
    """Hold an exclusive lock on the file; the kernel lets go of it when this process dies, however it dies.

    Raises ``refusal`` when somebody else still holds it after ``wait_s``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise refusal from None
                time.sleep(_LOOK_AGAIN_S)
        yield
