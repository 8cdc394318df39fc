"""Servers: created, shown, changed, deleted. Creating one is one transaction: wishes, placing, binding, claims, event.

Nobody calls the host here. The agent's stream wakes with the commit, and what the agent reads back makes the server
ACTIVE, in ``service/reports.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mooring.core.explain import FAULT_MESSAGE_CHARS_MAX, NO_VALID_HOST, fault_details, fault_message
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.outside import ControllerStep
from mooring.model.port import Port, PortStatus
from mooring.model.server import Fault, Flavor, Image, Server, ServerStatus
from mooring.service import images
from mooring.service.bindings import store_binding, unbind
from mooring.service.claims import begin_release, claim, claim_portless, desired_settings
from mooring.service.flavors import get_flavor
from mooring.service.neighbours import Hints, Neighbours, look_up_neighbours
from mooring.service.networks import list_networks
from mooring.service.pci_requests import ServerNeeds, default_vnic_type, requests_of
from mooring.service.placement import Choice, HostWish, Refusal, choose
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
    min_count: int = 1
    """How many servers it takes at least, or none is placed."""
    max_count: int = 1
    availability_zone: str | None = None
    forced_host: str | None = None
    hints: Hints = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    key_name: str | None = None
    user_data: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a wish names, and what follows from it."""

    flavor: Flavor
    nics: Sequence[Nic]
    needs: ServerNeeds
    neighbours: Neighbours


class _NoHostError(Exception):
    """For one more server no host will do."""

    def __init__(self, placed: int, refusal: Refusal):
        super().__init__(placed, refusal)
        self.placed = placed
        self.refusal = refusal


def create_servers(tx: Tx, world: World, who: Caller, wish: ServerWish) -> list[Server]:
    """Place, bind, claim and store as many as there is room for, from ``min_count`` up to ``max_count``.

    When there is no room for ``min_count``, nothing is claimed, and as many are stored in ERROR with the fault that
    says why. Raises Invalid and NotFound for what can never be right, Conflict for a port in use and for no address
    left; nothing is stored then.
    """
    if not 1 <= wish.min_count <= wish.max_count <= _COUNT_MAX:
        raise Invalid(
            f"min_count {wish.min_count} and max_count {wish.max_count} are not from 1 to {_COUNT_MAX}, the less first"
        )
    found = look_up_wish(tx, world, who, wish)
    _check_several(wish, found.nics)
    reservation_id = f"r-{world.ids.hex_id()[:8]}"
    try:
        with tx.attempt():
            return _place_all(tx, world, who, wish, found, reservation_id)
    except _NoHostError as full:
        servers = (_draft(tx, world, who, wish, found, reservation_id, index) for index in range(wish.min_count))
        return [_store_unplaced(tx, who, wish, server, full) for server in servers]


def look_up_wish(tx: Tx, world: World, who: Caller, wish: ServerWish) -> LookedUp:
    """Find all that a wish names; what is missing is Invalid, as Nova answers."""
    if wish.key_name is not None:
        raise unserved("key_name")
    try:
        flavor = get_flavor(tx, who, wish.flavor_ref)
    except NotFound as missing:
        raise Invalid(f"Flavor {wish.flavor_ref} could not be found.") from missing
    image = None
    if wish.image_ref is not None:
        try:
            image = images.get_image(tx, who, wish.image_ref)
        except NotFound as missing:
            raise Invalid("Can not find requested image", hint=f"image {wish.image_ref} does not exist") from missing
    nics = _look_up_nics(tx, world, who, wish, image)
    neighbours = look_up_neighbours(tx, who, wish.hints, wish.max_count)
    return LookedUp(flavor, nics, requests_of(tx, who, flavor, image, nics), neighbours)


def host_wish(wish: ServerWish, found: LookedUp) -> HostWish:
    """What of a wish a host has to answer."""
    return HostWish(found.flavor, found.nics, found.needs, found.neighbours, wish.availability_zone, wish.forced_host)


def _look_up_nics(tx: Tx, world: World, who: Caller, wish: ServerWish, image: Image | None) -> list[Nic]:
    vnic_type = default_vnic_type(image)
    try:
        nics = [
            look_up(tx, world, who, nic, ordinal, vnic_type) for ordinal, nic in enumerate(_nic_wishes(tx, who, wish))
        ]
    except NotFound as missing:
        noun = "Port id" if missing.noun == "port" else missing.noun.capitalize()
        raise Invalid(f"{noun} {missing.ident} could not be found.", hint=missing.hint) from missing
    seen = [nic.port.id for nic in nics]
    if len(set(seen)) != len(seen):
        raise Invalid("the same port is named twice", hint="a port can be given to one nic only")
    return nics


