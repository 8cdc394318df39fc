"""``mooring device``: ``list``, PFs with their VFs beneath them, as the controller or a sysfs tree shows them."""

from pathlib import Path

import click

from mooring.cli.device_match import match
from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.text import plain, print_json, say
from mooring.cli.tree import print_devices
from mooring.errors import Invalid


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


device.add_command(match)
