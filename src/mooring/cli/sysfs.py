"""What ``mooring device list --sysfs`` shows: the functions of a live or recorded sysfs tree, with no controller."""

import dataclasses
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mooring.cli.text import Column, Group, counted, print_groups, print_json, say
from mooring.cli.tree import Device, print_notes, speed, trees
from mooring.config import load_agent
from mooring.core.devspec import decide
from mooring.core.devspec_entries import parse_device_specs
from mooring.errors import Invalid, Unsupported
from mooring.host.host_use import host_uses
from mooring.host.occupants import occupants_of
from mooring.host.sysfs import read_functions
from mooring.host.traits import CardTraits
from mooring.model.pci import FunctionKind, PciFunction

_MEMBERS_MAX = 200_000
_UNPACKED_MAX_BYTES = 256 * 1024 * 1024

_START = (Column(""), Column("ADDRESS"), Column("NETDEV", folds=True), Column("DRIVER", folds=True))
_NUMBERS = (Column("NUMA", is_number=True), Column("IOMMU", is_number=True))
_FACTS = (*_START, Column("MAC"), *_NUMBERS, Column("LINK", folds=True))
_OFFERS = (*_START, Column("REACHES", folds=True), Column("HANDED OUT", folds=True))
_LINK = {True: "up", False: "down", None: None}


Cells = Callable[[Device], Sequence[object]]


def list_tree(path: Path, spec: Path | None, *, is_json: bool) -> None:
    """Print the functions below ``path``; with an agent.toml as ``spec``, what it would hand out.

    Raises NotFound where there is no sysfs tree, Invalid for a recording or a file that cannot be read.
    """
    with unpacked(path) as root:
        functions = CardTraits.of(root).added_to(read_functions(root))
        devices = [_shown(function) for function in functions]
        if spec is not None:
            devices = list(_offered(root, functions, spec))
    if is_json:
        print_json(devices)
        return
    cells = _facts if spec is None else _offer
    rows = [row for pf, below in trees(devices) for row in _rows(pf, below, cells)]
    print_groups(_FACTS if spec is None else _OFFERS, [Group("", rows)])
    print_notes("wrong", [(one["address"], fault) for one in devices for fault in one["faults"]])
    pfs = [one for one in devices if one["kind"] == FunctionKind.PF]
    vfs = [one for one in devices if one["kind"] == FunctionKind.VF]
    told = f"\n{counted(len(pfs), 'PF')}, {counted(len(vfs), 'VF')}"
    if spec is not None:
        held_back = [(one["address"], one["reason"]) for one in devices if one not in pfs and not one["faults"]]
        print_notes("not handed out", held_back)
        told += f", {sum(one['is_offered'] for one in vfs)} of them handed out"
    say(told)


def _rows(pf: Device | None, below: Sequence[Device], cells: Cells) -> Iterator[Sequence[object]]:
    """The PF, and its VFs below it as branches; other functions as what they are."""
    if pf is not None:
        yield ("PF", *cells(pf))
    for number, one in enumerate(below, start=1):
        index = "?" if one["vf_index"] is None else one["vf_index"]
        branch = f"{'└' if number == len(below) else '├'} {index}"
        kind = "VF" if one["kind"] == FunctionKind.VF else "PCI"
        yield (kind if pf is None else branch, *cells(one))


def _facts(one: Device) -> Sequence[object]:
    link = speed(one["link_speed_mbps"]) or _LINK[one["link_is_up"]]
    return (*_names(one), one["mac"], one["numa_node"], one["iommu_group"], link)


def _offer(one: Device) -> Sequence[object]:
    marks = [*(["trusted"] if one["trusted"] else []), *one["tags"]]
    return (*_names(one), one["physical_network"], " ".join(["yes", *marks]) if one["is_offered"] else None)


def _names(one: Device) -> Sequence[object]:
    return (one["address"], one["netdev"], one["driver"])


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The tree itself; a packed one in a folder that goes away afterwards."""
    if not path.name.endswith((".tar.gz", ".tgz")):
        yield path
        return
    if not hasattr(tarfile, "data_filter"):
        # Debian 12's 3.11.2: without the filter an archive may write wherever its names lead.
        raise Unsupported("this Python cannot unpack an archive safely", hint="unpack it with tar, and name its folder")
    with TemporaryDirectory(prefix="mooring-sysfs-") as folder:
        try:
            with tarfile.open(path, "r:gz") as archive:
                _check_size(path, archive)
                archive.extraction_filter = tarfile.data_filter
                archive.extractall(folder)  # noqa: S202 - the filter keeps it inside
        except (OSError, EOFError, tarfile.TarError) as broken:
            raise Invalid(f"{path} cannot be unpacked: {broken}", hint="pack it with tar --create --gzip") from broken
        yield Path(folder)


def _check_size(path: Path, archive: tarfile.TarFile) -> None:
    size_bytes = 0
    for number, member in enumerate(archive, start=1):
        size_bytes += member.size
        if number > _MEMBERS_MAX or size_bytes > _UNPACKED_MAX_BYTES:
            raise Invalid(f"{path} is larger than any sysfs tree", hint="unpack it yourself and give the folder")


def _shown(function: PciFunction) -> Device:
    """Every field, addresses as text."""
    return {
        **dataclasses.asdict(function),
        "address": str(function.address),
        "pf": None if function.pf is None else str(function.pf),
    }


def _offered(root: Path, functions: Sequence[PciFunction], spec: Path) -> Iterator[Device]:
    file = load_agent(spec)
    specs = parse_device_specs(file.device_specs, file.device_spec_lines)
    for decision in decide(functions, specs, host_uses(root, functions, occupants_of(root))):
        offered, given = decision.offered, decision.spec if decision.offered.is_offered else None
        yield {
            **_shown(offered.function),
            "physical_network": offered.physical_network,
            "trusted": given is not None and given.trusted,
            "tags": [] if given is None else list(given.tags),
            "is_offered": offered.is_offered,
            "reason": offered.reason,
        }
