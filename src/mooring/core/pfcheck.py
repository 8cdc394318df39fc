"""What each PF of a host would hand out, and what stands in its way.

A port that can do SR-IOV and does not show it is looked at too. A PF that an agent.toml does not name, or excludes as a
whole, is nobody's trouble: it is listed and nothing is held against it. What is no NIC is looked at when an agent.toml
names it, and else not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mooring.core.devspec import Decision, DeviceSpec, decide, num_vfs_of
from mooring.core.endpoints import is_network
from mooring.core.hostcheck import Finding, Level, Rules
from mooring.core.sriov_cards import card_of
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.survey import Survey

_SHOWN_MAX = 3
_RANK = (Level.OK, Level.WARN, Level.BAD)
_PASSTHROUGH = frozenset({"vfio-pci", "pci-stub"})


@dataclass(frozen=True, slots=True)
class PfState:
    """One PF, or a port that ought to be one, or a function that is no NIC."""

    function: PciFunction
    physical_network: str | None = None
    offered: tuple[PciAddress, ...] = ()
    """Its VFs that would be handed out; or itself, as a whole."""
    to_be_made: int = 0
    """VFs that the agent makes at its start, by ``num_vfs``."""
    held_back: tuple[tuple[PciAddress, str], ...] = ()
    """The other VFs, with the reason."""
    findings: tuple[Finding, ...] = ()


def check_pfs(survey: Survey, rules: Rules) -> tuple[tuple[PfState, ...], tuple[Finding, ...]]:
    """Every PF by address, and what is wrong with their sum: nothing there, nothing named, nothing handed out."""
    decisions = decide(survey.functions, rules.specs, survey.host_uses)
    below: dict[PciAddress, list[Decision]] = {}
    for one in decisions:
        if one.offered.function.pf is not None:
            below.setdefault(one.offered.function.pf, []).append(one)
    states = tuple(
        state
        for one in decisions
        if (state := _state_of(one, below.get(one.offered.function.address, ()), survey, rules)) is not None
    )
    in_all = tuple(_sum(states, survey, rules))
    return (states if rules.is_from_file else tuple(map(_softened, states))), in_all


def _state_of(one: Decision, below: Sequence[Decision], survey: Survey, rules: Rules) -> PfState | None:
    """``None`` for what is not looked at by itself."""
    function, vfs = one.offered.function, [vf.offered for vf in below]
    if is_network(function) is not False:
        is_port = function.kind is FunctionKind.PF or _should_be_pf(function)
        return _state(one.offered, vfs, survey, rules) if is_port else None
    is_named = one.entry is not None or any(vf.entry is not None for vf in below)
    if function.kind is FunctionKind.VF or not is_named:
        return None
    return _device_state(one, vfs, rules)


def _device_state(one: Decision, below: Sequence[OfferedFunction], rules: Rules) -> PfState:
    """Of what is no NIC: itself, its VFs, or why neither."""
    function, spec = one.offered.function, one.spec
    offered = tuple(each.function.address for each in (one.offered, *below) if each.is_offered)
    wanted = num_vfs_of(function, rules.specs)
    to_be_made = wanted if wanted and function.vf_count == 0 else 0
    is_meant = spec is not None and not spec.exclude and (spec.whole or not (offered or to_be_made))
    findings: tuple[Finding, ...] = ()
    if is_meant and not one.offered.is_offered:
        way_out = "see what it is used for, or exclude it" if spec and spec.whole else "whole = true in its device_spec"
        if function.kind is FunctionKind.PCI:
            way_out = "give it up on the host, or exclude it"
        findings = (Finding(Level.BAD, str(function.address), one.offered.reason, way_out),)
    held_back = tuple((vf.function.address, vf.reason) for vf in below if not vf.is_offered)
    return PfState(function, None, offered, to_be_made, held_back, findings)


def _should_be_pf(function: PciFunction) -> bool:
    return function.kind is FunctionKind.PCI and card_of(function.vendor_id, function.product_id) is not None


def _softened(state: PfState) -> PfState:
    """Before an agent.toml says which PFs are wanted, no single one of them keeps the host from serving."""
    findings = tuple(replace(each, level=min(each.level, Level.WARN, key=_RANK.index)) for each in state.findings)
    return replace(state, findings=findings)


def _state(one: OfferedFunction, below: Sequence[OfferedFunction], survey: Survey, rules: Rules) -> PfState:
    pf = one.function
    granting = [
        spec
        for spec in rules.specs
        if not spec.exclude and (spec.selects_pf(pf) or (spec.whole and spec.matches(pf, None)))
    ]
    wanted = num_vfs_of(pf, rules.specs)
    offered = tuple(each.function.address for each in (one, *below) if each.is_offered)
    held_back = tuple((vf.function.address, vf.reason) for vf in below if not vf.is_offered)
    is_wanted = bool(granting or offered) or not rules.is_from_file
    is_whole = any(spec.whole for spec in granting)
    findings: tuple[Finding, ...] = ()
    if is_wanted:
        findings = tuple(_findings(one, wanted, survey, is_whole=is_whole, is_named=rules.is_from_file))
    if rules.is_from_file and is_wanted and pf.vf_count and not offered and not is_whole:
        text = f"none of its {pf.vf_count} VFs would be handed out: {held_back[0][1] if held_back else one.reason}"
        findings = (*findings, Finding(Level.BAD, name_of(pf), text, "see why each is held back, below"))
    return PfState(
        function=pf,
        physical_network=one.physical_network,
        offered=offered,
        to_be_made=wanted if wanted and pf.vf_count == 0 else 0,
        held_back=held_back,
        findings=findings,
    )


def name_of(pf: PciFunction) -> str:
    """As people call it: its netdev, else its address."""
    return pf.netdev or str(pf.address)


def _findings(
    one: OfferedFunction, wanted: int | None, survey: Survey, *, is_whole: bool, is_named: bool
) -> Iterator[Finding]:
    """What stands in the way of one PF, the first thing to mend first."""
    pf, about = one.function, name_of(one.function)
    yield from (Finding(Level.WARN, about, fault, f"ls -l /sys/bus/pci/devices/{pf.address}") for fault in pf.faults)
    if pf.kind is not FunctionKind.PF:
        yield _no_sriov(pf)
        return
    if is_whole:
        yield from _whole(one)
        if not pf.vf_count and wanted is None:
            return
    if pf.driver is None or pf.netdev is None:
        yield _no_driver(pf)
        return
    yield from _vf_count(pf, wanted, has_room=pf.address not in survey.without_room, is_named=is_named)
    if pf.link_is_up is False:
        text = "its link is down, and with it the link of its VFs"
        yield Finding(Level.WARN, about, text, f"ip link set {about} up; then look at cable and switch port")
    shared = {vf: others for vf, others in survey.shared_groups.items() if vf in _vfs_of(pf, survey)}
    if shared:
        vf, others = min(shared.items())
        text = f"{len(shared)} VFs share their IOMMU group with others ({vf} with {', '.join(others[:_SHOWN_MAX])})"
        way_out = "put the card into a slot whose root port has ACS, or enable ACS in the firmware"
        yield Finding(Level.BAD, about, text, way_out)


def _whole(one: OfferedFunction) -> Iterator[Finding]:
    pf = one.function
    if one.is_offered or pf.faults:
        return
    way_out = "free it, or take whole out of its entry"
    if pf.vf_count:
        way_out = f"hand out all of its VFs, or, with no guest on them: echo 0 > {_numvfs(pf)}"
    yield Finding(Level.BAD, name_of(pf), one.reason, way_out)


def _vfs_of(pf: PciFunction, survey: Survey) -> frozenset[PciAddress]:
    return frozenset(one.address for one in survey.functions if one.pf == pf.address)


def _no_sriov(port: PciFunction) -> Finding:
    card = card_of(port.vendor_id, port.product_id)
    if card is None:
        text = "it shows no sriov_totalvfs: this card cannot do SR-IOV, or it is off in the firmware"
        return Finding(Level.BAD, name_of(port), text, "enable SR-IOV in the firmware, if the card can do it")
    way_out = card.firmware_setting.format(address=port.address)
    return Finding(Level.BAD, name_of(port), f"{card.name} without SR-IOV: it is off in the firmware", way_out)


def _no_driver(pf: PciFunction) -> Finding:
    card = card_of(pf.vendor_id, pf.product_id)
    if pf.driver in _PASSTHROUGH:
        text = f"{pf.driver} has the PF itself, so that its VFs cannot be programmed"
        give_back = f"echo {pf.address} > /sys/bus/pci/drivers/{pf.driver}/unbind"
        way_out = f"{give_back}; echo {pf.address} > /sys/bus/pci/drivers_probe"
        return Finding(Level.BAD, str(pf.address), text, way_out)
    if pf.driver is None:
        way_out = f"modprobe {card.driver}" if card else "load the driver of this card"
        return Finding(Level.BAD, str(pf.address), "the PF has no driver", way_out)
    text = f"{pf.driver} has made no network device, so that its VFs cannot be programmed"
    return Finding(Level.BAD, str(pf.address), text, f"dmesg | grep {pf.address}")


def _vf_count(pf: PciFunction, wanted: int | None, *, has_room: bool, is_named: bool) -> Iterator[Finding]:
    about, total = name_of(pf), pf.vf_total or 0
    if not total:
        card = card_of(pf.vendor_id, pf.product_id)
        way_out = card.firmware_setting.format(address=pf.address) if card else "give it VFs in its firmware"
        yield Finding(Level.BAD, about, "sriov_totalvfs is 0", way_out)
    elif wanted is not None and wanted > total:
        text = f"num_vfs is {wanted}, and the card has {total} at most"
        yield Finding(Level.BAD, about, text, f"num_vfs = {total} in device_spec")
    elif wanted is not None and pf.vf_count and pf.vf_count != wanted:
        text = f"num_vfs is {wanted}, and it has {pf.vf_count} VFs, which are not changed while it has some"
        way_out = f"with no guest on it: echo 0 > {_numvfs(pf)}, then restart the agent"
        yield Finding(Level.WARN, about, text, way_out)
    elif pf.vf_count == 0 and not has_room:
        text = "the firmware has left no room in memory (MMIO) for its VFs"
        way_out = (
            "enable Above 4G Decoding and SR-IOV in the firmware, or add pci=realloc in GRUB_CMDLINE_LINUX of "
            "/etc/default/grub, then run update-grub and reboot"
        )
        yield Finding(Level.BAD, about, text, way_out)
    elif pf.vf_count == 0 and wanted is None:
        level = Level.BAD if is_named else Level.WARN
        way_out = f"num_vfs = {total} in its device_spec; or, until the next boot: echo {total} > {_numvfs(pf)}"
        yield Finding(level, about, f"it has none of the {total} VFs that it could have", way_out)


def _numvfs(pf: PciFunction) -> str:
    return f"/sys/bus/pci/devices/{pf.address}/sriov_numvfs"


def _sum(states: Sequence[PfState], survey: Survey, rules: Rules) -> Iterator[Finding]:
    if survey.fault:
        yield Finding(Level.BAD, "PCI", survey.fault, "is sysfs mounted? mount -t sysfs sysfs /sys")
        return
    if not states:
        text = "no network function of this host shows SR-IOV (sriov_totalvfs)"
        yield Finding(Level.BAD, "PFs", text, "put in a card that can do SR-IOV, or enable SR-IOV in the firmware")
    pfs = {one.address: one for one in survey.functions}
    for number, spec in enumerate(rules.specs, start=1):
        if any(_selects(spec, one, pfs.get(one.pf) if one.pf else None) for one in survey.functions):
            continue
        stranger = next((one for one in survey.functions if next(spec.differences(one, None), None) is None), None)
        if stranger is not None:
            text = f"entry {number} gives {spec.physical_network} to {stranger.address}, which is no NIC"
            yield Finding(Level.BAD, "device_spec", text, "leave physical_network out of it")
        else:
            text = f"entry {number} names {spec.named}, which is not there"
            way_out = f"name one of {_names(states)}" if states else "mooring device list --sysfs /sys shows all"
            yield Finding(Level.WARN if spec.exclude else Level.BAD, "device_spec", text, way_out)
    if not rules.is_from_file and states and all(map(_is_unfit, states)):
        yield Finding(Level.BAD, "PFs", "none of them can serve VFs as it is", "mend what is said of one of them")
    if rules.is_from_file and states and not any(one.offered or one.to_be_made for one in states):
        text = "nothing would be handed out"
        if rules.specs:
            yield Finding(Level.BAD, "device_spec", text, "mend what is said of the PFs that it names")
        else:
            way_out = "an entry [[device_spec]] in agent.toml, with pf and physical_network, for each PF to use"
            yield Finding(Level.BAD, "device_spec", f"there is no entry, so that {text}", way_out)


def _is_unfit(state: PfState) -> bool:
    return any(each.level is Level.BAD for each in state.findings)


def _selects(spec: DeviceSpec, function: PciFunction, pf: PciFunction | None) -> bool:
    """A PF counts as well whose VFs are not there yet."""
    is_nic = is_network(function, pf) is not False
    is_meant = spec.exclude or is_nic or spec.physical_network is None
    return is_meant and (spec.selects_pf(function) or next(spec.differences(function, pf), None) is None)


def _names(states: Sequence[PfState]) -> str:
    return ", ".join(name_of(one.function) for one in states[:_SHOWN_MAX])
