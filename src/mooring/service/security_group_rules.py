"""The rules of security groups: made, shown and deleted; what one says never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.security_rules import check_new, settled
from mooring.errors import Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.security_group import SecurityGroup, SecurityGroupRule
from mooring.service import quotas
from mooring.service.ownership import denied, is_mine, is_visible
from mooring.service.security_groups import get_group
from mooring.service.world import World
from mooring.store import security_groups as groups
from mooring.store.rows import Query
from mooring.store.security_groups import SECURITY_GROUP_RULES, SECURITY_GROUPS
from mooring.store.tx import Event, Tx


@dataclass(frozen=True, slots=True)
class RuleWish:
    """What ``POST /security-group-rules`` asks for, checked for form by the API."""

    project_id: str
    security_group_id: str
    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()


def get_rule(tx: Tx, who: Caller, rule_id: str) -> SecurityGroupRule:
    """Raises NotFound for a rule of another project's group too."""
    rule = SECURITY_GROUP_RULES.get(tx, rule_id)
    group = None if rule is None else SECURITY_GROUPS.get(tx, rule.security_group_id)
    if rule is None or group is None or not is_visible(who, group.project_id):
        raise NotFound("security group rule", rule_id, words=f"Security group rule {rule_id} does not exist")
    return rule


def list_rules(tx: Tx, who: Caller, query: Query) -> list[SecurityGroupRule]:
    """The rules of the caller's own groups, whoever made them; all for the privileged."""
    if who.is_privileged:
        return SECURITY_GROUP_RULES.find(tx, query)
    own = groups.ids_of_project(tx, who.project_id or "")
    asked = query.equals.get("security_group_id")
    wanted = own if asked is None else [ident for ident in own if ident in asked]
    return SECURITY_GROUP_RULES.find(tx, replace(query, equals={**query.equals, "security_group_id": wanted}))


def create_rules(tx: Tx, world: World, who: Caller, wishes: Sequence[RuleWish]) -> list[SecurityGroupRule]:
    """Add rules to a group, all or none.

    Raises Invalid for what can never be a rule and for rules of several groups, NotFound for a group, Conflict for a
    rule that is there and over the quota.
    """
    for name in ("security_group_id", "project_id"):
        if len({getattr(wish, name) for wish in wishes}) > 1:
            raise _not_single(name)
    rules = [_rule(tx, world, who, wish) for wish in wishes]
    group = get_group(tx, who, wishes[0].security_group_id)
    if not is_mine(who, group.project_id):
        raise denied("create_security_group_rule")
    check_new(rules, groups.rules_of(tx, [group.id]).get(group.id, ()))
    quotas.spend(tx, world, wishes[0].project_id, "security_group_rule", len(rules))
    for rule in rules:
        SECURITY_GROUP_RULES.insert(tx, rule)
        _tell(tx, who, "security_group_rule.created", rule)
    # The rules are part of what a group is shown as, so that If-Match means them, too.
    SECURITY_GROUPS.update(tx, replace(group, updated_at=tx.now, revision_number=group.revision_number + 1))
    return rules


def _not_single(name: str) -> Invalid:
    if name == "project_id":
        return Invalid(
            "Multiple project_ids in bulk security group rule create not allowed",
            code="SecurityGroupRulesNotSingleProject",
        )
    return Invalid(
        "Only allowed to update rules for one security profile at a time", code="SecurityGroupNotSingleGroupRules"
    )


def _rule(tx: Tx, world: World, who: Caller, wish: RuleWish) -> SecurityGroupRule:
    rule = settled(
        SecurityGroupRule(
            world.ids.uuid(),
            wish.project_id,
            wish.security_group_id,
            tx.now,
            tx.now,
            wish.direction,
            wish.ethertype,
            wish.protocol,
            wish.port_range_min,
            wish.port_range_max,
            wish.remote_ip_prefix,
            wish.remote_group_id,
            wish.description,
            tags=wish.tags,
        )
    )
    if rule.remote_group_id is not None:
        get_group(tx, who, rule.remote_group_id)
    return rule


def update_rule(
    tx: Tx, world: World, who: Caller, rule_id: str, changes: Mapping[str, Any]  # noqa: ARG001 - as every update
) -> SecurityGroupRule:  # fmt: skip
    """Set the tags or the description of a rule."""
    before = get_rule(tx, who, rule_id)
    _check_mine(tx, who, before, "update_security_group_rule")
    after = replace(before, **changes)
    if after == before:
        return before
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    SECURITY_GROUP_RULES.update(tx, after)
    _tell(tx, who, "security_group_rule.updated", after)
    return after


def delete_rule(tx: Tx, world: World, who: Caller, rule_id: str) -> None:  # noqa: ARG001 - as every delete
    rule = get_rule(tx, who, rule_id)
    group = _check_mine(tx, who, rule, "delete_security_group_rule")
    SECURITY_GROUP_RULES.delete(tx, rule.id)
    SECURITY_GROUPS.update(tx, replace(group, updated_at=tx.now, revision_number=group.revision_number + 1))
    _tell(tx, who, "security_group_rule.deleted", rule)


def _check_mine(tx: Tx, who: Caller, rule: SecurityGroupRule, name: str) -> SecurityGroup:
    group = get_group(tx, who, rule.security_group_id)
    if not is_mine(who, group.project_id):
        raise denied(name)
    return group


def _tell(tx: Tx, who: Caller, kind: str, rule: SecurityGroupRule) -> None:
    detail = {"security_group_id": rule.security_group_id, "direction": rule.direction}
    tx.tell(Event(kind, rule.id, rule.project_id, None, who.user_id, who.request_id, detail))
