"""What an agent tells of its machine becomes devices. A new start of an agent begins a new epoch of its host."""

from collections.abc import Mapping
from dataclasses import replace

from mooring.errors import Invalid
from mooring.model.desired import Welcome
from mooring.model.host import Host, HostSnapshot, OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.request import Device
from mooring.model.vf import VfState
from mooring.service.claims import change_state
from mooring.service.world import World
from mooring.store import claims, devices
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS
from mooring.store.tx import Event, Tx

_FUNCTIONS_MAX = 65_536
_LOST_BY_REBOOT = frozenset({VfState.PROGRAMMED, VfState.IN_USE})


def take_inventory(tx: Tx, world: World, host: Host, snapshot: HostSnapshot) -> Welcome:
    """Remember the whole snapshot of ``host``, which the agent's key has proved.

    A function that is gone is never forgotten while it has an owner; one that is new is never free before its
    baseline was read back. Raises Invalid for a snapshot that contradicts itself.
    """
    functions = _checked(snapshot)
    is_new_agent = snapshot.agent_id != host.agent_id
    is_reboot = snapshot.boot_id != host.boot_id
    known = devices.of_host(tx, host.name)
    owned = {claim.device_id for claim in claims.of_host(tx, host.name)}
    for address, offered in functions.items():
        pf = functions.get(offered.function.pf) if offered.function.pf else None
        seen = _device(tx, world, host, offered, pf, known.get(address))
        _settle(tx, seen, is_owned=seen.id in owned, is_reboot=is_reboot)
    for address, device in known.items():
        if address not in functions:
            _lose(tx, device, is_owned=device.id in owned)
    epoch = host.epoch + int(is_new_agent)
    HOSTS.update(tx, _updated(tx, host, snapshot, functions, epoch))
    kind = "host.rebooted" if is_reboot and host.boot_id else "host.reported"
    tx.tell(
        Event(kind, host.name, host=host.name, actor=host.name, detail={"epoch": epoch, "functions": len(functions)})
    )
    return Welcome(host.name, epoch)


def _checked(snapshot: HostSnapshot) -> dict[PciAddress, OfferedFunction]:
    if len(snapshot.functions) > _FUNCTIONS_MAX:
        raise Invalid(f"an inventory of {len(snapshot.functions)} functions is over {_FUNCTIONS_MAX}")
    functions = {offered.function.address: offered for offered in snapshot.functions}
    if len(functions) != len(snapshot.functions):
        raise Invalid("an inventory lists a function twice")
    return functions


def _updated(
    tx: Tx, host: Host, snapshot: HostSnapshot, functions: Mapping[PciAddress, OfferedFunction], epoch: int
) -> Host:
    mappings: dict[str, set[str]] = {}
    for offered in functions.values():
        pf = functions.get(offered.function.pf) if offered.function.pf else None
        if offered.physical_network and pf is not None and pf.function.netdev:
            mappings.setdefault(offered.physical_network, set()).add(pf.function.netdev)
    return replace(
        host, updated_at=tx.now, epoch=epoch, boot_id=snapshot.boot_id, agent_id=snapshot.agent_id,
        vcpus=snapshot.vcpus, memory_mib=snapshot.memory_mib, disk_gib=snapshot.disk_gib,
        hypervisor_type=snapshot.hypervisor_type, hypervisor_version=snapshot.hypervisor_version,
        bridge_mappings=dict(snapshot.bridge_mappings), heard_at=tx.now,
        device_mappings={physnet: tuple(sorted(names)) for physnet, names in sorted(mappings.items())},
        started_at=tx.now if epoch != host.epoch else host.started_at,
    )  # fmt: skip


def _device(
    tx: Tx, world: World, host: Host, offered: OfferedFunction, pf: OfferedFunction | None, known: Device | None
) -> Device:
    """The row of this function, new or brought up to date; its life is not touched here."""
    function = offered.function
    base = known or Device(
        world.ids.uuid(), host.name, function.address, function.kind, function.vendor_id, function.product_id,
        VfState.DISCOVERED, tx.now,
    )  # fmt: skip
    device = _with_facts(base, offered, pf.function if pf else None)
    if known is None:
        return DEVICES.insert(tx, device)
    return known if device == known else DEVICES.update(tx, replace(device, updated_at=tx.now))


def _with_facts(device: Device, offered: OfferedFunction, pf: PciFunction | None) -> Device:
    function = offered.function
    reason = "; ".join(function.faults) or offered.reason
    keeps_reason = device.state is VfState.QUARANTINED
    return replace(
        device, kind=function.kind, vendor_id=function.vendor_id, product_id=function.product_id, pf=function.pf,
        pf_netdev=pf.netdev if pf else None, pf_mac=pf.mac if pf else None, vf_index=function.vf_index,
        vf_total=function.vf_total, vf_count=function.vf_count, driver=function.driver, netdev=function.netdev,
        mac=function.mac, numa_node=function.numa_node, iommu_group=function.iommu_group,
        link_speed_mbps=function.link_speed_mbps, physical_network=offered.physical_network,
        is_offered=offered.is_offered, reason=device.reason if keeps_reason else reason,
        observed=device.observed or offered.observed,
    )  # fmt: skip


def _settle(tx: Tx, device: Device, *, is_owned: bool, is_reboot: bool) -> None:
    """Where the function's life goes on, now that the host shows it (again)."""
    state = device.state
    if is_owned:
        if is_reboot and state in _LOST_BY_REBOOT:
            change_state(tx, device, VfState.CLAIMED, reason="the host rebooted")
        elif state is VfState.REMOVED_PENDING:
            change_state(tx, device, VfState.QUARANTINED, reason="it was gone while owned")
        return
    if device.kind is not FunctionKind.VF or not device.is_offered:
        if state not in (VfState.UNAVAILABLE, VfState.QUARANTINED):
            _through_discovery(tx, device, VfState.UNAVAILABLE, device.reason)
    elif state in (VfState.DISCOVERED, VfState.UNAVAILABLE, VfState.GONE) or (is_reboot and state is VfState.AVAILABLE):
        _through_discovery(tx, device, VfState.BASELINING, "")


def _through_discovery(tx: Tx, device: Device, new: VfState, reason: str) -> None:
    if device.state is VfState.GONE:
        device = change_state(tx, device, VfState.DISCOVERED, is_new_owner=True)
    change_state(tx, device, new, is_new_owner=new is VfState.BASELINING, reason=reason)


def _lose(tx: Tx, device: Device, *, is_owned: bool) -> None:
    """The host shows it no more. What is owned is waited for; nothing of it is given to anybody."""
    new = VfState.REMOVED_PENDING if is_owned else VfState.GONE
    if device.state is not new:
        change_state(tx, device, new, reason="the host does not show it any more")
