"""The five calls, and the tags, that networks, subnets and ports have in common.

A noun brings its attributes, its stories and its view (``networks.py``, ``subnets.py``, ``ports.py``); what is HTTP
is here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

from mooring.api.call import Call, Handler, Reply, Route
from mooring.api.network.attributes import Attributes
from mooring.api.network.listing import PAGING, Listing, fields_of, page_links, read_listing, select, shown_fields
from mooring.api.network.values import tags as as_tags
from mooring.errors import Invalid, NotFound, PreconditionFailed
from mooring.model.identity import Caller
from mooring.service.world import World
from mooring.store.rows import Query
from mooring.store.tx import Tx

View = Mapping[str, Any]
_IF_MATCH = re.compile(r'"?revision_number=([0-9]{1,18})"?')


class Resource(Protocol):
    """What every noun has."""

    @property
    def id(self) -> str: ...


class Tagged(Resource, Protocol):
    """What most nouns have besides."""

    @property
    def revision_number(self) -> int: ...
    @property
    def tags(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Collection(Generic[R]):
    """One noun: its names, its attributes, its stories, its views."""

    noun: str
    plural: str
    attributes: Attributes
    get: Callable[[Tx, Caller, str], R]
    find: Callable[[Tx, Caller, Query], list[R]]
    create: Callable[[Tx, World, Caller, dict[str, Any]], R]
    update: Callable[[Tx, World, Caller, str, Mapping[str, Any]], R]
    delete: Callable[[Tx, World, Caller, str], None]
    views: Callable[[Tx, Caller, Sequence[R]], list[View]]
    """In the order of the rows, with what the caller may see."""
    stored: Callable[[R], Mapping[str, Any]]
    made: View
    """What is shown once, in the answer to a create."""
    path: str = ""
    """The last part of its URL where that is not the plural."""
    has_tags: bool = True
    hides_markers: bool = False
    """A page after a marker that the caller does not see is empty, and no error."""

    def routes(self, prefix: str) -> list[Route]:
        many = f"{prefix}/{self.path or self.plural}"
        one = f"{many}/{{ident}}"
        see, change = f"get_{self.noun}", f"update_{self.noun}"
        tags = self.tag_routes(one) if self.has_tags else ()
        return [
            Route("GET", many, self.index, see, query=(*self.attributes.filters, *PAGING)),
            Route("POST", many, self.make, f"create_{self.noun}", body=self.attributes.post_schema()),
            Route("PUT", many, self._nobody, change),
            Route("GET", one, self.show, see, query=("fields",)),
            Route("PUT", one, self.change, change, body=self.attributes.put_schema()),
            Route("DELETE", one, self.remove, f"delete_{self.noun}"),
            *tags,
        ]

    def tag_routes(self, one: str) -> Sequence[Route]:
        """The calls for the tags of the one at this path, in which its id is ``{ident}``."""
        see, change = f"get_{self.noun}", f"update_{self.noun}"
        return [
            Route("GET", f"{one}/tags", self.tags, see),
            Route("PUT", f"{one}/tags", self._retag(lambda _, new: new), change),
            Route("POST", f"{one}/tags", self._retag(lambda old, new: (*old, *new)), change),
            Route("DELETE", f"{one}/tags", self.untag_all, change),
            Route("GET", f"{one}/tags/{{tag}}", self.has_tag, see),
            Route("PUT", f"{one}/tags/{{tag}}", self.add_tag, change),
            Route("DELETE", f"{one}/tags/{{tag}}", self.untag, change),
        ]

    async def index(self, call: Call) -> Reply:
        """List them: filtered, sorted, in pages."""
        listing = read_listing(call, self.attributes)
        who = call.who

        def story(tx: Tx) -> tuple[list[str], msgspec.Raw]:
            rows = self._select(tx, who, listing)
            views = self.views(tx, who, rows)
            if listing.fields:
                views = [shown_fields(view, listing.fields) for view in views]
            # Made JSON by this thread: the event loop serves everybody else meanwhile, and would have to fetch the
            # views from another processor's cache.
            return [row.id for row in rows], msgspec.Raw(msgspec.json.encode(views))

        ids, shown = await call.controller.store.read(story)
        body: dict[str, Any] = {self.plural: shown}
        links = page_links(call, listing, ids)
        if links:
            body[f"{self.plural}_links"] = links
        return Reply(body=body)

    def _select(self, tx: Tx, who: Caller, listing: Listing) -> list[R]:
        def get(ident: str) -> R:
            return self.get(tx, who, ident)

        try:
            return select(tx, listing, lambda query: self.find(tx, who, query), get, self.stored)
        except NotFound:
            if self.hides_markers and not who.is_privileged:
                return []
            raise

    async def show(self, call: Call) -> Reply:
        """Show one."""
        who, ident = call.who, call.params["ident"]
        view = await call.controller.store.read(lambda tx: self._view(tx, who, self.get(tx, who, ident)))
        return Reply(body={self.noun: shown_fields(view, fields_of(call))})

    async def make(self, call: Call) -> Reply:
        """One, or in one transaction a list of them."""
        who, world = call.who, call.controller.world
        is_many, bodies = self._bodies(call)
        wanted = [self.attributes.for_post(who, body) for body in bodies]

        def story(tx: Tx) -> list[View]:
            return self.views(tx, who, [self.create(tx, world, who, values) for values in wanted])

        views = [{**self.made, **view} for view in await call.controller.store.write(story)]
        return Reply(HTTPStatus.CREATED, {self.plural: views} if is_many else {self.noun: views[0]})

    def _bodies(self, call: Call) -> tuple[bool, list[dict[str, Any]]]:
        body = call.json()
        if not isinstance(body, dict) or self.plural not in body:
            return False, [_inner(body, self.noun)]
        many = body[self.plural]
        if not isinstance(many, list) or not many:
            raise Invalid("Resources required", code="HTTPBadRequest")
        return True, [_inner(item if _is_wrapped(item, self.noun) else {self.noun: item}, self.noun) for item in many]

    async def change(self, call: Call) -> Reply:
        """Change the attributes that are given."""
        values = self.attributes.for_put(call.who, _inner(call.json(), self.noun))
        return Reply(body={self.noun: await self._update(call, lambda _: values)})

    async def _update(self, call: Call, values_for: Callable[[R], Mapping[str, Any]]) -> View:
        """Apply what ``values_for`` makes of the row as it is; refused when ``If-Match`` names another revision."""
        who, world, ident = call.who, call.controller.world, call.params["ident"]
        expected = _expected_revision(call)

        def story(tx: Tx) -> View:
            before = self.get(tx, who, ident)
            _check_revision(expected, before)
            return self._view(tx, who, self.update(tx, world, who, ident, values_for(before)))

        return await call.controller.store.write(story)

    async def remove(self, call: Call) -> Reply:
        """Delete one."""
        who, world, ident = call.who, call.controller.world, call.params["ident"]
        expected = _expected_revision(call)

        def story(tx: Tx) -> None:
            _check_revision(expected, self.get(tx, who, ident))
            self.delete(tx, world, who, ident)

        await call.controller.store.write(story)
        return Reply(HTTPStatus.NO_CONTENT)

    async def _nobody(self, call: Call) -> Reply:
        """``PUT`` on the collection: Neutron looks for an object without an id."""
        del call
        raise NotFound(self.noun, "None")

    def _view(self, tx: Tx, who: Caller, row: R) -> View:
        return self.views(tx, who, [row])[0]

    async def tags(self, call: Call) -> Reply:
        who, ident = call.who, call.params["ident"]
        return Reply(body={"tags": await call.controller.store.read(lambda tx: _tags(self.get(tx, who, ident)))})

    def _retag(self, join: Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]]) -> Handler:
        """A handler that makes ``join(old, given)`` the tags."""

        async def retag(call: Call) -> Reply:
            body = call.json()
            if not isinstance(body, dict) or body.keys() != {"tags"}:
                raise Invalid("Invalid tags body", code="HTTPBadRequest", hint='{"tags": ["one", "two"]}')
            given = as_tags("tags", body["tags"])
            view = await self._update(
                call, lambda row: {"tags": as_tags("tags", [*dict.fromkeys(join(_tags(row), given))])}
            )
            return Reply(body={"tags": view["tags"]})

        return retag

    async def untag_all(self, call: Call) -> Reply:
        await self._update(call, lambda _: {"tags": ()})
        return Reply(HTTPStatus.NO_CONTENT)

    async def has_tag(self, call: Call) -> Reply:
        who, ident = call.who, call.params["ident"]
        row = await call.controller.store.read(lambda tx: self.get(tx, who, ident))
        _require_tag(row, call.params["tag"])
        return Reply(HTTPStatus.NO_CONTENT)

    async def add_tag(self, call: Call) -> Reply:
        tag = call.params["tag"]
        await self._update(call, lambda row: {"tags": as_tags("tags", [*dict.fromkeys((*_tags(row), tag))])})
        return Reply(HTTPStatus.CREATED)

    async def untag(self, call: Call) -> Reply:
        tag = call.params["tag"]

        def without(row: R) -> Mapping[str, Any]:
            _require_tag(row, tag)
            return {"tags": tuple(each for each in _tags(row) if each != tag)}

        await self._update(call, without)
        return Reply(HTTPStatus.NO_CONTENT)


def _is_wrapped(item: Any, noun: str) -> bool:
    return isinstance(item, dict) and noun in item


def _inner(body: Any, noun: str) -> dict[str, Any]:
    inner = body.get(noun) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        raise Invalid(f"Unable to find '{noun}' in request body", code="HTTPBadRequest")
    return inner


def _expected_revision(call: Call) -> int | None:
    given = call.headers.get("if-match")
    if given is None:
        return None
    found = _IF_MATCH.fullmatch(given.strip())
    if found is None:
        raise Invalid(f"If-Match {given!r} is not a revision", code="HTTPBadRequest", hint="revision_number=N")
    return int(found[1])


def _check_revision(expected: int | None, row: Resource) -> None:
    current = getattr(row, "revision_number", expected)
    if expected is not None and current != expected:
        raise PreconditionFailed(f"Constrained to {expected}, but current revision is {current}")


def _tags(row: Resource) -> tuple[str, ...]:
    return cast("Tagged", row).tags


def _require_tag(row: Resource, tag: str) -> None:
    if tag not in _tags(row):
        raise NotFound("tag", tag)
