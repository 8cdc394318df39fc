"""``/ports``: the attributes, the stories behind the calls, and the view.

``binding:profile`` is the service role's alone, as Neutron's default policy has it: an admin who wants a trusted VF
says ``trusted``. Only what a port asks of its function, in keys of our own, its owner sets and sees there. Where no
mechanism driver bound a port, ``binding:vif_details`` tells the privileged why.

Our own attribute ``mooring:fault`` is why a bound port does not work as its owner wants it. It is shown while there is
such a reason, to the owner without what is the host's and others'; and, because the ``openstack`` command shows no
attribute that it does not know, as ``fault`` in ``binding:vif_details`` too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import (
    ADMIN,
    PRIVILEGED,
    SERVICE,
    Among,
    Attribute,
    Attributes,
    column,
    owner_of,
)
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import TAGS_IN_POST, flag, stamp, standard, unserved
from mooring.api.network.values import (
    boolean,
    fixed_ips,
    host,
    mac_or_fresh,
    one_of,
    profile,
    text,
    uuid,
    vnic_type,
    wrong,
)
from mooring.core.addressing import parse_ip
from mooring.core.function_wish import is_wish_only
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.port import Binding, Port, VifType
from mooring.model.request import NumaPolicy
from mooring.service.port_rules import FREE_PROFILE, profile_seen_by
from mooring.service.ports import PortWish, create_port, delete_port, get_port, list_ports, update_port
from mooring.service.world import World
from mooring.store.ports import PORTS, ids_with_address_part, ids_with_addresses, ids_with_subnets
from mooring.store.tx import Tx


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


_UNSERVED = ("allowed_address_pairs", "extra_dhcp_opts", "qos_policy_id", "security_groups")

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
        Attribute("binding:vnic_type", vnic_type, field="vnic_type"),
        Attribute(
            "binding:host_id", host, field="host", set_by=PRIVILEGED, seen_by=PRIVILEGED, filter=column("binding_host")
        ),
        Attribute(
            "binding:profile", profile, field="profile", set_by=SERVICE, is_free=is_wish_only, free=FREE_PROFILE,
            is_judged_later=True, seen_by=PRIVILEGED,
        ),
        Attribute("binding:vif_type", seen_by=PRIVILEGED),
        Attribute("binding:vif_details", seen_by=PRIVILEGED),
        unserved("hints", rights=ADMIN),
        unserved("device_profile", in_put=False),
        unserved("hardware_offload_type", in_put=False),
        unserved("data_plane_status", in_post=False),
        *map(unserved, _UNSERVED),
        Attribute("resource_request", seen_by=ADMIN),
        Attribute("qos_network_policy_id"),
        Attribute("status", filter=column("status"), sort="status"),
        Attribute("mooring:fault"),
        TAGS_IN_POST,
    ),
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> Port:
    return create_port(tx, world, who, PortWish(project_id=owner_of(who, values), **values))


def _views(_tx: Tx, who: Caller, rows: Sequence[Port]) -> list[View]:
    return [view(who, port) for port in rows]


def view(who: Caller, port: Port) -> dict[str, Any]:
    """A port as its owner sees it; for the privileged also where and how it is bound."""
    shown: dict[str, Any] = {
        "id": port.id,
        "name": port.name,
        "network_id": port.network_id,
        "tenant_id": port.project_id,
        "project_id": port.project_id,
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "fixed_ips": port.fixed_ips,
        "allowed_address_pairs": (),
        "extra_dhcp_opts": (),
        "security_groups": (),
        "description": port.description,
        "binding:vnic_type": port.binding.vnic_type,
        "port_security_enabled": port.port_security_enabled,
        "qos_policy_id": None,
        "qos_network_policy_id": None,
        "propagate_uplink_status": port.propagate_uplink_status,
        "data_plane_status": None,
        "numa_affinity_policy": port.numa_affinity_policy,
        "device_profile": None,
        "hardware_offload_type": None,
        "tags": port.tags,
        "created_at": stamp(port.created_at),
        "updated_at": stamp(port.updated_at),
        "revision_number": port.revision_number,
    }
    if who.is_privileged:
        shown["binding:host_id"] = port.binding.host
        shown["binding:profile"] = profile_seen_by(who, port)
        shown["binding:vif_type"] = port.binding.vif_type
        shown["binding:vif_details"] = _vif_details(port.binding)
    elif asked := profile_seen_by(who, port):
        shown["binding:profile"] = asked
    if port.fault is not None:
        fault = port.fault.details if who.is_privileged else port.fault.message
        shown["mooring:fault"] = fault
        shown["binding:vif_details"] = {**shown.get("binding:vif_details", {}), "fault": fault}
    if who.is_admin:
        shown |= {"trusted": port.trusted, "hints": None, "resource_request": None}
    return shown


def _vif_details(binding: Binding) -> Mapping[str, Any]:
    if binding.vif_type == VifType.BINDING_FAILED:
        reasons = [": ".join(filter(None, (refusal.driver, refusal.reason))) for refusal in binding.refusals]
        return {"binding_failed": "; ".join(reasons)}
    return {**binding.vif_details, "bound_drivers": {"0": binding.driver}} if binding.driver else binding.vif_details


PORT_COLLECTION = Collection(
    "port", "ports", ATTRIBUTES,
    get=get_port, find=list_ports, create=_create, update=update_port, delete=delete_port,
    views=_views, stored=PORTS.flat, made={},
)  # fmt: skip
