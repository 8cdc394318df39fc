"""``/address-scopes``: the attributes, the stories behind the calls, and the view.

Address scopes have no description, times, revision or tags, as in Neutron.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import ADMIN, Attribute, Attributes, column, owner_of
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import PROJECT_CHARS_MAX, flag, number
from mooring.api.network.values import boolean, integer, one_of, text
from mooring.model.identity import Caller
from mooring.model.network import AddressScope
from mooring.model.rbac import ObjectType
from mooring.service.address_scopes import (
    create_address_scope,
    delete_address_scope,
    get_address_scope,
    list_address_scopes,
    update_address_scope,
)
from mooring.service.sharing import shared_among
from mooring.service.world import World
from mooring.store.subnetpools import ADDRESS_SCOPES
from mooring.store.tx import Tx

ATTRIBUTES = Attributes(
    "address_scope",
    [
        Attribute("id", filter=column("id"), sort="id"),
        Attribute("name", text(), filter=column("name"), sort="name"),
        Attribute(
            "ip_version", one_of((4, 6), integer), in_put=False, is_required=True, filter=number("ip_version"),
            sort="ip_version",
        ),
        Attribute("shared", boolean, set_by=ADMIN, filter=flag("shared"), sort="shared"),
        Attribute("project_id", text(PROJECT_CHARS_MAX), in_put=False, filter=column("project_id"), sort="project_id"),
    ],
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> AddressScope:
    return create_address_scope(tx, world, who, owner_of(who, values), **values)


def _views(tx: Tx, who: Caller, rows: Sequence[AddressScope]) -> list[View]:
    shared = shared_among(tx, who, ObjectType.ADDRESS_SCOPE, [scope.id for scope in rows])
    return [_view(scope, is_shared=scope.id in shared) for scope in rows]


def _view(scope: AddressScope, *, is_shared: bool) -> Mapping[str, Any]:
    return {
        "id": scope.id,
        "name": scope.name,
        "project_id": scope.project_id,
        "tenant_id": scope.project_id,
        "ip_version": scope.ip_version,
        "shared": is_shared,
    }


ADDRESS_SCOPE_COLLECTION = Collection(
    "address_scope", "address_scopes", ATTRIBUTES,
    get=get_address_scope, find=list_address_scopes, create=_create, update=update_address_scope,
    delete=delete_address_scope, views=_views, stored=ADDRESS_SCOPES.flat, made={}, path="address-scopes",
    has_tags=False,
)  # fmt: skip
