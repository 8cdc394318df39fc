"""``GET /openapi.json``: every route that the controller serves, made from the routes themselves.

There is no second list to forget: a path, its parameters and who may call it come from the ``Route``, and the bodies
and filters of the Networking API from the attribute tables that check them.
"""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mooring import __version__
from mooring.api import policy
from mooring.api.call import Call, Handler, Reply, Route

PATH = "/openapi.json"
_PARAMETER = re.compile(r"\{(\w+)\}")
_WRITING = frozenset({"POST", "PUT", "PATCH"})
_FAULT = {"description": "refused, with the reason", "content": {"application/json": {"schema": {"type": "object"}}}}


def route(others: Sequence[Route]) -> Route:
    """The route that tells of ``others`` and of itself."""
    told: list[Route] = [*others]

    async def show(call: Call) -> Reply:
        """This description."""
        return Reply(body=document(told, call.base_url))

    own = Route("GET", PATH, show, policy.ANYONE)
    told.append(own)
    return own


def document(routes: Iterable[Route], url: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0)."""
    paths: dict[str, dict[str, Any]] = {}
    served = [*routes]
    for each in served:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    for each in served:
        if each.method == "POST":
            paths[each.path]["post"]["responses"]["2XX"]["links"] = _links(each, served)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mooring", "version": __version__, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}}},
    }


def _operation(each: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(each),
        "summary": _summary(each.handler) or each.rule,
        "tags": [each.path.split("/", 2)[1].partition(".")[0]],
        "parameters": [*map(_in_path, _PARAMETER.findall(each.path)), *map(_in_query, each.query)],
        "responses": {"2XX": {"description": "done"}, "4XX": _FAULT},
    }
    if each.rule != policy.ANYONE:
        operation["security"] = [{"token": []}]
    if each.method in _WRITING:
        schema: Mapping[str, Any] = {"type": "object"} if each.body is None else each.body
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _links(made: Route, served: Iterable[Route]) -> dict[str, Any]:
    """From what a create answers to the calls that take its id."""
    nouns = (made.body or {}).get("required", [])
    return {
        _name(each): {
            "operationId": _name(each),
            "parameters": {_PARAMETER.findall(each.path)[0]: f"$response.body#/{noun}/id"},
        }
        for noun in nouns
        for each in served
        if each.path.startswith(f"{made.path}/{{")
    }


def _name(each: Route) -> str:
    return f"{each.method} {each.path}"


def _summary(handler: Handler) -> str:
    """The first sentence of what the handler says of itself."""
    return (inspect.getdoc(handler) or "").partition("\n")[0]


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(name: str) -> dict[str, Any]:
    """Every parameter of a query may be repeated."""
    return {"name": name, "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
