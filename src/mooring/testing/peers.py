"""Other projects' programs, each in a venv of its own in the user's cache folder: what we are held against.

They are never dependencies of ours, so no lock has them: they come from PyPI by name and version, once for a user.
``MOORING_PEERS_DIR`` is another place for them.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mooring.errors import Unreachable

_log = logging.getLogger("mooring.peers")

INSTALL_LIMIT_S = 900
_TOLD_CHARS_MAX = 1000


def peers_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("MOORING_PEERS_DIR") or f"{cache}/mooring-peers").expanduser()


def venv_of(requirements: Sequence[str]) -> Path:
    """The venv that has all of these, as in ``["nova==34.0.0"]``; named by the first and made on first use.

    Raises Unreachable, with the end of what pip said, where it cannot be made.
    """
    folder = peers_folder() / requirements[0].replace("==", "-")
    whole = folder / "whole"
    if whole.exists() and whole.read_text() == _recipe(requirements):
        return folder
    _log.warning("installing %s into %s, once", ", ".join(requirements), folder)
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    run_pip(str(folder / "bin/python"), "install", *requirements)
    whole.write_text(_recipe(requirements))
    return folder


def run_pip(python: str, command: str, *words: str) -> None:
    """Run pip in an interpreter's own environment. Raises Unreachable, with the end of what it said."""
    _run([python, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *words])


def _recipe(requirements: Sequence[str]) -> str:
    return "\n".join((sys.version, *requirements))


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_S)  # noqa: S603 - pip, and our own words
    except subprocess.TimeoutExpired as late:
        raise Unreachable(f"{' '.join(command)} was not done after {INSTALL_LIMIT_S} s") from late
    if done.returncode:
        raise Unreachable(f"{' '.join(command)} failed: {done.stderr[-_TOLD_CHARS_MAX:]}")
