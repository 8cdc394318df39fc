"""How port profiles are shown: a line for each, or one with who names it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.cli.text import Column, counted, filled, moment, plain, print_facts, print_table, say

PortProfile = Mapping[str, Any]
"""As ``/mooring/v1/port-profiles`` shows it."""

_PROFILES = (
    Column("NAME", folds=True), Column("VLANS", folds=True), Column("PHYSNETS", folds=True), Column("KIND"),
    Column("PORTS", is_number=True), Column("FOR"), Column("UPSTREAM"),
)  # fmt: skip
_USABLE = (Column("NAME", folds=True), Column("KIND"), Column("DESCRIPTION", folds=True))


def print_list(found: Sequence[PortProfile]) -> None:
    """For admins, below the table, why those that failed did."""
    if "vlans" not in found[0]:
        print_table(_USABLE, [(one["name"], one["kind"], one["description"]) for one in found])
        return
    print_table(
        _PROFILES,
        [
            (
                one["name"], vlans(one), ", ".join(one["physical_networks"]) or "any", one["kind"], one["max_ports"],
                counted(len(one["projects"]), "project") if one["projects"] else "all", one["upstream"]["state"],
            )
            for one in found
        ],
    )  # fmt: skip
    failed = [one for one in found if one["upstream"]["state"] == "failed"]
    if failed:
        say()
    for one in failed:
        say(filled(f"{plain(one['name'])}: {plain(one['upstream']['reason'])}", indent="  "))


def print_one(one: PortProfile, projects: Mapping[str, str]) -> None:
    """``projects`` gives names for ids."""
    facts = {"name": one["name"], "id": one["id"], "description": one["description"], "kind": one["kind"]}
    if "vlans" not in one:
        print_facts(facts)
        return
    upstream = one["upstream"]
    named = ", ".join(projects.get(ident, ident) for ident in one["projects"])
    print_facts(
        {
            **facts,
            "vlans": vlans(one),
            "physical networks": ", ".join(one["physical_networks"]) or "any",
            "max ports": one["max_ports"],
            "for": named or "all projects",
            "revision": one["revision_number"],
            "upstream": upstream["state"],
            "seen there": moment(upstream["checked_at"]),
            "default of": counted(len(one["networks"]), "network"),
            "named by": counted(len(one["ports"]), "port"),
        }
    )
    if upstream["reason"]:
        say("\n" + filled(f"upstream: {plain(upstream['reason'])}", indent="  "))
    for title, key in (("default of networks", "networks"), ("named by ports", "ports")):
        if one[key]:
            say(f"\n{title}")
            for user in one[key]:
                say(filled(plain(f"{user['name'] or 'unnamed'} ({user['id']})"), "  ", "    "))


def vlans(one: PortProfile) -> str:
    """``100`` or ``100 native, 5, 7``."""
    native, *tagged = one["vlans"]
    return f"{native} native, {', '.join(map(str, tagged))}" if tagged else str(native)
