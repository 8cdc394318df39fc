"""``/compute/v2.1/os-availability-zone``: where the hosts are."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import any_version
from mooring.api.compute.pages import refuse_unknown
from mooring.api.compute.server_views import iso_micro
from mooring.api.compute.services import BINARY, is_up
from mooring.model.host import Host
from mooring.service.world import World
from mooring.store.hosts import HOSTS


@any_version
async def list_zones(call: Call) -> Reply:
    """Names, and whether anything can go there. No hosts: this is for everybody."""
    refuse_unknown(call, ())
    found = _by_zone(await call.controller.store.read(HOSTS.where))
    zones = [{**_zone(name, hosts), "hosts": None} for name, hosts in sorted(found.items())]
    return Reply(HTTPStatus.OK, {"availabilityZoneInfo": zones})


@any_version
async def list_zones_detail(call: Call) -> Reply:
    refuse_unknown(call, ())
    world = call.controller.world
    found = _by_zone(await call.controller.store.read(HOSTS.where))
    zones = [
        {**_zone(name, hosts), "hosts": {host.name: {BINARY: _service(world, host)} for host in hosts}}
        for name, hosts in sorted(found.items())
    ]
    return Reply(HTTPStatus.OK, {"availabilityZoneInfo": zones})


def _by_zone(hosts: Sequence[Host]) -> Mapping[str, list[Host]]:
    found: dict[str, list[Host]] = {}
    for host in hosts:
        found.setdefault(host.availability_zone, []).append(host)
    return found


def _zone(name: str, hosts: Sequence[Host]) -> dict[str, object]:
    return {"zoneName": name, "zoneState": {"available": any(host.is_enabled for host in hosts)}}


def _service(world: World, host: Host) -> dict[str, object]:
    return {"available": host.is_enabled, "active": is_up(world, host), "updated_at": iso_micro(host.heard_at)}