def _nic_wishes(tx: Tx, who: Caller, wish: ServerWish) -> Sequence[NicWish]:
    if wish.nics == "none":
        return ()
    if wish.nics != "auto":
        return wish.nics
    networks = list_networks(tx, who, Query(visible_to=who.project_id))
    if len(networks) > 1:
        raise Conflict("Multiple possible networks found, use a Network ID to be more specific.")
    return tuple(NicWish(network_id=network.id) for network in networks)


def _check_several(wish: ServerWish, nics: Sequence[Nic]) -> None:
    """Raises Invalid when several servers would share what can be one's only."""
    if wish.max_count == 1:
        return
    if any(nic.wish.port_id for nic in nics):
        raise Invalid(
            "Failed to launch instances: Unable to launch multiple instances with a single configured port ID. "
            "Please launch your instance one by one with different ports."
        )
    if any(nic.wish.fixed_ip for nic in nics):
        raise Invalid("Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified.")


def _draft(
    tx: Tx, world: World, who: Caller, wish: ServerWish, found: LookedUp, reservation_id: str, index: int
) -> Server:
    """Number ``index`` of the servers of one request, without a host."""
    name = wish.name if wish.max_count == 1 else f"{wish.name}-{index + 1}"
    group = found.neighbours.group
    return Server(
        world.ids.uuid(), who.project_id or "", who.user_id, name, found.flavor, wish.image_ref, tx.now, tx.now,
        availability_zone=wish.availability_zone, metadata=dict(wish.metadata),
        description=wish.description, key_name=wish.key_name, user_data=wish.user_data, config_drive=True,
        tags=wish.tags, reservation_id=reservation_id, launch_index=index,
        server_group_id=None if group is None else group.id, scheduler_hints=dict(wish.hints),
    )  # fmt: skip


def _place_all(
    tx: Tx, world: World, who: Caller, wish: ServerWish, found: LookedUp, reservation_id: str
) -> list[Server]:
    """Raises _NoHostError, or the Conflict that stood in the way, unless there is room for ``min_count``."""
    placed: list[Server] = []
    for index in range(wish.max_count):
        server = _draft(tx, world, who, wish, found, reservation_id, index)
        try:
            with tx.attempt():
                placed.append(_place(tx, world, who, wish, found, server))
        except _NoHostError as full:
            if len(placed) < wish.min_count:
                raise _NoHostError(len(placed), full.refusal) from full
            break
        except Conflict:
            if len(placed) < wish.min_count:
                raise
            break
    return placed


def _place(tx: Tx, world: World, who: Caller, wish: ServerWish, found: LookedUp, server: Server) -> Server:
    """One server, whole. Raises _NoHostError when no host will do."""
    choice = choose(tx, world, host_wish(wish, found))
    tx.reach(ControllerStep.SERVER_PLACED)
    if isinstance(choice, Refusal):
        raise _NoHostError(0, choice)
    server = replace(server, host=choice.host, numa_nodes=choice.numa_nodes)
    servers.insert(tx, server)
    tx.reach(ControllerStep.SERVER_STORED)
    for place, nic in enumerate(found.nics):
        take(tx, world, who, server, nic, choice, place)
    for request, device in choice.passthrough:
        claim_portless(tx, device, server.id, request.group or request.id)
    _tell(tx, who, "server.created", server, {"host": choice.host})
    return server


def _store_unplaced(tx: Tx, who: Caller, wish: ServerWish, server: Server, full: _NoHostError) -> Server:
    shortages, nearest = full.refusal.shortages, full.refusal.nearest
    message = fault_message(shortages, "" if nearest is None else nearest.summary)
    if wish.min_count > 1:
        why = message.removeprefix(NO_VALID_HOST)
        message = (
            f"{NO_VALID_HOST} {full.placed} of at least {wish.min_count} servers could be placed. For one more:{why}"
        )
    if len(message) > FAULT_MESSAGE_CHARS_MAX:
        message = f"{message[: FAULT_MESSAGE_CHARS_MAX - 1]}…"
    fault = Fault(message, fault_details(shortages, "" if nearest is None else nearest.text), tx.now)
    server = replace(server, status=ServerStatus.ERROR, fault=fault)
    servers.insert(tx, server)
    _tell(tx, who, "server.unplaced", server, {"message": message})
    return server


def take(tx: Tx, world: World, who: Caller, server: Server, nic: Nic, choice: Choice, index: int) -> Port:
    """Make the nic's port the server's, bind it as the drivers said, and claim its function."""
    answer, profile = choice.bindings[nic.port.id], choice.profiles[nic.port.id]
    settled = settle(tx, world, who, nic, server, index)
    port = store_binding(tx, world, who, settled, choice.host, profile, answer, status=PortStatus.BUILD)
    tx.reach(ControllerStep.PORT_BOUND)
    device = choice.devices.get(nic.port.id)
    if device is not None:
        settings = desired_settings(tx, port, device.kind, nic.vlan_id(port.binding.segment_id))
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
