"""``mooring explain``: which hosts could take a server, with which devices, or why not. Nothing is created."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.text import print_json
from mooring.errors import Invalid, MooringError

if TYPE_CHECKING:
    from mooring.cli.client import Client
    from mooring.cli.nics import Nic

    Wished = Sequence[Nic] | str

_FILE_MAX_BYTES = 512 * 1024 * 1024

#: Click leaves the lines of a paragraph as they are when it begins with a backspace.
_NICS = """\b
A nic is net-id=NET or port-id=PORT (name or id), and may have
  vnic-type=TYPE            normal, direct, macvtap or direct-physical
  pci-group=NAME[:COUNT]    a function of this PCI group; COUNT nics, each
                            with one; also pci-flavor or pci-alias
  v4-fixed-ip=ADDRESS       v6-fixed-ip=ADDRESS
  port-profile=NAME         tag=TAG

With --inventory and --request the hosts and the wish are those of two JSON files, and no controller is asked."""


@click.command(short_help="Could a server be placed? Where, or why not.", epilog=_NICS)
@click.argument("name", default="explained")
@click.option("--flavor", metavar="FLAVOR", help="Name or id.")
@click.option("--image", metavar="IMAGE", help="Name or id.")
@click.option("--nic", "nics", multiple=True, metavar="KEY=VALUE,..", help="A nic, as below; or auto, or none.")
@click.option("--port", "ports", multiple=True, metavar="PORT", help="As --nic port-id=PORT.")
@click.option("--network", "networks", multiple=True, metavar="NET", help="As --nic net-id=NET.")
@click.option("--availability-zone", metavar="ZONE", help="Only hosts of this zone.")
@click.option("--host", metavar="HOST", help="Only this host; for admins.")
@click.option("--inventory", type=FILE, metavar="FILE", help="Plan with these hosts; no controller is asked.")
@click.option("--request", type=FILE, metavar="FILE", help="With --inventory: what the server asks for.")
@as_json
@cloud
def explain(
    name: str,
    flavor: str | None,
    image: str | None,
    nics: tuple[str, ...],
    ports: tuple[str, ...],
    networks: tuple[str, ...],
    availability_zone: str | None,
    host: str | None,
    inventory: Path | None,
    request: Path | None,
    is_json: bool,
    os_cloud: str | None,
) -> int:
    """Ask where a server could be placed, in the words of openstack server create. Nothing is created.

    Exit code 0 when a host would do, 1 when none would.
    """
    options = {
        "--flavor": flavor, "--image": image, "--nic": nics, "--port": ports, "--network": networks,
        "--availability-zone": availability_zone, "--host": host, "--os-cloud": os_cloud,
    }  # fmt: skip
    if inventory is not None or request is not None:
        files = _both(inventory, request, [option for option, value in options.items() if value])
        return _plan(*files, is_json=is_json)
    if flavor is None:
        raise Invalid("--flavor was not given", hint="name one of `openstack flavor list`, or plan with --inventory")
    from mooring.cli.client import connect
    from mooring.cli.names import id_of
    from mooring.cli.nics import read_nics

    wished = read_nics(nics, ports, networks)
    client = connect(os_cloud)
    server = {
        "name": name,
        "flavorRef": id_of(client, "flavor", flavor),
        "imageRef": id_of(client, "image", image) if image else None,
        "networks": _found(client, wished),
        "availability_zone": availability_zone,
        "host": host,
    }
    return _ask(client, {key: value for key, value in server.items() if value is not None}, wished, is_json=is_json)


def _found(client: "Client", wished: "Wished") -> "Wished":
    """The nics with the ids of what a person named."""
    from mooring.cli.names import id_of

    if isinstance(wished, str):
        return wished
    nouns = {"net-id": "network", "port-id": "port"}
    return [
        {key: id_of(client, nouns[key], value) if key in nouns else value for key, value in nic.items()}
        for nic in wished
    ]  # fmt: skip


def _ask(client: "Client", server: Mapping[str, Any], wished: "Wished", *, is_json: bool) -> int:
    from mooring.cli.explain_text import labels_of, print_answer

    answer = client.post("/mooring/v1/explain", {"server": server})["explanation"]
    if is_json:
        print_json(answer)
    else:
        print_answer(answer, labels_of(wished, server["networks"]))
    return 0 if answer["is_possible"] else 1


def _both(inventory: Path | None, request: Path | None, others: Sequence[str]) -> tuple[Path, Path]:
    """The two files of a plan. Raises Invalid if one is missing, or if a controller was to be asked something too."""
    if inventory is None or request is None:
        given, missing = ("--request", "--inventory") if inventory is None else ("--inventory", "--request")
        raise Invalid(
            f"{given} was given without {missing}", hint="a plan wants two files: its hosts, and what a server asks for"
        )
    if others:
        raise Invalid(
            f"{others[0]} and --inventory were both given",
            hint="what a plan's server asks for stands in the file of --request",
        )
    return inventory, request


def _plan(inventory: Path, request: Path, *, is_json: bool) -> int:
    from mooring.cli.explain_text import print_plan
    from mooring.cli.text_file import read_text
    from mooring.core.plan_answer import answer_object
    from mooring.core.plan_file import parse_hosts, parse_request

    try:
        wish = parse_request(read_text(request, _FILE_MAX_BYTES))
        answer = answer_object(wish, parse_hosts(read_text(inventory, _FILE_MAX_BYTES)))
    except MooringError as refused:
        if not is_json:
            raise
        # A file that is refused is an answer of this command: it goes where its answers go.
        print_json({"error": {"code": refused.code, "message": refused.message, "hint": refused.hint}})
        return 1
    if is_json:
        print_json(answer)
    else:
        print_plan(answer)
    return 0 if answer["host"] is not None else 1
