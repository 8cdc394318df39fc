"""Security groups: every project has one called ``default``, made when somebody first looks, and more if it likes.

They are kept and shown as Neutron does, so that its clients work; no mechanism driver of ours filters traffic, and a
port that has groups says so (``core/enforcement.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.rbac import ObjectType
from mooring.model.security_group import SecurityGroup, SecurityGroupRule
from mooring.service import quotas, sharing
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.world import World
from mooring.store import security_groups as groups
from mooring.store.identity import PROJECTS
from mooring.store.rows import Query
from mooring.store.security_groups import DEFAULT_GROUP, SECURITY_GROUP_RULES, SECURITY_GROUPS
from mooring.store.tx import Event, Taken, Tx

#: Direction, ethertype, and whether only members of the group itself are let in.
_DEFAULT_RULES = (
    ("ingress", "IPv4", True), ("ingress", "IPv6", True), ("egress", "IPv4", False), ("egress", "IPv6", False),
)  # fmt: skip
_NEW_RULES = tuple(rule for rule in _DEFAULT_RULES if rule[0] == "egress")


@dataclass(frozen=True, slots=True)
class GroupWish:
    """What ``POST /security-groups`` asks for, checked for form by the API."""

    project_id: str
    name: str = ""
    description: str = ""
    stateful: bool = True
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupDetails:
    """A group with what a view of it needs."""

    group: SecurityGroup
    rules: tuple[SecurityGroupRule, ...]
    is_shared: bool
    """With the caller's project."""


def get_group(tx: Tx, who: Caller, group_id: str) -> SecurityGroup:
    """Raises NotFound for another project's group too, unless it is shared."""
    group = SECURITY_GROUPS.get(tx, group_id)
    if group is None or not _may_use(tx, who, group):
        raise no_such_group(group_id)
    return group


def no_such_group(group_ids: str) -> NotFound:
    return NotFound("security group", group_ids, words=f"Security group {group_ids} does not exist")


def _may_use(tx: Tx, who: Caller, group: SecurityGroup) -> bool:
    return is_visible(who, group.project_id) or sharing.is_shared_with(tx, who, ObjectType.SECURITY_GROUP, group.id)


def list_groups(tx: Tx, who: Caller, query: Query) -> list[SecurityGroup]:
    return SECURITY_GROUPS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def details(tx: Tx, who: Caller, found: Sequence[SecurityGroup]) -> list[GroupDetails]:
    """Rules and sharing of many groups, in two reads."""
    ids = [group.id for group in found]
    rules = groups.rules_of(tx, ids)
    shared = sharing.shared_among(tx, who, ObjectType.SECURITY_GROUP, ids)
    return [GroupDetails(group, tuple(rules.get(group.id, ())), group.id in shared) for group in found]


def needs_default(tx: Tx, project_id: str) -> bool:
    """Whether the project is one of ours, and has no group of its own called ``default`` yet."""
    return not groups.has_default(tx, project_id) and PROJECTS.get(tx, project_id) is not None


def ensure_default(tx: Tx, world: World, who: Caller, project_id: str) -> None:
    """Make the project's ``default`` group unless it is there. No quota keeps a project from having one."""
    if not groups.has_default(tx, project_id):
        wish = GroupWish(project_id, DEFAULT_GROUP, "Default security group")
        _make(tx, world, who, wish, _DEFAULT_RULES)


def create_group(tx: Tx, world: World, who: Caller, wish: GroupWish) -> SecurityGroup:
    """Make a group that lets everything out. Raises Conflict over the quota of groups or of rules."""
    ensure_default(tx, world, who, wish.project_id)
    quotas.spend(tx, world, wish.project_id, "security_group")
    quotas.spend(tx, world, wish.project_id, "security_group_rule", len(_NEW_RULES))
    return _make(tx, world, who, wish, _NEW_RULES)


