"""What an agent tells of its machine becomes devices. A new start of an agent begins a new epoch of its host."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from mooring.core.baselines import PORT_PROFILE, SWITCHDEV, is_infiniband
from mooring.errors import Invalid
from mooring.model.desired import Welcome
from mooring.model.host import Host, HostSnapshot, OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction, is_held_upstream
from mooring.model.request import Device
from mooring.model.vf import VfState
from mooring.service.returning import Settling, impostor, pf_places, restart_servers
from mooring.service.world import World
from mooring.store import claims, devices
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS
from mooring.store.tx import Event, Tx

_FUNCTIONS_MAX = 65_536
_UNSEEN = "the host does not show it any more"


def take_inventory(tx: Tx, world: World, host: Host, snapshot: HostSnapshot) -> Welcome:
    """Remember the whole snapshot of ``host``, which the agent's key has proved.

    A function that is gone is never forgotten while it has an owner; one that is new is never free before its
    baseline was read back. Raises Invalid for a snapshot that contradicts itself.
    """
    functions = _checked(snapshot)
    is_reboot = bool(host.boot_id) and snapshot.boot_id != host.boot_id
    known = devices.of_host(tx, host.name)
    owned = {claim.device_id: claim for claim in claims.of_host(tx, host.name)}
    settling = Settling(tx, world, host.name, owned, is_reboot=is_reboot)
    places = pf_places(known.values(), functions)
    for address, offered in functions.items():
        before = known.get(address)
        mine = before if before is not None and before.id in owned else None
        stranger = "" if mine is None else impostor(mine, offered.function, places, is_reboot=is_reboot)
        if mine is not None and stranger:
            settling.lose(mine, stranger)
            continue
        pf = functions.get(offered.function.pf) if offered.function.pf else None
        settling.settle(_device(tx, world, host, offered, pf, before, is_owned=mine is not None))
    whole = {claim.address for claim in owned.values()}
    for address, device in known.items():
        if address not in functions:
            is_for_pf = device.pf in whole
            settling.lose(device, f"its PF {device.pf} is a server's" if is_for_pf else _UNSEEN)
    if is_reboot:
        restart_servers(tx, host.name)
    epoch = host.epoch + int(snapshot.agent_id != host.agent_id)
    in_guests = {address for address in whole & functions.keys() if functions[address].function.netdev is None}
    lent = {device.physical_network for device in known.values() if device.address in in_guests and device.pf is None}
    HOSTS.update(tx, _updated(tx, host, snapshot, functions, epoch, frozenset(lent)))
    kind = "host.rebooted" if is_reboot else "host.reported"
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
    if len({cell.id for cell in snapshot.numa_cells}) != len(snapshot.numa_cells):
        raise Invalid("an inventory lists a NUMA node twice")
    return functions


def _updated(
    tx: Tx, host: Host, snapshot: HostSnapshot, functions: Mapping[PciAddress, OfferedFunction], epoch: int,
    lent: Collection[str | None],
) -> Host:  # fmt: skip
    """``lent`` are the physical networks of PFs that servers have, and whose netdevs are in guests."""
    mappings = {net: set(names) for net, names in host.device_mappings.items() if net in lent}
    for offered in functions.values():
        is_whole = offered.function.kind is FunctionKind.PF and offered.is_offered
        pf = offered if is_whole else functions.get(offered.function.pf) if offered.function.pf else None
        if offered.physical_network and pf is not None and pf.function.netdev:
            mappings.setdefault(offered.physical_network, set()).add(pf.function.netdev)
    return replace(
        host, updated_at=tx.now, epoch=epoch, boot_id=snapshot.boot_id, agent_id=snapshot.agent_id,
        vcpus=snapshot.vcpus, memory_mib=snapshot.memory_mib, disk_gib=snapshot.disk_gib,
        hypervisor_type=snapshot.hypervisor_type, hypervisor_version=snapshot.hypervisor_version,
        bridge_mappings=dict(snapshot.bridge_mappings), heard_at=tx.now,
        device_mappings={physnet: tuple(sorted(names)) for physnet, names in sorted(mappings.items())},
        ovs_bridges=tuple(sorted(snapshot.ovs_bridges)), interface_mappings=dict(snapshot.interface_mappings),
        infiniband_networks=_infiniband(functions),
        started_at=tx.now if epoch != host.epoch else host.started_at, numa_cells=snapshot.numa_cells,
        dhcp_interfaces=snapshot.dhcp_interfaces,
    )  # fmt: skip


def _infiniband(functions: Mapping[PciAddress, OfferedFunction]) -> tuple[str, ...]:
    """The physical networks that PFs, or their VFs, reach over InfiniBand."""
    return tuple(
        sorted(
            {
                offered.physical_network
                for offered in functions.values()
                if offered.physical_network and is_infiniband(offered.function.device_class)
            }
        )
    )


def _device(
    tx: Tx, world: World, host: Host, offered: OfferedFunction, pf: OfferedFunction | None, known: Device | None, *,
    is_owned: bool,
) -> Device:  # fmt: skip
    """The row of this function, new or brought up to date; its life is not touched here."""
    function = offered.function
    base = known or Device(
        world.ids.uuid(), host.name, function.address, function.kind, function.vendor_id, function.product_id,
        VfState.DISCOVERED, tx.now,
    )  # fmt: skip
    device = _with_facts(base, offered, pf.function if pf else None)
    if is_owned:
        # What its owner was promised is not forgotten because in a guest it has no netdev, nor why it is in trouble.
        physnet, mac = device.physical_network or base.physical_network, device.mac or base.mac
        features = base.features if function.features is None else device.features
        device = replace(device, physical_network=physnet, mac=mac, features=features, reason=base.reason)
        if not offered.is_offered:
            device = replace(device, trusted=base.trusted, tags=base.tags)
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
        link_speed_mbps=(pf or function).link_speed_mbps, physical_network=offered.physical_network,
        is_offered=offered.is_offered, reason=device.reason if keeps_reason else reason,
        observed=device.observed or offered.observed, trusted=offered.trusted, tags=tuple(sorted(offered.tags)),
        features=_features(function, pf), device_class=function.device_class or device.device_class,
    )  # fmt: skip


def _features(function: PciFunction, pf: PciFunction | None) -> tuple[str, ...]:
    """Its own, else its PF's; of what has no netdev there are none.

    A VF behind a representor says ``switchdev``, one that its upstream switch holds ``port-profile``.
    """
    told = function.features if function.features is not None or pf is None else pf.features
    mode = pf.eswitch_mode if pf is not None else function.eswitch_mode
    marks = [SWITCHDEV] if mode == SWITCHDEV else []
    marks += [PORT_PROFILE] if is_held_upstream(function.vendor_id, function.product_id) else []
    return tuple(sorted({*(told or ()), *marks}))
