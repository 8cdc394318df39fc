"""Ways to damage a sysfs tree, to mend it again, and to see what is still handed out of the recorded host's."""

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mooring.core.devspec import DeviceSpec, offer
from mooring.model.pci import PciAddress, PciFunction

PF = PciAddress.parse("0000:81:00.0")
OTHER_PF = PciAddress.parse("0000:81:00.1")
FIRST = PciAddress.parse("0000:81:10.0")  # virtfn0 of PF
VF = PciAddress.parse("0000:81:10.2")  # virtfn1 of PF
SIBLING = PciAddress.parse("0000:81:10.4")  # virtfn2 of PF
LAST = PciAddress.parse("0000:81:10.6")  # virtfn3 of PF
ALL_VFS = frozenset(PciAddress.parse(f"0000:81:10.{n}") for n in range(8))


def content(raw: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(raw)

    return damage


def link(target: str) -> Callable[[Path], None]:
    """A link in the place of what is there, a folder included."""

    def damage(path: Path) -> None:
        remove(path)
        path.symlink_to(target)

    return damage


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def copied(path: Path, to: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, to, symlinks=True)
    else:
        shutil.copy(path, to, follow_symlinks=False)


def folder(path: Path) -> None:
    remove(path)
    path.mkdir()


def plain_file(path: Path) -> None:
    remove(path)
    path.write_text("7\n")


def fifo(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


CONTENTS = {
    "empty": b"",
    "only a newline": b"\n",
    "garbage": b"garbage\n",
    "binary": bytes(range(256)),
    "a zero byte": b"1\0\n",
    "huge": b"1" * 1_000_000,
    "one byte too long": b"1" * 4097,
    "negative": b"-7\n",
    "2**40": b"1099511627776\n",
    "a fraction": b"1.0\n",
    "another alphabet's digits": "\N{FULLWIDTH DIGIT ONE}\n".encode(),
    "a space before": b" 1\n",
    "two lines": b"1\n1\n",
    "all ones": b"0xffff\n",
}
DAMAGES: dict[str, Callable[[Path], None]] = {
    "gone": remove,
    "a folder": folder,
    "a fifo": fifo,
    "a link to itself": lambda path: link(path.name)(path),
    "a link to nowhere": link("nowhere"),
    "a link to another file": link("/etc/hostname"),
    **{name: content(raw) for name, raw in CONTENTS.items()},
}


@contextmanager
def damaged(root: Path, address: PciAddress, name: str, damage: Callable[[Path], object]) -> Iterator[None]:
    """Damage one file, and put it back afterwards: much quicker than a tree for each test."""
    path, spare = at(root, address) / name, root.parent / "spare"
    neighbours = set(path.parent.iterdir())
    if path in neighbours:
        copied(path, spare)
    try:
        damage(path)
        yield
    finally:
        for present in set(path.parent.iterdir()) - neighbours | {path}:
            if os.path.lexists(present):
                remove(present)
        if path in neighbours:
            spare.rename(path)


def at(root: Path, address: PciAddress) -> Path:
    return Path(os.path.realpath(root / "bus/pci/devices" / str(address)))


def offered(functions: Collection[PciFunction]) -> frozenset[PciAddress]:
    """What is handed out when every function of bus 81 may be."""
    specs = [DeviceSpec(pf=pf, physical_network="physnet2") for pf in (PF, OTHER_PF)]
    specs += [DeviceSpec(address=vf, physical_network="physnet2") for vf in sorted(ALL_VFS)]
    return frozenset(one.function.address for one in offer(list(functions), specs, {}) if one.is_offered)
