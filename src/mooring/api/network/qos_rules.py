"""``/qos/policies/{policy}/TYPE_rules``, and the same rules by their id alone (``/qos/alias-TYPE-rules/{rule}``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply, Route
from mooring.api.network.attributes import Attribute, Attributes, Filter, Holds
from mooring.api.network.listing import PAGING, fields_of, page, page_links, read_listing, shown_fields
from mooring.api.network.values import Convert, between, integer, one_of
from mooring.errors import NotFound
from mooring.ml2.qos_rules import DSCP_MARKS, NUMBER_MAX
from mooring.model.qos import Direction, QosRule, RuleType
from mooring.service.qos_rules import (
    RuleWish,
    create_rule,
    delete_rule,
    get_rule,
    policy_of_rule,
    rules_of_type,
    update_rule,
)
from mooring.store.tx import Tx

_NUMBER = between(0, NUMBER_MAX)
_ONE_WAY = (Direction.EGRESS, Direction.INGRESS)


def _holds(name: str, read: Convert | None = None) -> Filter:
    def filter_by(attribute: str, values: Sequence[str]) -> Holds:
        wanted = [value if read is None else read(attribute, value) for value in values]
        return Holds(lambda rule: rule[name] in wanted)

    return filter_by


def _number(name: str, convert: Convert = _NUMBER, *, is_required: bool = True) -> Attribute:
    return Attribute(name, convert, is_required=is_required, filter=_holds(name, integer), sort=name)


def _direction(*allowed: Direction) -> Attribute:
    return Attribute("direction", one_of(allowed), filter=_holds("direction"), sort="direction")


_ID = Attribute("id", filter=_holds("id"), sort="id")

#: By type, the attributes of a rule besides its id.
_TABLES: Mapping[RuleType, Sequence[Attribute]] = {
    RuleType.BANDWIDTH_LIMIT: (
        _number("max_kbps"), _number("max_burst_kbps", is_required=False), _direction(*_ONE_WAY),
    ),
    RuleType.MINIMUM_BANDWIDTH: (_number("min_kbps"), _direction(*_ONE_WAY)),
    RuleType.DSCP_MARKING: (_number("dscp_mark", one_of(DSCP_MARKS, integer)),),
    RuleType.PACKET_RATE_LIMIT: (
        _number("max_kpps"), _number("max_burst_kpps", is_required=False), _direction(*_ONE_WAY),
    ),
    RuleType.MINIMUM_PACKET_RATE: (_number("min_kpps"), _direction(*Direction)),
}  # fmt: skip
#: What a new rule has where nothing is said.
_DEFAULTS: Mapping[RuleType, Mapping[str, Any]] = {
    RuleType.BANDWIDTH_LIMIT: {"max_burst_kbps": 0, "direction": Direction.EGRESS},
    RuleType.MINIMUM_BANDWIDTH: {"direction": Direction.EGRESS},
    RuleType.DSCP_MARKING: {},
    RuleType.PACKET_RATE_LIMIT: {"max_burst_kpps": 0, "direction": Direction.EGRESS},
    RuleType.MINIMUM_PACKET_RATE: {"direction": Direction.EGRESS},
}
#: Neutron has no alias for packet rate limits.
_ALIASED = frozenset(RuleType) - {RuleType.PACKET_RATE_LIMIT}


def rule_values(rule: QosRule) -> dict[str, Any]:
    """A rule's own numbers, and its direction where its type knows one."""
    direction = {} if rule.direction is None else {"direction": rule.direction}
    return {**rule.values, **direction}


def _view(rule: QosRule) -> dict[str, Any]:
    return {**rule_values(rule), "id": rule.id}


def _wish(kind: RuleType, values: dict[str, Any]) -> RuleWish:
    direction = values.pop("direction", None)
    return RuleWish(kind, None if direction is None else Direction(direction), values)