def _make(tx: Tx, world: World, who: Caller, wish: GroupWish, rules: Sequence[tuple[str, str, bool]]) -> SecurityGroup:
    group = SecurityGroup(
        world.ids.uuid(), wish.project_id, wish.name, tx.now, tx.now, wish.description, wish.stateful, tags=wish.tags
    )
    SECURITY_GROUPS.insert(tx, group)
    for direction, ethertype, is_from_members in rules:
        rule = SecurityGroupRule(
            world.ids.uuid(), group.project_id, group.id, tx.now, tx.now, direction, ethertype,
            remote_group_id=group.id if is_from_members else None,
        )  # fmt: skip
        SECURITY_GROUP_RULES.insert(tx, rule)
    _tell(tx, who, "security_group.created", group)
    return group


def own_group(tx: Tx, who: Caller, group_id: str, rule: str) -> SecurityGroup:
    """The group, for one who may change it. Raises NotFound, and Forbidden with the name of the rule."""
    group = get_group(tx, who, group_id)
    if not is_mine(who, group.project_id):
        raise denied(rule)
    return group


def update_group(
    tx: Tx, world: World, who: Caller, group_id: str, changes: Mapping[str, Any]  # noqa: ARG001 - as every update
) -> SecurityGroup:  # fmt: skip
    """Set fields of a group. Raises Conflict for the name of ``default``, and for ``stateful`` of one in use."""
    before = own_group(tx, who, group_id, "update_security_group")
    if before.name == DEFAULT_GROUP and "name" in changes:
        raise Conflict("Updating default security group not allowed.", code="SecurityGroupCannotUpdateDefault")
    after = replace(before, **changes)
    if after == before:
        return before
    if after.stateful != before.stateful and groups.is_used(tx, before.id):
        raise _in_use(before)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    SECURITY_GROUPS.update(tx, after)
    _tell(tx, who, "security_group.updated", after)
    return after


def delete_group(tx: Tx, world: World, who: Caller, group_id: str) -> None:  # noqa: ARG001 - as every delete
    """Delete a group with its rules, and others' rules that let its members in.

    Raises Conflict while ports have it; ``default`` goes at an admin's word only, and comes back at the next look.
    """
    group = own_group(tx, who, group_id, "delete_security_group")
    if groups.is_used(tx, group.id):
        raise _in_use(group)
    if group.name == DEFAULT_GROUP and not who.is_admin:
        raise Conflict(
            "Insufficient rights for removing default security group.", code="SecurityGroupCannotRemoveDefault"
        )
    sharing.forget(tx, group.id)
    try:
        SECURITY_GROUPS.delete(tx, group.id)
    except Taken as taken:
        raise _in_use(group) from taken
    _tell(tx, who, "security_group.deleted", group)


def _in_use(group: SecurityGroup) -> Conflict:
    return Conflict(f"Security Group {group.id} in use.", code="SecurityGroupInUse", hint="ports have it")


def check_for_port(tx: Tx, who: Caller, project_id: str, group_ids: Sequence[str]) -> None:
    """Raise NotFound for groups that a port of ``project_id`` may not have, Conflict for two of different kinds.

    An admin gives a port anybody's groups. Neutron does not mix stateful and stateless groups on one port.
    """
    if not group_ids:
        return
    if len(set(group_ids)) < len(group_ids):
        raise Invalid("Invalid input for security_groups. Reason: Duplicate items in the list.", code="HTTPBadRequest")
    found = groups.groups_among(tx, group_ids)
    owner = replace(who, project_id=project_id)
    missing = [
        ident
        for ident in group_ids
        if ident not in found
        or not (
            who.is_admin
            or found[ident].project_id == project_id
            or sharing.is_shared_with(tx, owner, ObjectType.SECURITY_GROUP, ident)
        )
    ]
    if missing:
        raise no_such_group(", ".join(missing))
    if len({group.stateful for group in found.values()}) > 1:
        raise Conflict(
            "Error Cannot apply both stateful and stateless security groups on the same port at the same time while "
            "attempting the operation.",
            code="SecurityGroupConflict",
        )


def _tell(tx: Tx, who: Caller, kind: str, group: SecurityGroup) -> None:
    tx.tell(Event(kind, group.id, group.project_id, None, who.user_id, who.request_id, {"name": group.name}))
