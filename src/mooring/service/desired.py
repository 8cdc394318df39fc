"""The desired state of one host, derived from claims, ports and servers; nothing of it is stored."""

from collections.abc import Iterable

from mooring.core.baselines import baseline_mac
from mooring.core.reconcile import baseline
from mooring.model.desired import Desired, DesiredFunction, DesiredInterface, DesiredServer, Purpose
from mooring.model.host import Host
from mooring.model.pci import PciAddress
from mooring.model.port import VF_VNIC_TYPES, Port, VifType
from mooring.model.request import Claim, Device
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.server_ports import ports_of
from mooring.store import claims, devices
from mooring.store.events import newest_sequence
from mooring.store.networks import NETWORKS
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx


def desired_of(tx: Tx, host: Host) -> Desired:
    """All that ``host`` should be, as of the newest event."""
    by_address = devices.with_work(tx, host.name)
    held = claims.of_host(tx, host.name)
    functions = [*_owned(held, by_address), *_unowned(held, by_address.values())]
    wanted = _servers(tx, host.name, {claim.port_id: claim for claim in held if not claim.is_releasing})
    return Desired(host.name, host.epoch, newest_sequence(tx), tuple(functions), tuple(wanted))


def _owned(held: Iterable[Claim], by_address: dict[PciAddress, Device]) -> Iterable[DesiredFunction]:
    for claim in held:
        device = by_address[claim.address]
        if device.state is VfState.REMOVED_PENDING or device.pf is None or device.vf_index is None:
            continue
        if claim.is_releasing:
            yield _cleaned(device)
        else:
            yield DesiredFunction(
                device.address, device.pf, device.vf_index, claim.generation, Purpose.SERVE, claim.desired,
                claim.server_id,
            )  # fmt: skip


def _unowned(held: Iterable[Claim], known: Iterable[Device]) -> Iterable[DesiredFunction]:
    owned = {claim.device_id for claim in held}
    for device in known:
        if device.id not in owned and device.is_offered and device.pf is not None:
            yield _cleaned(device)


def _cleaned(device: Device) -> DesiredFunction:
    settings = baseline(baseline_mac(device.id, device.generation))
    if device.pf is None or device.vf_index is None:
        raise ValueError(f"device {device.id} is not a VF")
    return DesiredFunction(device.address, device.pf, device.vf_index, device.generation, Purpose.BASELINE, settings)


def _servers(tx: Tx, host: str, claimed: dict[str, Claim]) -> Iterable[DesiredServer]:
    servers = SERVERS.where(tx, host=host)
    ports = ports_of(tx, [server.id for server in servers])
    mtus: dict[str, int] = {}
    for server in servers:
        is_wanted = server.status is not ServerStatus.DELETING
        interfaces = [
            _interface(port, claimed.get(port.id), _mtu(tx, port.network_id, mtus))
            for port in (ports.get(server.id, []) if is_wanted else [])
            if _is_plugged(port, claimed)
        ]
        yield _server(server, is_wanted, interfaces)


def _is_plugged(port: Port, claimed: dict[str, Claim]) -> bool:
    """A port whose function is on its way back is still bound, and no longer the guest's."""
    return port.binding.is_bound and (port.id in claimed or port.binding.vnic_type not in VF_VNIC_TYPES)


def _server(server: Server, is_wanted: bool, interfaces: Iterable[DesiredInterface]) -> DesiredServer:
    flavor = server.flavor
    return DesiredServer(
        server.id, server.name, server.generation, is_wanted, flavor.vcpus, flavor.ram_mib, flavor.disk_gib,
        server.image_id, tuple(interfaces),
    )  # fmt: skip


def _mtu(tx: Tx, network_id: str, known: dict[str, int]) -> int:
    if network_id not in known:
        network = NETWORKS.get(tx, network_id)
        known[network_id] = network.mtu if network else 1500
    return known[network_id]


def _interface(port: Port, claim: Claim | None, mtu: int) -> DesiredInterface:
    details = port.binding.vif_details
    bridge = str(details["bridge_name"]) if port.binding.vif_type == VifType.BRIDGE else None
    return DesiredInterface(
        port.id, port.mac_address, port.binding.vnic_type.value, port.binding.vif_type,
        claim.address if claim else None, int(str(details.get("vlan") or 0)), bridge, None, mtu,
    )  # fmt: skip
