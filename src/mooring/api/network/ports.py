"""``/ports``: the attributes, and the stories behind the calls.

``binding:profile`` is the service role's alone, as Neutron's default policy has it: an admin who wants a trusted VF
says ``trusted``. Only what a port asks of its function, in keys of our own, its owner sets and sees there. Where no
mechanism driver bound a port, ``binding:vif_details`` tells the privileged why.

Attributes of our own are ``mooring:port_profile``; ``mooring:fault``, why a bound port does not work as its owner wants
it; ``mooring:not_enforced``, what of a port was accepted and nobody holds; and ``mooring:qos``, what its VF is held to.
They are shown while there is something to say. A fault is shown to the owner without what is the host's and others'.
Because the ``openstack`` command shows no attribute that it does not know, fault and ``not_enforced`` stand in
``binding:vif_details`` too. Unlike Neutron's, lists can be filtered by ``binding:vnic_type`` and ``binding:vif_type``.
"""

from collections.abc import Sequence
from typing import Any

from mooring.api.network.attributes import (
    ADMIN,
    PRIVILEGED,
    SERVICE,
    Among,
    Attribute,
    Attributes,
    Condition,
    Equals,
    Holds,
    column,
    owner_of,
)
from mooring.api.network.collection import Collection
from mooring.api.network.filters import TAGS_IN_POST, flag, standard
from mooring.api.network.port_values import address_pairs, dhcp_options, group_ids, hints, uuid_or_none
from mooring.api.network.port_views import views
from mooring.api.network.values import (
    boolean,
    fixed_ips,
    host,
    mac_or_fresh,
    one_of,
    profile,
    text,
    text_or_none,
    uuid,
    vnic_type,
    wrong,
)
from mooring.core.addressing import parse_ip
from mooring.core.function_wish import is_wish_only
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.port import Port
from mooring.model.request import NumaPolicy
from mooring.service.port_rules import FREE_PROFILE
from mooring.service.ports import PortWish, create_port, delete_port, get_port, list_ports, update_port
from mooring.service.world import World
from mooring.store.ports import PORTS, ids_with_address_part, ids_with_addresses, ids_with_subnets
from mooring.store.security_groups import ports_with
from mooring.store.tx import Tx

_IP_ALLOCATIONS = ("immediate", "none")


def _by_fixed_ips(name: str, values: Sequence[str]) -> Among:
    """``ip_address=A``, ``subnet_id=S`` and ``ip_address_substr=P``; a port must fit each kind that is given."""
    wanted: dict[str, list[str]] = {}
    for value in values:
        kind, is_pair, what = value.partition("=")
        if not is_pair or kind not in ("ip_address", "subnet_id", "ip_address_substr"):
            raise wrong(name, f"'{value}' is not a filter", "ip_address=, subnet_id= or ip_address_substr=")
        wanted.setdefault(kind, []).append(_address(what) if kind == "ip_address" else what)

    def find(tx: Tx) -> set[str]:
        found = []
        if "ip_address" in wanted:
            found.append(ids_with_addresses(tx, wanted["ip_address"]))
        if "subnet_id" in wanted:
            found.append(ids_with_subnets(tx, wanted["subnet_id"]))
        if "ip_address_substr" in wanted:
            parts = wanted["ip_address_substr"]
            found.append({ident for part in parts for ident in ids_with_address_part(tx, part)})
        return set.intersection(*found)

    return Among(find)


def _address(word: str) -> str:
    """The canonical form; what is no address is left as it is, and no port has it."""
    try:
        return str(parse_ip(word))
    except Invalid:
        return word


def _lower(_name: str, word: str) -> str:
    return word.lower()


def _by_groups(_name: str, values: Sequence[str]) -> Among:
    return Among(lambda tx: ports_with(tx, values))


def _by_ip_allocation(name: str, values: Sequence[str]) -> Condition | None:
    unknown = set(values) - {*_IP_ALLOCATIONS, "deferred"}
    if unknown:
        raise wrong(name, f"'{', '.join(sorted(unknown))}' is not in valid_values", "valid are immediate and none")
    wanted = set(values) & set(_IP_ALLOCATIONS)
    if len(wanted) == len(_IP_ALLOCATIONS):
        return None
    if wanted == {"immediate"}:
        return Holds(lambda port: bool(port.fixed_ips))
    return Equals("fixed_ips", ("[]",) if wanted else ())


ATTRIBUTES = Attributes(
    "port",
    standard(
        Attribute("name", text(), filter=column("name"), sort="name"),
        Attribute("network_id", uuid, in_put=False, is_required=True, filter=column("network_id"), sort="network_id"),
        Attribute("mac_address", mac_or_fresh, filter=column("mac_address", _lower), sort="mac_address"),
        Attribute("fixed_ips", fixed_ips, filter=_by_fixed_ips),
        Attribute("admin_state_up", boolean, filter=flag("admin_state_up"), sort="admin_state_up"),
        Attribute("device_id", text(), filter=column("device_id"), sort="device_id"),
        Attribute("device_owner", text(), filter=column("device_owner"), sort="device_owner"),
        Attribute("port_security_enabled", boolean),
        Attribute("propagate_uplink_status", boolean),
        Attribute("trusted", boolean, set_by=ADMIN, seen_by=ADMIN),
        Attribute("numa_affinity_policy", one_of((None, *(policy.value for policy in NumaPolicy)))),
        Attribute("binding:vnic_type", vnic_type, field="vnic_type", filter=column("binding_vnic_type")),
        Attribute(
            "binding:host_id", host, field="host", set_by=PRIVILEGED, seen_by=PRIVILEGED, filter=column("binding_host")
        ),
        Attribute(
            "binding:profile", profile, field="profile", set_by=SERVICE, is_free=is_wish_only, free=FREE_PROFILE,
            is_judged_later=True, seen_by=PRIVILEGED,
        ),
        Attribute("binding:vif_type", seen_by=PRIVILEGED, filter=column("binding_vif_type")),
        Attribute("binding:vif_details", seen_by=PRIVILEGED),
        Attribute("hints", hints, set_by=ADMIN, seen_by=ADMIN),
        Attribute("device_profile", text_or_none(), in_put=False),
        Attribute("hardware_offload_type", one_of(("switchdev", None)), in_put=False),
        Attribute("data_plane_status", one_of((None, "ACTIVE", "DOWN")), in_post=False, set_by=PRIVILEGED),
        Attribute("allowed_address_pairs", address_pairs),
        Attribute("extra_dhcp_opts", dhcp_options),
        Attribute("security_groups", group_ids, filter=_by_groups),
        Attribute("qos_policy_id", uuid_or_none, filter=column("qos_policy_id")),
        Attribute("mooring:port_profile", text_or_none(), field="port_profile"),
        Attribute("ip_allocation", filter=_by_ip_allocation),
        Attribute("resource_request", seen_by=ADMIN),
        Attribute("qos_network_policy_id"),
        Attribute("status", filter=column("status"), sort="status"),
        Attribute("mooring:fault"),
        Attribute("mooring:not_enforced"),
        Attribute("mooring:qos"),
        TAGS_IN_POST,
    ),
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> Port:
    return create_port(tx, world, who, PortWish(project_id=owner_of(who, values), **values))


PORT_COLLECTION = Collection(
    "port", "ports", ATTRIBUTES,
    get=get_port, find=list_ports, create=_create, update=update_port, delete=delete_port,
    views=views, stored=PORTS.flat, made={},
)  # fmt: skip
