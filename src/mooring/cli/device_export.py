"""``mooring device export``: the cloud as a file of hosts, from which ``mooring explain --inventory`` plans."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mooring.cli.options import as_json, cloud
from mooring.cli.text import counted, say
from mooring.errors import NotFound

if TYPE_CHECKING:
    from mooring.cli.client import Client

Row = Mapping[str, Any]
"""An object of the API."""

_DEVICES = "/mooring/v1/pci-devices"
_FREE, _QUARANTINED, _GONE = "available", "quarantined", "gone"
#: What of a host goes over as it is; ``core/plan_host.py`` reads it.
HOST_KEYS = (
    "name", "liveness", "is_enabled", "disabled_reason", "availability_zone", "vcpus", "used_vcpus", "vcpu_ratio",
    "memory_mib", "used_memory_mib", "memory_ratio", "disk_gib", "used_disk_gib", "disk_ratio",
)  # fmt: skip
#: What of a function does, where there is something to say.
DEVICE_KEYS = (
    "vendor_id", "product_id", "numa_node", "physical_network", "groups", "trusted", "features", "iommu_group",
    "link_speed_mbps", "vf_count",
)  # fmt: skip
_ASKED = (
    "host", "address", "kind", "pf", "owner", "state", "is_offered", "reason", "updated_at", "desired", "observed",
    *DEVICE_KEYS,
)  # fmt: skip


@click.command(short_help="Write the cloud down for mooring explain.")
@click.option("--host", "names", multiple=True, metavar="NAME", help="Only this host; may be given several times.")
@as_json
@cloud
def export(names: tuple[str, ...], is_json: bool, os_cloud: str | None) -> None:
    """Print all hosts with their functions, room and aggregates, as mooring explain --inventory reads them.

    What has an owner, or cannot be handed out now, is not free in a plan either.
    """
    del is_json  # it is JSON, always
    from mooring.cli.client import connect

    client = connect(os_cloud)
    hosts = _hosts(client, names)
    found = _found(client, names)
    left_out = 0
    say('{"hosts": [')
    for number, host in enumerate(hosts):
        mine = found.get(host["name"], _OfHost())
        lines = list(mine.lines())
        left_out += len(mine.devices) - len(lines)
        head = json.dumps(host)[:-1]
        end = "," if number < len(hosts) - 1 else ""
        say(f'  {head}, "devices": [' + ",".join(f"\n    {line}" for line in lines) + f"]}}{end}")
    say("]}")
    if left_out:
        # On standard error, for what is printed goes into a file.
        told = f"{counted(left_out, 'VF')} left out, whose PF {'its host does' if left_out == 1 else 'their hosts do'}"
        click.echo(f"{told} not show: see mooring host show", err=True)


def _hosts(client: "Client", names: Sequence[str]) -> list[Row]:
    """Raises NotFound for a name that no host has."""
    from mooring.cli.client import rows

    known = {str(one["name"]): one for one in rows(client.get("/mooring/v1/hosts"), "hosts")}
    if unknown := next((name for name in names if name not in known), None):
        raise NotFound("host", unknown, hint="mooring host list shows them")
    aggregates = rows(client.get("/compute/v2.1/os-aggregates"), "aggregates")
    return [_host(known[name], aggregates) for name in dict.fromkeys(names or known)]


def _host(host: Row, aggregates: Sequence[Row]) -> Row:
    mine = [
        {"name": one["name"], "metadata": one["metadata"]} for one in aggregates if host["name"] in one["hosts"]
    ]  # fmt: skip
    sockets = {str(cell["id"]): cell["socket"] for cell in host["numa_cells"]}
    found = {key: host[key] for key in HOST_KEYS if host[key] not in (None, "")}
    return {**found, "aggregates": mine, "numa_sockets": sockets}


class _OfHost:
    """One host's functions: each as text, for of a large cloud there are many, with its PF if it is a VF."""

    def __init__(self) -> None:
        self.devices: list[tuple[str, str | None]] = []
        self.pfs: set[str] = set()

    def add(self, device: Row) -> None:
        kind = str(device["kind"]).removeprefix("type-")
        if kind == "PF":
            self.pfs.add(device["address"])
        elif device["state"] == _GONE:
            return
        self.devices.append((json.dumps(device_object(kind, device)), (device["pf"] or "") if kind == "VF" else None))

    def lines(self) -> Iterator[str]:
        """Those of a damaged card, whose PF is not there, are never handed out, and would be none in a file."""
        return (line for line, pf in self.devices if pf is None or pf in self.pfs)


def _found(client: "Client", names: Sequence[str]) -> Mapping[str, _OfHost]:
    """By host."""
    from mooring.cli.client import rows
    from mooring.cli.progress import counting

    found: dict[str, _OfHost] = {}
    query = {"fields": ",".join(_ASKED), **({"host": names} if names else {})}
    with counting("devices") as told:
        number = 0
        for page in client.pages(_DEVICES, "pci_devices", query):
            for device in rows(page, "pci_devices"):
                found.setdefault(device["host"], _OfHost()).add(device)
                number += 1
            told(number)
    return found


def device_object(kind: str, device: Row) -> Row:
    """One function as a file of hosts has it; what is as it is taken to be where nothing is said, is not said."""
    owner, state = device["owner"], device["state"]
    made: dict[str, object] = {"address": device["address"], "type": kind}
    if kind == "VF":
        made["parent"] = device["pf"]
    made |= {key: value for key in DEVICE_KEYS if _says_something(value := device[key])}
    made["owner"] = None if owner is None else owner["server_id"]
    if state != _FREE:
        made["state"] = state
    if not device["is_offered"]:
        made["is_offered"] = False
    if device["reason"]:
        made["reason"] = device["reason"]
    if state == _QUARANTINED:
        made["updated_at"] = device["updated_at"]
    if kind == "VF" and owner is not None and (rate_mbps := _promised_mbps(device)):
        made["min_rate_mbps"] = rate_mbps
    return made


def _says_something(value: object) -> bool:
    return value is not None and value is not False and value not in ("", [])


def _promised_mbps(device: Row) -> int:
    """The minimum rate of an owned VF: what is wanted; while it is taken back, what was last read."""
    settings = device["desired"] or device["observed"] or {}
    return int((settings.get("rate") or {}).get("min_mbps") or 0)
