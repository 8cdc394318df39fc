"""Servers as Nova shows them: the keys depend on the microversion, and on whether the caller may see hosts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mooring.api.compute.links import bookmark, links
from mooring.api.compute.microversion import Microversion
from mooring.api.compute.scene import Scene
from mooring.core.hostnames import hostname
from mooring.core.lifecycle import server_view
from mooring.model.host import Host, Liveness
from mooring.model.identity import Caller
from mooring.model.port import Port
from mooring.model.server import Fault, Server

_PROGRESSING = frozenset({"ACTIVE", "BUILD"})
_HOST_STATUSES = {Liveness.ALIVE: "UP", Liveness.UNKNOWN: "UNKNOWN", Liveness.DEAD: "DOWN"}


@dataclass(frozen=True, slots=True)
class Lens:
    """How one answer looks at servers."""

    version: Microversion
    who: Caller
    base_url: str
    scene: Scene = Scene()  # noqa: RUF009 - frozen, and empty


def brief(server: Server, base_url: str) -> dict[str, object]:
    """What a plain list shows."""
    return {"id": server.id, "name": server.name, "links": links(base_url, "servers", server.id)}


def created(server: Server, password: str, base_url: str) -> dict[str, object]:
    """What ``POST /servers`` answers."""
    return {
        "id": server.id,
        "links": links(base_url, "servers", server.id),
        "OS-DCF:diskConfig": "MANUAL",
        "security_groups": [{"name": "default"}],
        "adminPass": password,
    }


def detailed(server: Server, lens: Lens, *, is_listed: bool = False) -> dict[str, object]:
    """Everything that this caller may see in this version. Lists leave out what Nova's leave out."""
    version = lens.version
    view = {**_core(server, lens), **_extended(server, lens)}
    if version >= (2, 3) and lens.who.is_privileged:
        view |= _attributes_of_2_3(server)
    elif version >= (2, 90):
        view["OS-EXT-SRV-ATTR:hostname"] = hostname(server.name, server.id)
    if version >= (2, 16) and lens.who.is_privileged:
        view["host_status"] = host_status(lens.scene, server.host)
    if version >= (2, 71) and not is_listed:
        view["server_groups"] = _groups(server)
    if version >= (2, 96):
        view["pinned_availability_zone"] = server.availability_zone
    if version >= (2, 100):
        view["scheduler_hints"] = {name: list(ids) for name, ids in server.scheduler_hints.items()}
    return view


def updated(server: Server, lens: Lens) -> dict[str, object]:
    """What ``PUT /servers/{id}`` answers: since 2.75 the same as a show, before that without the extensions."""
    if lens.version >= (2, 75):
        return detailed(server, lens)
    view = _core(server, lens)
    if lens.version >= (2, 71):
        view["server_groups"] = _groups(server)
    return view


def _groups(server: Server) -> list[str]:
    return [] if server.server_group_id is None else [server.server_group_id]


def _core(server: Server, lens: Lens) -> dict[str, object]:
    version, state = lens.version, server_view(server)
    view: dict[str, object] = {
        "id": server.id,
        "name": server.name,
        "status": state.status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "metadata": dict(server.metadata),
        "hostId": host_id(server.project_id, server.host),
        "image": _image(server, lens),
        "flavor": _flavor(server, lens),
        "created": iso_z(server.created_at),
        "updated": iso_z(server.updated_at),
        "addresses": addresses(lens.scene.ports.get(server.id, []), lens.scene.network_names),
        "accessIPv4": "",
        "accessIPv6": "",
        "links": links(lens.base_url, "servers", server.id),
        "OS-DCF:diskConfig": "MANUAL",
    }
    if state.status in _PROGRESSING:
        view["progress"] = 0
    if state.status == "ERROR" and server.fault is not None:
        view["fault"] = _fault(server.fault, lens.who)
    if version >= (2, 9):
        view["locked"] = False
    if version >= (2, 19):
        view["description"] = server.description
    if version >= (2, 26):
        view["tags"] = list(server.tags)
    if version >= (2, 63):
        view["trusted_image_certificates"] = None
    if version >= (2, 73):
        view["locked_reason"] = None
    return view


