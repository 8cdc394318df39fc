"""``/compute/v2.1/os-hypervisors``: hosts, as Nova's admins look at them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import Microversion, versioned
from mooring.api.compute.pages import PAGING, flag, last, more, page, refuse_unknown
from mooring.api.compute.server_views import instance_name
from mooring.errors import Invalid, NotFound
from mooring.model.host import Host, Liveness
from mooring.model.server import Server
from mooring.service.world import World
from mooring.store import servers
from mooring.store.hosts import HOSTS
from mooring.store.rows import Query
from mooring.store.servers import SERVERS, Usage
from mooring.store.tx import Tx

_NUMBER_MASK = 2**31 - 1
#: Hosts are known by their key and not by an address; IP's word for "no particular one" is what clients can parse.
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - shown, never listened on


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """A host with what is shown beside it."""

    host: Host
    is_up: bool
    usage: Usage
    servers: Sequence[Server]


def host_number(host: Host) -> int:
    """The number that stands for a host before 2.53; the same every time, as it is made from the host's id."""
    return uuid.UUID(host.id).int & _NUMBER_MASK


def host_ident(host: Host, version: Microversion) -> int | str:
    return host.id if version >= (2, 53) else host_number(host)


def _brief(hypervisor: Hypervisor, version: Microversion, *, with_servers: bool) -> dict[str, object]:
    host = hypervisor.host
    view: dict[str, object] = {
        "id": host_ident(host, version),
        "hypervisor_hostname": host.name,
        "state": "up" if hypervisor.is_up else "down",
        "status": "enabled" if host.is_enabled else "disabled",
    }
    if with_servers:
        view["servers"] = [{"name": instance_name(server), "uuid": server.id} for server in hypervisor.servers]
    return view


def _detailed(hypervisor: Hypervisor, version: Microversion, *, with_servers: bool) -> dict[str, object]:
    host = hypervisor.host
    view = {
        **_brief(hypervisor, version, with_servers=with_servers),
        "hypervisor_type": host.hypervisor_type,
        "hypervisor_version": host.hypervisor_version,
        "host_ip": _NO_ADDRESS,
        "service": {
            "id": host_ident(host, version),
            "host": host.name,
            "disabled_reason": host.disabled_reason,
        },
    }
    if version >= (2, 88):
        return {**view, "uptime": None}
    return {**view, **_resources(host, hypervisor.usage), "cpu_info": {} if version >= (2, 28) else ""}


def _resources(host: Host, usage: Usage) -> Mapping[str, object]:
    """What placing has better numbers of; shown until 2.87."""
    return {
        "vcpus": host.vcpus,
        "vcpus_used": usage.vcpus,
        "memory_mb": host.memory_mib,
        "memory_mb_used": usage.memory_mib,
        "free_ram_mb": host.memory_mib - usage.memory_mib,
        "local_gb": host.disk_gib,
        "local_gb_used": usage.disk_gib,
        "free_disk_gb": host.disk_gib - usage.disk_gib,
        "disk_available_least": None,
        "running_vms": usage.servers,
        "current_workload": 0,
    }


@versioned
async def list_hypervisors(call: Call, version: Microversion) -> Reply:
    return await _listed(call, version, is_detailed=False)


@versioned
async def list_hypervisors_detail(call: Call, version: Microversion) -> Reply:
    return await _listed(call, version, is_detailed=True)


@versioned
async def show_hypervisor(call: Call, version: Microversion) -> Reply:
    refuse_unknown(call, ("with_servers",) if version >= (2, 53) else ())
    ident, world = call.params["hypervisor_id"], call.controller.world
    with_servers = flag(call, "with_servers", default=False)
    if version >= (2, 53):
        check_uuid(ident)

    def story(tx: Tx) -> list[Hypervisor]:
        return _hypervisors(tx, world, host_named(tx, ident, version, "hypervisor"), with_servers=with_servers)

    (found,) = await call.controller.store.read(story)
    return Reply(HTTPStatus.OK, {"hypervisor": _detailed(found, version, with_servers=with_servers)})


def check_uuid(ident: str) -> None:
    """Clients look a name up here first, and go on to the list when they are told that it is no id."""
    try:
        uuid.UUID(ident)
    except ValueError as wrong:
        raise Invalid(f"Invalid uuid {ident[:255]}") from wrong


def host_named(tx: Tx, ident: str, version: Microversion, noun: str) -> list[Host]:
    """The host of this id, in the form that the version has. Raises NotFound."""
    found = [host for host in HOSTS.where(tx) if str(host_ident(host, version)) == ident.lower()]
    if not found:
        raise NotFound(noun, ident[:255])
    return found


async def _listed(call: Call, version: Microversion, *, is_detailed: bool) -> Reply:
    new = ("hypervisor_hostname_pattern", "with_servers") if version >= (2, 53) else ()
    refuse_unknown(call, {*new, *(PAGING if version >= (2, 33) else ())})
    pattern, with_servers = last(call, "hypervisor_hostname_pattern"), flag(call, "with_servers", default=False)
    if pattern is not None and PAGING & call.query.keys():
        raise Invalid("Paging is not supported with the hypervisor_hostname_pattern query parameter.")
    part, world = page(call, {}, (("id", True),)), call.controller.world

    def story(tx: Tx) -> list[Hypervisor]:
        after = None if part.marker is None else HOSTS.flat(host_named(tx, part.marker, version, "marker")[0])
        hosts = HOSTS.find(tx, Query(sort=part.sort, after=after, limit=None if pattern else part.limit))
        fitting = [host for host in hosts if pattern is None or pattern.lower() in host.name.lower()]
        if pattern is not None and not fitting:
            raise NotFound("hypervisor", pattern[:255])
        return _hypervisors(tx, world, fitting, with_servers=with_servers)

    found = await call.controller.store.read(story)
    view = _detailed if is_detailed else _brief
    body: dict[str, object] = {"hypervisors": [view(one, version, with_servers=with_servers) for one in found]}
    if version >= (2, 33):
        body |= more(call, part, found, "hypervisors", lambda one: str(host_ident(one.host, version)))
    return Reply(HTTPStatus.OK, body)


def _hypervisors(tx: Tx, world: World, hosts: Sequence[Host], *, with_servers: bool) -> list[Hypervisor]:
    used = servers.usage(tx)
    by_host: dict[str, list[Server]] = {}
    if with_servers and hosts:
        for server in SERVERS.find(tx, Query({"host": [host.name for host in hosts]})):
            by_host.setdefault(server.host or "", []).append(server)
    return [
        Hypervisor(
            host, world.heartbeats.of(host.name) is Liveness.ALIVE, used.get(host.name, Usage()),
            by_host.get(host.name, []),
        )
        for host in hosts
    ]  # fmt: skip
