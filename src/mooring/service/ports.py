"""Ports: created, changed and deleted, with their addresses, and bound where a host is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mooring.core.macs import canonical_mac
from mooring.core.profiles import take_trust
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment, Subnet
from mooring.model.port import Binding, Port, VnicType
from mooring.service.asked_groups import check_asked
from mooring.service.bindings import ask_about, bound, check_slot, settle_profile, unbound
from mooring.service.claims import retune
from mooring.service.networks import get_network
from mooring.service.ownership import is_visible, scope_of
from mooring.service.port_addresses import FixedIpWish, Place, choose, exchange, follow_mac, release, write
from mooring.service.port_macs import choose_mac, with_device_mac
from mooring.service.port_rules import check_changes, check_device, check_network_owner, in_use, said_by, server_of
from mooring.service.world import World
from mooring.store import claims, networks, ports
from mooring.store.networks import NETWORKS, SEGMENTS
from mooring.store.ports import PORTS
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

__all__ = ["FixedIpWish", "PortWish", "create_port", "delete_port", "get_port", "list_ports", "update_port"]

_BINDING_CHANGES = frozenset({"host", "vnic_type", "profile"})


@dataclass(frozen=True, slots=True)
class PortWish:
    """What ``POST /ports``, or a server's nic, asks for, checked for form."""

    network_id: str
    project_id: str
    name: str = ""
    mac_address: str | None = None
    fixed_ips: tuple[FixedIpWish, ...] | None = None
    """``None`` is an address of each IP version; empty is none but those that guests make themselves."""
    vnic_type: VnicType = VnicType.NORMAL
    profile: Mapping[str, object] = field(default_factory=dict)
    host: str = ""
    """Not empty: bind there at once."""
    device_id: str = ""
    device_owner: str = ""
    admin_state_up: bool = True
    port_security_enabled: bool | None = None
    """``None`` is the network's."""
    propagate_uplink_status: bool = True
    numa_affinity_policy: str | None = None
    trusted: bool | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    device_index: int = 0
    device_tag: str | None = None
    is_owned_by_server: bool = False


@dataclass(frozen=True, slots=True)
class _Site:
    """The network of a port, with what is read of it once."""

    network: Network
    segments: Sequence[Segment]
    subnets: Sequence[Subnet]


def _site(tx: Tx, network: Network) -> _Site:
    return _Site(network, SEGMENTS.where(tx, network_id=network.id), networks.subnets_of(tx, network.id))


def get_port(tx: Tx, who: Caller, port_id: str) -> Port:
    """Raises NotFound for another project's port too."""
    port = PORTS.get(tx, port_id)
    if port is None or not is_visible(who, port.project_id):
        raise NotFound("port", port_id)
    return port


def list_ports(tx: Tx, who: Caller, query: Query) -> list[Port]:
    return PORTS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def create_port(tx: Tx, world: World, who: Caller, wish: PortWish) -> Port:
    """Make a port, give it addresses, and bind it if a host is named; a refused binding is stored, as in Neutron.

    Raises NotFound for the network, Forbidden for what only its owner may choose, Conflict for what is taken.
    """
    network = get_network(tx, who, wish.network_id)
    check_network_owner(who, network, "create_port", _chosen(wish), ())
    if not wish.is_owned_by_server:
        check_device(tx, who, wish.device_id)
    site = _site(tx, network)
    mac = choose_mac(tx, world, network.id, wish.mac_address)
    fixed_ips = choose(tx, Place(network.id, site.subnets, wish.device_owner, mac), wish.fixed_ips)
    secured = network.port_security_enabled if wish.port_security_enabled is None else wish.port_security_enabled
    profile, trusted = _settle_trust(settle_profile(site.segments, wish.profile), wish.trusted)
    check_asked(tx, who, profile)
    port = Port(
        world.ids.uuid(), network.id, wish.project_id, wish.name, mac, tx.now, tx.now,
        admin_state_up=wish.admin_state_up, fixed_ips=fixed_ips, device_id=wish.device_id,
        device_owner=wish.device_owner, binding=Binding(vnic_type=wish.vnic_type, profile=profile),
        port_security_enabled=secured, propagate_uplink_status=wish.propagate_uplink_status,
        numa_affinity_policy=wish.numa_affinity_policy, trusted=trusted, description=wish.description,
        tags=wish.tags, device_index=wish.device_index, device_tag=wish.device_tag,
        is_owned_by_server=wish.is_owned_by_server,
    )  # fmt: skip
    if wish.host:
        port = _bind(tx, world, site, port, port, wish.host)
    ports.insert(tx, port)
    write(tx, port, port.fixed_ips)
    _tell(tx, who, "port.created", port, {"host": port.binding.host, "vif_type": str(port.binding.vif_type)})
    return port


def _chosen(wish: PortWish) -> dict[str, object]:
    """What of a wish was chosen rather than left to us."""
    wished = {
        name: getattr(wish, name) for name in ("mac_address", "port_security_enabled", "device_owner", "fixed_ips")
    }
    return {name: value for name, value in wished.items() if value is not None}


