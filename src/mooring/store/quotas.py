"""What projects may have, and how many they have. The counts are kept by triggers (``tables.py``)."""

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.triggers import COUNTED
from mooring.store.tx import Tx

_Q, _U = tables.quotas.c, tables.quota_usage.c
_LIMITS = Sql(select(_Q.resource, _Q.limit).where(_Q.project_id == bindparam("project")))
_LIMIT = Sql(select(_Q.limit).where(_Q.project_id == bindparam("project"), _Q.resource == bindparam("resource")))
_USED = Sql(select(_U.used).where(_U.project_id == bindparam("project"), _U.resource == bindparam("resource")))
_ALL_USED = Sql(select(_U.resource, _U.used).where(_U.project_id == bindparam("project")))
_BOOKS = Sql(select(_U.project_id, _U.resource, _U.used))
_OWN = Sql(select(_Q.project_id).distinct().order_by(_Q.project_id))
_FORGET = Sql(delete(tables.quotas).where(_Q.project_id == bindparam("project")))
_adding = insert(tables.quotas).values(
    project_id=bindparam("project"), resource=bindparam("resource"), limit=bindparam("most")
)
_SET = Sql(_adding.on_conflict_do_update(index_elements=["project_id", "resource"], set_={"limit": bindparam("most")}))


def own_limits(tx: Tx, project_id: str) -> dict[str, int]:
    """Resource to limit, of what was set for this project; the rest is the defaults'."""
    return {str(resource): int(str(limit)) for resource, limit in tx.all(_LIMITS, project=project_id)}


def own_limit(tx: Tx, project_id: str, resource: str) -> int | None:
    row = tx.one(_LIMIT, project=project_id, resource=resource)
    return None if row is None else int(str(row[0]))


def set_limit(tx: Tx, project_id: str, resource: str, limit: int) -> None:
    tx.run(_SET, project=project_id, resource=resource, most=limit)


def forget(tx: Tx, project_id: str) -> int:
    """Back to the defaults; returns how many limits the project had of its own."""
    return tx.run(_FORGET, project=project_id)


def projects(tx: Tx) -> list[str]:
    """The projects with limits of their own."""
    return [str(project) for (project,) in tx.all(_OWN)]


def used(tx: Tx, project_id: str, resource: str) -> int:
    row = tx.one(_USED, project=project_id, resource=resource)
    return 0 if row is None else int(str(row[0]))


def all_used(tx: Tx, project_id: str) -> dict[str, int]:
    return {str(resource): int(str(count)) for resource, count in tx.all(_ALL_USED, project=project_id)}


def books(tx: Tx) -> dict[tuple[str, str], int]:
    """(project, resource) to what the triggers counted."""
    return {(str(project), str(resource)): int(str(count)) for project, resource, count in tx.all(_BOOKS)}


def counted(tx: Tx) -> dict[tuple[str, str], int]:
    """The same, counted afresh."""
    found: dict[tuple[str, str], int] = {}
    for resource, sql in _COUNTS.items():
        found |= {(str(project), resource): int(str(count)) for project, count in tx.all(sql)}
    return found


_COUNTS = {
    resource: Sql(select(table.c.project_id, func.count()).group_by(table.c.project_id))
    for resource, table in ((resource, tables.METADATA.tables[name]) for resource, name in COUNTED.items())
}
