"""``/security-groups`` and ``/security-group-rules``: kept and shown as Neutron does.

A project's ``default`` group is made when somebody of the project lists groups or rules for the first time, as in
Neutron, so that clients find it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply, Route
from mooring.api.network.attributes import Attribute, Attributes, Condition, Equals, column, owner_of
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import TAGS, TAGS_IN_POST, flag, number, stamp, standard
from mooring.api.network.values import boolean, one_of, text
from mooring.api.schemas import described, schema_of
from mooring.core.security_rules import PORT_MAX, normalized_cidr, read_ethertype, read_port, read_prefix, read_protocol
from mooring.core.words import shown
from mooring.errors import Conflict, Invalid
from mooring.model.identity import Caller
from mooring.model.security_group import SecurityGroup, SecurityGroupRule
from mooring.service.security_group_rules import (
    RuleWish,
    create_rules,
    delete_rule,
    get_rule,
    list_rules,
    update_rule,
)
from mooring.service.security_groups import (
    GroupWish,
    create_group,
    delete_group,
    details,
    ensure_default,
    get_group,
    list_groups,
    needs_default,
    update_group,
)
from mooring.service.world import World
from mooring.store.security_groups import DEFAULT_GROUP, SECURITY_GROUP_RULES, SECURITY_GROUPS
from mooring.store.tx import Tx

_AS_TEXT = text()
_ID_CHARS_MAX = 36


@described(**schema_of(_AS_TEXT))
def _group_name(name: str, value: Any) -> str:
    found = str(_AS_TEXT(name, value))
    if found.lower() == DEFAULT_GROUP:
        raise Conflict("Default security group already exists.", code="SecurityGroupDefaultAlreadyExists")
    return found


@described(type=["string", "null"], maxLength=_ID_CHARS_MAX)
def _group_id(name: str, value: Any) -> str | None:
    """Not looked at for its form: Neutron says of any other text that there is no such group."""
    return None if value is None else shown(text(_ID_CHARS_MAX)(name, value))


@described(type=["string", "integer", "null"])
def _protocol(_name: str, value: Any) -> str | None:
    return read_protocol(value)


@described(type="string")
def _ethertype(_name: str, value: Any) -> str:
    return read_ethertype(value)


@described(type=["integer", "string", "null"], minimum=0, maximum=PORT_MAX)
def _port(_name: str, value: Any) -> int | None:
    return read_port(value)


@described(type=["string", "null"])
def _prefix(_name: str, value: Any) -> str | None:
    return read_prefix(value)


def _lower(_name: str, word: str) -> str:
    return word.lower()


GROUP_ATTRIBUTES = Attributes(
    "security_group",
    standard(
        Attribute("name", _group_name, filter=column("name"), sort="name"),
        Attribute("stateful", boolean, filter=flag("stateful"), sort="stateful"),
        Attribute("shared", filter=flag("shared")),
        Attribute("security_group_rules"),
        TAGS_IN_POST,
    ),
)


def _by_cidr(_name: str, values: Sequence[str]) -> Condition:
    return Equals("remote_ip_prefix", values)


RULE_ATTRIBUTES = Attributes(
    "security_group_rule",
    standard(
        Attribute(
            "security_group_id", _group_id, in_put=False, is_required=True, filter=column("security_group_id"),
            sort="security_group_id",
        ),
        Attribute(
            "direction", one_of(("ingress", "egress")), in_put=False, is_required=True, filter=column("direction"),
            sort="direction",
        ),
        Attribute("ethertype", _ethertype, in_put=False, filter=column("ethertype", _ethertype), sort="ethertype"),
        Attribute(
            "protocol", _protocol, in_put=False, filter=column("protocol", _lower), sort="protocol", is_null_first=True
        ),
        Attribute(
            "port_range_min", _port, in_put=False, filter=number("port_range_min"), sort="port_range_min",
            is_null_first=True,
        ),
        Attribute(
            "port_range_max", _port, in_put=False, filter=number("port_range_max"), sort="port_range_max",
            is_null_first=True,
        ),
        Attribute(
            "remote_ip_prefix", _prefix, in_put=False, filter=_by_cidr, sort="remote_ip_prefix", is_null_first=True
        ),
        Attribute(
            "remote_group_id", _group_id, in_put=False, filter=column("remote_group_id"), sort="remote_group_id",
            is_null_first=True,
        ),
        Attribute("remote_address_group_id"),
        Attribute("normalized_cidr"),
        Attribute("belongs_to_default_sg"),
        TAGS,
    ),
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> SecurityGroup:
    return create_group(tx, world, who, GroupWish(project_id=owner_of(who, values), **values))


def _views(tx: Tx, who: Caller, rows: Sequence[SecurityGroup]) -> list[View]:
    return [
        {
            "id": found.group.id,
            "name": found.group.name,
            "stateful": found.group.stateful,
            "tenant_id": found.group.project_id,
            "project_id": found.group.project_id,
            "description": found.group.description,
            "shared": found.is_shared,
            "security_group_rules": [rule_view(rule) for rule in found.rules],
            **_standard(found.group),
        }
        for found in details(tx, who, rows)
    ]


def _standard(row: SecurityGroup | SecurityGroupRule) -> Mapping[str, Any]:
    return {
        "tags": row.tags,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "revision_number": row.revision_number,
    }


def rule_view(rule: SecurityGroupRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "tenant_id": rule.project_id,
        "project_id": rule.project_id,
        "security_group_id": rule.security_group_id,
        "ethertype": rule.ethertype,
        "direction": rule.direction,
        "protocol": rule.protocol,
        "port_range_min": rule.port_range_min,
        "port_range_max": rule.port_range_max,
        "remote_ip_prefix": rule.remote_ip_prefix,
        "remote_address_group_id": None,
        "normalized_cidr": normalized_cidr(rule.remote_ip_prefix),
        "remote_group_id": rule.remote_group_id,
        "belongs_to_default_sg": None,
        "description": rule.description,
        **_standard(rule),
    }


GROUP_COLLECTION = Collection(
    "security_group", "security_groups", GROUP_ATTRIBUTES,
    get=get_group, find=list_groups, create=_create, update=update_group, delete=delete_group,
    views=_views, stored=SECURITY_GROUPS.flat, made={}, path="security-groups",
)  # fmt: skip


def _create_rule(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> SecurityGroupRule:
    return create_rules(tx, world, who, [_wish(who, values)])[0]


def _wish(who: Caller, values: Mapping[str, Any]) -> RuleWish:
    given = dict(values)
    return RuleWish(project_id=owner_of(who, given), **given)


def _rule_views(_tx: Tx, _who: Caller, rows: Sequence[SecurityGroupRule]) -> list[View]:
    return [rule_view(rule) for rule in rows]


RULE_COLLECTION = Collection(
    "security_group_rule", "security_group_rules", RULE_ATTRIBUTES,
    get=get_rule, find=list_rules, create=_create_rule, update=update_rule, delete=delete_rule,
    views=_rule_views, stored=SECURITY_GROUP_RULES.flat, made={}, path="security-group-rules",
)  # fmt: skip


async def list_security_groups(call: Call) -> Reply:
    await _make_defaults(call)
    return await GROUP_COLLECTION.index(call)


async def list_security_group_rules(call: Call) -> Reply:
    await _make_defaults(call)
    return await RULE_COLLECTION.index(call)


async def _make_defaults(call: Call) -> None:
    """Make the ``default`` groups of the caller's project, and of those that the query of an admin names."""
    who, world, store = call.who, call.controller.world, call.controller.store
    named = [*call.query.get("project_id", ()), *call.query.get("tenant_id", ())]
    projects = {who.project_id, *(named if who.is_privileged else ())} - {None, ""}

    def missing(tx: Tx) -> list[str]:
        return sorted(project for project in projects if project and needs_default(tx, project))

    wanted = await store.read(missing)
    if wanted:

        def story(tx: Tx) -> None:
            for project in wanted:
                ensure_default(tx, world, who, project)

        await store.write(story)


