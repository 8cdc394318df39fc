"""``mooring device``: the functions of hosts, PFs with their VFs beneath them, and single ones whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mooring.cli.device_export import export
from mooring.cli.device_filters import filter_options, first_given, query_of, tells_use
from mooring.cli.device_match import match
from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.text import print_json, say
from mooring.cli.tree import Device
from mooring.errors import Invalid, NotFound

PATH = "/mooring/v1/pci-devices"


@click.group(short_help="List PFs and VFs: owner, settings, state.")
def device() -> None:
    """PCI functions: PFs, their VFs, and others."""


@device.command("list", short_help="List PFs and VFs: owner, settings, state.")
@filter_options
@click.option("--sort", "sorts", multiple=True, metavar="KEY[:desc]", help="One table, sorted by this.")
@click.option("--each", "is_each", is_flag=True, help="A row for each VF, however alike they are.")
@click.option("--watch", "is_watch", is_flag=True, help="Go on, and show what changes, until ctrl-C.")
@click.option("--sysfs", type=FILE, metavar="DIR", help="Read this sysfs tree (/sys, or a recording); no controller.")
@click.option("--spec", type=FILE, metavar="FILE", help="With --sysfs: what would this agent.toml hand out?")
@click.option("--all", "is_all", is_flag=True, help="With --sysfs: what is no NIC, too.")
@as_json
@cloud
def listing(
    sorts: tuple[str, ...],
    is_each: bool,
    is_watch: bool,
    sysfs: Path | None,
    spec: Path | None,
    is_all: bool,
    is_json: bool,
    os_cloud: str | None,
    **given: Any,
) -> None:
    """List every PF with its VFs: who owns each, what is set on it, its state. At the end, how many are free.

    A filter that is given several times takes any of its values; of different filters all have to hold.

    With --sysfs no controller is asked: the tree on disk says what is there, and what is wrong with it. DIR may also
    be a recording packed as .tar.gz.
    """
    if sysfs is not None:
        odd = "--watch" if is_watch else "--sort" if sorts else "--each" if is_each else first_given(given)
        if odd is not None:
            raise Invalid(f"{odd} and --sysfs were both given", hint="a sysfs tree is that of one host, listed whole")
        from mooring.cli.sysfs import list_tree

        list_tree(sysfs, spec, is_all=is_all, is_json=is_json)
        return
    if spec is not None or is_all:
        odd = "--all" if spec is None else "--spec"
        raise Invalid(f"{odd} was given without --sysfs", hint="name the tree to lay it over, as in --sysfs /sys")
    if is_watch and sorts:
        raise Invalid("--watch and --sort were both given", hint="what is watched is shown as a tree")
    from mooring.cli.client import connect
    from mooring.cli.device_watch import fetch, watch

    client = connect(os_cloud)
    query = query_of(given, client)
    if is_watch:
        watch(client, query, is_json=is_json, shows_free=not tells_use(given), is_each=is_each)
        return
    devices, _ = fetch(client, {**query, **_sorting(sorts)})
    if is_json:
        print_json(devices)
    elif not devices:
        say("no function is like that" if query else "no host has told of its devices yet")
    else:
        _print(devices, sorts, shows_free=not tells_use(given), is_each=is_each)


def _print(devices: Sequence[Device], sorts: Sequence[str], *, shows_free: bool, is_each: bool) -> None:
    from mooring.cli.device_free import free_lines
    from mooring.cli.device_text import cloud_lines

    if sorts:
        from mooring.cli.device_facts import print_sorted

        print_sorted(devices, [sort.partition(":")[0] for sort in sorts])
        return
    for line in cloud_lines(devices, is_each=is_each):
        say(line)
    for number, line in enumerate(free_lines(devices) if shows_free else ()):
        say(line if number else f"\n{line}")


def _sorting(sorts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    pairs = [sort.partition(":") for sort in sorts]
    return {"sort_key": [key for key, _, _ in pairs], "sort_dir": [way or "asc" for _, _, way in pairs]}


@device.command(short_help="Show one function.")
@click.argument("words", nargs=-1, required=True, metavar="HOST ADDRESS | ID")
@as_json
@cloud
def show(words: tuple[str, ...], is_json: bool, os_cloud: str | None) -> None:
    """Show all of one function, by its host and its PCI address, or by its id."""
    from mooring.cli.client import connect, rows, segment
    from mooring.cli.device_facts import print_facts_of

    client = connect(os_cloud)
    match words:
        case (ident,):
            found = client.get(f"{PATH}/{segment(ident)}")["pci_device"]
        case (host, address):
            listed = rows(client.get(PATH, {"host": host, "address": address}), "pci_devices")
            if not listed:
                raise NotFound("device", f"{address} of host {host}", hint=f"mooring device list --host {host}")
            found = listed[0]
        case _:
            raise Invalid(f"{len(words)} words were given", hint="give HOST ADDRESS, or an ID")
    if is_json:
        print_json(found)
    else:
        print_facts_of(found)


device.add_command(match)
device.add_command(export)
