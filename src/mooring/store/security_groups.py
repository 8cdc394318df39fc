"""Security groups: their rows, their rules, and who uses one."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import bindparam, exists, func, literal_column, select

from mooring.model.security_group import SecurityGroup, SecurityGroupRule
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

#: The name of the group that every project has; nobody else may have it, in any case of letters.
DEFAULT_GROUP = "default"

SECURITY_GROUPS = Records(tables.security_groups, SecurityGroup)
SECURITY_GROUP_RULES = Records(tables.security_group_rules, SecurityGroupRule)

_G, _R, _L = tables.security_groups.c, tables.security_group_rules.c, tables.port_security_groups.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_IS_DEFAULT = _G.name == literal_column(f"'{DEFAULT_GROUP}'")
_HAS_DEFAULT = Sql(select(exists().where(_G.project_id == bindparam("project"), _IS_DEFAULT)))
_RULES_OF = Sql(
    select(*SECURITY_GROUP_RULES.columns).where(_R.security_group_id.in_(_WANTED)).order_by(_R.created_at, _R.id)
)
_IDS_OF_PROJECT = Sql(select(_G.id).where(_G.project_id == bindparam("project")).order_by(_G.id))
_IS_USED = Sql(select(exists().where(_L.security_group_id == bindparam("group"))))
_PORTS_WITH = Sql(select(_L.port_id).where(_L.security_group_id.in_(_WANTED)))
_AMONG = Sql(select(*SECURITY_GROUPS.columns).where(_G.id.in_(_WANTED)))


def _json(values: Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode()


def has_default(tx: Tx, project_id: str) -> bool:
    row = tx.one(_HAS_DEFAULT, project=project_id)
    return row is not None and bool(row[0])


def groups_among(tx: Tx, ids: Iterable[str]) -> dict[str, SecurityGroup]:
    """By id; ids of nothing are left out."""
    found = (SECURITY_GROUPS.value(row) for row in tx.all(_AMONG, wanted=_json(ids)))
    return {group.id: group for group in found}


def rules_of(tx: Tx, group_ids: Sequence[str]) -> Mapping[str, list[SecurityGroupRule]]:
    """The rules of many groups by group, oldest first, in one read."""
    found: dict[str, list[SecurityGroupRule]] = {}
    for row in tx.all(_RULES_OF, wanted=_json(group_ids)):
        rule = SECURITY_GROUP_RULES.value(row)
        found.setdefault(rule.security_group_id, []).append(rule)
    return found


def ids_of_project(tx: Tx, project_id: str) -> list[str]:
    return [str(ident) for (ident,) in tx.all(_IDS_OF_PROJECT, project=project_id)]


def is_used(tx: Tx, group_id: str) -> bool:
    """Whether a port has the group."""
    row = tx.one(_IS_USED, group=group_id)
    return row is not None and bool(row[0])


def ports_with(tx: Tx, group_ids: Iterable[str]) -> set[str]:
    """The ids of the ports that have any of the groups."""
    return {str(port_id) for (port_id,) in tx.all(_PORTS_WITH, wanted=_json(group_ids))}
