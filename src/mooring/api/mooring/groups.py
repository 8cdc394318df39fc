"""``/mooring/v1/pci-groups``: named sets of devices, for the whole cloud.

Admins see selectors, counts and hosts. Others see the PCI groups that their project may ask for: names, what they are
for, and whether there is much left, with nothing of hosts in it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply, Route
from mooring.api.checks import only_value, optional, text, texts, truth
from mooring.api.mooring.reading import (
    DESCRIPTION_MAX_CHARS,
    PROJECTS_MAX,
    fields_of,
    refuse_unknown,
    take_revision,
    wrong,
)
from mooring.core.group_names import read_group_name
from mooring.core.selector_words import read_selectors, selector_object
from mooring.model.group import PciGroup
from mooring.model.identity import Caller
from mooring.model.port import FUNCTION_VNIC_TYPES
from mooring.service import groups
from mooring.service.group_checks import missing_names
from mooring.service.group_counts import GroupCount, count_free, count_groups
from mooring.service.groups import GroupWish
from mooring.store.tx import Tx

_MANY = 10
"""Free devices, from which on it is not told how many."""


def _vnic_type(field: str, value: Any) -> str | None:
    if value is not None and value not in [one.value for one in FUNCTION_VNIC_TYPES]:
        wanted = f"one of {', '.join(sorted(FUNCTION_VNIC_TYPES))}, or null"
        raise wrong(field, value, "is no vnic type whose ports take a PCI function", wanted)
    return None if value is None else str(value)


_CHECKS = {
    "name": read_group_name,
    "description": text(0, DESCRIPTION_MAX_CHARS),
    "selectors": read_selectors,
    "excludes": read_selectors,
    "projects": texts(text(1, 64), PROJECTS_MAX),
    "default_vnic_type": optional(_vnic_type),
}


async def list_groups(call: Call) -> Reply:
    """All that the caller may ask for, by name; ``?name=`` is that one."""
    refuse_unknown(call, "name")
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
    refuse_unknown(call)
    who, ident = call.who, call.params["group"]
    return Reply(body=await call.controller.store.read(lambda tx: _whole(tx, who, groups.get_group(tx, who, ident))))


async def create_group(call: Call) -> Reply:
    """``{"pci_group": {"name": ..., "selectors": [...], ...}}``; the answer counts what is in it now."""
    refuse_unknown(call)
    wish = GroupWish(**fields_of("pci_group", _CHECKS, call.envelope("pci_group"), ("name", "selectors")))
    world, who = call.controller.world, call.who
    group = await call.controller.store.write(lambda tx: groups.create_group(tx, world, who, wish))
    return Reply(HTTPStatus.CREATED, await call.controller.store.read(lambda tx: _whole(tx, who, group)))


async def update_group(call: Call) -> Reply:
    """Set the fields that are given; with ``revision_number``, only if it is that one still."""
    refuse_unknown(call, "force")
    body = call.envelope("pci_group")
    revision = take_revision(body, "PCI group")
    changes, who, ident, is_forced = fields_of("pci_group", _CHECKS, body), call.who, call.params["group"], _force(call)
    group = await call.controller.store.write(
        lambda tx: groups.update_group(tx, who, ident, changes, revision_number=revision, is_forced=is_forced)
    )
    return Reply(body=await call.controller.store.read(lambda tx: _whole(tx, who, group)))


async def delete_group(call: Call) -> Reply:
    """Servers keep what they have of it."""
    refuse_unknown(call, "force")
    who, ident, is_forced = call.who, call.params["group"], _force(call)
    await call.controller.store.write(lambda tx: groups.delete_group(tx, who, ident, is_forced=is_forced))
    return Reply(HTTPStatus.NO_CONTENT)


def _force(call: Call) -> bool:
    word = only_value(call.query, "force")
    return word is not None and truth("force", word)


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
