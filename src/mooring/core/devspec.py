"""``device_spec``: the host's own rule of which functions it hands out, and which physical network they reach.

``core/devspec_entries.py`` reads the entries of ``[[device_spec]]``. ``decide`` lays them over what was discovered: an
entry with ``exclude`` wins wherever it stands, otherwise the first that matches decides, and what nothing matches is
not offered. An entry with ``whole`` is about PFs themselves, any other that grants is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mooring.core.pci_pattern import AddressSelector, covers
from mooring.errors import Invalid
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction


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
    """What the functions reach. Only an entry that excludes may leave it out."""
    exclude: bool = False
    """Never hand these out, whatever other entries say: the host itself needs them."""
    num_vfs: int | None = None
    """How many VFs the agent gives the PF when it starts and finds none; ``None``: the host sees to that."""
    whole: bool = False
    """Hand out the PF itself, as one device, while it has no VFs."""
    vendor_id: str | None = None
    """Of the function itself, four hex digits in lower case; so is ``product_id``, and a VF has another than its PF."""
    product_id: str | None = None
    device_class: str | None = None
    """Of the function itself: the first two, four or all six hex digits of its PCI class."""
    driver: str | None = None
    """Of the PF: a VF's own changes with every guest."""
    serial: str | None = None
    """Of the PF's card; all ports of a card have the same."""
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
        return self.is_about(function) and next(self.differences(function, pf), None) is None

    def is_about(self, function: PciFunction) -> bool:
        """Whether the entry says anything of functions of this kind."""
        if function.kind is FunctionKind.PF:
            return self.whole or (self.exclude and self.vfs is None)
        return not self.whole

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
        card = function if function.kind is FunctionKind.PF else pf
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

    def is_whole(self, function: PciFunction) -> bool:
        """Whether it hands out this PF itself."""
        return self.whole and function.kind is FunctionKind.PF and self.selects_pf(function)

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
    """Every function with the physical network that it reaches, and whether it is handed out or why not.

    ``host_uses`` says, by address, why the host itself uses a function. Only a VF without faults, whose PF can be
    spoken to, is offered, and a PF without VFs that an entry hands out whole. Any other PF that an entry names carries
    its physical network, and is not offered itself.
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
    reached: dict[PciAddress | None, str] = {}
    for one in decisions:
        if one.offered.is_offered and one.offered.physical_network:
            reached.setdefault(one.offered.function.pf, one.offered.physical_network)
    return tuple(_labelled(one, reached) for one in decisions)


def why_none(function: PciFunction, pf: PciFunction | None, specs: Sequence[DeviceSpec]) -> str:
    """For a function that no entry matches: the entry that comes nearest, and what keeps it; empty when none is near.

    Near is an entry that is about functions of this kind and differs in one selector.
    """
    for number, spec in enumerate(specs, start=1):
        differences = list(spec.differences(function, pf)) if spec.is_about(function) else []
        if len(differences) == 1:
            return f"nearest is entry {number}: {differences[0]}"
    return ""


def num_vfs_of(pf: PciFunction, specs: Sequence[DeviceSpec]) -> int | None:
    """How many VFs the entries give a PF; ``None``: they leave that to the host.

    Raises Invalid when entries that name it differently, by netdev and by address, disagree.
    """
    counts = {spec.num_vfs for spec in specs if spec.num_vfs is not None and spec.selects_pf(pf)}
    counts |= {0 for spec in specs if counts and spec.is_whole(pf)}
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
    deciding = next((one for one in matching if one[1].exclude), matching[0] if matching else None)
    index, spec = deciding if deciding is not None else (None, None)
    offered = OfferedFunction(function=function, physical_network=_physical_network(function, matching, specs))
    reason = _reason(function, pf, deciding, host_uses)
    return Decision(replace(offered, is_offered=not reason, reason=reason), index, spec)


def _labelled(one: Decision, reached: Mapping[PciAddress | None, str]) -> Decision:
    """A PF that no entry names reaches what the first of its VFs does that is handed out."""
    offered = one.offered
    if offered.physical_network is not None or offered.function.kind is not FunctionKind.PF:
        return one
    return replace(one, offered=replace(offered, physical_network=reached.get(offered.function.address)))


def _physical_network(
    function: PciFunction, matching: Sequence[tuple[int, DeviceSpec]], specs: Sequence[DeviceSpec]
) -> str | None:
    """By the first entry that grants; for a PF that is not handed out, by the first that names it."""
    granting = next((spec for _, spec in matching if not spec.exclude), None)
    if granting is None and function.kind is FunctionKind.PF:
        granting = next((spec for spec in specs if spec.selects_pf(function) and not spec.exclude), None)
    return granting.physical_network if granting is not None else None


def _reason(
    function: PciFunction,
    pf: PciFunction | None,
    deciding: tuple[int, DeviceSpec] | None,
    host_uses: Mapping[PciAddress, str],
) -> str:
    """Why it is not handed out; empty: it is."""
    if deciding is not None and deciding[1].exclude:
        return f"device_spec entry {deciding[0] + 1} excludes it"
    if function.faults:
        return "; ".join(function.faults)
    if function.kind is FunctionKind.PF:
        unfit = _unfit_whole(function, host_uses)
        return unfit if deciding is not None else "a PF is not handed out, only its VFs are"
    if deciding is None:
        return "no device_spec matches"
    return _unfit(function, pf, host_uses)


def _unfit(function: PciFunction, pf: PciFunction | None, host_uses: Mapping[PciAddress, str]) -> str:
    """Why a matched function cannot be handed out all the same; empty: it can."""
    if function.kind is not FunctionKind.VF or function.vf_index is None:
        return "it is not a VF, and only VFs are handed out"
    if pf is None or pf.netdev is None:
        return f"its PF {function.pf} has no netdev, so that it cannot be programmed"
    if function.address in host_uses:
        return f"the host itself uses it: {host_uses[function.address]}"
    return ""


def _unfit_whole(pf: PciFunction, host_uses: Mapping[PciAddress, str]) -> str:
    """Why a PF cannot be handed out whole; empty: it can."""
    if pf.vf_count != 0:
        return f"it is to be handed out whole, and has {pf.vf_count} VFs"
    if pf.address in host_uses:
        return f"the host itself uses it: {host_uses[pf.address]}"
    return ""
