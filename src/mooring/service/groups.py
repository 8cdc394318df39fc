"""PCI groups: made, changed and deleted by admins; asked for by the projects that may.

What servers have is theirs: no change of a PCI group touches a claim. A change that takes functions with owners out of
a PCI group, or the name from those who ask for it, is refused until it is forced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.selector_words import selector_object
from mooring.errors import Conflict, NotFound, PreconditionFailed
from mooring.model.group import PciGroup, PciSelector
from mooring.model.identity import Caller
from mooring.service.group_checks import check_references, check_sense
from mooring.service.group_use import Use, use_of
from mooring.service.world import World
from mooring.store.groups import GROUPS, by_name, count
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

GROUPS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class GroupWish:
    """What ``POST /pci-groups`` asks for, checked for form by the API."""

    name: str
    selectors: tuple[PciSelector, ...]
    excludes: tuple[PciSelector, ...] = ()
    description: str = ""
    projects: tuple[str, ...] = ()
    """Ids."""
    default_vnic_type: str | None = None


def usable_group(tx: Tx, who: Caller, name: str) -> PciGroup:
    """The PCI group of this name, which the caller's project may ask for; admins may ask for any.

    Raises NotFound in the same words for one that there is not and one of other projects.
    """
    group = by_name(tx, name)
    if group is None or not _may_use(who, group):
        raise _not_found(name)
    return group


def get_group(tx: Tx, who: Caller, ident: str) -> PciGroup:
    """By name or by id. Raises NotFound as ``usable_group`` does."""
    group = by_name(tx, ident) or GROUPS.get(tx, ident)
    if group is None or not _may_use(who, group):
        raise _not_found(ident)
    return group


def list_groups(tx: Tx, who: Caller) -> list[PciGroup]:
    """Those that the caller may ask for, by name."""
    return [group for group in GROUPS.find(tx, Query(sort=(("name", True),))) if _may_use(who, group)]


def create_group(tx: Tx, world: World, who: Caller, wish: GroupWish) -> PciGroup:
    """Make a PCI group; that no device is in it yet is fine.

    Raises Conflict for a taken name, Invalid for one that contradicts itself or names what there is not.
    """
    _check_free(tx, wish.name)
    if count(tx) >= GROUPS_MAX:
        raise Conflict(f"there are {GROUPS_MAX} PCI groups, the most that there may be", hint="delete some first")
    group = PciGroup(
        world.ids.uuid(), wish.name, tx.now, tx.now, wish.description, wish.selectors, wish.excludes, wish.projects,
        wish.default_vnic_type,
    )  # fmt: skip
    check_sense(group)
    check_references(tx, group)
    GROUPS.insert(tx, group)
    _tell(tx, who, "pci-group.created", group, _said(group))
    return group


def update_group(
    tx: Tx, who: Caller, ident: str, changes: Mapping[str, Any], *, revision_number: int | None = None,
    is_forced: bool = False,
) -> PciGroup:  # fmt: skip
    """Set these fields of a PCI group.

    Raises PreconditionFailed when it has another revision, Conflict when something in use would leave it and that is
    not forced, and what ``create_group`` does.
    """
    before = get_group(tx, who, ident)
    if revision_number not in (None, before.revision_number):
        raise PreconditionFailed(
            f"PCI group {before.name} has revision {before.revision_number}, not {revision_number}",
            hint="somebody changed it: read it again",
        )
    after = replace(before, **changes)
    if after == before:
        return before
    if after.name != before.name:
        _check_free(tx, after.name)
    check_sense(after)
    if changes.keys() & {"selectors", "excludes", "projects"}:
        check_references(tx, after)
    use = use_of(tx, before, after)
    if not is_forced:
        use.refuse(f"PCI group {before.name} is in use")
    after = GROUPS.update(tx, replace(after, updated_at=tx.now, revision_number=before.revision_number + 1))
    changed = {key: value for key, value in _said(after).items() if value != _said(before)[key]}
    _tell(tx, who, "pci-group.updated", after, {"was": before.name, "changed": changed, **_left(use)})
    return after


def delete_group(tx: Tx, who: Caller, ident: str, *, is_forced: bool = False) -> None:
    """Forget a PCI group. Raises Conflict while functions of it, or flavors, are in use, unless that is forced."""
    group = get_group(tx, who, ident)
    use = use_of(tx, group, None)
    if not is_forced:
        use.refuse(f"PCI group {group.name} is in use")
    GROUPS.delete(tx, group.id)
    _tell(tx, who, "pci-group.deleted", group, _left(use))


def _may_use(who: Caller, group: PciGroup) -> bool:
    return who.is_privileged or not group.projects or who.project_id in group.projects


def _not_found(ident: str) -> NotFound:
    return NotFound("PCI group", ident, hint="mooring pci-group list shows those that you may ask for")


def _check_free(tx: Tx, name: str) -> None:
    if by_name(tx, name) is not None:
        raise Conflict(f"PCI group {name} exists", hint="mooring pci-group set changes it; or take another name")


def _said(group: PciGroup) -> Mapping[str, object]:
    """What an admin says of it."""
    return {
        "name": group.name, "description": group.description,
        "selectors": [selector_object(one) for one in group.selectors],
        "excludes": [selector_object(one) for one in group.excludes], "projects": group.projects,
        "default_vnic_type": group.default_vnic_type,
    }  # fmt: skip


def _left(use: Use) -> Mapping[str, object]:
    return {"left_in_use": len(use.functions)} if use else {}


def _tell(tx: Tx, who: Caller, kind: str, group: PciGroup, detail: Mapping[str, object]) -> None:
    told = {"name": group.name, **detail}
    tx.tell(Event(kind, group.id, actor=who.user_id, request_id=who.request_id, detail=told))
