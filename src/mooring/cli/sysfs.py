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
from mooring.core.devspec import DeviceSpec, concerned, decide
from mooring.core.devspec_entries import parse_device_specs
from mooring.core.endpoints import is_network
from mooring.core.pci_classes import class_name
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
_OTHER_FACTS = (Column(""), Column("ADDRESS"), Column("WHAT", folds=True), Column("IDS"), Column("DRIVER"), *_NUMBERS)
_OTHER_OFFERS = (*_OTHER_FACTS[:5], Column("HANDED OUT", folds=True))
_LINK = {True: "up", False: "down", None: None}


Cells = Callable[[Device], Sequence[object]]


def list_tree(path: Path, spec: Path | None, *, is_all: bool, is_json: bool) -> None:
    """Print the NICs below ``path``; with an agent.toml as ``spec``, what it would hand out, of all that it names.

    ``is_all``: whatever else there is, too. Raises NotFound where there is no sysfs tree, Invalid for a recording or a
    file that cannot be read.
    """
    with unpacked(path) as root:
        functions = CardTraits.of(root).added_to(read_functions(root))
        specs = () if spec is None else _specs(spec)
        shown = frozenset(one.address for one in functions) if is_all else concerned(functions, specs)
        told = [_shown(one) for one in functions] if spec is None else _offered(root, functions, specs)
        devices = [one for one, function in zip(told, functions, strict=True) if function.address in shown]
        strangers = {str(one.address) for one in functions if is_network(one) is False}
    if is_json:
        print_json(devices)
        return
    _print_trees([one for one in devices if one["address"] not in strangers], is_offer=spec is not None)
    others = [one for one in devices if one["address"] in strangers]
    if others:
        say("")
        cells = _other_facts if spec is None else _other_offer
        rows = [row for pf, below in trees(others) for row in _rows(pf, below, cells)]
        print_groups(_OTHER_FACTS if spec is None else _OTHER_OFFERS, [Group("", rows)])
    print_notes("wrong", [(one["address"], fault) for one in devices for fault in one["faults"]])
    if spec is not None:
        print_notes("not handed out", [(one["address"], one["reason"]) for one in devices if _is_told(one)])
    say(_sum(devices, others, hidden=len(functions) - len(devices), is_offer=spec is not None))


def _is_told(one: Device) -> bool:
    """That a PF is not handed out goes without saying, unless an entry decides about it."""
    return not one["faults"] and (one["kind"] != FunctionKind.PF or one["entry"] is not None)


def _sum(devices: Sequence[Device], others: Sequence[Device], *, hidden: int, is_offer: bool) -> str:
    nics = [one for one in devices if one not in others]
    pfs, vfs = ([one for one in nics if one["kind"] == kind] for kind in (FunctionKind.PF, FunctionKind.VF))
    told = [counted(len(pfs), "PF"), counted(len(vfs), "VF")]
    if others:
        told.append(counted(len(others), "other device"))
    if is_offer:
        told.append(f"{sum(one['is_offered'] for one in devices)} of them handed out")
    text = f"\n{', '.join(told)}"
    return f"{text}; --all shows {hidden} more that are no NICs" if hidden else text


def _print_trees(devices: Sequence[Device], *, is_offer: bool) -> None:
    cells = _offer if is_offer else _facts
    rows = [row for pf, below in trees(devices) for row in _rows(pf, below, cells)]
    print_groups(_OFFERS if is_offer else _FACTS, [Group("", rows)])


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


def _other_facts(one: Device) -> Sequence[object]:
    return (*_other_names(one), one["numa_node"], one["iommu_group"])


def _other_offer(one: Device) -> Sequence[object]:
    return (*_other_names(one), _offer(one)[-1])


def _other_names(one: Device) -> Sequence[object]:
    told = class_name(one["device_class"])
    what = f"{told} ({one['device_class']})" if told else one["device_class"] or None
    return (one["address"], what, f"{one['vendor_id']}:{one['product_id']}", one["driver"])


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


def _specs(spec: Path) -> Sequence[DeviceSpec]:
    file = load_agent(spec)
    return parse_device_specs(file.device_specs, file.device_spec_lines)


def _offered(root: Path, functions: Sequence[PciFunction], specs: Sequence[DeviceSpec]) -> Iterator[Device]:
    named = concerned(functions, specs)
    uses = host_uses(root, [one for one in functions if one.address in named], occupants_of(root))
    for decision in decide(functions, specs, uses):
        offered = decision.offered
        yield {
            **_shown(offered.function),
            "physical_network": offered.physical_network,
            "trusted": offered.is_offered and offered.trusted,
            "tags": list(offered.tags) if offered.is_offered else [],
            "is_offered": offered.is_offered,
            "reason": offered.reason,
            "entry": decision.entry,
        }