def _settle_trust(profile: dict[str, object], trusted: bool | None) -> tuple[dict[str, object], bool | None]:
    """The profile without what it says of trust, and the trust. Raises Invalid when the two contradict each other."""
    profile, said = take_trust(profile)
    if None not in (said, trusted) and said != trusted:
        raise Invalid(f"Invalid input for operation: trusted is {trusted}, and binding:profile says {said}.")
    return profile, trusted if said is None else said


def _bind(tx: Tx, world: World, site: _Site, before: Port, port: Port, host: str) -> Port:
    profile = port.binding.profile
    check_slot(tx, port.id, host, profile)
    after = bound(port, host, profile, ask_about(tx, world, port, site.network, site.segments, host, profile))
    return with_device_mac(tx, world, site.subnets, before, after)


def update_port(tx: Tx, world: World, who: Caller, port_id: str, changes: Mapping[str, Any]) -> Port:
    """Set fields of a port; ``host``, ``vnic_type`` and ``profile`` are its binding's, and change where it is bound.

    ``host`` empty unbinds; ``mac_address`` ``None`` is a fresh one; ``fixed_ips`` are FixedIpWish. Raises Conflict
    for what cannot change while the port is bound or a server runs on it. Without a change nothing is written.
    """
    before = get_port(tx, who, port_id)
    site = _site(tx, _network_of(tx, before))
    fields = dict(changes)
    check_network_owner(who, site.network, "update_port", fields, [fixed.ip_address for fixed in before.fixed_ips])
    if "profile" in fields:
        profile = settle_profile(site.segments, said_by(who, before, fields["profile"]))
        fields["profile"], trusted = _settle_trust(profile, fields.get("trusted"))
        check_asked(tx, who, profile)
        fields |= {} if trusted is None else {"trusted": trusted}
    if "mac_address" in fields:
        fields["mac_address"] = _new_mac(tx, world, site.network, before, fields["mac_address"])
    held = claims.of_port(tx, port_id)
    check_changes(tx, who, before, held, fields)
    binding = {name: fields.pop(name) for name in _BINDING_CHANGES & fields.keys()}
    wishes = fields.pop("fixed_ips", None)
    after = replace(before, **fields)
    fixed_ips = follow_mac(tx, site.network.id, site.subnets, before, after, wishes)
    after = replace(after, fixed_ips=fixed_ips)
    if binding:
        after = _rebind(tx, world, site, after, binding)
    if after == before:
        return before
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    ports.update(tx, after)
    exchange(tx, site.subnets, before, after)
    retuned = held.host if held is not None and retune(tx, held, before, after) else None
    _tell(tx, who, "port.updated", after, {"changes": sorted(changes), "host": after.binding.host}, retuned)
    return after


def _network_of(tx: Tx, port: Port) -> Network:
    network = NETWORKS.get(tx, port.network_id)
    if network is None:
        raise NotFound("network", port.network_id)
    return network


def _new_mac(tx: Tx, world: World, network: Network, before: Port, given: str | None) -> str:
    if given is not None and canonical_mac(given) == before.mac_address:
        return before.mac_address
    return choose_mac(tx, world, network.id, given)


def _rebind(tx: Tx, world: World, site: _Site, port: Port, binding: Mapping[str, Any]) -> Port:
    """Bind again when anything that the answer depends on changed, or when the last answer was no."""
    old = port.binding
    host, vnic_type = binding.get("host", old.host), binding.get("vnic_type", old.vnic_type)
    profile = binding.get("profile", old.profile)
    if vnic_type != old.vnic_type and old.is_bound:
        raise in_use(port)
    wanted = replace(port, binding=replace(old, vnic_type=vnic_type, profile=profile))
    if not host:
        return with_device_mac(tx, world, site.subnets, port, unbound(wanted)) if old.host else wanted
    if old.is_bound and (host, profile) == (old.host, old.profile):
        return wanted
    return _bind(tx, world, site, port, wanted, host)


def delete_port(tx: Tx, world: World, who: Caller, port_id: str) -> None:  # noqa: ARG001 - every story about ports takes it
    """Delete a port and give its addresses back.

    Raises Conflict while a server runs on it. Neutron deletes such a port; here its function would stay programmed
    and lose its owner.
    """
    port = get_port(tx, who, port_id)
    server_id = server_of(tx, port, claims.of_port(tx, port.id))
    if server_id is not None:
        raise Conflict(
            f"Port {port.id} cannot be deleted: it is in use by server {server_id}.",
            code="PortInUse",
            hint="delete the server, or take the port off it with openstack server remove port",
        )
    if port.fixed_ips:
        release(tx, networks.subnets_of(tx, port.network_id), port.fixed_ips)
    PORTS.delete(tx, port.id)
    _tell(tx, who, "port.deleted", port, {"name": port.name})


def _tell(tx: Tx, who: Caller, kind: str, port: Port, detail: Mapping[str, object], wakes: str | None = None) -> None:
    """``wakes`` is the host of which the desired state changed with the port."""
    tx.tell(Event(kind, port.id, port.project_id, wakes, who.user_id, who.request_id, detail))
