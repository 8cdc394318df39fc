"""Which functions ``mooring device list`` is to list: options, and the query that they make."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mooring.errors import Invalid

if TYPE_CHECKING:
    from mooring.cli.client import Client

F = TypeVar("F", bound=Callable[..., Any])
Query = Mapping[str, Sequence[str]]
Given = Mapping[str, Sequence[str] | bool | None]
"""Option to what was given of it."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(r"([0-9a-f]+:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.ASCII | re.IGNORECASE)
_NONE = "none"

#: Option, key of the query, metavar, help. The help of all of them fits the lines of a terminal.
_OPTIONS = (
    ("host", "host", "NAME", "Of this host."),
    ("address", "address", "ADDRESS", "At this PCI address."),
    ("kind", "kind", "KIND", "PF, VF or PCI."),
    ("state", "state", "STATE", "In this state."),
    ("physnet", "physical_network", "NAME", "On this physical network, or none."),
    ("group", "group", "NAME", "In this PCI group, or none."),
    ("vendor", "vendor_id", "ID", "Of this vendor."),
    ("product", "product_id", "ID", "Of this product."),
    ("numa", "numa_node", "N", "On this NUMA node, or none."),
    ("tag", "tag", "TAG", "With this tag."),
    ("feature", "feature", "NAME", "With this feature."),
    ("driver", "driver", "NAME", "Of this driver, or none."),
    ("pf", "", "PF", "VFs of this PF: netdev or address."),
    ("server", "", "SERVER", "Owned by this server, name or id."),
    ("project", "", "PROJECT", "Owned by this project, name or id."),
)
_OR_NONE = frozenset({"physnet", "group", "numa", "driver"})


def filter_options(command: F) -> F:
    """The options; each may be given several times, and then any of its values will do."""
    command = click.option("--trusted/--untrusted", "trusted", default=None, help="For trusted ports, or not.")(command)
    command = click.option("--free", is_flag=True, help="Free ones: in the state available.")(command)
    for name, _, metavar, text in reversed(_OPTIONS):
        command = click.option(f"--{name}", multiple=True, metavar=metavar, help=text)(command)
    return command


def first_given(given: Given) -> str | None:
    """An option that was given, as a person types it."""
    for name, value in given.items():
        if name == "trusted" and value is not None:
            return "--trusted" if value else "--untrusted"
        if value:
            return f"--{name}"
    return None


def tells_use(given: Given) -> bool:
    """Whether by what was given some of the free functions, or of those in use, are left out."""
    return any(given.get(name) for name in ("free", "state", "server", "project"))


def query_of(given: Given, client: "Client") -> Query:
    """Raises Invalid for options that contradict each other, NotFound for an unknown project."""
    query: dict[str, Sequence[str]] = {}
    for name, key, *_ in _OPTIONS:
        values = given.get(name)
        if not values or isinstance(values, bool):
            continue
        if key:
            query[key] = ["" if value == _NONE and name in _OR_NONE else value for value in values]
        elif name == "project":
            from mooring.cli.names import project_id

            query["project_id"] = [project_id(client, value) for value in values]
        elif name == "server":
            query |= _either("--server", "ids", _UUID, ("server_id", "server_name"), values)
        else:
            query |= _either("--pf", "addresses", _ADDRESS, ("pf", "pf_netdev"), values)
    if given.get("free"):
        if "state" in query:
            raise Invalid("--free and --state were both given", hint="--free is --state available")
        query["state"] = ["available"]
    if given.get("trusted") is not None:
        query["trusted"] = ["true" if given["trusted"] else "false"]
    return query


def _either(option: str, what: str, pattern: re.Pattern[str], keys: tuple[str, str], values: Sequence[str]) -> Query:
    """Under the first key what has the pattern, else under the second; together nothing would be both."""
    are = [bool(pattern.fullmatch(value)) for value in values]
    if any(are) and not all(are):
        raise Invalid(f"{option} was given {what} and names", hint=f"give {what} only, or names only")
    return {keys[0] if all(are) else keys[1]: list(values)}
