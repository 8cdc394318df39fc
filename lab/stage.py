"""One step of the build, done once for each set of inputs.

A step's folder is named by the hash of what went in. A folder that exists is whole: it is made under another name
and renamed when it is done. Two checkouts with different inputs thus share a machine without undoing each other's.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from lab.tools import say

#: How many results of one step stay: a lab that runs may still start a host from the one before.
KEPT = 3
_HASH_DIGITS = 16


def digest(*inputs: str | Path) -> str:
    """A hash of texts, of files' contents, and of folders' files by name and content (no compiled Python)."""
    total = hashlib.sha256()
    for each in inputs:
        if isinstance(each, str):
            total.update(f"text {len(each)}\n{each}".encode())
            continue
        paths = sorted(path for path in each.rglob("*") if path.is_file()) if each.is_dir() else [each]
        for path in paths:
            if path.suffix != ".pyc":
                data = path.read_bytes()
                name = path.relative_to(each) if path != each else path.name
                total.update(f"file {name} {len(data)}\n".encode() + data)
    return total.hexdigest()[:_HASH_DIGITS]


def stage(place: Path, name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of this step's result; ``make`` fills it when it is not there yet."""
    folder = place / f"{name}-{key}"
    if folder.is_dir():
        os.utime(folder)
        return folder
    begun = time.monotonic()
    unfinished = place / f"{name}.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    make(unfinished)
    unfinished.rename(folder)
    os.utime(folder)
    say(f"{name} made in {time.monotonic() - begun:.1f} s")
    for old in _by_age(place, name)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _by_age(place: Path, name: str) -> list[Path]:
    """Finished results of a step, the last used first."""
    found = [path for path in place.glob(f"{name}-*") if len(path.name) == len(name) + 1 + _HASH_DIGITS]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
