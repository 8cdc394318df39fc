"""What a set of specs would hand out, ours or Nova's, in one form: to be shown, and to be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.core.devspec import NO_NIC, Decision, DeviceSpec, decide, why_none
from mooring.core.endpoints import is_network
from mooring.core.nova_devspec import NovaDevice, NovaHost, NovaSpec, nova_matches
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_NOT_TAGS = ("physical_network", "trusted")


@dataclass(frozen=True, slots=True)
class Gift:
    """What a function is handed out with."""

    physical_network: str | None = None
    trusted: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One function: the entry that decided, and what came of it."""

    address: str
    kind: FunctionKind
    pf: str | None
    vf_index: int | None
    netdev: str | None
    entry: int | None = None
    """Its index, from 0; ``None``: no entry matches."""
    line: int | None = None
    """Where that entry stands, if that is known."""
    gift: Gift | None = None
    """``None``: it is not handed out."""
    reason: str = ""
    """Why it is not."""


@dataclass(frozen=True, slots=True)
class Change:
    """One function of which two sets of specs say different things; ``None``: it is not there."""

    address: str
    before: Answer | None
    after: Answer | None


def native_answers(
    functions: Sequence[PciFunction], specs: Sequence[DeviceSpec], host_uses: Mapping[PciAddress, str]
) -> tuple[Answer, ...]:
    """By our own specs, in the order of the functions."""
    by_address = {function.address: function for function in functions}
    return tuple(_answer(decision, by_address, specs) for decision in decide(functions, specs, host_uses))


def nova_answers(specs: Sequence[NovaSpec], host: NovaHost) -> tuple[Answer, ...]:
    """By Nova's specs, in the order of the devices."""
    deciding = nova_matches(specs, host)
    netdevs = {address: name for name, (address, _) in host.interfaces.items()}
    return tuple(_nova_answer(device, specs, host, deciding, netdevs) for device in host.devices)


def nova_host_of(functions: Sequence[PciFunction]) -> NovaHost:
    """A discovered host as Nova would see it."""
    serials = {function.address: function.serial for function in functions}
    devices = [
        NovaDevice(
            address=str(one.address),
            vendor_id=one.vendor_id,
            product_id=one.product_id,
            parent=None if one.pf is None else str(one.pf),
            serial=one.serial or (serials.get(one.pf) if one.pf is not None else None),
        )
        for one in functions
    ]
    pfs = {str(one.address) for one in functions if one.kind is FunctionKind.PF and one.vf_total}
    interfaces = {one.netdev: (str(one.address), str(one.address) in pfs) for one in functions if one.netdev}
    return NovaHost(devices, interfaces, frozenset(pfs))


def worth_telling(answers: Sequence[Answer], functions: Sequence[PciFunction]) -> tuple[Answer, ...]:
    """Without what is no NIC and no entry is about: a host has a hundred functions of its chipset.

    One that an entry would have but for its physical network says so.
    """
    strangers = {str(one.address) for one in functions if is_network(one) is False}
    meant = {one.address for one in answers if one.entry is not None or NO_NIC in one.reason}
    meant |= {one.pf for one in answers if one.pf is not None and one.address in meant}
    return tuple(one for one in answers if one.address not in strangers or one.address in meant)


def changes(before: Sequence[Answer], after: Sequence[Answer]) -> tuple[Change, ...]:
    """Each function that is handed out by one and not by the other, or with something else.

    Which entry decides does not count: adding one at the top changes the number of all others.
    """
    old, new = ({answer.address: answer for answer in answers} for answers in (before, after))
    found = [Change(address, old.get(address), new.get(address)) for address in {**new, **old}]
    return tuple(one for one in found if _gift(one.before) != _gift(one.after))


def _gift(answer: Answer | None) -> Gift | None:
    return None if answer is None else answer.gift


def _answer(decision: Decision, functions: Mapping[PciAddress, PciFunction], specs: Sequence[DeviceSpec]) -> Answer:
    offered, spec = decision.offered, decision.spec
    function = offered.function
    reason = offered.reason
    if spec is None and not function.faults:
        nearest = why_none(function, functions.get(function.pf) if function.pf is not None else None, specs)
        reason = "; ".join(text for text in (reason, nearest) if text)
    gift = None
    if offered.is_offered and spec is not None:
        gift = Gift(spec.physical_network, spec.trusted, tuple(sorted(spec.tags)))
    return Answer(
        address=str(function.address),
        kind=function.kind,
        pf=None if function.pf is None else str(function.pf),
        vf_index=function.vf_index,
        netdev=function.netdev,
        entry=decision.entry,
        line=None if spec is None else spec.line,
        gift=gift,
        reason=reason,
    )


def _nova_answer(
    device: NovaDevice,
    specs: Sequence[NovaSpec],
    host: NovaHost,
    deciding: Mapping[str, int],
    netdevs: Mapping[str, str],
) -> Answer:
    entry = deciding.get(device.address)
    kind = FunctionKind.PCI
    if device.parent:
        kind = FunctionKind.VF
    elif device.address in host.pfs:
        kind = FunctionKind.PF
    return Answer(
        address=device.address,
        kind=kind,
        pf=device.parent,
        vf_index=None,
        netdev=netdevs.get(device.address),
        entry=entry,
        gift=None if entry is None else _nova_gift(specs[entry].tags),
        reason="no device_spec matches" if entry is None else "",
    )


def _nova_gift(tags: Mapping[str, object]) -> Gift:
    physical_network = tags.get("physical_network")
    return Gift(
        physical_network=None if physical_network is None else str(physical_network),
        trusted=str(tags.get("trusted")).lower() == "true",
        tags=tuple(sorted(f"{key}={value}" for key, value in tags.items() if key not in _NOT_TAGS)),
    )
