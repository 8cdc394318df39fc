"""The attribute engine: what a body may hold, who may set and see it, what a list can be filtered and sorted by.

The tables themselves are data, beside the nouns (``networks.py``, ``subnets.py``, ``ports.py``). Whoever may not see an
attribute cannot filter or sort by it either: the answer would tell. Presence, not value, is what needs a right, so that
``null`` or the default of a restricted attribute is refused too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mooring.api.network.values import Convert
from mooring.api.schemas import Schema, schema_of
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.service.ownership import denied_attribute
from mooring.store.tx import Tx

ADMIN = frozenset({"admin"})
PRIVILEGED = frozenset({"admin", "service"})
SERVICE = frozenset({"service"})


@dataclass(frozen=True, slots=True)
class Equals:
    """A column has one of these stored values; none of them means that nothing fits."""

    column: str
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class Among:
    """The row's id is one of those that are found first."""

    find: Callable[[Tx], set[str]]


@dataclass(frozen=True, slots=True)
class Holds:
    """What no column says."""

    test: Callable[[Any], bool]


#: Stands for the sort column of an attribute that all rows have alike.
ALIKE = "*"

Condition = Equals | Among | Holds
#: From an attribute's name and the values of a query to a condition; ``None`` is no condition.
Filter = Callable[[str, Sequence[str]], Condition | None]


def column(name: str, read: Convert | None = None) -> Filter:
    """Filter by a column; ``read`` turns the query's text into the stored value."""

    def filter_by(attribute: str, values: Sequence[str]) -> Condition:
        return Equals(name, [value if read is None else read(attribute, value) for value in values])

    return filter_by


def constant(value: str) -> Filter:
    """Filter by what all rows have in common."""

    def filter_by(attribute: str, values: Sequence[str]) -> Condition | None:
        del attribute
        return None if value in values else Equals("id", ())

    return filter_by


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of one noun. ``field`` is what the stories call it."""

    name: str
    convert: Convert | None = None
    """``None``: nobody sets it."""
    field: str = ""
    in_post: bool = True
    in_put: bool = True
    is_required: bool = False
    set_by: frozenset[str] | None = None
    """Roles; ``None`` is everybody who may call."""
    is_free: Callable[[Any], bool] | None = None
    """Whether everybody who may call may set it to this value, as the body has it."""
    free: str = ""
    """What those values are, for one who may set no other."""
    is_judged_later: bool = False
    """In a PUT the story says who may set it to this value, for that depends on the one that is there."""
    seen_by: frozenset[str] | None = None
    filter: Filter | None = None
    sort: str = ""
    """The column to sort by; empty: no sort key."""
    is_null_first: bool = False
    """The sort column may be null, which SQL cannot page over."""
    is_passed_on: bool = True
    """False: the value is checked, and no story takes it."""

    @property
    def key(self) -> str:
        return self.field or self.name


def _bad_request(message: str) -> Invalid:
    return Invalid(message, code="HTTPBadRequest")


@dataclass(frozen=True)
class Attributes:
    """All attributes of one noun."""

    noun: str
    table: Sequence[Attribute]
    aliases: Mapping[str, str] = field(default_factory=lambda: {"tenant_id": "project_id"})

    @cached_property
    def by_name(self) -> Mapping[str, Attribute]:
        found = {attribute.name: attribute for attribute in self.table}
        return found | {alias: found[name] for alias, name in self.aliases.items() if name in found}

    @cached_property
    def _required(self) -> Sequence[str]:
        return [attribute.name for attribute in self.table if attribute.is_required]

    def for_post(self, who: Caller, given: Mapping[str, Any]) -> dict[str, Any]:
        """A body's attributes as a create story takes them. Raises Invalid, then Forbidden."""
        self._check_known(given)
        for name in self._required:
            if name not in given:
                raise _bad_request(f"Failed to parse request. Required attribute '{name}' not specified")
        for name in given:
            attribute = self.by_name[name]
            if attribute.convert is None or not attribute.in_post:
                raise _bad_request(f"Attribute '{name}' not allowed in POST")
        values = self._converted(given)
        self._check_rights(who, f"create_{self.noun}", given)
        return values

    def for_put(self, who: Caller, given: Mapping[str, Any]) -> dict[str, Any]:
        """A body's attributes as an update story takes them. Raises Invalid, then Forbidden."""
        self._check_known(given)
        for name in given:
            attribute = self.by_name[name]
            if attribute.convert is None or not attribute.in_put:
                raise _bad_request(f"Cannot update read-only attribute {name}")
        values = self._converted(given)
        judged = [name for name in given if not self.by_name[name].is_judged_later]
        self._check_rights(who, f"update_{self.noun}", {name: given[name] for name in judged})
        return values

    def post_schema(self) -> Schema:
        """What ``for_post`` takes, in JSON Schema's words."""
        return self._schema([a for a in self.table if a.convert is not None and a.in_post], self._required)

    def put_schema(self) -> Schema:
        """What ``for_put`` takes, in JSON Schema's words."""
        return self._schema([a for a in self.table if a.convert is not None and a.in_put])

    def _schema(self, taken: Sequence[Attribute], required: Sequence[str] = ()) -> Schema:
        properties = {attribute.name: schema_of(attribute.convert) for attribute in taken}
        return {
            "type": "object", "properties": {self.noun: {
                "type": "object", "properties": properties, "required": [*required], "additionalProperties": False,
            }}, "required": [self.noun],
        }  # fmt: skip

    @property
    def filters(self) -> Sequence[str]:
        """Every parameter that a list can be filtered by."""
        return [attribute.name for attribute in self.table if attribute.filter is not None]

    def _check_known(self, given: Mapping[str, Any]) -> None:
        unknown = given.keys() - self.by_name.keys()
        if unknown:
            raise _bad_request(f"Unrecognized attribute(s) '{', '.join(sorted(unknown))}'")

    def _converted(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in given.items():
            attribute = self.by_name[name]
            if attribute.convert is None:
                continue
            converted = attribute.convert(name, value)
            if not attribute.is_passed_on:
                continue
            if values.setdefault(attribute.key, converted) != converted:
                same = [f"'{other}'" for other in sorted(given) if self.by_name[other] is attribute]
                raise _bad_request(f"{' and '.join(same)} do not match")
        return values

    def _check_rights(self, who: Caller, rule: str, given: Mapping[str, Any]) -> None:
        for name in given:
            attribute = self.by_name[name]
            if attribute.set_by is None or attribute.set_by & who.roles:
                continue
            if attribute.is_free is None or not attribute.is_free(given[name]):
                raise denied_attribute(rule, name, attribute.free)

    def seen(self, who: Caller, name: str) -> Attribute | None:
        """The attribute of this name, if there is one that the caller sees."""
        attribute = self.by_name.get(name)
        if attribute is None or (attribute.seen_by is not None and not attribute.seen_by & who.roles):
            return None
        return attribute


def owner_of(who: Caller, values: dict[str, Any]) -> str:
    """Take ``project_id`` out of a create's values: the caller's own project, or any for the privileged."""
    own = who.project_id or ""
    project_id = str(values.pop("project_id", own))
    if not project_id:
        raise _bad_request("Running without a project requires that project_id is specified")
    if project_id != own and not who.is_privileged:
        raise _bad_request(
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or "
            "service privileges"
        )
    return project_id
