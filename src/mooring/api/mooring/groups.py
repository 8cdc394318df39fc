"""``/mooring/v1/pci-groups``: named sets of devices, for the whole cloud.

Admins see selectors, counts and hosts. Others see the PCI groups that their project may ask for: names, what they are
for, and whether there is much left, with nothing of hosts in it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply, Route
from mooring.api.checks import only_value, optional, text, texts, truth
from mooring.core.group_names import read_group_name
from mooring.core.quoting import shown
from mooring.core.selector_words import read_selectors, selector_object
from mooring.errors import Invalid
from mooring.model.group import PciGroup
from mooring.model.identity import Caller
from mooring.model.port import FUNCTION_VNIC_TYPES
from mooring.service import groups
from mooring.service.group_checks import missing_names
from mooring.service.group_counts import GroupCount, count_free, count_groups
from mooring.service.groups import GroupWish
from mooring.store.tx import Tx

DESCRIPTION_MAX_CHARS = 255
PROJECTS_MAX = 256
_REVISION_MAX = 2**62
_MANY = 10
"""Free devices, from which on it is not told how many."""


def _vnic_type(field: str, value: Any) -> str | None:
    if value is not None and value not in [one.value for one in FUNCTION_VNIC_TYPES]:
        wanted = f"one of {', '.join(sorted(FUNCTION_VNIC_TYPES))}, or null"
        raise _wrong(field, value, "is no vnic type whose ports take a PCI function", wanted)
    return None if value is None else str(value)


def _revision(field: str, value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 0 <= value < _REVISION_MAX):
        raise _wrong(field, value, "is not a revision", "the number that the PCI group has, or leave it out")
    return None if value is None else int(value)


def _wrong(field: str, value: object, what: str, hint: str) -> Invalid:
    return Invalid(f"{field} = {shown(value)} {what}", hint=hint, facts={"field": field, "value": shown(value)})


_CHECKS = {
    "name": read_group_name,
    "description": text(0, DESCRIPTION_MAX_CHARS),
    "selectors": read_selectors,
    "excludes": read_selectors,
    "projects": texts(text(1, 64), PROJECTS_MAX),
    "default_vnic_type": optional(_vnic_type),
}


def read_group(body: Mapping[str, Any], *, needed: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a body, checked one by one. Raises Invalid, with field, value and the way out."""
    for field in needed:
        if field not in body:
            raise Invalid(f"pci_group has no {field}", hint=f"needed: {', '.join(needed)}", facts={"field": field})
    for field, value in body.items():
        if field not in _CHECKS:
            hint = f"known: {', '.join(_CHECKS)}"
            raise Invalid(f"pci_group has the unknown key {shown(field)}", hint=hint, facts={"value": shown(value)})
    return {field: _CHECKS[field](field, value) for field, value in body.items()}


async def list_groups(call: Call) -> Reply:
    """All that the caller may ask for, by name; ``?name=`` is that one."""
    _refuse_unknown(call, "name")
    who, wanted = call.who, call.query.get("name")

    def story(tx: Tx) -> list[Mapping[str, object]]:
        found = [one for one in groups.list_groups(tx, who) if wanted is None or one.name in wanted]
        if not who.is_privileged:
            return _usable(tx, found)
        counts = count_groups(tx, found)
        return [_counted(one, counts[one.name]) for one in found]

    return Reply(body={"pci_groups": await call.controller.store.read(story)})


async def show_group(call: Call) -> Reply:
    """By name or id. For admins with counts host by host, and what its selectors name in vain."""
    _refuse_unknown(call)
    who, ident = call.who, call.params["group"]
    return Reply(body=await call.controller.store.read(lambda tx: _whole(tx, who, groups.get_group(tx, who, ident))))


async def create_group(call: Call) -> Reply:
    """``{"pci_group": {"name": ..., "selectors": [...], ...}}``; the answer counts what is in it now."""
    _refuse_unknown(call)
    wish = GroupWish(**read_group(call.envelope("pci_group"), needed=("name", "selectors")))
    world, who = call.controller.world, call.who
    group = await call.controller.store.write(lambda tx: groups.create_group(tx, world, who, wish))
    return Reply(HTTPStatus.CREATED, await call.controller.store.read(lambda tx: _whole(tx, who, group)))


