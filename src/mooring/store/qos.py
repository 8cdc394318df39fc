"""QoS policies and their rules: rows, and who goes by a policy."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, func, select, update

from mooring.model.qos import QosPolicy, QosRule
from mooring.store import tables
from mooring.store.rows import Records, micros
from mooring.store.sql import Sql
from mooring.store.tx import Tx

QOS_POLICIES = Records(tables.qos_policies, QosPolicy)
QOS_RULES = Records(tables.qos_rules, QosRule)

_Q, _R, _P, _N = tables.qos_policies.c, tables.qos_rules.c, tables.ports.c, tables.networks.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_RULES_OF = Sql(
    select(*QOS_RULES.columns).where(_R.qos_policy_id.in_(_WANTED)).order_by(_R.qos_policy_id, _R.type, _R.id)
)
_DEFAULT = Sql(select(_Q.id).where(_Q.project_id == bindparam("project"), _Q.is_default == 1).limit(1))
_PORT = Sql(select(_P.id).where(_P.qos_policy_id == bindparam("policy")).order_by(_P.id).limit(1))
_NETWORK = Sql(select(_N.id).where(_N.qos_policy_id == bindparam("policy")).order_by(_N.id).limit(1))
_TOUCH = Sql(
    update(tables.qos_policies)
    .where(_Q.id == bindparam("policy"))
    .values(revision_number=_Q.revision_number + 1, updated_at=bindparam("at"))
)
_BY_POLICY = Sql(select(_P.id).where(_P.qos_policy_id == bindparam("policy")).order_by(_P.id))
_BY_NETWORKS = Sql(
    select(_P.id)
    .where(_P.network_id.in_(select(_N.id).where(_N.qos_policy_id == bindparam("policy"))), _P.qos_policy_id.is_(None))
    .order_by(_P.id)
)
_ON_NETWORK = Sql(
    select(_P.id).where(_P.network_id == bindparam("network"), _P.qos_policy_id.is_(None)).order_by(_P.id)
)


def rules_of(tx: Tx, policy_ids: Iterable[str]) -> dict[str, list[QosRule]]:
    """Policy id to its rules, by type and id."""
    found: dict[str, list[QosRule]] = {}
    for row in tx.all(_RULES_OF, wanted=msgspec.json.encode(list(policy_ids)).decode()):
        rule = QOS_RULES.value(row)
        found.setdefault(rule.qos_policy_id, []).append(rule)
    return found


def default_of(tx: Tx, project_id: str) -> str | None:
    """The id of a project's default policy."""
    row = tx.one(_DEFAULT, project=project_id)
    return None if row is None else str(row[0])


def user_of(tx: Tx, policy_id: str) -> tuple[str, str] | None:
    """One network or port that has the policy: what it is, and its id."""
    for kind, sql in (("network", _NETWORK), ("port", _PORT)):
        row = tx.one(sql, policy=policy_id)
        if row is not None:
            return kind, str(row[0])
    return None


def ports_by(tx: Tx, policy_id: str) -> list[str]:
    """The ids of the ports that have the policy, or whose network has it while they have none."""
    return [str(ident) for sql in (_BY_POLICY, _BY_NETWORKS) for (ident,) in tx.all(sql, policy=policy_id)]


def ports_by_network(tx: Tx, network_id: str) -> list[str]:
    """The ids of a network's ports that go by the network's policy."""
    return [str(ident) for (ident,) in tx.all(_ON_NETWORK, network=network_id)]


def touch(tx: Tx, policy_id: str) -> None:
    """A new revision of a policy of which a rule came, changed or went."""
    tx.run(_TOUCH, policy=policy_id, at=micros(tx.now))