@dataclass(frozen=True, slots=True)
class RuleCollection:
    """The rules of one type. With ``is_alias`` a rule is found by its id alone."""

    kind: RuleType
    is_alias: bool = False

    @property
    def noun(self) -> str:
        return f"alias_{self.kind}_rule" if self.is_alias else f"{self.kind}_rule"

    @property
    def attributes(self) -> Attributes:
        return Attributes(f"policy_{self.kind}_rule", (_ID, *_TABLES[self.kind]), {})

    def routes(self, prefix: str) -> Sequence[Route]:
        rule = f"policy_{self.kind}_rule"
        put = self.attributes.put_schema()
        if self.is_alias:
            one = f"{prefix}/qos/alias-{self.kind.replace('_', '-')}-rules/{{rule}}"
            return self._routes_of_one(one, rule, put)
        many = f"{prefix}/qos/policies/{{ident}}/{self.kind}_rules"
        return [
            Route("GET", many, self.index, f"get_{rule}", query=(*self.attributes.filters, *PAGING)),
            Route("POST", many, self.make, f"create_{rule}", body=self.attributes.post_schema()),
            *self._routes_of_one(f"{many}/{{rule}}", rule, put),
        ]

    def _routes_of_one(self, one: str, rule: str, put: Mapping[str, Any]) -> list[Route]:
        return [
            Route("GET", one, self.show, f"get_{rule}", query=("fields",)),
            Route("PUT", one, self.change, f"update_{rule}", body=put),
            Route("DELETE", one, self.remove, f"delete_{rule}"),
        ]

    async def index(self, call: Call) -> Reply:
        """List them: filtered, sorted, in pages."""
        listing = read_listing(call, self.attributes)
        who, policy = call.who, call.params["ident"]
        found = await call.controller.store.read(lambda tx: rules_of_type(tx, who, policy, self.kind))
        tests = [condition.test for condition in listing.conditions if isinstance(condition, Holds)]
        views = [view for view in map(_view, found) if all(test(view) for test in tests)]
        marker = next((view for view in map(_view, found) if view["id"] == listing.marker), None)
        if listing.marker is not None and marker is None:
            raise NotFound("qos_rule", f"{listing.marker} for policy {policy}")
        order = [(name, is_up != listing.is_reverse) for name, is_up in listing.sort]
        views = page(views, order, marker, lambda view: view)[: listing.limit]
        if listing.is_reverse:
            views.reverse()
        links = page_links(call, listing, [view["id"] for view in views])
        body: dict[str, Any] = {f"{self.noun}s": [shown_fields(view, listing.fields) for view in views]}
        return Reply(body=body | ({f"{self.noun}s_links": links} if links else {}))

    async def make(self, call: Call) -> Reply:
        """Add a rule to the policy."""
        values = self.attributes.for_post(call.who, call.envelope(self.noun))
        wish = _wish(self.kind, {**_DEFAULTS[self.kind], **values})
        world, who, policy = call.controller.world, call.who, call.params["ident"]
        rule = await call.controller.store.write(lambda tx: create_rule(tx, world, who, policy, wish))
        return Reply(HTTPStatus.CREATED, {self.noun: _view(rule)})

    async def show(self, call: Call) -> Reply:
        """Show one."""
        who, rule_id = call.who, call.params["rule"]

        def story(tx: Tx) -> QosRule:
            return get_rule(tx, who, self._policy(tx, call), rule_id, self.kind)

        view = _view(await call.controller.store.read(story))
        return Reply(body={self.noun: shown_fields(view, fields_of(call))})

    async def change(self, call: Call) -> Reply:
        """Change the attributes that are given."""
        values = self.attributes.for_put(call.who, call.envelope(self.noun))
        wish = _wish(self.kind, values)
        world, who, rule_id = call.controller.world, call.who, call.params["rule"]

        def story(tx: Tx) -> QosRule:
            return update_rule(tx, world, who, self._policy(tx, call), rule_id, wish)

        return Reply(body={self.noun: _view(await call.controller.store.write(story))})

    async def remove(self, call: Call) -> Reply:
        """Take the rule out of its policy."""
        world, who, rule_id = call.controller.world, call.who, call.params["rule"]

        def story(tx: Tx) -> None:
            delete_rule(tx, world, who, self._policy(tx, call), rule_id, self.kind)

        await call.controller.store.write(story)
        return Reply(HTTPStatus.NO_CONTENT)

    def _policy(self, tx: Tx, call: Call) -> str:
        if self.is_alias:
            return policy_of_rule(tx, call.who, call.params["rule"], self.kind)
        return call.params["ident"]


RULE_COLLECTIONS: Sequence[RuleCollection] = (
    *(RuleCollection(kind) for kind in RuleType),
    *(RuleCollection(kind, is_alias=True) for kind in RuleType if kind in _ALIASED),
)
