"""``mooring port-profile``: what the upstream switches do with the frames of ports, by name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mooring.cli.options import as_json, cloud
from mooring.cli.text import filled, plain, print_json, say
from mooring.errors import HostFault, Invalid, Unreachable

if TYPE_CHECKING:
    from mooring.cli.client import Client

PATH = "/mooring/v1/port-profiles"
WAIT_MAX_S = 120
_LOOK_AGAIN_S = 0.5

_vlan = click.option(
    "--vlan", "vlans", multiple=True, type=int, metavar="ID", help="A VLAN of it; may repeat, the native one first."
)
_physnet = click.option(
    "--physnet", "physnets", multiple=True, metavar="NAME", help="Only on this physical network; may repeat."
)
_kind = click.option("--kind", metavar="KIND", help="802.1Qbh, which is the default, or 802.1BR.")
_max_ports = click.option("--max-ports", type=int, metavar="N", help="How many ports the switch gives it to.")
_project = click.option("--project", "projects", multiple=True, metavar="P", help="Only for this project; may repeat.")
_description = click.option("--description", metavar="TEXT", help="What it is for.")
_wait = click.option("--wait", is_flag=True, help="Until the upstream manager shows it.")


@click.group("port-profile", short_help="List, make, change and delete port profiles.")
def port_profile() -> None:
    """Port profiles of upstream switches (802.1Qbh), which networks, ports and nics name."""


@port_profile.command("list", short_help="List port profiles: VLANs, who may, and are they upstream?")
@as_json
@cloud
def listing(is_json: bool, os_cloud: str | None) -> None:
    """List the port profiles that you may name; for admins all, with what the upstream manager has of them."""
    from mooring.cli.client import connect, rows
    from mooring.cli.port_profile_text import print_list

    found = rows(connect(os_cloud).get(PATH), "port_profiles")
    if is_json:
        print_json(found)
    elif found:
        print_list(found)
    else:
        say("there is no port profile; make one: mooring port-profile create NAME --vlan ID")


@port_profile.command(short_help="Show one port profile, and who names it.")
@click.argument("name")
@as_json
@cloud
def show(name: str, is_json: bool, os_cloud: str | None) -> None:
    """Show one port profile, by name or id: its VLANs, where it is known, and the networks and ports that name it."""
    from mooring.cli.client import connect, rows, segment
    from mooring.cli.port_profile_text import print_one

    client = connect(os_cloud)
    found = client.get(f"{PATH}/{segment(name)}")["port_profile"]
    if is_json:
        print_json(found)
        return
    known = rows(client.get("/identity/v3/projects"), "projects") if found.get("projects") else ()
    print_one(found, {one["id"]: one["name"] for one in known})


@port_profile.command(short_help="Make a port profile.")
@click.argument("name")
@_vlan
@_physnet
@_kind
@_max_ports
@_project
@_description
@_wait
@as_json
@cloud
def create(
    name: str,
    vlans: tuple[int, ...],
    physnets: tuple[str, ...],
    kind: str | None,
    max_ports: int | None,
    projects: tuple[str, ...],
    description: str | None,
    wait: bool,
    is_json: bool,
    os_cloud: str | None,
) -> None:
    """Make a port profile, here and with the upstream manager, if there is one.

    NAME is what the switch calls it.
    """
    from mooring.cli.client import connect

    if not vlans:
        raise Invalid("no VLAN was given", hint="--vlan ID; of several, the native one first")
    client = connect(os_cloud)
    body = _body(client, vlans, physnets, projects)
    body |= {"name": name, **_given(kind=kind, max_ports=max_ports, description=description)}
    _tell(client, client.post(PATH, {"port_profile": body})["port_profile"], "is made", wait=wait, is_json=is_json)


@port_profile.command("set", short_help="Change a port profile.")
@click.argument("name")
@_vlan
@_physnet
@click.option("--any-physnet", is_flag=True, help="On every physical network.")
@_kind
@_max_ports
@_project
@click.option("--all-projects", is_flag=True, help="For all projects.")
@_description
@click.option("--name", "new_name", metavar="NEW", help="Another name.")
@_wait
@as_json
@cloud
def change(
    name: str,
    vlans: tuple[int, ...],
    physnets: tuple[str, ...],
    any_physnet: bool,
    kind: str | None,
    max_ports: int | None,
    projects: tuple[str, ...],
    all_projects: bool,
    description: str | None,
    new_name: str | None,
    wait: bool,
    is_json: bool,
    os_cloud: str | None,
) -> None:
    """Change what is given of a port profile; all --vlan together take the place of those that it has.

    Refused if a network or a port that names it would be on another VLAN than the profile then.
    """
    from mooring.cli.client import connect, segment

    for flag, is_flag, given, option in (
        ("--any-physnet", any_physnet, physnets, "--physnet"),
        ("--all-projects", all_projects, projects, "--project"),
    ):
        if is_flag and given:
            raise Invalid(f"{flag} and {option} were both given", hint="give one of them")
    client = connect(os_cloud)
    body = _body(client, vlans, physnets, projects)
    body |= {"physical_networks": []} if any_physnet else {}
    body |= {"projects": []} if all_projects else {}
    body |= _given(name=new_name, kind=kind, max_ports=max_ports, description=description)
    if not body:
        raise Invalid("nothing to change was given", hint="mooring port-profile set --help shows what can be")
    changed = client.put(f"{PATH}/{segment(name)}", {"port_profile": body})["port_profile"]
    _tell(client, changed, "is changed", wait=wait, is_json=is_json)


@port_profile.command(short_help="Delete a port profile, here and upstream.")
@click.argument("name")
@as_json
@cloud
def delete(name: str, is_json: bool, os_cloud: str | None) -> None:
    """Delete a port profile. Refused while a network or a port names it."""
    from mooring.cli.client import connect, segment

    connect(os_cloud).delete(f"{PATH}/{segment(name)}")
    if is_json:
        print_json({"deleted": name})
    else:
        say(f"port profile {plain(name)} is deleted")


def _body(client: "Client", vlans: Sequence[int], physnets: Sequence[str], projects: Sequence[str]) -> dict[str, Any]:
    """What was given of these."""
    from mooring.cli.names import project_id

    body: dict[str, Any] = {"vlans": list(vlans)} if vlans else {}
    body |= {"physical_networks": list(physnets)} if physnets else {}
    return body | ({"projects": [project_id(client, text) for text in projects]} if projects else {})


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _tell(client: "Client", one: Any, what: str, *, wait: bool, is_json: bool) -> None:
    from mooring.cli.port_profile_text import vlans

    if wait:
        one = _settled(client, one)
    if is_json:
        print_json(one)
    else:
        upstream = one["upstream"]["state"]
        say(filled(f"port profile {plain(one['name'])} {what}: VLAN {vlans(one)}; upstream: {upstream}"))
    if wait and one["upstream"]["state"] == "failed":
        raise HostFault(
            f"the upstream manager does not have port profile {one['name']}: {one['upstream']['reason']}",
            hint="it is tried again and again; mooring port-profile show tells how that goes",
        )


def _settled(client: "Client", one: Any) -> Any:
    """The profile once it is not pending any more. Raises Unreachable when that takes too long."""
    import time

    from mooring.cli.client import segment
    from mooring.cli.progress import counting

    with counting("looks at what the upstream manager has") as told:
        for looks in range(int(WAIT_MAX_S / _LOOK_AGAIN_S)):
            if one["upstream"]["state"] != "pending":
                return one
            told(looks + 1)
            time.sleep(_LOOK_AGAIN_S)
            one = client.get(f"{PATH}/{segment(one['id'])}")["port_profile"]
    raise Unreachable(
        f"port profile {one['name']} is still pending after {WAIT_MAX_S} s",
        hint="mooring port-profile show tells how it goes on; is the controller's [controller.ucsm] right?",
    )
