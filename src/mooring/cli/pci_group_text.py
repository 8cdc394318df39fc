"""How PCI groups are shown: a line for each, or one with its selectors and hosts."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.cli.text import Column, Group, counted, filled, plain, print_facts, print_groups, print_table, say
from mooring.core.selector_words import selector_words

PciGroup = Mapping[str, Any]
"""As ``/mooring/v1/pci-groups`` shows it."""

_GROUPS = (
    Column("NAME", folds=True), Column("DEVICES", is_number=True), Column("FREE", is_number=True),
    Column("HOSTS", is_number=True), Column("FOR"), Column("SELECTS", folds=True),
)  # fmt: skip
_USABLE = (Column("NAME", folds=True), Column("LEFT"), Column("VNIC TYPE"), Column("DESCRIPTION", folds=True))
_HOSTS = (Column("HOST", folds=True), Column("DEVICES", is_number=True), Column("FREE", is_number=True))


def print_list(found: Sequence[PciGroup]) -> None:
    if "selectors" not in found[0]:
        rows = [(one["name"], one["availability"], one["default_vnic_type"], one["description"]) for one in found]
        print_table(_USABLE, rows)
        return
    print_table(
        _GROUPS,
        [
            (
                one["name"], one["device_count"], one["free"], one["host_count"],
                counted(len(one["projects"]), "project") if one["projects"] else "all",
                " or ".join(map(selector_words, one["selectors"])),
            )
            for one in found
        ],
    )  # fmt: skip


def print_one(one: PciGroup, projects: Mapping[str, str]) -> None:
    """``projects`` gives names for ids."""
    facts = {"name": one["name"], "id": one["id"], "description": one["description"]}
    if "selectors" not in one:
        print_facts({**facts, "default vnic type": one["default_vnic_type"], "left": one["availability"]})
        return
    named = ", ".join(projects.get(ident, ident) for ident in one["projects"])
    facts |= {
        "for": named or "all projects",
        "default vnic type": one["default_vnic_type"],
        "revision": one["revision_number"],
        "devices": tally(one) if one["device_count"] else 0,
    }
    print_facts(facts)
    for title, key in (("selects", "selectors"), ("but not", "excludes")):
        if one[key]:
            say(f"\n{title}")
            for selector in one[key]:
                say(filled(plain(selector_words(selector).replace(",", ", ")), "  ", "    "))
    if one["note"]:
        say("\n" + filled(f"note: {plain(one['note'])}", indent="  "))
    if one["hosts"]:
        rows = [(row["host"], row["devices"], row["free"]) for row in one["hosts"]]
        say()
        print_groups(_HOSTS, [Group("", rows)])


def tally(one: PciGroup) -> str:
    """``16 on 2 hosts: 14 available, 2 in-use``."""
    if not one["device_count"]:
        return "none yet"
    states = ", ".join(f"{number} {state}" for state, number in one["states"].items())
    return f"{one['device_count']} on {counted(one['host_count'], 'host')}: {states}"