async def update_group(call: Call) -> Reply:
    """Set the fields that are given; with ``revision_number``, only if it is that one still."""
    _refuse_unknown(call, "force")
    body = call.envelope("pci_group")
    revision = _revision("revision_number", body.pop("revision_number", None))
    changes, who, ident, is_forced = read_group(body), call.who, call.params["group"], _force(call)
    group = await call.controller.store.write(
        lambda tx: groups.update_group(tx, who, ident, changes, revision_number=revision, is_forced=is_forced)
    )
    return Reply(body=await call.controller.store.read(lambda tx: _whole(tx, who, group)))


async def delete_group(call: Call) -> Reply:
    """Servers keep what they have of it."""
    _refuse_unknown(call, "force")
    who, ident, is_forced = call.who, call.params["group"], _force(call)
    await call.controller.store.write(lambda tx: groups.delete_group(tx, who, ident, is_forced=is_forced))
    return Reply(HTTPStatus.NO_CONTENT)


def _force(call: Call) -> bool:
    word = only_value(call.query, "force")
    return word is not None and truth("force", word)


def _refuse_unknown(call: Call, *known: str) -> None:
    for name in call.query:
        if name not in known:
            hint = f"known: {', '.join(known)}" if known else "this takes none"
            raise Invalid(f"unknown query parameter {shown(name)}", hint=hint)


def _view(group: PciGroup) -> dict[str, object]:
    """What everybody who may ask for it sees."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "default_vnic_type": group.default_vnic_type,
    }


def _usable(tx: Tx, found: Sequence[PciGroup]) -> list[Mapping[str, object]]:
    """Much, little or nothing is left: enough to ask by, too little to count other projects' servers by."""
    free = count_free(tx, found, _MANY)
    words = {one.name: "none" if free[one.name] == 0 else "few" if free[one.name] < _MANY else "many" for one in found}
    return [{**_view(one), "availability": words[one.name]} for one in found]


def _counted(group: PciGroup, count: GroupCount) -> dict[str, object]:
    return {
        **_view(group),
        "selectors": [selector_object(one) for one in group.selectors],
        "excludes": [selector_object(one) for one in group.excludes],
        "projects": group.projects,
        "revision_number": group.revision_number,
        "created_at": group.created_at,
        "updated_at": group.updated_at,
        "device_count": count.devices,
        "free": count.free,
        "states": {state.value: number for state, number in sorted(count.states.items())},
        "host_count": len(count.hosts),
    }


def _whole(tx: Tx, who: Caller, group: PciGroup) -> Mapping[str, object]:
    if not who.is_privileged:
        return {"pci_group": _usable(tx, [group])[0]}
    count = count_groups(tx, [group])[group.name]
    hosts = [{"host": host, "devices": one.devices, "free": one.free} for host, one in sorted(count.hosts.items())]
    return {"pci_group": {**_counted(group, count), "hosts": hosts, "note": _note(tx, group, count)}}


def _note(tx: Tx, group: PciGroup, count: GroupCount) -> str | None:
    notes = [] if count.devices else ["no device is in it yet"]
    if missing := missing_names(tx, group):
        named = ", ".join(f"{noun} {name} ({field})" for field, noun, name in missing)
        notes.append(f"it names what is not there any more: {named}")
    return "; ".join(notes) or None


GROUPS: Sequence[Route] = (
    Route("GET", "/mooring/v1/pci-groups", list_groups, "mooring:pci-groups"),
    Route("POST", "/mooring/v1/pci-groups", create_group, "mooring:pci-groups:create"),
    Route("GET", "/mooring/v1/pci-groups/{group}", show_group, "mooring:pci-groups"),
    Route("PUT", "/mooring/v1/pci-groups/{group}", update_group, "mooring:pci-groups:update"),
    Route("DELETE", "/mooring/v1/pci-groups/{group}", delete_group, "mooring:pci-groups:delete"),
)
