"""Address scopes: the name under which subnet pools never overlap."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import AddressScope
from mooring.model.rbac import ObjectType
from mooring.service import quotas, sharing
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.world import World
from mooring.store.rows import Query
from mooring.store.subnetpools import ADDRESS_SCOPES, pools_of_scope
from mooring.store.tx import Event, Tx


def get_address_scope(tx: Tx, who: Caller, scope_id: str) -> AddressScope:
    """Raises NotFound for another project's too, unless it is shared with the caller's."""
    scope = ADDRESS_SCOPES.get(tx, scope_id)
    if scope is None or not (
        scope.shared
        or is_visible(who, scope.project_id)
        or sharing.is_open_to(tx, who, ObjectType.ADDRESS_SCOPE, scope.id)
    ):
        raise NotFound("address_scope", scope_id)
    return scope


def list_address_scopes(tx: Tx, who: Caller, query: Query) -> list[AddressScope]:
    return ADDRESS_SCOPES.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def create_address_scope(
    tx: Tx, world: World, who: Caller, project_id: str, ip_version: int, name: str = "", shared: bool = False
) -> AddressScope:
    quotas.spend(tx, world, project_id, "address_scope")
    scope = ADDRESS_SCOPES.insert(tx, AddressScope(world.ids.uuid(), project_id, name, ip_version, shared))
    if shared:
        sharing.set_shared(tx, world, who, ObjectType.ADDRESS_SCOPE, scope.id, project_id, True)
    _tell(tx, who, "address-scope.created", scope)
    return scope


def update_address_scope(tx: Tx, world: World, who: Caller, scope_id: str, changes: Mapping[str, Any]) -> AddressScope:
    """Set the name, or share it with everybody. Raises Invalid for taking that back, as Neutron does."""
    before = get_address_scope(tx, who, scope_id)
    if not is_mine(who, before.project_id):
        raise denied("update_address_scope")
    after = replace(before, **changes)
    if after == before:
        return before
    if before.shared and not after.shared:
        raise Invalid(
            f"Unable to update address scope {before.id} : Shared address scope can't be unshared.",
            code="AddressScopeUpdateError",
            hint="delete its RBAC policies, which also say who uses it",
        )
    ADDRESS_SCOPES.update(tx, after)
    if after.shared != before.shared:
        sharing.set_shared(tx, world, who, ObjectType.ADDRESS_SCOPE, after.id, after.project_id, after.shared)
    _tell(tx, who, "address-scope.updated", after)
    return after


def delete_address_scope(tx: Tx, _world: World, who: Caller, scope_id: str) -> None:
    """Raises Conflict, ``AddressScopeInUse``, while a subnet pool is of it."""
    scope = get_address_scope(tx, who, scope_id)
    if not is_mine(who, scope.project_id):
        raise denied("delete_address_scope")
    if pools_of_scope(tx, scope.id):
        raise Conflict(
            f"Unable to complete operation on address scope {scope.id}. There are one or more subnet pools in use on "
            "the address scope.",
            code="AddressScopeInUse",
        )
    ADDRESS_SCOPES.delete(tx, scope.id)
    sharing.forget(tx, scope.id)
    _tell(tx, who, "address-scope.deleted", scope)


def _tell(tx: Tx, who: Caller, kind: str, scope: AddressScope) -> None:
    tx.tell(Event(kind, scope.id, scope.project_id, None, who.user_id, who.request_id, {"name": scope.name}))
