"""Ports: created, changed and deleted, with their addresses, and bound where a host is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mooring.core.dhcp_options import OptionWish, with_wishes
from mooring.core.macs import canonical_mac
from mooring.core.profiles import take_trust
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment, Subnet
from mooring.model.port import AddressPair, Binding, Port, VnicType
from mooring.model.rbac import ObjectType
from mooring.service import qos, quotas, sharing
from mooring.service.asked_groups import check_asked
from mooring.service.bindings import ask_about, bound, check_slot, settle_profile, unbound
from mooring.service.dhcp import network_touched
from mooring.service.dynamic_segments import release_at_end
from mooring.service.ml2_hooks import port_changed
from mooring.service.networks import get_network
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.port_addresses import FixedIpWish, Place, choose, exchange, follow_mac, release, write
from mooring.service.port_macs import choose_mac, with_device_mac
from mooring.service.port_profiles import check_for, check_vnic_type, named
from mooring.service.port_rules import check_changes, check_device, check_network_owner, in_use, said_by, server_of
from mooring.service.port_security import is_secured, with_security
from mooring.service.qos_live import port_retuned
from mooring.service.world import World
from mooring.store import claims, networks, port_bindings, ports
from mooring.store.networks import NETWORKS
from mooring.store.port_bindings import PORT_BINDINGS
from mooring.store.ports import PORTS
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

__all__ = ["FixedIpWish", "PortWish", "create_port", "delete_port", "get_port", "list_ports", "update_port"]

_BINDING_CHANGES = frozenset({"host", "vnic_type", "profile"})
#: What a port's DHCP server says of it.
_DHCP_FIELDS = ("mac_address", "fixed_ips", "extra_dhcp_opts", "device_owner")
#: Owners whose ports are servers' and shares': a network's owner does not take those from another project.
_SERVERS_OWNERS = ("compute:", "baremetal:", "manila:")
#: In the profile it asks for a card in switchdev mode; ``hardware_offload_type`` puts it there.
_CAPABILITIES = "capabilities"


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
    security_groups: tuple[str, ...] | None = None
    """``None`` is none: no group is given to a port that did not ask for one."""
    allowed_address_pairs: tuple[AddressPair, ...] | None = None
    """Without a MAC: the port's."""
    extra_dhcp_opts: tuple[OptionWish, ...] = ()
    qos_policy_id: str | None = None
    port_profile: str | None = None
    """Its name or id."""
    hints: Mapping[str, object] | None = None
    hardware_offload_type: str | None = None
    device_profile: str | None = None


@dataclass(frozen=True, slots=True)
class _Site:
    """The network of a port, with what is read of it once."""

    network: Network
    segments: Sequence[Segment]
    """The static ones in the order of the request, and those that drivers asked for."""
    subnets: Sequence[Subnet]


def _site(tx: Tx, network: Network) -> _Site:
    segments = networks.every_segment_of(tx, network.id)
    return _Site(network, segments, networks.subnets_of(tx, network.id))


def get_port(tx: Tx, who: Caller, port_id: str) -> Port:
    """Raises NotFound for another project's port too, unless it is on a network of the caller's own."""
    port = PORTS.get(tx, port_id)
    if port is None or not (is_visible(who, port.project_id) or _is_network_owner(tx, who, port)):
        raise NotFound("port", port_id)
    return port


def usable_port(tx: Tx, who: Caller, port_id: str) -> Port:
    """The same for who puts it to use: others' ports on the caller's network are there to be seen only."""
    port = PORTS.get(tx, port_id)
    if port is None or not is_visible(who, port.project_id):
        raise NotFound("port", port_id)
    return port


def _is_network_owner(tx: Tx, who: Caller, port: Port) -> bool:
    network = NETWORKS.get(tx, port.network_id)
    return network is not None and network.project_id == who.project_id


