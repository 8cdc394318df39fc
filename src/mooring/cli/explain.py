"""``mooring explain``: which hosts could take a server, with which devices, or why not. Nothing is created."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from mooring.cli.options import as_json, cloud
from mooring.cli.text import BLANK, Column, counted, filled, plain, print_json, print_table, say

Nic = Mapping[str, str]

_COLUMNS = (Column("HOST"), Column("ANSWER"), Column("DEVICES, OR WHY NOT", folds=True))


@click.command(short_help="Could a server be placed? Where, or why not.")
@click.argument("name", default="explained")
@click.option("--flavor", required=True, metavar="FLAVOR", help="Name or id.")
@click.option("--image", metavar="IMAGE", help="Name or id.")
@click.option("--nic", "nics", multiple=True, metavar="KEY=VALUE,..", help="A nic as above; or auto, or none.")
@click.option("--port", "ports", multiple=True, metavar="PORT", help="As --nic port-id=PORT.")
@click.option("--network", "networks", multiple=True, metavar="NET", help="As --nic net-id=NET.")
@click.option("--availability-zone", metavar="ZONE", help="Only hosts of this zone.")
@click.option("--host", metavar="HOST", help="Only this host; for admins.")
@as_json
@cloud
def explain(
    name: str,
    flavor: str,
    image: str | None,
    nics: tuple[str, ...],
    ports: tuple[str, ...],
    networks: tuple[str, ...],
    availability_zone: str | None,
    host: str | None,
    is_json: bool,
    os_cloud: str | None,
) -> int:
    r"""Ask where a server could be placed, in the words of openstack server create. Nothing is created.

    \b
    A nic is net-id=NET or port-id=PORT (name or id), and may have
      vnic-type=TYPE       normal, direct or macvtap
      v4-fixed-ip=ADDRESS  v6-fixed-ip=ADDRESS
      port-profile=NAME    tag=TAG

    Exit code 0 when a host would do, 1 when none would.
    """
    from mooring.cli.client import connect
    from mooring.cli.names import id_of
    from mooring.cli.nics import read_nics

    wished = read_nics(nics, ports, networks)
    client = connect(os_cloud)
    nouns = {"net-id": "network", "port-id": "port"}
    found = wished if isinstance(wished, str) else [
        {key: id_of(client, nouns[key], value) if key in nouns else value for key, value in nic.items()}
        for nic in wished
    ]  # fmt: skip
    server = {
        "name": name,
        "flavorRef": id_of(client, "flavor", flavor),
        "imageRef": id_of(client, "image", image) if image else None,
        "networks": found,
        "availability_zone": availability_zone,
        "host": host,
    }
    wish = {key: value for key, value in server.items() if value is not None}
    answer = client.post("/mooring/v1/explain", {"server": wish})["explanation"]
    if is_json:
        print_json(answer)
    else:
        _print(answer, _labels(wished, found))
    return 0 if answer["is_possible"] else 1


def _labels(wished: Sequence[Nic] | str, found: Sequence[Nic] | str) -> Mapping[str, str]:
    """What the person called each nic, by the port id of the answer: ``nic-N`` for a port that would be made."""
    if isinstance(wished, str) or isinstance(found, str):
        return {}
    return {
        ids.get("port-id", f"nic-{ordinal}"): f"port {nic['port-id']}"
        if "port-id" in nic
        else f"network {nic['net-id']}"
        for ordinal, (nic, ids) in enumerate(zip(wished, found, strict=True))
    }


def _print(answer: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    if answer["is_possible"]:
        say(f"yes: {counted(answer['hosts_that_would_do'], 'host')} would do")
    else:
        say(filled(f"no: {plain(answer['message'])}"))
    if hosts := answer.get("hosts"):
        say()
        print_table(_COLUMNS, [row for one in hosts for row in _rows(one, labels)])


def _rows(one: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Sequence[object]]:
    """Why not, or one row for each nic: the function that it would get, and whose driver would bind it."""
    if one["answer"] != "yes":
        yield (one["host"], one["answer"], _named(one["reason"], labels))
        return
    named = (one["host"], one["answer"])
    for port_id, driver in one["bindings"].items():
        device = one["devices"].get(port_id, "no VF")
        yield (*named, f"{labels.get(port_id, port_id)}: {device}, bound by {driver}")
        named = (BLANK, BLANK)
    if not one["bindings"]:
        yield (*named, "no nics")


def _named(reason: str, labels: Mapping[str, str]) -> str:
    """A reason in which ports are called what the person called them."""
    for port_id, label in labels.items():
        reason = reason.replace(f"port {port_id} ", f"{label} ")
    return reason
