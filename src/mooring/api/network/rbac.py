"""``/rbac-policies``: the attributes, the stories behind the calls, and the view."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import Attribute, Attributes, column, owner_of
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import PROJECT_CHARS_MAX
from mooring.api.network.values import text, uuid
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.rbac import EVERYBODY, Action, ObjectType, RbacPolicy
from mooring.service.rbac import (
    RbacWish,
    create_rbac_policy,
    delete_rbac_policy,
    get_rbac_policy,
    list_rbac_policies,
    update_rbac_policy,
)
from mooring.service.world import World
from mooring.store.rbac import RBAC_POLICIES
from mooring.store.tx import Tx

_HEX_DIGITS = 32
_HEX = frozenset("0123456789abcdefABCDEF")


def _object_type(name: str, value: Any) -> ObjectType:
    word = str(value).strip().lower()
    if word not in set(ObjectType):
        raise Invalid(
            f"Invalid input for operation: '{shown(value)}' is not a valid RBAC object type.",
            hint=f"{name} is one of {', '.join(ObjectType)}",
        )
    return ObjectType(word)


def _action(name: str, value: Any) -> Action:
    if value not in tuple(Action):  # a list or an object can be in no set
        raise Invalid(
            f"Invalid input for operation: '{shown(value)}' is not a valid action.",
            hint=f"{name} is one of {', '.join(Action)}",
        )
    return Action(value)


def _target(name: str, value: Any) -> str:
    """A project's id, with or without dashes, or the star."""
    if value == EVERYBODY:
        return EVERYBODY
    bare = value.replace("-", "") if isinstance(value, str) else ""
    if len(bare) != _HEX_DIGITS or not _HEX.issuperset(bare):
        raise Invalid(
            f"Invalid input for operation: '{shown(value)}' is not a valid target project ID; expected a UUID or '*'.",
            hint=f"{name} is the id of a project",
        )
    return str(value)


ATTRIBUTES = Attributes(
    "rbac_policy",
    [
        Attribute("id", filter=column("id"), sort="id"),
        Attribute(
            "object_type", _object_type, in_put=False, is_required=True, filter=column("object_type"),
            sort="object_type",
        ),
        Attribute("object_id", uuid, in_put=False, is_required=True, filter=column("object_id"), sort="object_id"),
        Attribute("action", _action, in_put=False, is_required=True, filter=column("action"), sort="action"),
        Attribute(
            "target_tenant", _target, field="target_project", is_required=True, filter=column("target_project"),
            sort="target_project",
        ),
        Attribute("project_id", text(PROJECT_CHARS_MAX), in_put=False, filter=column("project_id"), sort="project_id"),
    ],
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> RbacPolicy:
    return create_rbac_policy(tx, world, who, RbacWish(owner_of(who, values), **values))


def _update(tx: Tx, _world: World, who: Caller, ident: str, values: Mapping[str, Any]) -> RbacPolicy:
    return update_rbac_policy(tx, who, ident, values)


def _views(_tx: Tx, _who: Caller, rows: Sequence[RbacPolicy]) -> list[View]:
    return [view(row) for row in rows]


def view(policy: RbacPolicy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "project_id": policy.project_id,
        "tenant_id": policy.project_id,
        "object_type": policy.object_type,
        "object_id": policy.object_id,
        "action": policy.action,
        "target_tenant": policy.target_project,
    }


RBAC_COLLECTION = Collection(
    "rbac_policy", "rbac_policies", ATTRIBUTES,
    get=get_rbac_policy, find=list_rbac_policies, create=_create, update=_update,
    delete=lambda tx, _world, who, ident: delete_rbac_policy(tx, who, ident),
    views=_views, stored=RBAC_POLICIES.flat, made={}, path="rbac-policies", has_tags=False,
)  # fmt: skip
