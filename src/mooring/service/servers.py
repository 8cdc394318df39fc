"""Servers: created, shown, changed, deleted. Creating one is one transaction: wishes, placing, binding, claims, event.

Nobody calls the host here. The agent's stream wakes with the commit, and what the agent reads back makes the server
ACTIVE, in ``service/reports.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mooring.core.explain import fault_details, fault_message
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.outside import ControllerStep
from mooring.model.port import Port, PortStatus
from mooring.model.server import Fault, Flavor, Server, ServerStatus
from mooring.service import images
from mooring.service.bindings import store_binding, unbind
from mooring.service.claims import begin_release, claim, desired_settings
from mooring.service.flavors import get_flavor
from mooring.service.networks import list_networks
from mooring.service.placement import Choice, choose
from mooring.service.ports import delete_port
from mooring.service.server_ports import Nic, NicWish, look_up, ports_of, settle, unserved
from mooring.service.world import World
from mooring.store import claims, servers
from mooring.store.rows import Query
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Tx

_COUNT_MAX = 100
_CHANGEABLE = frozenset({"name", "description", "metadata", "tags"})


@dataclass(frozen=True, slots=True)
class ServerWish:
    """What ``POST /servers`` asks for, checked for form by the API."""

    name: str
    flavor_ref: str
    image_ref: str | None = None
    nics: tuple[NicWish, ...] | Literal["auto", "none"] = "auto"
    count: int = 1
    availability_zone: str | None = None
    forced_host: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    key_name: str | None = None
    user_data: str | None = None
    tags: tuple[str, ...] = ()


def create_servers(tx: Tx, world: World, who: Caller, wish: ServerWish) -> list[Server]:
    """Store, place, bind and claim; a server for which no host will do is stored in ERROR with its fault.

    Raises Invalid and NotFound for what can never be right, Conflict for a port in use; nothing is stored then.
    """
    if not 1 <= wish.count <= _COUNT_MAX:
        raise Invalid(f"max_count {wish.count} is not from 1 to {_COUNT_MAX}")
    flavor, nics = look_up_wish(tx, world, who, wish)
    if wish.count > 1 and any(nic.wish.port_id for nic in nics):
        raise Invalid("a port can be given to one server only", hint="leave out max_count, or name networks")
    reservation_id = f"r-{world.ids.hex_id()[:8]}"
    return [_create(tx, world, who, wish, flavor, nics, reservation_id, index) for index in range(wish.count)]


def look_up_wish(tx: Tx, world: World, who: Caller, wish: ServerWish) -> tuple[Flavor, list[Nic]]:
    """Find the flavor, the image and the nics of a wish; a missing one is Invalid, as Nova answers."""
    if wish.key_name is not None:
        raise unserved("key_name")
    try:
        flavor = get_flavor(tx, who, wish.flavor_ref)
    except NotFound as missing:
        raise Invalid(f"Flavor {wish.flavor_ref} could not be found.") from missing
    if wish.image_ref is not None:
        try:
            images.get_image(tx, who, wish.image_ref)
        except NotFound as missing:
            raise Invalid("Can not find requested image", hint=f"image {wish.image_ref} does not exist") from missing
    try:
        nics = [look_up(tx, world, who, nic, ordinal) for ordinal, nic in enumerate(_nic_wishes(tx, who, wish))]
    except NotFound as missing:
        noun = "Port id" if missing.noun == "port" else missing.noun.capitalize()
        raise Invalid(f"{noun} {missing.ident} could not be found.") from missing
    seen = [nic.port.id for nic in nics]
    if len(set(seen)) != len(seen):
        raise Invalid("the same port is named twice", hint="a port can be given to one nic only")
    return flavor, nics


def _nic_wishes(tx: Tx, who: Caller, wish: ServerWish) -> Sequence[NicWish]:
    if wish.nics == "none":
        return ()
    if wish.nics != "auto":
        return wish.nics
    networks = list_networks(tx, who, Query(visible_to=who.project_id))
    if len(networks) > 1:
        raise Conflict("Multiple possible networks found, use a Network ID to be more specific.")
    return tuple(NicWish(network_id=network.id) for network in networks)


def _create(
    tx: Tx, world: World, who: Caller, wish: ServerWish, flavor: Flavor, nics: Sequence[Nic], reservation_id: str,
    index: int,
) -> Server:  # fmt: skip
    name = wish.name if wish.count == 1 else f"{wish.name}-{index + 1}"
    server = Server(
        world.ids.uuid(), who.project_id or "", who.user_id, name, flavor, wish.image_ref, tx.now, tx.now,
        availability_zone=wish.availability_zone, metadata=dict(wish.metadata),
        description=wish.description, key_name=wish.key_name, user_data=wish.user_data, config_drive=True,
        tags=wish.tags, reservation_id=reservation_id, launch_index=index,
    )  # fmt: skip
    answers = choose(tx, world, flavor, nics, wish.availability_zone, wish.forced_host)
    tx.reach(ControllerStep.SERVER_PLACED)
    if not answers.choices:
        message, details = fault_message(answers.shortages), fault_details(answers.shortages)
        server = replace(server, status=ServerStatus.ERROR, fault=Fault(message, details, tx.now))
        servers.insert(tx, server)
        _tell(tx, who, "server.unplaced", server, {"message": message})
        return server
    choice = answers.choices[0]
    server = replace(server, host=choice.host)
    servers.insert(tx, server)
    tx.reach(ControllerStep.SERVER_STORED)
    for place, nic in enumerate(nics):
        take(tx, world, who, server, nic, choice, place)
    _tell(tx, who, "server.created", server, {"host": choice.host})
    return server


def take(tx: Tx, world: World, who: Caller, server: Server, nic: Nic, choice: Choice, index: int) -> Port:
    """Make the nic's port the server's, bind it as the drivers said, and claim its function."""
    answer, profile = choice.bindings[nic.port.id], choice.profiles[nic.port.id]
    settled = settle(tx, world, who, nic, server, index)
    port = store_binding(tx, world, who, settled, choice.host, profile, answer, status=PortStatus.BUILD)
    tx.reach(ControllerStep.PORT_BOUND)
    device = choice.devices.get(nic.port.id)
    if device is not None:
        settings = desired_settings(port, device.kind, nic.vlan_id(port.binding.segment_id))
        claim(tx, device.id, server.id, port, settings)
    return port


def get_server(tx: Tx, who: Caller, server_id: str) -> Server:
    """Raises NotFound for another project's server too, unless the caller is an admin."""
    server = SERVERS.get(tx, server_id)
    if server is None or not (who.is_admin or server.project_id == who.project_id):
        raise NotFound("server", server_id)
    return server