def own_port(tx: Tx, who: Caller, port_id: str, rule: str) -> Port:
    """The port, for one who may change it: its project, and who is privileged.

    Raises NotFound, and Forbidden with the name of the rule for a port that is the caller's to see only.
    """
    port = get_port(tx, who, port_id)
    if not (who.is_privileged or is_mine(who, port.project_id)):
        raise denied(rule)
    return port


def list_ports(tx: Tx, who: Caller, query: Query) -> list[Port]:
    """The caller's, and others' on the caller's networks: those keep the networks from being deleted."""
    project = query.visible_to or scope_of(who)
    if project is None:
        return PORTS.find(tx, query)
    shared = ports.networks_with_strangers(tx, project)
    return PORTS.find(tx, replace(query, visible_to=project, also=("network_id", shared) if shared else None))


def create_port(tx: Tx, world: World, who: Caller, wish: PortWish) -> Port:
    """Make a port, give it addresses, and bind it if a host is named; a refused binding is stored, as in Neutron.

    Raises NotFound for the network and for a group, policy or profile; Forbidden for what only the network's owner
    may choose; Conflict for what is taken, and over the quota.
    """
    network = get_network(tx, who, wish.network_id)
    _check_may_use(tx, who, network)
    check_network_owner(who, network, "create_port", _chosen(wish), ())
    if not wish.is_owned_by_server:
        check_device(tx, who, wish.device_id)
    quotas.spend(tx, world, wish.project_id, "port")
    site = _site(tx, network)
    mac = choose_mac(tx, world, network.id, wish.mac_address)
    fixed_ips = choose(tx, Place(network.id, site.subnets, wish.device_owner, mac), wish.fixed_ips)
    profile, trusted = _settle_trust(settle_profile(site.segments, _with_offload(wish)), wish.trusted)
    check_asked(tx, who, profile)
    if wish.qos_policy_id is not None:
        qos.check_policy(tx, who, wish.qos_policy_id)
    port = Port(
        world.ids.uuid(), network.id, wish.project_id, wish.name, mac, tx.now, tx.now,
        admin_state_up=wish.admin_state_up, fixed_ips=fixed_ips, device_id=wish.device_id,
        device_owner=wish.device_owner, binding=Binding(vnic_type=wish.vnic_type, profile=profile),
        port_security_enabled=is_secured(network, wish.device_owner, wish.port_security_enabled),
        propagate_uplink_status=wish.propagate_uplink_status,
        numa_affinity_policy=wish.numa_affinity_policy, trusted=trusted, description=wish.description,
        tags=wish.tags, device_index=wish.device_index, device_tag=wish.device_tag,
        is_owned_by_server=wish.is_owned_by_server, extra_dhcp_opts=with_wishes((), wish.extra_dhcp_opts),
        qos_policy_id=wish.qos_policy_id,
        port_profile_id=_port_profile(tx, who, site, wish.port_profile, wish.vnic_type), hints=wish.hints,
        hardware_offload_type=wish.hardware_offload_type, device_profile=wish.device_profile,
    )  # fmt: skip
    port = with_security(tx, who, port, wish.security_groups, wish.allowed_address_pairs)
    if wish.host:
        port = _bind(tx, world, site, port, port, wish.host)
    ports.insert(tx, port)
    write(tx, port, port.fixed_ips)
    if port.security_group_ids:
        ports.link_groups(tx, port)
    port_changed(tx, world, who, None, port)
    network_touched(tx, world, who, network.id)
    _tell(tx, who, "port.created", port, {"host": port.binding.host, "vif_type": str(port.binding.vif_type)})
    return port


def _check_may_use(tx: Tx, who: Caller, network: Network) -> None:
    """An external network is seen by everybody, and used by those whom it is shared with. Raises Forbidden."""
    if who.is_privileged or network.shared or network.project_id == who.project_id:
        return
    if not sharing.is_shared_with(tx, who, ObjectType.NETWORK, network.id):
        raise denied("create_port")


