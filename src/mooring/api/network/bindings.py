"""``/ports/{id}/bindings``: Neutron's ``binding-extended``, as Nova calls it when it moves a guest."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply, Route
from mooring.api.network.attributes import Attribute, Attributes
from mooring.api.network.listing import fields_of, shown_fields
from mooring.api.network.values import profile, text, vnic_type, wrong
from mooring.errors import Invalid
from mooring.model.port import VifType
from mooring.service.port_bindings import (
    BindingWish,
    Shown,
    activate_binding,
    create_binding,
    delete_binding,
    get_binding,
    list_bindings,
    update_binding,
)
from mooring.store.tx import Tx

NOUN = "binding"
FILTERS = ("host", "vif_type", "vnic_type", "status")

ATTRIBUTES = Attributes(
    NOUN,
    (
        Attribute("host", text(), in_put=False, is_required=True),
        Attribute("vnic_type", vnic_type),
        Attribute("profile", profile),
        Attribute("vif_type"),
        Attribute("vif_details"),
        Attribute("status"),
    ),
)


def view(shown: Shown) -> dict[str, Any]:
    """A binding as Neutron shows it: who bound it is the port's to show, when it is active."""
    port, binding = shown.port, shown.binding
    is_trust_said = port.trusted is not None and binding.vif_type != VifType.UNBOUND
    trust = {"trusted": port.trusted} if is_trust_said else {}
    return {
        "host": binding.host,
        "vif_type": binding.vif_type,
        "vnic_type": binding.vnic_type,
        "status": "ACTIVE" if shown.is_active else "INACTIVE",
        "profile": {**binding.profile, **trust},
        "vif_details": binding.vif_details,
    }


async def index(call: Call) -> Reply:
    who, port_id = call.who, call.params["ident"]
    wanted = _filters(call.query)
    fields = fields_of(call)
    found = await call.controller.store.read(lambda tx: list_bindings(tx, who, port_id))
    views = [view(shown) for shown in found]
    kept = [each for each in views if all(str(each[name]) in values for name, values in wanted.items())]
    return Reply(body={"bindings": [shown_fields(each, fields) for each in kept]})


def _filters(query: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    wanted = {name: values for name, values in query.items() if name != "fields"}
    unknown = [name for name in wanted if name not in FILTERS]
    if unknown:
        raise Invalid(f"{unknown} is invalid attribute for filtering", code="HTTPBadRequest")
    return wanted


async def show(call: Call) -> Reply:
    who, port_id, host = call.who, call.params["ident"], call.params["host"]
    found = await call.controller.store.read(lambda tx: get_binding(tx, who, port_id, host))
    return Reply(body={NOUN: shown_fields(view(found), fields_of(call))})


async def make(call: Call) -> Reply:
    who, world, port_id = call.who, call.controller.world, call.params["ident"]
    wish = BindingWish(**ATTRIBUTES.for_post(who, call.envelope(NOUN)))

    def story(tx: Tx) -> dict[str, Any]:
        return view(create_binding(tx, world, who, port_id, wish))

    return Reply(HTTPStatus.CREATED, {NOUN: await call.controller.store.write(story)})


async def change(call: Call) -> Reply:
    """``host`` may be in the body if it is the one of the path: clients send back what they were shown."""
    who, world = call.who, call.controller.world
    port_id, host = call.params["ident"], call.params["host"]
    given = dict(call.envelope(NOUN))
    if given.pop("host", host) != host:
        raise wrong("host", "a binding stays on its host", "make one on the other host, and delete this one")
    values = ATTRIBUTES.for_put(who, given)

    def story(tx: Tx) -> dict[str, Any]:
        return view(update_binding(tx, world, who, port_id, host, values))

    return Reply(body={NOUN: await call.controller.store.write(story)})


async def activate(call: Call) -> Reply:
    """The answer has no envelope: Neutron's has none, and Nova does not look for one."""
    who, world = call.who, call.controller.world
    port_id, host = call.params["ident"], call.params["host"]

    def story(tx: Tx) -> dict[str, Any]:
        return view(activate_binding(tx, world, who, port_id, host))

    return Reply(body=await call.controller.store.write(story))


async def remove(call: Call) -> Reply:
    who, world = call.who, call.controller.world
    port_id, host = call.params["ident"], call.params["host"]
    await call.controller.store.write(lambda tx: delete_binding(tx, world, who, port_id, host))
    return Reply(HTTPStatus.NO_CONTENT)


def routes(prefix: str) -> list[Route]:
    many = f"{prefix}/ports/{{ident}}/bindings"
    one = f"{many}/{{host}}"
    return [
        Route("GET", many, index, "get_port_binding", query=(*FILTERS, "fields")),
        Route("POST", many, make, "create_port_binding", body=ATTRIBUTES.post_schema()),
        Route("GET", one, show, "get_port_binding", query=("fields",)),
        Route("PUT", one, change, "update_port_binding", body=ATTRIBUTES.put_schema()),
        Route("DELETE", one, remove, "delete_port_binding"),
        Route("PUT", f"{one}/activate", activate, "activate"),
    ]
