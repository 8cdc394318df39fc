"""Which hosts serve DHCP for a network, and the ports that their servers have there.

``network_touched`` is called by every story that changes what a network's DHCP server says, or whether there is one.
It makes, moves and removes the servers' ports and wakes their hosts; what the hosts are told is derived from those
ports in ``service/desired_dhcp.py``. ``unsettled`` finds what no story noticed: hosts that died, or came.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.errors import MooringError
from mooring.model.host import DhcpInterface, Host, Liveness
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment, Subnet
from mooring.model.port import FixedIp, Port
from mooring.service import dhcp_ports
from mooring.service.dhcp_ports import Site
from mooring.service.port_addresses import release
from mooring.service.world import World
from mooring.store import dhcp, networks
from mooring.store.networks import NETWORKS, SUBNETS
from mooring.store.ports import PORTS
from mooring.store.tx import Event, Tx

Picture = Collection[tuple[str, bool, Liveness, tuple[DhcpInterface, ...]]]
"""All that the choice of hosts goes by, besides the networks themselves."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A host, and the segment of the network that it reaches."""

    host: Host
    segment: Segment
    interface: DhcpInterface


def network_touched(tx: Tx, world: World, who: Caller, network_id: str) -> None:
    """A network's subnets, or the addresses, MAC or DHCP options of a port on it, have changed.

    Costs one read while no host offers DHCP. Never fails the story that calls it.
    """
    if not dhcp.is_offered(tx):
        return
    network = NETWORKS.get(tx, network_id)
    if network is not None:
        _settle(tx, world, who, network)


def leave_network(tx: Tx, world: World, who: Caller, network_id: str) -> None:
    """Before a network is deleted: the ports of DHCP servers go, and our servers with them.

    As in Neutron, whose networks go with any port of that device owner.
    """
    subnets = networks.subnets_of(tx, network_id)
    for port in dhcp.all_ports_of(tx, network_id):
        dhcp_ports.remove(tx, world, who, subnets, port)
        _wake(tx, who, network_id, port.binding.host)


def leave_subnet(tx: Tx, who: Caller, subnet_id: str) -> None:
    """Before a subnet is deleted: the ports of DHCP servers give their addresses of it back."""
    subnet = SUBNETS.get(tx, subnet_id)
    for port in dhcp.all_ports_of(tx, subnet.network_id) if subnet is not None else ():
        gone = [fixed for fixed in port.fixed_ips if fixed.subnet_id == subnet_id]
        if subnet is not None and gone:
            release(tx, [subnet], gone)
            kept: tuple[FixedIp, ...] = tuple(fixed for fixed in port.fixed_ips if fixed not in gone)
            PORTS.update(tx, replace(port, fixed_ips=kept, updated_at=tx.now, revision_number=port.revision_number + 1))
            _wake(tx, who, subnet.network_id, port.binding.host)


def picture(tx: Tx, world: World) -> Picture:
    """What has to change for other hosts to be chosen where nothing else changed."""
    return tuple(
        (host.name, host.is_enabled, world.heartbeats.of(host.name), host.dhcp_interfaces) for host in dhcp.hosts(tx)
    )


def unsettled(tx: Tx, world: World) -> Sequence[str]:
    """The ids of the networks of which the hosts that serve DHCP are not those that should. Looks at all networks."""
    found = []
    hosts = dhcp.hosts(tx)
    for network_id in dhcp.networks(tx, served_only=not hosts):
        network = NETWORKS.get(tx, network_id)
        if network is not None:
            had = dhcp.ports_of(tx, network_id)
            serving = {port.binding.host: port.mac_address for port in had}
            wanted = {place.host.name: place.interface.mac for place in _chosen(tx, world, network, had, hosts)}
            if serving.keys() != wanted.keys() or any(mac not in ("", serving[host]) for host, mac in wanted.items()):
                found.append(network_id)
    return found


def settle(tx: Tx, world: World, who: Caller, network_ids: Sequence[str]) -> None:
    """Put right what ``unsettled`` found."""
    for network_id in network_ids:
        network = NETWORKS.get(tx, network_id)
        if network is not None:
            _settle(tx, world, who, network)


def _settle(tx: Tx, world: World, who: Caller, network: Network) -> None:
    had = dhcp.ports_of(tx, network.id)
    subnets = networks.subnets_of(tx, network.id)
    chosen = _chosen(tx, world, network, had, dhcp.hosts(tx), subnets)
    by_host = {port.binding.host: port for port in had}
    wanted = {place.host.name for place in chosen}
    leaving = [port for port in had if port.binding.host not in wanted]
    site = Site(network, subnets)
    for place in chosen:
        # What moves keeps its addresses: the one that it leaves may still be served, and must be no guest's meanwhile.
        port = by_host.get(place.host.name) or (leaving.pop(0) if leaving else None)
        try:
            with tx.attempt():
                dhcp_ports.put(
                    tx, world, who, site, port, dhcp_ports.Seat(place.host.name, place.segment, place.interface)
                )
        except MooringError as refused:
            detail = {"host": place.host.name, "reason": refused.message}
            tx.tell(Event("dhcp.refused", network.id, None, None, who.user_id, who.request_id, detail))
    for port in leaving:
        dhcp_ports.remove(tx, world, who, subnets, port)
    for host in sorted(by_host.keys() | wanted):
        _wake(tx, who, network.id, host)


def _chosen(
    tx: Tx, world: World, network: Network, had: Sequence[Port], hosts: Sequence[Host],
    subnets: Sequence[Subnet] | None = None,
) -> Sequence[_Place]:  # fmt: skip
    """The hosts that should serve a network: those that do as long as they can, then the least laden."""
    subnets = networks.subnets_of(tx, network.id) if subnets is None else subnets
    if not network.admin_state_up or not any(subnet.enable_dhcp for subnet in subnets):
        return ()
    places = _places(networks.every_segment_of(tx, network.id), hosts)
    most = world.config.dhcp_hosts_per_network
    serving = [port.binding.host for port in had if port.binding.host in places]
    chosen = [host for host in serving if world.heartbeats.of(host) is not Liveness.DEAD][:most]
    if len(chosen) < most:
        fresh = [
            name
            for name, place in places.items()
            if name not in chosen and place.host.is_enabled and world.heartbeats.of(name) is Liveness.ALIVE
        ]
        laden = dhcp.loads(tx) if len(fresh) > 1 else {}
        chosen += sorted(fresh, key=lambda name: (laden.get(name, 0), name))[: most - len(chosen)]
    # Better one that is silent, and may serve all the same, than none.
    chosen += [host for host in serving if host not in chosen][: most - len(chosen)]
    return [places[name] for name in chosen]


def _places(segments: Sequence[Segment], hosts: Sequence[Host]) -> Mapping[str, _Place]:
    """By name, the hosts that can serve on one of the segments, each on the first that it reaches."""
    places: dict[str, _Place] = {}
    for host in hosts:
        offered = {one.physical_network: one for one in host.dhcp_interfaces if not one.reason}
        segment = next((segment for segment in segments if segment.physical_network in offered), None)
        if segment is not None:
            places[host.name] = _Place(host, segment, offered[segment.physical_network])
    return places


def _wake(tx: Tx, who: Caller, network_id: str, host: str) -> None:
    """Once a story: a hundred ports made at once are one change for the server."""
    if host and not any(
        event.kind == "dhcp.changed" and (event.ident, event.host) == (network_id, host) for event in tx.events
    ):
        tx.tell(Event("dhcp.changed", network_id, None, host, who.user_id, who.request_id, {"host": host}))
