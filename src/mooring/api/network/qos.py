"""``/qos/policies``: the attributes, the stories behind the calls, and the view."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import Attribute, Attributes, column, owner_of
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import TAGS, flag, stamp, standard
from mooring.api.network.qos_rules import rule_values
from mooring.api.network.values import boolean, text
from mooring.model.identity import Caller
from mooring.model.qos import QosPolicy, QosRule
from mooring.model.rbac import ObjectType
from mooring.service.qos import (
    QosPolicyWish,
    create_policy,
    delete_policy,
    get_policy,
    list_policies,
    update_policy,
)
from mooring.service.sharing import shared_among
from mooring.service.world import World
from mooring.store.qos import QOS_POLICIES, rules_of
from mooring.store.tx import Tx

ATTRIBUTES = Attributes(
    "policy",
    standard(
        Attribute("name", text(), filter=column("name"), sort="name"),
        Attribute("shared", boolean, filter=flag("shared")),
        Attribute("is_default", boolean, filter=flag("is_default")),
        Attribute("rules"),
        TAGS,
    ),
)


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> QosPolicy:
    return create_policy(tx, world, who, QosPolicyWish(owner_of(who, values), **values))


def _views(tx: Tx, who: Caller, rows: Sequence[QosPolicy]) -> list[View]:
    ids = [policy.id for policy in rows]
    rules, shared = rules_of(tx, ids), shared_among(tx, who, ObjectType.QOS_POLICY, ids)
    return [view(policy, rules.get(policy.id, ()), is_shared=policy.id in shared) for policy in rows]


def view(policy: QosPolicy, rules: Sequence[QosRule], *, is_shared: bool) -> Mapping[str, Any]:
    """A policy with its rules; ``is_shared`` is what the caller is told of it."""
    return {
        "id": policy.id,
        "project_id": policy.project_id,
        "tenant_id": policy.project_id,
        "name": policy.name,
        "shared": is_shared or policy.shared,
        "rules": [
            {**rule_values(rule), "id": rule.id, "qos_policy_id": rule.qos_policy_id, "type": rule.type}
            for rule in rules
        ],
        "is_default": policy.is_default,
        "description": policy.description,
        "tags": policy.tags,
        "created_at": stamp(policy.created_at),
        "updated_at": stamp(policy.updated_at),
        "revision_number": policy.revision_number,
    }


QOS_POLICY_COLLECTION = Collection(
    "policy", "policies", ATTRIBUTES,
    get=get_policy, find=list_policies, create=_create, update=update_policy, delete=delete_policy,
    views=_views, stored=QOS_POLICIES.flat, made={}, hides_markers=True,
)  # fmt: skip
