"""``/networks``: the attributes, the stories behind the calls, and the view.

Our own attributes: ``mooring:default_vnic_type`` is the vnic type of ports made for a server's nic that names only
the network; ``mooring:port_profile`` is the port profile of its ports that name none, by name or id. The network's
owner sets them (``openstack network set --extra-property``), and they are shown when they are set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import (
    ADMIN,
    ALIKE,
    Among,
    Attribute,
    Attributes,
    Filter,
    column,
    constant,
    owner_of,
)
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import TAGS, flag, number, stamp, standard, unserved
from mooring.api.network.values import (
    boolean,
    integer,
    natural,
    one_of,
    or_none,
    segments,
    text,
    text_or_none,
    uuid,
)
from mooring.core.addressing import IPV4, IPV6
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.service.networks import (
    NetworkDetails,
    NetworkWish,
    SegmentWish,
    create_network,
    delete_network,
    details,
    get_network,
    list_networks,
    update_network,
)
from mooring.service.server_ports import SERVED_VNIC_TYPES
from mooring.service.world import World
from mooring.store.networks import NETWORKS, networks_by_segment
from mooring.store.tx import Tx

_PROVIDER = ("network_type", "physical_network", "segmentation_id")
_NOWHERE = {f"provider:{name}": None for name in _PROVIDER}
"""Of a network whose last segment was deleted."""
_PROFILE_CHARS_MAX = 255
_NEVER_UPDATED = frozenset({"network_type", "physical_network", "segments"})


def _by_segment(segment_column: str) -> Filter:
    """Filter by a column of the segments: a network fits when one of its segments does."""

    def filter_by(attribute: str, values: Sequence[str]) -> Among:
        wanted: Sequence[object] = values
        if segment_column == "segmentation_id":
            wanted = [integer(attribute, value) for value in values]
        return Among(lambda tx: networks_by_segment(tx, segment_column, wanted))

    return filter_by


def _provider(name: str, convert: Any) -> Attribute:
    return Attribute(f"provider:{name}", convert, field=name, set_by=ADMIN, seen_by=ADMIN, filter=_by_segment(name))


ATTRIBUTES = Attributes(
    "network",
    standard(
        Attribute("name", text(), filter=column("name"), sort="name"),
        Attribute("admin_state_up", boolean, filter=flag("admin_state_up"), sort="admin_state_up"),
        Attribute("mtu", natural, filter=number("mtu"), sort="mtu"),
        Attribute("shared", boolean, set_by=ADMIN, filter=flag("shared")),
        Attribute("router:external", boolean, field="external", set_by=ADMIN, filter=flag("external")),
        Attribute("port_security_enabled", boolean),
        _provider("network_type", text(32)),
        _provider("physical_network", text(64)),
        _provider("segmentation_id", integer),
        Attribute("segments", segments, set_by=ADMIN, seen_by=ADMIN),
        Attribute(
            "mooring:default_vnic_type",
            one_of([*sorted(SERVED_VNIC_TYPES), None]),
            field="default_vnic_type",
        ),
        Attribute("mooring:port_profile", text_or_none(_PROFILE_CHARS_MAX), field="port_profile"),
        Attribute("is_default", boolean, set_by=ADMIN, filter=flag("is_default")),
        Attribute("qos_policy_id", or_none(uuid)),
        unserved("availability_zone_hints", in_put=False, sort=ALIKE),
        Attribute("status", filter=constant("ACTIVE"), sort=ALIKE),
        *(Attribute(name) for name in ("subnets", "availability_zones", "ipv4_address_scope", "ipv6_address_scope")),
        TAGS,
    ),
)


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> Network:
    provider = {name: values.pop(name) for name in _PROVIDER if name in values}
    wishes = values.pop("segments", ())
    if provider and wishes:
        raise Invalid("Segments and provider values cannot both be set.", code="SegmentsSetInConjunctionWithProviders")
    if provider:
        wishes = (SegmentWish(**provider),)
    return create_network(tx, world, who, NetworkWish(owner_of(who, values), segments=wishes, **values))


def _update(tx: Tx, world: World, who: Caller, ident: str, values: Mapping[str, Any]) -> Network:
    if _NEVER_UPDATED & values.keys():
        raise Invalid(
            "Invalid input for operation: Plugin does not support updating the following provider network attributes: "
            "provider:network_type, provider:physical_network."
        )
    return update_network(tx, world, who, ident, values)


def _views(tx: Tx, who: Caller, rows: Sequence[Network]) -> list[View]:
    return [view(who, each) for each in details(tx, who, rows)]


def view(who: Caller, found: NetworkDetails) -> dict[str, Any]:
    """A network as its owner sees it, and for an admin where it is."""
    network = found.network
    shown: dict[str, Any] = {
        "id": network.id,
        "name": network.name,
        "tenant_id": network.project_id,
        "project_id": network.project_id,
        "admin_state_up": network.admin_state_up,
        "mtu": network.mtu,
        "status": "ACTIVE",
        "subnets": [subnet.id for subnet in found.subnets],
        "shared": found.is_shared,
        "availability_zone_hints": (),
        "availability_zones": (),
        "ipv4_address_scope": _scope(found, IPV4),
        "ipv6_address_scope": _scope(found, IPV6),
        "router:external": network.external,
        "description": network.description,
        "port_security_enabled": network.port_security_enabled,
        "qos_policy_id": network.qos_policy_id,
        "tags": network.tags,
        "created_at": stamp(network.created_at),
        "updated_at": stamp(network.updated_at),
        "revision_number": network.revision_number,
    }
    if network.default_vnic_type is not None:
        shown["mooring:default_vnic_type"] = network.default_vnic_type
    if found.port_profile is not None:
        shown["mooring:port_profile"] = found.port_profile
    if network.external or network.is_default:
        shown["is_default"] = network.is_default
    if who.is_admin:
        placed = [{f"provider:{name}": getattr(segment, name) for name in _PROVIDER} for segment in found.segments]
        shown |= {"segments": placed} if len(placed) > 1 else (placed or [_NOWHERE])[0]
    return shown


def _scope(found: NetworkDetails, ip_version: int) -> str | None:
    """A network's subnets of one IP version are all of one address scope, or of none."""
    scopes = (each.address_scope_id for each in found.subnets if each.ip_version == ip_version)
    return next((scope for scope in scopes if scope is not None), None)


NETWORK_COLLECTION = Collection(
    "network", "networks", ATTRIBUTES,
    get=get_network, find=list_networks, create=_create, update=_update,
    delete=delete_network, views=_views, stored=NETWORKS.flat, made={"is_default": False},
)  # fmt: skip
