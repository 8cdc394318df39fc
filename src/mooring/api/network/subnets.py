"""``/subnets``: the attributes, the stories behind the calls, and the view."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mooring.api.network.attributes import ADMIN, Attribute, Attributes, column, owner_of
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import TAGS, flag, number, stamp, standard
from mooring.api.network.values import (
    boolean,
    host_routes,
    integer,
    ip_or_none,
    ip_pools,
    nameservers,
    natural,
    one_of,
    or_empty,
    or_none,
    service_types,
    text,
    text_or_none,
    uuid,
    wrong,
)
from mooring.core.subnets import IPV6_MODES, SubnetWish
from mooring.model.identity import Caller
from mooring.model.network import Subnet
from mooring.service.subnets import NewSubnet, create_subnet, delete_subnet, get_subnet, list_subnets, update_subnet
from mooring.service.world import World
from mooring.store.networks import SUBNETS, external_among
from mooring.store.tx import Tx

_CIDR_CHARS_MAX = 64
_PREFIX_DELEGATION = "prefix_delegation"
_MODES = one_of([*sorted(IPV6_MODES), None])
_PLANNED = ("network_id", "ip_version", "cidr", "gateway_ip", "allocation_pools", "enable_dhcp", "ipv6_ra_mode",
            "ipv6_address_mode")  # fmt: skip


def _pool_id(name: str, value: Any) -> str:
    if value == _PREFIX_DELEGATION:
        raise wrong(name, "'prefix_delegation' is not served", hint="give a cidr, or the id of a subnet pool")
    return str(uuid(name, value))


ATTRIBUTES = Attributes(
    "subnet",
    standard(
        Attribute("name", text(), filter=column("name"), sort="name"),
        Attribute("network_id", uuid, in_put=False, is_required=True, filter=column("network_id"), sort="network_id"),
        Attribute(
            "ip_version", one_of((4, 6), integer), in_put=False, is_required=True, filter=number("ip_version"),
            sort="ip_version",
        ),
        Attribute("cidr", text_or_none(_CIDR_CHARS_MAX), in_put=False, filter=column("cidr"), sort="cidr"),
        Attribute("gateway_ip", ip_or_none, filter=column("gateway_ip"), sort="gateway_ip", is_null_first=True),
        Attribute("allocation_pools", ip_pools),
        Attribute("enable_dhcp", boolean, filter=flag("enable_dhcp"), sort="enable_dhcp"),
        Attribute("dns_nameservers", or_empty(nameservers)),
        Attribute("host_routes", or_empty(host_routes)),
        *(
            Attribute(name, _MODES, in_put=False, filter=column(name), sort=name, is_null_first=True)
            for name in ("ipv6_ra_mode", "ipv6_address_mode")
        ),
        Attribute("service_types", service_types),
        Attribute("prefixlen", natural, in_put=False),
        Attribute(
            "subnetpool_id", or_none(_pool_id), in_put=False, filter=column("subnetpool_id"), sort="subnetpool_id",
            is_null_first=True,
        ),
        Attribute("use_default_subnetpool", boolean, in_put=False),
        Attribute(
            "segment_id", or_none(uuid), set_by=ADMIN, seen_by=ADMIN, filter=column("segment_id"), sort="segment_id",
            is_null_first=True,
        ),
        Attribute("shared", filter=flag("shared")),
        Attribute("router:external", filter=flag("external")),
        TAGS,
    ),
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> Subnet:
    planned = {name: values.pop(name) for name in _PLANNED if name in values}
    wish = SubnetWish(**{"cidr": None, **planned})
    return create_subnet(tx, world, who, NewSubnet(owner_of(who, values), wish, **values))


def _views(tx: Tx, who: Caller, rows: Sequence[Subnet]) -> list[View]:
    external = external_among(tx, {subnet.network_id for subnet in rows})
    return [view(who, subnet, is_external=subnet.network_id in external) for subnet in rows]


def view(who: Caller, subnet: Subnet, *, is_external: bool) -> dict[str, Any]:
    """A subnet as its owner sees it, and for an admin the segment that it is for."""
    shown = {
        "id": subnet.id,
        "name": subnet.name,
        "project_id": subnet.project_id,
        "tenant_id": subnet.project_id,
        "network_id": subnet.network_id,
        "ip_version": subnet.ip_version,
        "subnetpool_id": subnet.subnetpool_id,
        "enable_dhcp": subnet.enable_dhcp,
        "ipv6_ra_mode": subnet.ipv6_ra_mode,
        "ipv6_address_mode": subnet.ipv6_address_mode,
        "gateway_ip": subnet.gateway_ip,
        "cidr": subnet.cidr,
        "allocation_pools": [asdict(pool) for pool in subnet.allocation_pools],
        "host_routes": [asdict(route) for route in subnet.host_routes],
        "dns_nameservers": subnet.dns_nameservers,
        "description": subnet.description,
        "router:external": is_external,
        "service_types": subnet.service_types,
        "tags": subnet.tags,
        "created_at": stamp(subnet.created_at),
        "updated_at": stamp(subnet.updated_at),
        "revision_number": subnet.revision_number,
    }
    return shown | {"segment_id": subnet.segment_id} if who.is_admin else shown


SUBNET_COLLECTION = Collection(
    "subnet", "subnets", ATTRIBUTES,
    get=get_subnet, find=list_subnets, create=_create, update=update_subnet, delete=delete_subnet,
    views=_views, stored=SUBNETS.flat, made={},
)  # fmt: skip
