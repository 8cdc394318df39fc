"""Mooring itself, as two disks for the hosts: what it depends on, which changes with the lock, and its own wheel.

Both are plain folders of packages, compiled for the hosts' Python: what a host had to compile, it would compile under
emulation and forget.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path

from lab.place import REPOSITORY
from lab.tools import ext4, inside, run, size_mib

LOCK = REPOSITORY / "requirements.lock"
PROJECT = REPOSITORY / "pyproject.toml"

#: Wheels that Debian bookworm's Python and C library (2.36) can load, whatever this machine runs.
_HOST_TAGS = (
    "--only-binary=:all:", "--python-version=3.11", "--implementation=cp",
    *(f"--platform=manylinux{glibc}_x86_64" for glibc in ("_2_34", "_2_28", "_2_17", "2014")),
)  # fmt: skip
_PIP = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--no-compile")
_INSTALL_LIMIT_S = 300
_NEEDS = "the lab wants the Python of .venv, which has pip and hatchling: use `make lab`"

_VIA = re.compile(r"^    #(?: via)?\s+([a-z0-9._-]+)$", re.MULTILINE)
_ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*?\])?==", re.MULTILINE)


def runtime_lock(project: str, lock: str) -> str:
    """The part of a requirements.lock that a host needs: ``dependencies`` of the project, and what they need.

    A lock by uv says below each package who asked for it (``# via``); extras of the project are left out.
    """
    starts = [match.start() for match in _ENTRY.finditer(lock)]
    blocks = [lock[start:end] for start, end in zip(starts, [*starts[1:], len(lock)], strict=True)]
    entries = {block.partition("==")[0].partition("[")[0]: block for block in blocks}
    asked = {name: set(_VIA.findall(block)) for name, block in entries.items()}
    wanted = {re.split(r"[<>=~!\[; ]", line)[0].lower() for line in tomllib.loads(project)["project"]["dependencies"]}
    while more := {name for name in entries if name not in wanted and asked[name] & wanted}:
        wanted |= more
    return "".join(entries[name] for name in sorted(wanted))


def make_deps(folder: Path, root: Path) -> None:
    """Fill ``folder`` with ``deps.ext4``."""
    lock = folder / "requirements.txt"
    lock.write_text(runtime_lock(PROJECT.read_text(), LOCK.read_text()))
    tree = folder / "tree"
    argv = [*_PIP, *_HOST_TAGS, "--require-hashes", "--no-deps", "--target", str(tree), "--requirement", str(lock)]
    run(argv, limit_s=_INSTALL_LIMIT_S, hint=f"are all packages of requirements.lock to be had? {_NEEDS}")
    _pack(tree, root, folder, "deps")


def make_mooring(folder: Path, root: Path) -> None:
    """Fill ``folder`` with ``mooring.ext4``, from a wheel built of this checkout."""
    tree = folder / "tree"
    argv = [*_PIP, "--no-index", "--no-deps", "--no-build-isolation", "--target", str(tree), str(REPOSITORY)]
    run(argv, limit_s=_INSTALL_LIMIT_S, hint=_NEEDS)
    _pack(tree, root, folder, "mooring")


def _pack(tree: Path, root: Path, folder: Path, name: str) -> None:
    """Compile a folder of packages, and make it the disk ``name``.ext4.

    The disk is never written again, so nothing checks at import whether a compiled file is of its source.
    """
    compile_all = f"python3 -m compileall -q -j 2 --invalidation-mode unchecked-hash -s /mnt -p /opt/{name} /mnt"
    inside(root / "tree", tree, compile_all, limit_s=_INSTALL_LIMIT_S, hint="compiling is done by the lab's Python")
    ext4(root / "tree", tree, folder / f"{name}.ext4", size_mib=size_mib(tree), label=name)
    shutil.rmtree(tree)
