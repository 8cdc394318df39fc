"""One host of a file of hosts: its room, its aggregates, its NUMA nodes and its functions, as placing sees them.

Keys that are not known here are left alone, for inventories know more.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mooring.core.numa import Cells
from mooring.core.placing import HostView
from mooring.core.plan_values import Place, one_of, required_one_of
from mooring.core.pools import pools_of
from mooring.core.spare_rates import with_spare_rates
from mooring.errors import Invalid
from mooring.model.host import DEFAULT_ZONE, Aggregate, Liveness, NumaCell
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device
from mooring.model.vf import VfState

KINDS = {"PF": FunctionKind.PF, "VF": FunctionKind.VF, "PCI": FunctionKind.PCI}
DEVICES_MAX = 65_536
"""Of one host."""
NODES_MAX = 64
"""NUMA nodes of one host."""
AMOUNT_MAX = 2**31
_AGGREGATES_MAX = 256
_RATIO_MAX = 1000
_REASON_CHARS_MAX = 65_536
_STATES = {state.value: state for state in VfState}
_LIVENESSES = {liveness.value: liveness for liveness in Liveness}
_NODE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_NO_MATTER_WHEN = datetime(1970, 1, 1, tzinfo=UTC)
HINT = '{"hosts": [{"name": "h1", "devices": [{"address": "0000:0a:00.0", "type": "PF"}]}]}'


def read_host(place: Place) -> tuple[HostView, Liveness]:
    """The host, and whether its agent answers. Raises Invalid, naming host, device and key, for what is none."""
    name = place.required_text("name", "a text, as in h1")
    place = replace(place, name=f"host {name}: ")
    rows = place.objects("devices", DEVICES_MAX, HINT) if "devices" in place.value else ()
    devices = [_device(row) for row in rows]
    _check_parents(place, devices)
    groups = {device.address: frozenset(row.texts("groups")) for row, device in zip(rows, devices, strict=True)}
    promised = _promised(rows, devices)
    view = HostView(
        name, place.flag("is_enabled") is not False, place.text("disabled_reason", _REASON_CHARS_MAX),
        place.text("availability_zone") or DEFAULT_ZONE, cells=Cells(_cells(place)),
        aggregates=_aggregates(place, name),
        pools=pools_of(with_spare_rates(devices, promised), lambda device: groups[device.address]),
    )  # fmt: skip
    return _with_room(view, place), one_of(place, "liveness", _LIVENESSES) or Liveness.ALIVE


def _with_room(view: HostView, place: Place) -> HostView:
    def amount(key: str) -> int:
        return place.number(key, 0, AMOUNT_MAX) or 0

    def ratio(key: str, usual: float) -> float:
        return place.ratio(key, _RATIO_MAX) or usual

    return replace(
        view, vcpus=amount("vcpus"), used_vcpus=amount("used_vcpus"), memory_mib=amount("memory_mib"),
        used_memory_mib=amount("used_memory_mib"), disk_gib=amount("disk_gib"), used_disk_gib=amount("used_disk_gib"),
        vcpu_ratio=ratio("vcpu_ratio", view.vcpu_ratio), memory_ratio=ratio("memory_ratio", view.memory_ratio),
        disk_ratio=ratio("disk_ratio", view.disk_ratio),
    )  # fmt: skip


def _aggregates(place: Place, host: str) -> tuple[Aggregate, ...]:
    if place.value.get("aggregates") is None:
        return ()
    rows = place.objects("aggregates", _AGGREGATES_MAX, '{"aggregates": [{"name": "gpus", "metadata": {}}]}')
    return tuple(
        Aggregate(
            number, "", row.required_text("name", "a text, as in gpus"), _NO_MATTER_WHEN, _NO_MATTER_WHEN, (host,),
            row.properties("metadata"),
        )
        for number, row in enumerate(rows, start=1)
    )  # fmt: skip


def _device(place: Place) -> Device:
    address = _address(place, "address", place.required_text("address", "a PCI address, as in 0000:0a:00.0"))
    place = replace(place, name=f"{place.name}{address}: ")
    kind = required_one_of(place, "type", KINDS)
    parent = place.text("parent")
    if (parent is not None) != (kind is FunctionKind.VF):
        told = "is a VF without a parent" if parent is None else f"is no VF, and has the parent {parent}"
        raise Invalid(f"{place.name}it {told}", hint="a VF, and nothing else, has the address of its PF as parent")
    since = place.moment("updated_at")
    return Device(
        "", "", address, kind, place.text("vendor_id") or "", place.text("product_id") or "", _state(place),
        since or _NO_MATTER_WHEN, pf=None if parent is None else _address(place, "parent", parent),
        vf_count=place.number("vf_count", 0, AMOUNT_MAX), numa_node=place.number("numa_node", 0, AMOUNT_MAX),
        iommu_group=place.number("iommu_group", 0, AMOUNT_MAX),
        link_speed_mbps=place.number("link_speed_mbps", 0, AMOUNT_MAX),
        physical_network=place.text("physical_network"), is_offered=place.flag("is_offered") is not False,
        # Why something is in quarantine is told with since when: without that it would be half a sentence.
        reason=(place.text("reason", _REASON_CHARS_MAX) or "") if since else "", trusted=place.flag("trusted") or False,
        features=tuple(sorted(set(place.texts("features")))),
    )  # fmt: skip


def _state(place: Place) -> VfState:
    """In use where it has an owner and nothing else is said, else free."""
    owner, state = place.text("owner"), one_of(place, "state", _STATES)
    if owner is not None and state is VfState.AVAILABLE:
        raise Invalid(
            f"{place.name}it has the owner {owner}, and its state is {state}",
            hint="what is available has no owner: leave out one of the two",
        )
    return state or (VfState.AVAILABLE if owner is None else VfState.IN_USE)


def _check_parents(place: Place, devices: Sequence[Device]) -> None:
    kinds: dict[PciAddress, FunctionKind] = {}
    for device in devices:
        if device.address in kinds:
            raise Invalid(f"{place.name}device {device.address} is there twice", hint="list each once")
        kinds[device.address] = device.kind
    for device in devices:
        if device.pf is not None and kinds.get(device.pf) is not FunctionKind.PF:
            told = "not in the inventory" if device.pf not in kinds else "no PF"
            raise Invalid(
                f"{place.name}VF {device.address} has the parent {device.pf}, which is {told}",
                hint="list the PF with its VFs, for what is done with one is not without consequence for the other",
            )


def _promised(rows: Sequence[Place], devices: Sequence[Device]) -> Counter[PciAddress]:
    """By PF what its VFs' owners were promised of its link."""
    promised: Counter[PciAddress] = Counter()
    for row, device in zip(rows, devices, strict=True):
        rate_mbps = row.number("min_rate_mbps", 0, AMOUNT_MAX)
        if rate_mbps and device.pf is None:
            raise row.wrong("min_rate_mbps", rate_mbps, "of a VF only, whose owner was promised it of the PF's link")
        if rate_mbps and device.pf is not None:
            promised[device.pf] += rate_mbps
    return promised


def _cells(place: Place) -> tuple[NumaCell, ...]:
    sockets = place.value.get("numa_sockets")
    if sockets is None:
        return ()
    if not isinstance(sockets, dict) or len(sockets) > NODES_MAX:
        raise place.wrong("numa_sockets", sockets, f'at most {NODES_MAX} nodes with sockets, as in {{"0": 0, "1": 0}}')
    cells = []
    for node in sockets:
        if not _NODE.fullmatch(node):
            raise place.wrong("numa_sockets", sockets, 'an object whose keys are numbers, as in {"0": 0, "1": 0}')
        socket = Place(f"{place.name}numa_sockets: ", sockets).number(node, 0, AMOUNT_MAX)
        cells.append(NumaCell(int(node), socket=socket))
    return tuple(sorted(cells, key=lambda cell: cell.id))


def _address(place: Place, key: str, text: str) -> PciAddress:
    try:
        return PciAddress.parse(text)
    except ValueError as wrong:
        raise place.wrong(key, text, "a PCI address, as in 0000:0a:02.3") from wrong
