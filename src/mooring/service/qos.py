"""QoS policies: made by admins and project managers, shared by RBAC, named by networks and ports.

What a policy does to a port is in ``qos_rates.py`` and ``qos_support.py``, and reaches running servers by
``qos_live.py``; the stories of other nouns find what they need of it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mooring.errors import Conflict, NotFound
from mooring.model.identity import Caller
from mooring.model.qos import QosPolicy
from mooring.model.rbac import ObjectType
from mooring.service import sharing
from mooring.service.ownership import denied, is_managed_by, is_visible, scope_of
from mooring.service.qos_live import network_retuned, port_retuned
from mooring.service.qos_rates import effective_policy, not_enforced, qos_view, rates_of
from mooring.service.qos_requests import resource_request
from mooring.service.qos_support import check_rules_for
from mooring.service.world import World
from mooring.store import qos
from mooring.store.qos import QOS_POLICIES
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

__all__ = [
    "check_policy", "check_rules_for", "default_policy_of", "effective_policy", "network_retuned", "not_enforced",
    "port_retuned", "qos_view", "rates_of", "resource_request",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class QosPolicyWish:
    """What ``POST /qos/policies`` asks for, checked for form by the API."""

    project_id: str
    name: str = ""
    description: str = ""
    shared: bool = False
    is_default: bool = False


def check_policy(tx: Tx, who: Caller, policy_id: str) -> QosPolicy:
    """The policy that a network or a port is to name. Raises NotFound for one that the caller may not use."""
    return get_policy(tx, who, policy_id)


def default_policy_of(tx: Tx, project_id: str) -> str | None:
    """The id of the policy for the project's networks that name none."""
    return qos.default_of(tx, project_id)


def get_policy(tx: Tx, who: Caller, policy_id: str) -> QosPolicy:
    """Raises NotFound for another project's policy too, unless it is shared."""
    policy = QOS_POLICIES.get(tx, policy_id)
    if policy is None or not (is_visible(who, policy.project_id) or _is_shared(tx, who, policy)):
        raise NotFound("qos_policy", policy_id)
    return policy


def _is_shared(tx: Tx, who: Caller, policy: QosPolicy) -> bool:
    return policy.shared or sharing.is_shared_with(tx, who, ObjectType.QOS_POLICY, policy.id)


def list_policies(tx: Tx, who: Caller, query: Query) -> list[QosPolicy]:
    return QOS_POLICIES.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def own_policy(tx: Tx, who: Caller, policy_id: str, rule: str) -> QosPolicy:
    """The policy, for one who may change it. Raises NotFound, and Forbidden with the name of the rule."""
    policy = get_policy(tx, who, policy_id)
    if not is_managed_by(who, policy.project_id):
        raise denied(rule)
    return policy


def create_policy(tx: Tx, world: World, who: Caller, wish: QosPolicyWish) -> QosPolicy:
    """Raises Conflict when the project has a default policy and this would be another."""
    if not is_managed_by(who, wish.project_id):
        raise denied("create_policy")
    policy = QosPolicy(
        world.ids.uuid(), wish.project_id, wish.name, tx.now, tx.now, wish.description, wish.shared, wish.is_default
    )
    if wish.is_default:
        _check_no_default(tx, policy)
    QOS_POLICIES.insert(tx, policy)
    if wish.shared:
        sharing.set_shared(tx, world, who, ObjectType.QOS_POLICY, policy.id, policy.project_id, True)
    tell(tx, who, "qos_policy.created", policy)
    return policy


def update_policy(tx: Tx, world: World, who: Caller, policy_id: str, changes: Mapping[str, Any]) -> QosPolicy:
    """Raises Conflict for a second default, and for one that others use and would not see any more."""
    before = own_policy(tx, who, policy_id, "update_policy")
    after = replace(before, **changes)
    if after == before:
        return before
    if after.is_default and not before.is_default:
        _check_no_default(tx, after)
    if before.shared and not after.shared:
        users = sharing.strangers(tx, ObjectType.QOS_POLICY, before.id, before.project_id)
        if users:
            raise sharing.in_use(before.id, users)
    if after.shared != before.shared:
        sharing.set_shared(tx, world, who, ObjectType.QOS_POLICY, after.id, after.project_id, after.shared)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    QOS_POLICIES.update(tx, after)
    tell(tx, who, "qos_policy.updated", after)
    return after


def _check_no_default(tx: Tx, policy: QosPolicy) -> None:
    other = qos.default_of(tx, policy.project_id)
    if other is not None and other != policy.id:
        raise Conflict(
            f"A default QoS policy exists for project {policy.project_id}.", code="QoSPolicyDefaultAlreadyExists",
            hint=f"it is {other}",
        )  # fmt: skip


def delete_policy(tx: Tx, _world: World, who: Caller, policy_id: str) -> None:
    """Delete a policy with its rules. Raises Conflict while a network or a port has it."""
    policy = own_policy(tx, who, policy_id, "delete_policy")
    user = qos.user_of(tx, policy.id)
    if user is not None:
        raise Conflict(f"QoS Policy {policy.id} is used by {user[0]} {user[1]}.", code="QosPolicyInUse")
    sharing.forget(tx, policy.id)
    QOS_POLICIES.delete(tx, policy.id)
    tell(tx, who, "qos_policy.deleted", policy)


def tell(tx: Tx, who: Caller, kind: str, policy: QosPolicy, **detail: object) -> None:
    tx.tell(
        Event(kind, policy.id, policy.project_id, None, who.user_id, who.request_id, {"name": policy.name, **detail})
    )
