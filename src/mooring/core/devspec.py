"""``device_spec``: the host's own rule of which functions it hands out, and which physical network they reach.

The entries of ``[[device_spec]]`` are checked when they are read, to the last key: a rule that says something else than
was meant would hand out the wrong card. Then ``offer`` lays them over what was discovered: an entry with ``exclude``
wins wherever it stands, otherwise the first that matches decides, and what nothing matches is not offered. An entry
with ``whole`` is about the PF itself and not about its VFs.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from mooring.errors import Invalid
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

VF_INDEX_MAX = 65534
NUM_VFS_MAX = 65535
"""TotalVFs is a 16-bit number (SR-IOV specification, 3.3.6)."""
PHYSICAL_NETWORK_MAX_CHARS = 64
"""The width of Neutron's column."""
_SHOWN_MAX_CHARS = 80

_IFNAME = re.compile(r"[!-.0-9;-~]{1,15}", re.ASCII)  # printable, and neither a slash nor a colon
_PHYSICAL_NETWORK = re.compile(rf"[!-)+\-.-9;-~]{{1,{PHYSICAL_NETWORK_MAX_CHARS}}}", re.ASCII)  # nor * , or :
_VF_RANGE = re.compile(r"\s*([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One entry. It selects VFs: all of a PF's, some of a PF's, or the one function at an address; or a whole PF."""

    pf: PciAddress | str | None = None
    """A PF, by its own address or by its netdev's name; it stands for the PF's VFs."""
    address: PciAddress | None = None
    """Exactly this function."""
    vfs: frozenset[int] | None = None
    """Only these of the PF's VFs, written as ``0-3,8``; ``None`` is all."""
    physical_network: str | None = None
    """What the functions reach. Only an entry that excludes may leave it out."""
    exclude: bool = False
    """Never hand these out, whatever other entries say: the host itself needs them."""
    num_vfs: int | None = None
    """How many VFs the agent gives the PF when it starts and finds none; ``None``: the host sees to that."""
    whole: bool = False
    """Hand out the PF itself, as one device, while it has no VFs."""

    def matches(self, function: PciFunction, pf: PciFunction | None) -> bool:
        """``pf`` is the PF of a VF, if it was discovered."""
        if self.address is not None:
            return function.address == self.address
        if self.whole:
            return self.is_whole(function)
        if self.exclude and self.vfs is None and function.kind is FunctionKind.PF:
            return self.selects_pf(function)
        if function.kind is not FunctionKind.VF or pf is None or not self.selects_pf(pf):
            return False
        return self.vfs is None or function.vf_index in self.vfs

    def selects_pf(self, pf: PciFunction) -> bool:
        """Whether ``pf = ...`` names this PF."""
        return self.pf is not None and self.pf in (pf.address, pf.netdev)

    def is_whole(self, function: PciFunction) -> bool:
        """Whether it hands out this PF itself."""
        return self.whole and function.kind is FunctionKind.PF and self.selects_pf(function)


def parse_device_specs(entries: Sequence[Mapping[str, object]]) -> tuple[DeviceSpec, ...]:
    """The checked entries, in their order.

    Raises Invalid that names entry (counted from 1), field and value, with the way out as its hint: for an unknown key,
    a wrong type, text that cannot be read, an entry that selects nothing, one without a physical network, and two that
    give one PF different numbers of VFs.
    """
    specs = tuple(_Entry(number, values).parse() for number, values in enumerate(entries, start=1))
    _refuse_disagreement(specs)
    return specs


def offer(
    functions: Sequence[PciFunction], specs: Sequence[DeviceSpec], host_uses: Mapping[PciAddress, str]
) -> tuple[OfferedFunction, ...]:
    """Every function with the physical network that it reaches, and whether it is handed out or why not.

    ``host_uses`` says, by address, why the host itself uses a function. Only a VF without faults, whose PF can be
    spoken to, is offered, and a PF without VFs that an entry hands out whole. Any other PF that an entry names carries
    its physical network, and is not offered itself.
    """
    by_address = {function.address: function for function in functions}
    return tuple(
        _offered(function, by_address.get(function.pf) if function.pf else None, specs, host_uses)
        for function in functions
    )


def _refuse_disagreement(specs: Sequence[DeviceSpec]) -> None:
    """By the name that the entries use; one PF under two names shows only on the host (``num_vfs_of``)."""
    first: dict[object, tuple[int, DeviceSpec]] = {}
    for number, spec in enumerate(specs, start=1):
        if spec.pf is None or not (spec.whole or spec.num_vfs is not None):
            continue
        before, other = first.setdefault(spec.pf, (number, spec))
        if (spec.num_vfs, spec.whole) != (other.num_vfs, other.whole):
            raise Invalid(
                f"device_spec entry {number}: it gives {spec.pf} {_vfs_of(spec)}, and entry {before} {_vfs_of(other)}",
                hint="give one PF one number of VFs, or hand it out whole",
                facts={"entry": number, "field": "whole" if spec.whole else "num_vfs"},
            )


def _vfs_of(spec: DeviceSpec) -> str:
    return "whole" if spec.whole else f"num_vfs = {spec.num_vfs}"


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


def _offered(
    function: PciFunction, pf: PciFunction | None, specs: Sequence[DeviceSpec], host_uses: Mapping[PciAddress, str]
) -> OfferedFunction:
    matching = [(number, spec) for number, spec in enumerate(specs, start=1) if spec.matches(function, pf)]
    excluding = next((number for number, spec in matching if spec.exclude), None)
    granting = next((spec for _, spec in matching if not spec.exclude), None)
    is_whole = function.kind is FunctionKind.PF and granting is not None and granting.whole
    if excluding is None and granting is None and function.kind is FunctionKind.PF:
        granting = next((spec for spec in specs if spec.selects_pf(function) and not spec.exclude), None)
    if excluding is not None:
        reason = f"device_spec entry {excluding} excludes it"
    elif function.faults:
        reason = "; ".join(function.faults)
    elif is_whole:
        reason = _unfit_whole(function, host_uses)
    elif function.kind is FunctionKind.PF:
        reason = "a PF is not handed out, only its VFs are"
    elif granting is None:
        reason = "no device_spec matches"
    else:
        reason = _unfit(function, pf, host_uses)
    return OfferedFunction(
        function=function,
        physical_network=granting.physical_network if granting else None,
        is_offered=not reason,
        reason=reason,
    )


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


class _Entry:
    """One raw entry on its way to a ``DeviceSpec``."""

    def __init__(self, number: int, values: Mapping[str, object]) -> None:
        self.number = number
        self.values = values

    def parse(self) -> DeviceSpec:
        self._refuse_unknown()
        exclude = self._flag("exclude")
        spec = DeviceSpec(
            pf=self._pf(),
            address=self._address(),
            vfs=self._vfs(),
            physical_network=self._physical_network(),
            exclude=exclude,
            num_vfs=self._num_vfs(),
            whole=self._flag("whole"),
        )
        if spec.pf is None and spec.address is None:
            raise self._invalid("it selects nothing", "give pf (a netdev's name or a PF's address) or address")
        if spec.pf is not None and spec.address is not None:
            raise self._invalid("it has both pf and address", "address alone names one function; leave pf out")
        if spec.vfs is not None and spec.pf is None:
            raise self._invalid("it has vfs without pf", "vfs are counted on a PF; name it with pf")
        if spec.physical_network is None and not exclude:
            raise self._invalid("it has no physical_network", "name the physical network, or set exclude = true")
        self._refuse_mixture(spec)
        return spec

    def _refuse_mixture(self, spec: DeviceSpec) -> None:
        if spec.num_vfs is not None and spec.pf is None:
            raise self._invalid("it has num_vfs without pf", "VFs are made on a PF; name it with pf", key="num_vfs")
        if not spec.whole:
            return
        if spec.pf is None:
            raise self._invalid("it has whole without pf", "name the PF with pf", key="whole")
        for key in ("vfs", "num_vfs"):
            if key in self.values:
                raise self._invalid(f"it has both whole and {key}", f"a whole PF has no VFs; leave {key} out", key=key)
        if spec.exclude:
            raise self._invalid(
                "it has both whole and exclude", "a PF is handed out only by an entry with whole; leave that out",
                key="whole",
            )  # fmt: skip

    def _refuse_unknown(self) -> None:
        known = [field.name for field in fields(DeviceSpec)]
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                raise self._invalid(f"unknown key {_shown(key)}", hint, key=str(key))

    def _pf(self) -> PciAddress | str | None:
        text = self._text("pf")
        if text is None:
            return None
        try:
            return PciAddress.parse(text)
        except ValueError:
            pass
        if _IFNAME.fullmatch(text) is None or text in (".", ".."):
            raise self._wrong(
                "pf", "is neither a netdev's name nor a PCI address", 'write pf = "ens1f0" or "0000:81:00.0"'
            )
        return text

    def _address(self) -> PciAddress | None:
        text = self._text("address")
        if text is None:
            return None
        try:
            return PciAddress.parse(text)
        except ValueError as cause:
            raise self._wrong("address", "is not a PCI address", 'write address = "0000:81:10.4"') from cause

    def _vfs(self) -> frozenset[int] | None:
        text = self._text("vfs")
        if text is None:
            return None
        chosen: set[int] = set()
        for part in text.split(","):
            match = _VF_RANGE.fullmatch(part)
            if match is None:
                raise self._wrong("vfs", f"has {_shown(part)}, which is no index and no range", 'write vfs = "0-3,8"')
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise self._wrong("vfs", f"has {_shown(part)}, which runs backwards", f'write "{last}-{first}"')
            if last > VF_INDEX_MAX:
                raise self._wrong("vfs", f"has {_shown(part)}, over {VF_INDEX_MAX}", "indices are those of virtfnN")
            chosen.update(range(first, last + 1))
        return frozenset(chosen)

    def _num_vfs(self) -> int | None:
        if "num_vfs" not in self.values:
            return None
        value = self.values["num_vfs"]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong("num_vfs", "is not a whole number", "write num_vfs = 8, without quotes")
        if not 0 <= value <= NUM_VFS_MAX:
            raise self._wrong("num_vfs", f"is not from 0 to {NUM_VFS_MAX}", "sriov_totalvfs says what the PF can have")
        return value

    def _physical_network(self) -> str | None:
        text = self._text("physical_network")
        if text is not None and _PHYSICAL_NETWORK.fullmatch(text) is None:
            way_out = (
                f"use 1 to {PHYSICAL_NETWORK_MAX_CHARS} printable characters without space, comma, colon and asterisk"
            )
            raise self._wrong("physical_network", "is not a physical network's name", way_out)
        return text

    def _text(self, key: str) -> str | None:
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, str):
            raise self._wrong(key, "is not text", f'write it in quotes: {key} = "..."')
        return value

    def _flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "is not true or false", f"write {key} = true, without quotes")
        return value

    def _wrong(self, key: str, what: str, hint: str) -> Invalid:
        return self._invalid(f"{key} = {_shown(self.values[key])} {what}", hint, key=key)

    def _invalid(self, what: str, hint: str, *, key: str | None = None) -> Invalid:
        facts = (
            {"entry": self.number} if key is None else {"entry": self.number, "field": key, "value": self.values[key]}
        )
        return Invalid(f"device_spec entry {self.number}: {what}", hint=hint, facts=facts)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX_CHARS else text[:_SHOWN_MAX_CHARS] + "..."
