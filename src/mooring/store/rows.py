"""Rows to values and back: one frozen dataclass, one table, the same names.

The converters follow the annotations: enums, booleans, times, addresses, and JSON for whatever is nested.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Table, bindparam, delete, false, insert, literal_column, select, update

from mooring.model.pci import PciAddress
from mooring.model.rbac import EVERYBODY, Action, ObjectType
from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.tx import Row, Tx

T = TypeVar("T")
Convert = Callable[[Any], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPES_MAX = 512
_MOMENTS_MAX = 4096


def micros(when: datetime) -> int:
    """A time as the integer that the tables keep."""
    return (when - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=_MOMENTS_MAX)
def moment(value: int) -> datetime:
    """The time of such an integer. Rows that changed together, and rows that are read again, have the same."""
    return _EPOCH + timedelta(0, 0, value)


def _json_reader(annotation: object) -> Convert:
    return msgspec.json.Decoder(annotation).decode


def _json_writer(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _converters(annotation: Any) -> tuple[Convert | None, Convert | None]:
    """(from the row, to the row) for one annotation, ``None`` where nothing is to do; nulls pass through untouched."""
    if isinstance(annotation, types.UnionType):
        (annotation,) = (arm for arm in typing.get_args(annotation) if arm is not types.NoneType)
    if annotation in (str, int, float):
        return None, None
    if annotation is bool:
        return bool, int
    if annotation is datetime:
        return moment, micros
    if annotation is PciAddress:
        return PciAddress.parse, str
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        # Looked up in a table: an enum's own call costs five times as much, and lists have thousands of them.
        return {member.value: member for member in annotation}.__getitem__, lambda value: str(value.value)
    return _json_reader(annotation), _json_writer


def _stored(value: Any, write: Convert | None) -> object:
    return value if write is None or value is None else write(value)


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    read: Convert | None
    write: Convert | None
    is_tuple: bool
    """Kept as a JSON array, which in most rows is empty."""

    @classmethod
    def of(cls, name: str, annotation: Any) -> _Column:
        return cls(name, *_converters(annotation), typing.get_origin(annotation) is tuple)


def _thawed(kind: type) -> type:
    """The same slots without the freeze, for ``_frozen``.

    A frozen dataclass sets each of its fields by a call, and for a port's 45 that is half of what it costs to read one.
    So a row is put into this class and then declared one of the frozen one, which Python allows among classes with the
    same slots.
    """
    names = [field.name for field in dataclasses.fields(kind)]
    return dataclasses.make_dataclass(f"Thawed{kind.__name__}", names, slots=True, eq=False, repr=False)


def _frozen(value: Any, kind: type[T]) -> T:
    value.__class__ = kind
    made: T = value
    return made


@dataclass(frozen=True, slots=True)
class Query:
    """A list request in the store's words. Every key must be a column; the API checks names before."""

    equals: Mapping[str, Sequence[object]] = dataclasses.field(default_factory=dict)
    """Column to the values of which any will do. An empty sequence matches nothing."""
    sort: Sequence[tuple[str, bool]] = (("id", True),)
    """(column, ascending), most important first; the id is always the last tie-break."""
    limit: int | None = None
    after: Mapping[str, object] | None = None
    """The sort columns' values, and the id, of the marker: rows strictly after it."""
    visible_to: str | None = None
    """Only this project's rows, and those that are shared with it, where the table's may be."""
    also: tuple[str, Sequence[object]] | None = None
    """With ``visible_to``: a column, and the values of it with which others' rows are visible all the same."""


