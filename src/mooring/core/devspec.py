"""``device_spec``: the host's own rule of which functions it hands out, and which physical network they reach.

``core/devspec_entries.py`` reads the entries of ``[[device_spec]]``. ``decide`` lays them over what was discovered: an
entry with ``exclude`` wins wherever it stands, otherwise the first that matches decides, and what nothing matches is
not offered. Of an entry with ``whole`` PFs may be had too, of any other only their VFs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mooring.core.devspec_reasons import unfit, unfit_whole, without_network
from mooring.core.endpoints import held_by_group, is_network
from mooring.core.pci_pattern import AddressSelector, covers
from mooring.errors import Invalid
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

NO_NIC = "it is no NIC: leave that out"


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One entry. A function is matched when every selector that is given holds; ``None`` is one that is not given."""

    pf: PciAddress | str | None = None
    """A PF, by its own address, its netdev's name or its MAC address; it stands for the PF's VFs."""
    address: AddressSelector | None = None
    """Exactly this function, or those of a pattern."""
    vfs: frozenset[int] | None = None
    """Only these of a PF's VFs, written as ``0-3,8``; ``None`` is all."""
    physical_network: str | None = None
    """What NICs reach, and nothing else does: with it, an entry is about NICs; without, it hands out none."""
    exclude: bool = False
    """Never hand these out, whatever other entries say: the host itself needs them."""
    num_vfs: int | None = None
    """How many VFs the agent gives the PF when it finds none; ``None``: the host sees to that."""
    whole: bool = False
    """Hand out PFs themselves too, each as one device, and NICs without SR-IOV."""
    vendor_id: str | None = None
    """Of the function itself, four hex digits in lower case; so is ``product_id``, and a VF has another than its PF."""
    product_id: str | None = None
    device_class: str | None = None
    """Of the function itself: the first two, four or all six hex digits of its PCI class."""
    driver: str | None = None
    """Of the PF, for a VF's own changes with every guest; of a function without SR-IOV its own."""
    serial: str | None = None
    """Of the card; all ports of a card have the same."""
    switch_id: str | None = None
    """Of the PF's embedded switch."""
    link_type: str | None = None
    """Of the PF: ``ethernet`` or ``infiniband``."""
    min_link_speed_mbps: int | None = None
    """Of the PF's link as it is now; without a link there is no speed."""
    numa_node: int | None = None
    trusted: bool = False
    """The functions are for trusted ports."""
    tags: tuple[str, ...] = ()
    line: int | None = field(default=None, compare=False)
    """Where the entry stands in its file, if that is known."""

    def matches(self, function: PciFunction, pf: PciFunction | None) -> bool:
        """``pf`` is the PF of a VF, if it was discovered."""
        return self.is_about(function, pf) and next(self.differences(function, pf), None) is None

    def is_about(self, function: PciFunction, pf: PciFunction | None) -> bool:
        """Whether the entry says anything of functions of this kind."""
        if self.exclude:
            return function.kind is not FunctionKind.PF or self.vfs is None
        if self.physical_network is not None and is_network(function, pf) is False:
            return False
        return self.whole or function.kind is not FunctionKind.PF

    def selects(self, function: PciFunction, pf: PciFunction | None) -> bool:
        """Whether a function that is no NIC is meant, be it handed out or not: a PF too whose VFs alone are."""
        is_about = self.exclude or self.physical_network is None
        return is_about and next(self.differences(function, pf), None) is None

    def says_nic(self, function: PciFunction, pf: PciFunction | None) -> bool:
        """Whether it is a NIC; of one that does not tell, whether the entry takes it for one."""
        told = is_network(function, pf)
        return self.physical_network is not None if told is None else told

    def differences(self, function: PciFunction, pf: PciFunction | None) -> Iterator[str]:
        """For each selector that does not hold: what it wants, and what is there."""
        if self.address is not None and not covers(self.address, function.address):
            yield f"it wants address {self.address}"
        if self.vendor_id not in (None, function.vendor_id):
            yield f"it wants vendor_id {self.vendor_id}, not {function.vendor_id or 'unknown'}"
        if self.product_id not in (None, function.product_id):
            yield f"it wants product_id {self.product_id}, not {function.product_id or 'unknown'}"
        if self.device_class is not None and not function.device_class.startswith(self.device_class):
            yield f"it wants class {self.device_class}, not {function.device_class or 'unknown'}"
        if self.vfs is not None and function.vf_index not in self.vfs:
            yield f"it wants other VFs, not {'one without index' if function.vf_index is None else function.vf_index}"
        card = pf if function.kind is FunctionKind.VF else function
        if self.names_pf and card is None:
            yield "it wants the VFs of a PF"
        else:
            yield from self._differences_of_port(card or function, function.numa_node)

    def _differences_of_port(self, port: PciFunction, numa_node: int | None) -> Iterator[str]:
        """What all functions of one port share: ``port`` is the PF, or a function that has none."""
        if self.pf is not None and self.pf not in (port.address, port.netdev, port.mac):
            yield f"it wants pf {self.pf}, not {port.netdev or port.address}"
        if self.serial not in (None, port.serial):
            yield f"it wants serial {self.serial}, not {port.serial or 'unknown'}"
        if self.switch_id not in (None, port.phys_switch_id):
            yield f"it wants switch_id {self.switch_id}, not {port.phys_switch_id or 'unknown'}"
        if self.driver not in (None, port.driver):
            yield f"it wants driver {self.driver}, not {port.driver or 'none'}"
        if self.link_type not in (None, port.link_type):
            yield f"it wants link_type {self.link_type}, not {port.link_type or 'unknown'}"
        speed_mbps = port.link_speed_mbps or 0
        if self.min_link_speed_mbps is not None and speed_mbps < self.min_link_speed_mbps:
            yield f"it wants a link of {self.min_link_speed_mbps} Mb/s, not {speed_mbps or 'unknown'}"
        node = port.numa_node if numa_node is None else numa_node
        if self.numa_node not in (None, node):
            yield f"it wants numa_node {self.numa_node}, not {'unknown' if node is None else node}"

    @property
    def names_pf(self) -> bool:
        """Whether it picks PFs, so that it can say something of a PF itself."""
        return not (self.pf is None and self.serial is None and self.switch_id is None)

    def selects_pf(self, pf: PciFunction) -> bool:
        """Whether this is a PF that it picks by ``pf``, ``serial`` or ``switch_id``."""
        return self.names_pf and next(self._differences_of_port(pf, None), None) is None

    @property
    def named(self) -> str:
        """What it selects, in a few words."""
        if self.pf is not None or self.address is not None:
            return str(self.pf or self.address)
        given = (
            ("serial", self.serial), ("switch_id", self.switch_id), ("vendor_id", self.vendor_id),
            ("product_id", self.product_id), ("class", self.device_class), ("driver", self.driver),
            ("link_type", self.link_type), ("numa_node", self.numa_node),
            ("min_link_speed_mbps", self.min_link_speed_mbps),
        )  # fmt: skip
        return ", ".join(f"{key} {value}" for key, value in given if value is not None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the entries say of one function."""

    offered: OfferedFunction
    entry: int | None = None
    """The index, from 0, of the entry that decided; ``None``: no entry matches."""
    spec: DeviceSpec | None = None
    """That entry."""


def offer(
    functions: Sequence[PciFunction], specs: Sequence[DeviceSpec], host_uses: Mapping[PciAddress, str]
) -> tuple[OfferedFunction, ...]:
    """Every function with what its entry gives it, and whether it is handed out or why not.

    ``host_uses`` says, by address, why the host itself uses a function. Only a function without faults is offered: a
    VF whose PF can be spoken to, a function without SR-IOV, and a PF that an entry hands out whole and whose VFs are
    all offered, if it has any. Another PF that an entry names carries its physical network.
    """
    return tuple(decision.offered for decision in decide(functions, specs, host_uses))


def decide(
    functions: Sequence[PciFunction], specs: Sequence[DeviceSpec], host_uses: Mapping[PciAddress, str]
) -> tuple[Decision, ...]:
    """``offer``, with the entry that decided."""
    by_address = {function.address: function for function in functions}
    decisions = [
        _decided(function, by_address.get(function.pf) if function.pf else None, specs, host_uses)
        for function in functions
    ]
    offered = {one.offered.function.address for one in decisions if one.offered.is_offered}
    held = held_by_group(functions, offered)
    decisions = [_kept(one, held.get(one.offered.function.address, "")) for one in decisions]
    below: dict[PciAddress | None, list[OfferedFunction]] = {}
    for one in decisions:
        if one.offered.function.kind is FunctionKind.VF:
            below.setdefault(one.offered.function.pf, []).append(one.offered)
    return tuple(_with_vfs(one, below.get(one.offered.function.address, ())) for one in decisions)


def concerned(functions: Sequence[PciFunction], specs: Sequence[DeviceSpec]) -> frozenset[PciAddress]:
    """The functions that somebody has to know of: NICs, and of all others those that an entry selects, with their PFs.

    A host has a hundred functions of its chipset that are nobody's business.
    """
    by_address = {function.address: function for function in functions}
    found: set[PciAddress] = set()
    for one in functions:
        pf = by_address.get(one.pf) if one.pf is not None else None
        if is_network(one, pf) is False and not any(spec.selects(one, pf) for spec in specs):
            continue
        found.add(one.address)
        if pf is not None:
            found.add(pf.address)
    return frozenset(found)


def why_none(function: PciFunction, pf: PciFunction | None, specs: Sequence[DeviceSpec]) -> str:
    """For a function that no entry matches: the entry that comes nearest, and what keeps it; empty when none is near.

    Near is an entry that is about functions of this kind and differs in one selector, and one that selects what is no
    NIC, by its very address or ids, and gives it a physical network.
    """
    near = ""
    for number, spec in enumerate(specs, start=1):
        differences = list(spec.differences(function, pf))
        if spec.is_about(function, pf):
            near = near or (f"nearest is entry {number}: {differences[0]}" if len(differences) == 1 else "")
        elif is_network(function, pf) is False and not differences and (spec.product_id or spec.address):
            return f"entry {number} gives it a physical_network, and {NO_NIC}"
    return near


def num_vfs_of(pf: PciFunction, specs: Sequence[DeviceSpec]) -> int | None:
    """How many VFs the entries give a PF; ``None``: they leave that to the host.

    Raises Invalid when entries that name it differently, by netdev and by address, disagree.
    """
    counts = {spec.num_vfs for spec in specs if spec.num_vfs is not None and spec.selects_pf(pf)}
    if len(counts) > 1:
        raise Invalid(
            f"device_spec gives PF {pf.address} ({pf.netdev}) {' and '.join(map(str, sorted(counts)))} VFs",
            hint="name it once, with one number",
        )
    return next(iter(counts), None)


def _decided(
    function: PciFunction, pf: PciFunction | None, specs: Sequence[DeviceSpec], host_uses: Mapping[PciAddress, str]
) -> Decision:
    matching = [(index, spec) for index, spec in enumerate(specs) if spec.matches(function, pf)]
    index, spec = next((one for one in matching if one[1].exclude), matching[0] if matching else (None, None))
    network = _physical_network(function, [spec for _, spec in matching], specs)
    given = OfferedFunction(function, physical_network=network)
    if index is None or spec is None:
        return _undecided(given, pf, specs)
    if not spec.exclude:
        given = replace(given, trusted=spec.trusted, tags=tuple(sorted(spec.tags)))
    reason = _reason(function, pf, index, spec, host_uses)
    return Decision(replace(given, is_offered=not reason, reason=reason), index, spec)


def _undecided(given: OfferedFunction, pf: PciFunction | None, specs: Sequence[DeviceSpec]) -> Decision:
    """A function that no entry matches. Of a PF that is no NIC, one may all the same be meant."""
    function = given.function
    if function.kind is not FunctionKind.PF:
        return Decision(replace(given, reason="; ".join(function.faults) or "no device_spec matches"))
    text = "; ".join(function.faults) or "a PF is not handed out, only its VFs are"
    for index, spec in enumerate(specs):
        if is_network(function) is False and not spec.exclude and spec.selects(function, pf):
            return Decision(replace(given, reason=f"{text}; whole = true hands it out itself"), index, spec)
    return Decision(replace(given, reason=text))


def _kept(one: Decision, reason: str) -> Decision:
    return replace(one, offered=replace(one.offered, is_offered=False, reason=reason)) if reason else one


def _with_vfs(one: Decision, vfs: Sequence[OfferedFunction]) -> Decision:
    """What a PF's VFs say of it: one that no entry names reaches what the first of them does that is handed out."""
    pf = one.offered
    if pf.function.kind is not FunctionKind.PF:
        return one
    if pf.is_offered:
        return _kept(one, unfit_whole(pf.function, vfs))
    if pf.physical_network is not None:
        return one
    reached = next((vf.physical_network for vf in vfs if vf.is_offered and vf.physical_network), None)
    return replace(one, offered=replace(pf, physical_network=reached))


def _physical_network(function: PciFunction, matching: Sequence[DeviceSpec], specs: Sequence[DeviceSpec]) -> str | None:
    """By the first entry that grants; for a PF that is not handed out, by the first that names it."""
    if is_network(function) is False:
        return None
    granting = next((spec for spec in matching if not spec.exclude), None)
    if granting is None and function.kind is FunctionKind.PF:
        granting = next((spec for spec in specs if spec.selects_pf(function) and not spec.exclude), None)
    return granting.physical_network if granting is not None else None


def _reason(
    function: PciFunction, pf: PciFunction | None, index: int, spec: DeviceSpec, host_uses: Mapping[PciAddress, str]
) -> str:
    """Why a function that an entry decides about is not handed out; empty: it is."""
    if spec.exclude:
        return f"device_spec entry {index + 1} excludes it"
    if function.faults:
        return "; ".join(function.faults)
    is_nic = spec.says_nic(function, pf)
    if is_nic and spec.physical_network is None:
        return without_network(index + 1)
    return unfit(function, pf, host_uses, is_nic=is_nic, is_whole=spec.whole)
