"""Kernel modules: which ones a system needs, found out from the modules themselves, and laid out uncompressed.

Debian ships them as .ko.xz; unpacking them at every boot costs seconds under emulation.
"""

import lzma
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from lab.errors import LabError
from lab.tools import inside

_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


@cache
def _content(module: Path) -> bytes:
    data = module.read_bytes()
    return lzma.decompress(data) if module.suffix == ".xz" else data


def _canonical(name: str) -> str:
    """The kernel takes - and _ in a module's name for the same."""
    return name.replace("-", "_")


def closure(modules: Path, wanted: Iterable[str]) -> list[Path]:
    """The files of the wanted modules and all they depend on, each after its own dependencies.

    What is built into the kernel is left out; a name that the kernel has in neither way is an error.
    """
    files = {_canonical(path.name.partition(".ko")[0]): path for path in sorted(modules.rglob("*.ko*"))}
    builtin = {_canonical(Path(line).stem) for line in (modules / "modules.builtin").read_text().split()}
    found: list[Path] = []
    for name in wanted:
        if _canonical(name) not in builtin:
            _add(_canonical(name), files, found)
    return found


def _add(name: str, files: Mapping[str, Path], found: list[Path]) -> None:
    if name not in files:
        raise LabError(f"this kernel has no module {name}")
    if files[name] in found:
        return
    depends = _DEPENDS.search(_content(files[name]))
    for each in depends[1].decode().split(",") if depends else []:
        if each:
            _add(_canonical(each), files, found)
    found.append(files[name])


def lay_out(files: Iterable[Path], modules: Path, into: Path) -> list[Path]:
    """Copy modules, uncompressed, to the same place below ``into``; where they are now, in the same order."""
    placed = []
    for file in files:
        relative = file.relative_to(modules)
        target = into / relative.parent / f"{relative.name.partition('.ko')[0]}.ko"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_content(file))
        placed.append(target)
    return placed


def index(root: Path, system: Path, version: str) -> None:
    """Run depmod over ``system``/lib/modules/``version``, so that modprobe and udev find what is there."""
    inside(root, system, f"depmod -b /mnt {version}", limit_s=60, hint="depmod reads what this build laid out")
