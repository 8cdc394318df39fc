"""RBAC policies: an object's owner shares it with a project, an admin with everybody."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.rbac import EVERYBODY, Action, ObjectType, RbacPolicy
from mooring.service import quotas, sharing
from mooring.service.ownership import denied_attribute, is_mine, is_visible, scope_of
from mooring.service.subnetpools import check_scope_reaches
from mooring.service.world import World
from mooring.store import rbac
from mooring.store.rbac import RBAC_POLICIES
from mooring.store.rows import Query
from mooring.store.tx import Taken, Tx

ACTIONS: Mapping[ObjectType, frozenset[Action]] = {
    kind: frozenset(Action) if kind is ObjectType.NETWORK else frozenset({Action.SHARED}) for kind in ObjectType
}


@dataclass(frozen=True, slots=True)
class RbacWish:
    """What ``POST /rbac-policies`` asks for, checked for form by the API."""

    project_id: str
    object_type: ObjectType
    object_id: str
    action: Action
    target_project: str


def get_rbac_policy(tx: Tx, who: Caller, policy_id: str) -> RbacPolicy:
    """Raises NotFound for another project's, even for the project that it shares something with."""
    policy = RBAC_POLICIES.get(tx, policy_id)
    if policy is None or not is_visible(who, policy.project_id):
        raise NotFound("rbac policy", policy_id)
    return policy


def list_rbac_policies(tx: Tx, who: Caller, query: Query) -> list[RbacPolicy]:
    return RBAC_POLICIES.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def create_rbac_policy(tx: Tx, world: World, who: Caller, wish: RbacWish) -> RbacPolicy:
    """Share an object. Raises NotFound for it, Invalid when it is not the caller's, Conflict for what there is."""
    if wish.action not in ACTIONS[wish.object_type]:
        valid = ", ".join(sorted(ACTIONS[wish.object_type]))
        raise Invalid(
            f"Invalid input for operation: Invalid action '{wish.action}' for object type '{wish.object_type}'. "
            f"Valid actions: {valid}."
        )
    _check_target(who, "create_rbac_policy", wish.target_project)
    owner = rbac.owner_of(tx, wish.object_type, wish.object_id)
    if owner is None:
        raise NotFound(wish.object_type.value, wish.object_id)
    if not is_mine(who, owner):
        raise Invalid("Invalid input for operation: Only admins can manipulate policies on objects they do not own.")
    if wish.object_type is ObjectType.SUBNETPOOL:
        check_scope_reaches(tx, wish.object_id, wish.target_project)
    quotas.spend(tx, world, wish.project_id, "rbac_policy")
    made = RbacPolicy(
        world.ids.uuid(), wish.project_id, wish.object_type, wish.object_id, wish.action, wish.target_project
    )
    try:
        RBAC_POLICIES.insert(tx, made)
    except Taken as taken:
        raise _duplicate() from taken
    rbac.follow(tx, made, is_there=True)
    sharing.tell(tx, who, "rbac_policy.created", made)
    return made


def update_rbac_policy(tx: Tx, who: Caller, policy_id: str, changes: Mapping[str, Any]) -> RbacPolicy:
    """Set the target. Raises Conflict while who had it uses the object and nothing else lets it."""
    before = get_rbac_policy(tx, who, policy_id)
    after = replace(before, **changes)
    if after == before:
        return before
    _check_target(who, "update_rbac_policy", after.target_project)
    if after.target_project != EVERYBODY:
        _check_unused(tx, before)
    try:
        RBAC_POLICIES.update(tx, after)
    except Taken as taken:
        raise _duplicate() from taken
    rbac.follow(tx, before, is_there=False)
    rbac.follow(tx, after, is_there=True)
    sharing.tell(tx, who, "rbac_policy.updated", after)
    return after


def delete_rbac_policy(tx: Tx, who: Caller, policy_id: str) -> None:
    """Raises Conflict while who has it uses the object and nothing else lets it."""
    policy = get_rbac_policy(tx, who, policy_id)
    _check_unused(tx, policy)
    RBAC_POLICIES.delete(tx, policy.id)
    rbac.follow(tx, policy, is_there=False)
    sharing.tell(tx, who, "rbac_policy.deleted", policy)


def _check_target(who: Caller, rule: str, target_project: str) -> None:
    if target_project == EVERYBODY and not who.is_admin:
        raise denied_attribute(rule, "target_tenant", "only an admin shares with everybody")


def _check_unused(tx: Tx, entry: RbacPolicy) -> None:
    """Of access as external, nobody's object depends: ports on such a network are made by those who share it."""
    owner = rbac.owner_of(tx, entry.object_type, entry.object_id)
    if entry.action is not Action.SHARED or owner is None or owner == entry.target_project:
        return
    users = sharing.strangers(tx, entry.object_type, entry.object_id, owner, entry.target_project)
    if entry.target_project != EVERYBODY:
        users &= {entry.target_project}
    if users:
        raise sharing.in_use(entry.object_id, users)


def _duplicate() -> Conflict:
    return Conflict("An RBAC policy already exists with those values.", code="DuplicateRbacPolicy")