def _chosen(wish: PortWish) -> dict[str, object]:
    """What of a wish was chosen rather than left to us."""
    names = ("mac_address", "port_security_enabled", "device_owner", "fixed_ips", "allowed_address_pairs")
    wished = {name: getattr(wish, name) for name in names}
    return {name: value for name, value in wished.items() if value is not None}


def _with_offload(wish: PortWish) -> Mapping[str, object]:
    """The profile with the capability that ``hardware_offload_type`` is, as Neutron writes it there."""
    kind = wish.hardware_offload_type
    if kind is None:
        return wish.profile
    given = wish.profile.get(_CAPABILITIES, [])
    has = given if isinstance(given, list) else []
    return {**wish.profile, _CAPABILITIES: has if kind in has else [*has, kind]}


def _port_profile(tx: Tx, who: Caller, site: _Site, name_or_id: str | None, vnic_type: VnicType) -> str | None:
    """The id of the port profile that was named, which fits the port and its network."""
    if name_or_id is None:
        return None
    profile = named(tx, who, name_or_id)
    check_vnic_type(profile, vnic_type)
    check_for(profile, site.network, [segment for segment in site.segments if not segment.is_dynamic], who)
    return profile.id


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

    ``host`` empty unbinds; ``mac_address`` ``None`` is a fresh one; ``fixed_ips`` are FixedIpWish, ``extra_dhcp_opts``
    OptionWish, and ``port_profile`` a name or an id. Raises Conflict for what cannot change while the port is bound or
    a server runs on it. Without a change nothing is written.
    """
    before = own_port(tx, who, port_id, "update_port")
    site = _site(tx, _network_of(tx, before))
    fields = dict(changes)
    check_network_owner(who, site.network, "update_port", fields, [fixed.ip_address for fixed in before.fixed_ips])
    _settle_fields(tx, world, who, site, before, fields)
    held = claims.of_port(tx, port_id)
    check_changes(tx, who, before, held, fields)
    binding = {name: fields.pop(name) for name in _BINDING_CHANGES & fields.keys()}
    wishes = fields.pop("fixed_ips", None)
    groups, pairs = fields.pop("security_groups", None), fields.pop("allowed_address_pairs", None)
    after = with_security(tx, who, replace(before, **fields), groups, pairs)
    after = replace(after, fixed_ips=follow_mac(tx, site.network.id, site.subnets, before, after, wishes))
    if binding or after.port_profile_id != before.port_profile_id:
        after = _rebind(tx, world, site, before, after, binding)
    if after == before:
        return before
    if after.qos_policy_id not in (None, before.qos_policy_id):
        qos.check_rules_for(tx, world, after, after.qos_policy_id)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    _write(tx, world, who, site, before, after)
    retuned = port_retuned(tx, held, after)
    _tell(tx, who, "port.updated", after, {"changes": sorted(changes), "host": after.binding.host}, retuned)
    return after


def _settle_fields(tx: Tx, world: World, who: Caller, site: _Site, before: Port, fields: dict[str, Any]) -> None:
    """Turn what was asked for, in place, into the fields that a port has. Raises what ``update_port`` does."""
    if "profile" in fields:
        profile = settle_profile(site.segments, said_by(who, before, fields["profile"]))
        fields["profile"], trusted = _settle_trust(profile, fields.get("trusted"))
        check_asked(tx, who, profile)
        fields |= {} if trusted is None else {"trusted": trusted}
    if "mac_address" in fields:
        fields["mac_address"] = _new_mac(tx, world, site.network, before, fields["mac_address"])
    if "extra_dhcp_opts" in fields:
        fields["extra_dhcp_opts"] = with_wishes(before.extra_dhcp_opts, fields["extra_dhcp_opts"])
    if "port_profile" in fields:
        vnic_type = fields.get("vnic_type", before.binding.vnic_type)
        fields["port_profile_id"] = _port_profile(tx, who, site, fields.pop("port_profile"), vnic_type)
    if fields.get("qos_policy_id") not in (None, before.qos_policy_id):
        qos.check_policy(tx, who, fields["qos_policy_id"])


def _write(tx: Tx, world: World, who: Caller, site: _Site, before: Port, after: Port) -> None:
    """Store a changed port and all that follows it."""
    ports.update(tx, after)
    exchange(tx, site.subnets, before, after)
    if after.security_group_ids != before.security_group_ids:
        ports.link_groups(tx, after)
    if after.binding.host != before.binding.host:
        waiting = port_bindings.on_host(tx, after.id, after.binding.host)
        if waiting is not None:
            PORT_BINDINGS.delete(tx, waiting.id)
            leave_segments(tx, world, waiting.binding)
    port_changed(tx, world, who, before, after)
    if any(getattr(after, name) != getattr(before, name) for name in _DHCP_FIELDS):
        network_touched(tx, world, who, after.network_id)


def _network_of(tx: Tx, port: Port) -> Network:
    network = NETWORKS.get(tx, port.network_id)
    if network is None:
        raise NotFound("network", port.network_id)
    return network


def _new_mac(tx: Tx, world: World, network: Network, before: Port, given: str | None) -> str:
    if given is not None and canonical_mac(given) == before.mac_address:
        return before.mac_address
    return choose_mac(tx, world, network.id, given)


def _rebind(tx: Tx, world: World, site: _Site, before: Port, port: Port, binding: Mapping[str, Any]) -> Port:
    """Bind again when anything that the answer depends on changed, or when the last answer was no."""
    old = port.binding
    host, vnic_type = binding.get("host", old.host), binding.get("vnic_type", old.vnic_type)
    profile = binding.get("profile", old.profile)
    if vnic_type != old.vnic_type and old.is_bound:
        raise in_use(port)
    wanted = replace(port, binding=replace(old, vnic_type=vnic_type, profile=profile))
    if not host:
        return with_device_mac(tx, world, site.subnets, port, unbound(wanted)) if old.host else wanted
    has_same_profile = port.port_profile_id == before.port_profile_id
    if old.is_bound and (host, profile) == (old.host, old.profile) and has_same_profile:
        return wanted
    return _bind(tx, world, site, port, wanted, host)


def delete_port(tx: Tx, world: World, who: Caller, port_id: str) -> None:
    """Delete a port with its bindings, and give its addresses back.

    A network's owner deletes others' ports on it, but not those of their servers. Raises Conflict while a server of
    ours runs on it: Neutron deletes such a port; here its function would stay programmed and lose its owner.
    """
    port = get_port(tx, who, port_id)
    if not is_visible(who, port.project_id) and port.device_owner.startswith(_SERVERS_OWNERS):
        raise denied("delete_port")
    server_id = server_of(tx, port, claims.of_port(tx, port.id))
    if server_id is not None:
        raise Conflict(
            f"Port {port.id} cannot be deleted: it is in use by server {server_id}.",
            code="PortInUse",
            hint="delete the server, or take the port off it with openstack server remove port",
        )
    port_changed(tx, world, who, port, None)
    for waiting in port_bindings.of_port(tx, port.id):
        leave_segments(tx, world, waiting.binding)
    if port.fixed_ips:
        release(tx, networks.subnets_of(tx, port.network_id), port.fixed_ips)
    PORTS.delete(tx, port.id)
    network_touched(tx, world, who, port.network_id)
    _tell(tx, who, "port.deleted", port, {"name": port.name})


def leave_segments(tx: Tx, world: World, binding: Binding) -> None:
    """A binding that is not its port's goes: dynamic segments, which are below the top, go with the last on them."""
    release_at_end(tx, world, [level.segment_id for level in binding.levels[1:]])


def _tell(tx: Tx, who: Caller, kind: str, port: Port, detail: Mapping[str, object], wakes: str | None = None) -> None:
    """``wakes`` is the host of which the desired state changed with the port."""
    tx.tell(Event(kind, port.id, port.project_id, wakes, who.user_id, who.request_id, detail))
