"""The rules of a policy: made, changed and removed; every port that goes by the policy follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mooring.core.qos_conflicts import changed, check_conflicts
from mooring.errors import NotFound
from mooring.model.identity import Caller
from mooring.model.qos import Direction, QosPolicy, QosRule, RuleType
from mooring.service.ownership import denied, is_managed_by, is_manager
from mooring.service.qos import get_policy, tell
from mooring.service.qos_live import policy_retuned
from mooring.service.qos_support import check_rules
from mooring.service.world import World
from mooring.store import qos
from mooring.store.ports import PORTS
from mooring.store.qos import QOS_RULES
from mooring.store.tx import Tx


@dataclass(frozen=True, slots=True)
class RuleWish:
    """What a call says of a rule of one type, checked for form by the API; an update says a part of it."""

    type: RuleType
    direction: Direction | None = None
    values: Mapping[str, int] = field(default_factory=dict)


def rules_of_type(tx: Tx, who: Caller, policy_id: str, kind: RuleType) -> list[QosRule]:
    policy = get_policy(tx, who, policy_id)
    return [rule for rule in qos.rules_of(tx, [policy.id]).get(policy.id, ()) if rule.type is kind]


def get_rule(tx: Tx, who: Caller, policy_id: str, rule_id: str, kind: RuleType) -> QosRule:
    """Raises NotFound for a rule of another policy or type, too."""
    policy = get_policy(tx, who, policy_id)
    rule = QOS_RULES.get(tx, rule_id)
    if rule is None or rule.qos_policy_id != policy.id or rule.type is not kind:
        raise NotFound("qos_rule", f"{rule_id} for policy {policy_id}")
    return rule


def policy_of_rule(tx: Tx, who: Caller, rule_id: str, kind: RuleType) -> str:
    """The id of the policy that has a rule. Raises NotFound also for one whose policy the caller does not see."""
    rule = QOS_RULES.get(tx, rule_id)
    if rule is None or rule.type is not kind:
        raise NotFound("qos_rule", f"{rule_id} for policy ")
    return get_policy(tx, who, rule.qos_policy_id).id


def create_rule(tx: Tx, world: World, who: Caller, policy_id: str, wish: RuleWish) -> QosRule:
    """Raises Conflict for a twin, for what contradicts another rule, and for what a bound port cannot have."""
    if not is_manager(who):
        raise denied(f"create_policy_{wish.type}_rule")
    policy = _own(tx, who, policy_id, "create", wish.type)
    rule = QosRule(world.ids.uuid(), policy.id, wish.type, wish.direction, wish.values)
    check_conflicts(rule, qos.rules_of(tx, [policy.id]).get(policy.id, ()))
    QOS_RULES.insert(tx, rule)
    _follow(tx, world, who, policy, rule)
    return rule


def update_rule(tx: Tx, world: World, who: Caller, policy_id: str, rule_id: str, wish: RuleWish) -> QosRule:
    """Otherwise as ``create_rule``."""
    policy = _own(tx, who, policy_id, "update", wish.type)
    before = get_rule(tx, who, policy.id, rule_id, wish.type)
    after = changed(before, wish.direction, wish.values)
    if after == before:
        return before
    check_conflicts(after, qos.rules_of(tx, [policy.id]).get(policy.id, ()))
    QOS_RULES.update(tx, after)
    _follow(tx, world, who, policy, after)
    return after


def delete_rule(tx: Tx, world: World, who: Caller, policy_id: str, rule_id: str, kind: RuleType) -> None:
    policy = _own(tx, who, policy_id, "delete", kind)
    QOS_RULES.delete(tx, get_rule(tx, who, policy.id, rule_id, kind).id)
    _follow(tx, world, who, policy, None)


def _own(tx: Tx, who: Caller, policy_id: str, verb: str, kind: RuleType) -> QosPolicy:
    policy = get_policy(tx, who, policy_id)
    if not is_managed_by(who, policy.project_id):
        raise denied(f"{verb}_policy_{kind}_rule")
    return policy


def _follow(tx: Tx, world: World, who: Caller, policy: QosPolicy, rule: QosRule | None) -> None:
    """What a rule that came, changed or (``None``) went means for the policy and for the ports that go by it."""
    if rule is not None:
        for port_id in qos.ports_by(tx, policy.id):
            port = PORTS.get(tx, port_id)
            if port is not None:
                check_rules(world, port, [rule])
    qos.touch(tx, policy.id)
    followers = policy_retuned(tx, who, policy.id)
    tell(tx, who, "qos_policy.updated", policy, retuned=followers)
