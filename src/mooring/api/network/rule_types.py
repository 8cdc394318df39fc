"""``/qos/rule-types``: which QoS rules the loaded mechanism drivers support."""

from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.network.listing import fields_of, shown_fields
from mooring.api.network.values import boolean
from mooring.errors import Forbidden, Invalid, NotFound
from mooring.model.qos import RuleType
from mooring.service.qos_support import rule_type_drivers, rule_types

_SWITCHES = ("all_supported", "all_rules")
QUERY = (*_SWITCHES, "type", "fields")


async def index(call: Call) -> Reply:
    """List what all drivers support; with ``all_supported`` what any does, with ``all_rules`` all that there is."""
    unknown = [name for name in call.query if name not in QUERY]
    if unknown:
        raise Invalid(f"{unknown} is invalid attribute for filtering", code="HTTPBadRequest")
    switches = {name: boolean(name, call.query[name][-1]) for name in _SWITCHES if name in call.query}
    wanted = call.query.get("type")
    found = [kind for kind in rule_types(call.controller.world, **switches) if wanted is None or kind in wanted]
    return Reply(body={"rule_types": [shown_fields({"type": kind}, fields_of(call)) for kind in found]})


async def show(call: Call) -> Reply:
    """Show which drivers support a type, with which parameters."""
    if not call.who.is_admin:
        raise Forbidden("Not authorized.", code="NotAuthorized", hint="this needs the role admin")
    name = call.params["type"]
    if name not in set(RuleType):
        raise NotFound("rule_type", name, hint=f"rule types are {', '.join(RuleType)}")
    kind = RuleType(name)
    view: dict[str, Any] = {"type": kind, "drivers": rule_type_drivers(call.controller.world, kind)}
    return Reply(body={"rule_type": shown_fields(view, fields_of(call))})
