"""``mooring host``: the hosts, and the keys of their agents."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import click

from mooring.cli.host_check import check
from mooring.cli.host_join import join
from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.text import plain, print_json, say
from mooring.errors import Conflict, Invalid

_key_out = click.option("--key-out", type=FILE, metavar="FILE", help="Write the key into this new file, mode 0600.")


@click.group(short_help="List, show, add, rekey and remove hosts.")
def host() -> None:
    """Hosts, and the keys of their agents."""


host.add_command(check)
host.add_command(join)


@host.command("list", short_help="List the hosts: alive? what is used? what is free?")
@as_json
@cloud
def listing(is_json: bool, os_cloud: str | None) -> None:
    """List the hosts: is the agent alive, what is used, how much is free on each physical network."""
    from mooring.cli.client import connect, rows

    hosts = rows(connect(os_cloud).get("/mooring/v1/hosts"), "hosts")
    if is_json:
        print_json(hosts)
    elif hosts:
        from mooring.cli.host_text import print_hosts

        print_hosts(hosts)
    else:
        say("no hosts yet; add one with: mooring host add NAME")


@host.command(short_help="Show one host, and all that it has.")
@click.argument("name")
@as_json
@cloud
def show(name: str, is_json: bool, os_cloud: str | None) -> None:
    """Show one host: what it has and what is used, its NUMA nodes, PCI groups and functions, and what is wrong."""
    from mooring.cli.client import connect, segment

    found = connect(os_cloud).get(f"/mooring/v1/hosts/{segment(name)}")["host"]
    if is_json:
        print_json(found)
        return
    from mooring.cli.host_text import print_host

    print_host(found)


@host.command(short_help="Make a host known, and get its agent's key.")
@click.argument("name")
@click.option("--zone", default="nova", show_default=True, metavar="Z", help="Its availability zone.")
@_key_out
@as_json
@cloud
def add(name: str, zone: str, key_out: Path | None, is_json: bool, os_cloud: str | None) -> None:
    """Make a host known. Its agent's key is shown this once."""
    from mooring.cli.client import connect

    client = connect(os_cloud)
    with _KeyFile(key_out) as file:
        made = client.post("/mooring/v1/hosts", {"host": {"name": name, "availability_zone": zone}})["host"]
        file.write(made["key"])
    if is_json:
        print_json(_told(made, key_out))
        return
    say(f"host {plain(name)} is known now, in zone {plain(zone)}")
    _say_key(made["key"], key_out)
    say(_AGENT_TOML.format(url=client.base_url, name=plain(name)))


@host.command(short_help="Give a host's agent a new key.")
@click.argument("name")
@_key_out
@as_json
@cloud
def rekey(name: str, key_out: Path | None, is_json: bool, os_cloud: str | None) -> None:
    """Give a host's agent a new key, shown this once. The old one ends at once."""
    from mooring.cli.client import connect, segment

    client = connect(os_cloud)
    with _KeyFile(key_out) as file:
        made = client.post(f"/mooring/v1/hosts/{segment(name)}/key")["host"]
        file.write(made["key"])
    if is_json:
        print_json(_told(made, key_out))
        return
    say(f"host {plain(name)} has a new key; the old one is worth nothing now")
    _say_key(made["key"], key_out)


@host.command()
@click.argument("name")
@as_json
@cloud
def remove(name: str, is_json: bool, os_cloud: str | None) -> None:
    """Forget a host that has no servers."""
    from mooring.cli.client import connect, segment

    connect(os_cloud).delete(f"/mooring/v1/hosts/{segment(name)}")
    if is_json:
        print_json({"removed": name})
    else:
        say(f"host {plain(name)} is forgotten")


_AGENT_TOML = """
/etc/mooring/agent.toml there says where to put it, and which VFs to hand out:

    [agent]
    controller = "{url}"
    key_file = "/etc/mooring/agent.key"

    [[device_spec]]
    pf = "ens1f0"                    # the PF's netdev
    physical_network = "physnet1"    # what its VFs reach

Then, as root on {name}: mooring agent"""


def _say_key(key: str, key_out: Path | None) -> None:
    if key_out is not None:
        say(f"Its key is in {plain(key_out)}: copy it to /etc/mooring/agent.key on the host, mode 0600.")
        return
    say(f"\n    {plain(key)}\n\nIt is not shown again. Put it into /etc/mooring/agent.key on the host, mode 0600.")


def _told(made: Mapping[str, object], key_out: Path | None) -> Mapping[str, object]:
    """The answer; when the key went into a file, without it."""
    if key_out is None:
        return made
    return {**{name: value for name, value in made.items() if name != "key"}, "key_file": str(key_out)}


class _KeyFile:
    """A new file that only its owner reads, made before the key is: a key that cannot be written would be lost."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._is_written = False

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError as there:
                raise Conflict(f"{self._path} exists", hint="give a file that does not") from there
            except OSError as broken:
                raise Invalid(f"{self._path}: {broken.strerror}", hint="give a path that can be written") from broken
        return self

    def write(self, key: str) -> None:
        if self._path is not None:
            os.write(self._fd, f"{key}\n".encode())
            self._is_written = True

    def __exit__(self, *_: object) -> None:
        if self._path is not None:
            os.close(self._fd)
            if not self._is_written:
                with suppress(FileNotFoundError):
                    self._path.unlink()