class Records(Generic[T]):
    """The rows of one table as values of one dataclass.

    ``nested`` fields are dataclasses themselves, spread over columns with the field's name before theirs.
    """

    def __init__(self, table: Table, kind: type[T], *, key: str = "id", nested: Mapping[str, type] | None = None):
        self.table = table
        self.kind = kind
        self.key = key
        self._nested = dict(nested or {})

    @cached_property
    def _columns(self) -> tuple[_Column, ...]:
        columns: list[_Column] = []
        for name, annotation in typing.get_type_hints(self.kind).items():
            inner = self._nested.get(name)
            if inner is None:
                columns.append(_Column.of(name, annotation))
            else:
                columns += [_Column.of(f"{name}_{n}", a) for n, a in typing.get_type_hints(inner).items()]
        return tuple(columns)

    def flat(self, value: T) -> dict[str, object]:
        """Column name to stored value."""
        raw: dict[str, object] = {}
        for field in dataclasses.fields(value):  # type: ignore[arg-type]  # T is always a dataclass
            part = getattr(value, field.name)
            if field.name in self._nested:
                raw |= {f"{field.name}_{f.name}": getattr(part, f.name) for f in dataclasses.fields(part)}
            else:
                raw[field.name] = part
        return {c.name: _stored(raw[c.name], c.write) for c in self._columns}

    @cached_property
    def _make(self) -> Callable[..., T]:
        """From the cells of a row, in the order of the columns, which is that of the dataclass's fields, to the value.

        It is written out as one expression: a loop over the columns of each row takes twice as long, and lists have
        thousands of rows.
        """
        known: dict[str, Any] = {"frozen": _frozen, "kind": self.kind, "thawed": _thawed(self.kind)}
        cells = [f"c{n}" for n in range(len(self._columns))]
        read = []
        for cell, column in zip(cells, self._columns, strict=True):
            known[f"read_{cell}"] = column.read
            converted = f"read_{cell}({cell})"
            if column.is_tuple:
                converted = f"() if {cell} == '[]' else {converted}"
            if self.table.c[column.name].nullable:
                converted = f"None if {cell} is None else {converted}"
            read.append(cell if column.read is None else converted)
        fields: list[str] = []
        for name in typing.get_type_hints(self.kind):
            inner = self._nested.get(name)
            if inner is None:
                fields.append(read.pop(0))
                continue
            width = len(typing.get_type_hints(inner))
            known |= {f"kind_{name}": inner, f"thawed_{name}": _thawed(inner)}
            fields.append(f"frozen(thawed_{name}({', '.join(read[:width])}), kind_{name})")
            del read[:width]
        text = f"lambda {', '.join(cells)}: frozen(thawed({', '.join(fields)}), kind)"
        make: Callable[..., T] = eval(text, known)  # noqa: S307 - only names of ours
        return make

    def value(self, row: Row) -> T:
        return self._make(*row)

    @cached_property
    def columns(self) -> list[Any]:
        """The table's columns in the dataclass's order, for selects that end in ``value()``."""
        return [self.table.c[column.name] for column in self._columns]

    @lru_cache(maxsize=_SHAPES_MAX)  # noqa: B019 - records live as long as the process
    def _insert(self, more: tuple[str, ...]) -> Sql:
        names = [*(c.name for c in self._columns), *more]
        return Sql(insert(self.table).values({name: bindparam(name) for name in names}))

    @cached_property
    def _update(self) -> Sql:
        changes: dict[str, Any] = {c.name: bindparam(c.name) for c in self._columns if c.name != self.key}
        return Sql(update(self.table).where(self.table.c[self.key] == bindparam("_key")).values(changes))

    @cached_property
    def _delete(self) -> Sql:
        return Sql(delete(self.table).where(self.table.c[self.key] == bindparam("_key")))

    def insert(self, tx: Tx, value: T, **more: object) -> T:
        """Insert; ``more`` fills columns that are not fields. Raises Taken on a taken key."""
        tx.run(self._insert(tuple(more)), **self.flat(value), **more)
        return value

    def update(self, tx: Tx, value: T) -> T:
        """Write every column of an existing row. Raises LookupError when there is no such row."""
        flat = self.flat(value)
        if tx.run(self._update, **flat, _key=flat[self.key]) != 1:
            raise LookupError(f"{self.table.name} has no row {flat[self.key]!r}")
        return value

    def delete(self, tx: Tx, key: str) -> bool:
        return tx.run(self._delete, _key=key) == 1

    def get(self, tx: Tx, key: str) -> T | None:
        return self.first(tx, **{self.key: key})

    def first(self, tx: Tx, **equals: object) -> T | None:
        row = tx.one(self._by(tuple(equals)), **equals)
        return None if row is None else self.value(row)

    def where(self, tx: Tx, **equals: object) -> list[T]:
        """Rows whose columns equal these stored values, in key order."""
        make = self._make
        return [make(*row) for row in tx.all(self._by(tuple(equals)), **equals)]

    def find(self, tx: Tx, query: Query) -> list[T]:
        make, (shape, params) = self._make, _shape(query)
        return [make(*row) for row in tx.all(self._listing(shape), **params)]

    @lru_cache(maxsize=_SHAPES_MAX)  # noqa: B019 - records live as long as the process
    def _by(self, names: tuple[str, ...]) -> Sql:
        statement = select(*self.columns).order_by(self.table.c[self.key])
        for name in names:
            statement = statement.where(self.table.c[name] == bindparam(name))
        return Sql(statement)

    @lru_cache(maxsize=_SHAPES_MAX)  # noqa: B019 - records live as long as the process
    def _listing(self, shape: _Shape) -> Sql:
        columns = self.table.c
        statement = select(*self.columns)
        for name, count in shape.equals:
            any_of: list[Any] = [bindparam(f"{name}_{n}") for n in range(count)]
            statement = statement.where(columns[name].in_(any_of) if any_of else false())
        if shape.is_scoped:
            scope = _is_visible(self.table)
            if shape.also is not None:
                name, count = shape.also
                scope = scope | columns[name].in_([bindparam(f"_also_{n}") for n in range(count)])
            statement = statement.where(scope)
        order = [(name, ascending) for name, ascending in shape.sort if name != self.key]
        order.append((self.key, dict(shape.sort).get(self.key, True)))
        if shape.is_after:
            statement = statement.where(_strictly_after(columns, order))
        statement = statement.order_by(*(columns[n].asc() if up else columns[n].desc() for n, up in order))
        return Sql(statement.limit(bindparam("_limit")) if shape.is_limited else statement)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a query decides its text; the rest are parameters."""

    equals: tuple[tuple[str, int], ...]
    sort: tuple[tuple[str, bool], ...]
    is_limited: bool
    is_after: bool
    is_scoped: bool
    also: tuple[str, int] | None


def _shape(query: Query) -> tuple[_Shape, dict[str, object]]:
    params: dict[str, object] = {
        f"{name}_{n}": value for name, values in query.equals.items() for n, value in enumerate(values)
    }
    if query.limit is not None:
        params["_limit"] = query.limit
    if query.after is not None:
        params |= {f"_after_{name}": value for name, value in query.after.items()}
    if query.visible_to is not None:
        params["_project"] = query.visible_to
    also = None
    if query.also is not None:
        name, values = query.also
        also = (name, len(values))
        params |= {f"_also_{n}": value for n, value in enumerate(values)}
    counts = tuple((name, len(values)) for name, values in query.equals.items())
    is_limited, is_after, is_scoped = (given is not None for given in (query.limit, query.after, query.visible_to))
    shape = _Shape(counts, tuple(query.sort), is_limited, is_after, is_scoped, also)
    return shape, params


#: Tables with rows that RBAC entries open: the entries' object type, and the column with the id of the opened object.
_OPENED_BY = {
    "networks": (ObjectType.NETWORK, "id"),
    "subnets": (ObjectType.NETWORK, "network_id"),
    "qos_policies": (ObjectType.QOS_POLICY, "id"),
    "subnetpools": (ObjectType.SUBNETPOOL, "id"),
    "address_scopes": (ObjectType.ADDRESS_SCOPE, "id"),
    "security_groups": (ObjectType.SECURITY_GROUP, "id"),
}


def _is_visible(table: Table) -> Any:
    """Whose the row is, or who else may see it: everybody, or by an RBAC entry.

    A network that is external to a project is seen by it, and its subnets are not.
    """
    columns, entries = table.c, tables.rbac_policies.c
    clause = columns["project_id"] == bindparam("_project")
    if "shared" in columns:
        clause = clause | (columns["shared"] == 1)
    if table.name in _OPENED_BY:
        object_type, column = _OPENED_BY[table.name]
        target = entries.target_project.in_([bindparam("_project"), literal_column(f"'{EVERYBODY}'")])
        opened = select(entries.object_id).where(target, entries.object_type == object_type.value)
        if table.name == "subnets":
            opened = opened.where(entries.action == Action.SHARED.value)
        clause = clause | columns[column].in_(opened)
    return clause


def _strictly_after(columns: Any, order: list[tuple[str, bool]]) -> Any:
    """Lexicographic (a, b, id) > (marker's), each column in its own direction."""
    clause: Any = None
    for name, ascending in reversed(order):
        marker: Any = bindparam(f"_after_{name}")
        beyond = columns[name] > marker if ascending else columns[name] < marker
        clause = beyond if clause is None else beyond | ((columns[name] == marker) & clause)
    return clause