def _extended(server: Server, lens: Lens) -> dict[str, object]:
    """The extensions of old that every version shows."""
    state = server_view(server)
    view: dict[str, object] = {
        "OS-EXT-AZ:availability_zone": lens.scene.zone_of(server),
        "config_drive": "True" if server.config_drive else "",
        "key_name": server.key_name,
        "OS-SRV-USG:launched_at": iso_micro(server.launched_at),
        "OS-SRV-USG:terminated_at": None,
        "OS-EXT-STS:task_state": state.task_state,
        "OS-EXT-STS:vm_state": state.vm_state,
        "OS-EXT-STS:power_state": state.power_state,
        "os-extended-volumes:volumes_attached": [],
    }
    # Nova collects the groups from the ports; a server without ports has none, and no key.
    if lens.scene.ports.get(server.id):
        view["security_groups"] = [{"name": "default"}]
    if lens.who.is_privileged:
        view["OS-EXT-SRV-ATTR:host"] = server.host
        view["OS-EXT-SRV-ATTR:hypervisor_hostname"] = server.host
        view["OS-EXT-SRV-ATTR:instance_name"] = instance_name(server)
    return view


def _attributes_of_2_3(server: Server) -> dict[str, object]:
    return {
        "OS-EXT-SRV-ATTR:hostname": hostname(server.name, server.id),
        "OS-EXT-SRV-ATTR:kernel_id": "",
        "OS-EXT-SRV-ATTR:launch_index": server.launch_index,
        "OS-EXT-SRV-ATTR:ramdisk_id": "",
        "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id,
        "OS-EXT-SRV-ATTR:root_device_name": None,
        "OS-EXT-SRV-ATTR:user_data": server.user_data,
    }


def _flavor(server: Server, lens: Lens) -> dict[str, object]:
    """Since 2.47 the flavor's values as the server has them, before that a link."""
    flavor = server.flavor
    if lens.version < (2, 47):
        return {"id": flavor.id, "links": bookmark(lens.base_url, "flavors", flavor.id)}
    return {
        "vcpus": flavor.vcpus,
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "ephemeral": flavor.ephemeral_gib,
        "swap": flavor.swap_mib,
        "original_name": flavor.name,
        "extra_specs": dict(flavor.extra_specs),
    }


def _image(server: Server, lens: Lens) -> object:
    if server.image_id is None:
        return ""
    view: dict[str, object] = {"id": server.image_id, "links": bookmark(lens.base_url, "images", server.image_id)}
    if lens.version >= (2, 98):
        view["properties"] = dict(lens.scene.image_properties.get(server.image_id, {}))
    return view


def _fault(fault: Fault, who: Caller) -> dict[str, object]:
    view: dict[str, object] = {"code": fault.code, "created": iso_z(fault.created_at), "message": fault.message}
    if who.is_privileged and fault.details:
        view["details"] = fault.details
    return view


def addresses(ports: Sequence[Port], network_names: Mapping[str, str]) -> dict[str, list[dict[str, object]]]:
    """Network name to the addresses that the server's ports have on it."""
    found: dict[str, list[dict[str, object]]] = {}
    for port in ports:
        entries = found.setdefault(network_names.get(port.network_id, port.network_id), [])
        for fixed in port.fixed_ips:
            entries.append(
                {
                    "version": 6 if ":" in fixed.ip_address else 4,
                    "addr": fixed.ip_address,
                    "OS-EXT-IPS:type": "fixed",
                    "OS-EXT-IPS-MAC:mac_addr": port.mac_address,
                }
            )
    return {name: entries for name, entries in found.items() if entries}


def host_id(project_id: str, host: str | None) -> str:
    """A name for the host that says only whether two servers of a project share it."""
    return hashlib.sha224((project_id + host).encode()).hexdigest() if host else ""


def host_status(scene: Scene, host: str | None) -> str:
    """Nova's words for the host; one that is not on record any more is unknown."""
    if host is None:
        return ""
    found: Host | None = scene.hosts.get(host)
    if found is None:
        return "UNKNOWN"
    return _HOST_STATUSES[scene.liveness[host]] if found.is_enabled else "MAINTENANCE"


def instance_name(server: Server) -> str:
    """The domain's name on its host, as the agent makes it."""
    return f"mooring-{server.id}"


def iso_z(moment: datetime) -> str:
    """Seconds and a ``Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_micro(moment: datetime | None) -> str | None:
    """Six digits and no zone, as Nova writes what it got from its database."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