def list_servers(tx: Tx, who: Caller, query: Query, *, all_projects: bool = False) -> list[Server]:
    scope = None if all_projects and who.is_admin else who.project_id or ""
    return SERVERS.find(tx, replace(query, visible_to=scope))


def rename_server(tx: Tx, who: Caller, server_id: str, changes: Mapping[str, object]) -> Server:
    """Change what is only shown: name, description, metadata, tags."""
    if unknown := changes.keys() - _CHANGEABLE:
        raise Invalid(f"{', '.join(sorted(unknown))} of a server cannot be changed")
    server = replace(get_server(tx, who, server_id), updated_at=tx.now, **changes)  # type: ignore[arg-type]  # checked above
    SERVERS.update(tx, server)
    _tell(tx, who, "server.updated", server, {"changes": sorted(changes)})
    return server


def delete_server(tx: Tx, world: World, who: Caller, server_id: str) -> None:
    """Begin the undoing; it ends when the host has shown that the domain is gone and the functions are clean.

    A server that never had a host is gone at once. Deleting twice is no error.
    """
    server = get_server(tx, who, server_id)
    if server.status is ServerStatus.DELETING:
        return
    server = replace(server, status=ServerStatus.DELETING, generation=server.generation + 1, updated_at=tx.now)
    SERVERS.update(tx, server)
    for held in claims.of_server(tx, server.id):
        begin_release(tx, held)
    tx.reach(ControllerStep.DELETE_STORED)
    _tell(tx, who, "server.deleting", server, {})
    if server.host is None:
        finish_delete(tx, world, who, server)


def finish_delete(tx: Tx, world: World, who: Caller, server: Server) -> None:
    """Nothing of the server is left on its host: let its ports go, and forget it."""
    for port in ports_of(tx, [server.id]).get(server.id, []):
        let_go(tx, world, who, port)
    SERVERS.delete(tx, server.id)
    _tell(tx, who, "server.deleted", server, {})


def let_go(tx: Tx, world: World, who: Caller, port: Port) -> None:
    """Unbind a server's port; delete it if it was made for the server, else give it back to its owner."""
    port = unbind(tx, world, who, replace(port, device_id="", device_owner="", device_tag=None))
    if port.is_owned_by_server:
        delete_port(tx, world, who, port.id)


def _tell(tx: Tx, who: Caller, kind: str, server: Server, detail: Mapping[str, object]) -> None:
    tx.tell(Event(kind, server.id, server.project_id, server.host, who.user_id, who.request_id, detail))
