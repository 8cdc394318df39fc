"""``mooring pci-group``: named sets of devices, for the whole cloud."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mooring.cli.alias_import import import_alias
from mooring.cli.options import as_json, cloud
from mooring.cli.text import filled, plain, print_json, say
from mooring.errors import Invalid

if TYPE_CHECKING:
    from mooring.cli.client import Client

PATH = "/mooring/v1/pci-groups"
#: Click leaves the lines of a paragraph as they are when it begins with a backspace.
_KEYS = """\b
In one --select or --exclude all of these hold:
  vendor_id=8086  product_id=10ca  class=02  kind=PF|VF|PCI  numa_node=0
  trusted=true|false  min_link_speed_mbps=25000  feature=rxvlan  tag=gold
and of these, which may be repeated, any of the values:
  physical_network=physnet1  host=rack1-*  aggregate=west  address=0000:81:*.*"""

_select = click.option(
    "--select",
    "selects",
    multiple=True,
    metavar="KEY=VALUE,..",
    help="Devices of which all this holds; may repeat.",
)
_exclude = click.option(
    "--exclude", "excludes", multiple=True, metavar="KEY=VALUE,..", help="But not these; may repeat."
)
_project = click.option("--project", "projects", multiple=True, metavar="P", help="Only for this project; may repeat.")
_vnic_type = click.option("--default-vnic-type", metavar="TYPE", help="Of the ports made for nics that ask for it.")
_description = click.option("--description", metavar="TEXT", help="What it is for.")
_force = click.option("--force", is_flag=True, help="Even if it is in use; servers keep what they have.")


@click.group("pci-group", short_help="List, make, change and delete PCI groups.")
def pci_group() -> None:
    """PCI groups: named sets of devices, for the whole cloud."""


pci_group.add_command(import_alias)


@pci_group.command("list", short_help="List PCI groups: what is in them, how many are free?")
@as_json
@cloud
def listing(is_json: bool, os_cloud: str | None) -> None:
    """List the PCI groups that you may ask for, with what is left of them; for admins all, with counts."""
    from mooring.cli.client import connect, rows
    from mooring.cli.pci_group_text import print_list

    found = rows(connect(os_cloud).get(PATH), "pci_groups")
    if is_json:
        print_json(found)
    elif found:
        print_list(found)
    else:
        say("there is no PCI group; make one with: mooring pci-group create NAME --select ...")


@pci_group.command(short_help="Show one PCI group, its devices counted by host.")
@click.argument("name")
@as_json
@cloud
def show(name: str, is_json: bool, os_cloud: str | None) -> None:
    """Show one PCI group, by name or id: what it selects, who may use it, its devices counted by state and host."""
    from mooring.cli.client import connect, rows, segment
    from mooring.cli.pci_group_text import print_one

    client = connect(os_cloud)
    found = client.get(f"{PATH}/{segment(name)}")["pci_group"]
    if is_json:
        print_json(found)
        return
    known = rows(client.get("/identity/v3/projects"), "projects") if found.get("projects") else ()
    print_one(found, {one["id"]: one["name"] for one in known})


@pci_group.command(short_help="Make a PCI group, and count what is in it now.", epilog=_KEYS)
@click.argument("name")
@_select
@_exclude
@_project
@_vnic_type
@_description
@as_json
@cloud
def create(
    name: str,
    selects: tuple[str, ...],
    excludes: tuple[str, ...],
    projects: tuple[str, ...],
    default_vnic_type: str | None,
    description: str | None,
    is_json: bool,
    os_cloud: str | None,
) -> None:
    """Make a PCI group of the devices that any --select means, but for those that an --exclude means.

    That nothing matches yet is fine, and is said.
    """
    from mooring.cli.client import connect

    client = connect(os_cloud)
    body = _body(client, selects, excludes, projects)
    body |= {"name": name, "selectors": body.get("selectors", [])}
    body |= {"default_vnic_type": default_vnic_type, "description": description or ""}
    _tell(client.post(PATH, {"pci_group": body})["pci_group"], "is made", is_json=is_json)


@pci_group.command("set", short_help="Change a PCI group.", epilog=_KEYS)
@click.argument("name")
@_select
@_exclude
@click.option("--no-exclude", is_flag=True, help="Exclude nothing.")
@_project
@click.option("--all-projects", is_flag=True, help="For all projects.")
@_vnic_type
@click.option("--no-default-vnic-type", is_flag=True, help="Without one.")
@_description
@click.option("--name", "new_name", metavar="NEW", help="Another name.")
@_force
@as_json
@cloud
def change(
    name: str,
    selects: tuple[str, ...],
    excludes: tuple[str, ...],
    no_exclude: bool,
    projects: tuple[str, ...],
    all_projects: bool,
    default_vnic_type: str | None,
    no_default_vnic_type: bool,
    description: str | None,
    new_name: str | None,
    force: bool,
    is_json: bool,
    os_cloud: str | None,
) -> None:
    """Change what is given of a PCI group; all --select together take the place of those that it has.

    Refused if functions that servers have would leave it, unless forced.
    """
    from mooring.cli.client import connect, segment

    for flag, is_flag, given, option in (
        ("--no-exclude", no_exclude, excludes, "--exclude"),
        ("--all-projects", all_projects, projects, "--project"),
        ("--no-default-vnic-type", no_default_vnic_type, default_vnic_type, "--default-vnic-type"),
    ):
        if is_flag and given:
            raise Invalid(f"{flag} and {option} were both given", hint="give one of them")
    client = connect(os_cloud)
    body = _body(client, selects, excludes, projects)
    body |= {"excludes": []} if no_exclude else {}
    body |= {"projects": []} if all_projects else {}
    body |= {"default_vnic_type": default_vnic_type} if default_vnic_type or no_default_vnic_type else {}
    body |= {key: value for key, value in (("name", new_name), ("description", description)) if value is not None}
    if not body:
        raise Invalid("nothing to change was given", hint="mooring pci-group set --help shows what can be")
    changed = client.put(f"{PATH}/{segment(name)}{_forced(force)}", {"pci_group": body})["pci_group"]
    _tell(changed, "is changed", is_json=is_json)


@pci_group.command(short_help="Delete a PCI group; servers keep what they have of it.")
@click.argument("name")
@_force
@as_json
@cloud
def delete(name: str, force: bool, is_json: bool, os_cloud: str | None) -> None:
    """Delete a PCI group. Refused while servers have functions of it, or flavors name it, unless forced."""
    from mooring.cli.client import connect, segment

    connect(os_cloud).delete(f"{PATH}/{segment(name)}{_forced(force)}")
    if is_json:
        print_json({"deleted": name})
    else:
        say(f"PCI group {plain(name)} is deleted")


def _forced(is_forced: bool) -> str:
    return "?force=true" if is_forced else ""


def _body(client: "Client", selects: Sequence[str], excludes: Sequence[str], projects: Sequence[str]) -> dict[str, Any]:
    """What was given of these. Selectors are checked here too, for errors in the person's own words."""
    from mooring.cli.names import project_id
    from mooring.core.selector_words import read_selector, words_object

    body: dict[str, Any] = {}
    for key, option, texts in (("selectors", "--select", selects), ("excludes", "--exclude", excludes)):
        if texts:
            body[key] = [words_object(text) for text in texts]
            for item in body[key]:
                read_selector(option, item)
    if projects:
        body["projects"] = [project_id(client, text) for text in projects]
    return body


def _tell(one: Any, what: str, *, is_json: bool) -> None:
    from mooring.cli.pci_group_text import tally

    if is_json:
        print_json(one)
        return
    say(filled(f"PCI group {plain(one['name'])} {what}; devices: {tally(one)}"))
    if one["note"] and one["device_count"]:
        say(filled(f"note: {plain(one['note'])}"))
