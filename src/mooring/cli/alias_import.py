"""``mooring pci-group import-alias``: Nova's ``[pci] alias`` as PCI groups."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.text import Column, counted, filled, plain, print_json, print_table, say
from mooring.cli.text_file import read_text
from mooring.errors import Conflict

if TYPE_CHECKING:
    from mooring.core.nova_alias import AliasGroup

_PATH = "/mooring/v1/pci-groups"
_FILE_MAX_BYTES = 16 * 1024 * 1024
_COLUMNS = (Column("NAME", folds=True), Column("IS"), Column("SELECTS", folds=True))


@click.command("import-alias", short_help="Make PCI groups of the aliases of a nova.conf.")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Only show what would be made; no controller is asked.")
@click.option("--project", "projects", multiple=True, metavar="P", help="Only for this project; may repeat.")
@as_json
@cloud
def import_alias(file: Path, dry_run: bool, projects: tuple[str, ...], is_json: bool, os_cloud: str | None) -> None:
    """Make PCI groups of Nova's aliases, which flavors then name as they do in Nova.

    FILE is a nova.conf with alias in [pci] (or pci_alias in [DEFAULT]), or the aliases as JSON: an object, a list, or
    one a line. All of them are checked before any is made; one that is there already, and selects the same, is kept.
    What an alias says and a PCI group does not carry is told, with what to do instead.
    """
    from mooring.core.nova_alias import alias_groups, read_alias_text

    found = alias_groups(read_alias_text(read_text(file, _FILE_MAX_BYTES)))
    if dry_run:
        made: Mapping[str, str] = dict.fromkeys((one.name for one in found), "to be made")
    else:
        made = _make(found, projects, os_cloud)
    if is_json:
        print_json([_object(one, made[one.name]) for one in found])
    else:
        _print(found, made)


def _make(found: "Sequence[AliasGroup]", projects: Sequence[str], os_cloud: str | None) -> Mapping[str, str]:
    """By name, what became of it."""
    from mooring.cli.client import connect, rows
    from mooring.cli.names import project_id

    client = connect(os_cloud)
    known = {one["name"]: one for one in rows(client.get(_PATH), "pci_groups")}
    for one in found:
        there = known.get(one.name)
        if there is not None and (there.get("selectors"), there.get("excludes")) != (_selectors(one), []):
            raise Conflict(
                f"PCI group {one.name} exists, and selects something else than the alias",
                hint="nothing was made; rename the alias in the file and in its flavors, or change the PCI group",
            )
    ids = [project_id(client, text) for text in projects]
    for one in found:
        if one.name not in known:
            body = {"name": one.name, "selectors": _selectors(one), "projects": ids, "description": "Nova's alias"}
            client.post(_PATH, {"pci_group": body})
    return {one.name: "kept" if one.name in known else "made" for one in found}


def _selectors(one: "AliasGroup") -> list[Mapping[str, object]]:
    from mooring.core.selector_words import selector_object

    return [dict(selector_object(selector)) for selector in one.selectors]


def _object(one: "AliasGroup", what: str) -> Mapping[str, Any]:
    return {"name": one.name, "is": what, "selectors": _selectors(one), "notes": list(one.notes)}


def _print(found: "Sequence[AliasGroup]", made: Mapping[str, str]) -> None:
    from mooring.core.selector_words import selector_words

    print_table(
        _COLUMNS, [(one.name, made[one.name], " or ".join(map(selector_words, _selectors(one)))) for one in found]
    )
    for one in found:
        for note in one.notes:
            say("\n" + filled(f"{plain(one.name)}: {plain(note)}", indent="  "))
    named = counted(len(found), "alias") if len(found) == 1 else f"{len(found)} aliases"
    say(f"\n{named}; a flavor asks for one with pci_passthrough:alias=NAME:COUNT")
