"""``mooring device list``: PFs with their VFs beneath them, as the controller knows or as a sysfs tree shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.text import Column, Group, filled, on_off, plain, print_groups, print_json, say
from mooring.errors import Invalid

Device = Mapping[str, Any]
"""As ``/mooring/v1/pci-devices`` shows it."""

_COLUMNS = (
    Column("VF", is_number=True),
    Column("ADDRESS"),
    Column("STATE"),
    Column("MAC"),
    Column("VLAN", is_number=True),
    Column("SPOOF"),
    Column("TRUST"),
    Column("OWNER", folds=True),
)


@click.group(short_help="List PFs and VFs: owner, settings, state.")
def device() -> None:
    """PCI network functions: PFs and their VFs."""


@device.command("list", short_help="List PFs and VFs: owner, settings, state.")
@click.option("--host", metavar="NAME", help="Only this host's.")
@click.option("--sysfs", type=FILE, metavar="DIR", help="Read this sysfs tree (/sys, or a recording); no controller.")
@click.option("--spec", type=FILE, metavar="FILE", help="With --sysfs: what would this agent.toml hand out?")
@as_json
@cloud
def listing(host: str | None, sysfs: Path | None, spec: Path | None, is_json: bool, os_cloud: str | None) -> None:
    """List every PF with its VFs: who owns each, what is set on it, its state.

    With --sysfs no controller is asked: the tree on disk says what is there, and what is wrong with it. DIR may also
    be a recording packed as .tar.gz.
    """
    if sysfs is not None:
        if host is not None:
            raise Invalid("--host and --sysfs were both given", hint="a sysfs tree is that of one host")
        from mooring.cli.sysfs import list_tree

        list_tree(sysfs, spec, is_json=is_json)
        return
    if spec is not None:
        raise Invalid("--spec was given without --sysfs", hint="name the tree to lay it over, as in --sysfs /sys")
    from mooring.cli.client import connect, rows

    query = {"host": host} if host is not None else None
    devices = rows(connect(os_cloud).get("/mooring/v1/pci-devices", query), "pci_devices")
    if is_json:
        print_json(devices)
        return
    names = list(dict.fromkeys(one["host"] for one in devices))
    if not names:
        say("no host has told of its devices yet")
    for number, name in enumerate(names):
        say(("\n" if number else "") + f"host {plain(name)}\n")
        print_devices([one for one in devices if one["host"] == name])


def print_devices(devices: Sequence[Device]) -> None:
    """One host's: a table for each PF, then why functions are held back."""
    groups = [Group(_heading(pf, below), [_row(one) for one in below]) for pf, below in trees(devices)]
    print_groups(_COLUMNS, groups)
    print_notes("held back", [(one["address"], one["reason"]) for one in devices if one["kind"] == "type-VF"])


def trees(devices: Sequence[Device]) -> list[tuple[Device | None, Sequence[Device]]]:
    """Each PF with its VFs by index; last, under ``None``, what has no PF or whose PF is not there."""
    pfs = {one["address"]: one for one in devices if one["kind"] == "type-PF"}
    below: dict[str | None, list[Device]] = {address: [] for address in pfs}
    for one in devices:
        if one["address"] not in pfs:
            below.setdefault(one["pf"] if one["pf"] in pfs else None, []).append(one)
    return [
        (pfs.get(address or ""), sorted(found, key=lambda one: (one["vf_index"] or 0, one["address"])))
        for address, found in below.items()
    ]


def print_notes(title: str, notes: Sequence[tuple[str, str]]) -> None:
    """What there is to say of single functions: each text once, the addresses below it; empty texts say nothing."""
    by_text: dict[str, list[str]] = {}
    for address, text in notes:
        if text:
            by_text.setdefault(plain(text), []).append(address)
    for text, addresses in by_text.items():
        say("\n" + filled(f"{title}: {text}", indent="    "))
        say(filled(", ".join(addresses), "  ", "  "))


def speed(mbps: int | None) -> str | None:
    """A link's speed as a person says it."""
    if not mbps:
        return None
    return f"{mbps / 1000:g} Gb/s" if mbps >= 1000 else f"{mbps} Mb/s"  # noqa: PLR2004 - 1000 Mb are a Gb


def _heading(pf: Device | None, vfs: Sequence[Device]) -> str:
    if pf is None:
        return "without a PF"
    free = sum(vf["state"] == "available" for vf in vfs)
    node = None if pf["numa_node"] is None else f"NUMA {pf['numa_node']}"
    parts = [pf["netdev"], pf["address"], pf["driver"], pf["physical_network"], speed(pf["link_speed_mbps"]), node]
    return "  ".join([*(plain(part) for part in parts if part), f"{free} of {len(vfs)} VFs free"])


def _row(vf: Device) -> Sequence[object]:
    """What was read back; where nothing was, what is wanted."""
    settings = vf["observed"] or vf["desired"] or {}
    vlan, owner = settings.get("vlan"), vf["owner"] or {}
    return (
        vf["vf_index"],
        vf["address"],
        vf["state"],
        settings.get("mac"),
        vlan["id"] if vlan else None,
        on_off(settings.get("spoof_check")),
        on_off(settings.get("trust")),
        owner.get("server_name") or owner.get("server_id"),
    )