async def make_rules(call: Call) -> Reply:
    """One rule, or several of one group in one transaction, compared with one another too."""
    body = call.json()
    plural = RULE_COLLECTION.plural
    if not isinstance(body, dict) or plural not in body:
        return await RULE_COLLECTION.make(call)
    who, world = call.who, call.controller.world
    given = [_inner(item) for item in body[plural]] if isinstance(body[plural], list) else []
    if not given:
        raise Invalid("Resources required", code="HTTPBadRequest")
    wishes = [_wish(who, RULE_ATTRIBUTES.for_post(who, each)) for each in given]

    def story(tx: Tx) -> list[View]:
        return _rule_views(tx, who, create_rules(tx, world, who, wishes))

    return Reply(HTTPStatus.CREATED, {plural: await call.controller.store.write(story)})


def _inner(item: Any) -> dict[str, Any]:
    """One of several, in an envelope of its own or without."""
    found = item.get(RULE_COLLECTION.noun, item) if isinstance(item, dict) else None
    if not isinstance(found, dict):
        raise Invalid(f"Unable to find '{RULE_COLLECTION.noun}' in request body", code="HTTPBadRequest")
    return found


def routes(prefix: str) -> list[Route]:
    """Those that every noun has; lists make what is missing first, and rules are made together."""
    instead = {
        ("GET", f"{prefix}/security-groups"): list_security_groups,
        ("GET", f"{prefix}/security-group-rules"): list_security_group_rules,
        ("POST", f"{prefix}/security-group-rules"): make_rules,
    }
    return [
        replace(route, handler=instead.get((route.method, route.path), route.handler))
        for route in (*GROUP_COLLECTION.routes(prefix), *RULE_COLLECTION.routes(prefix))
    ]
