"""A running server's interfaces: attached to the host that it is on, detached when the host let go of them."""

from dataclasses import replace

from mooring.core.explain import fault_details
from mooring.errors import Conflict, Exhausted, NotFound
from mooring.model.identity import Caller
from mooring.model.port import Port
from mooring.model.request import Claim
from mooring.model.server import Flavor, Server, ServerStatus
from mooring.service.claims import begin_release
from mooring.service.pci_requests import default_vnic_type, requests_of_nic
from mooring.service.placement import HostWish, Refusal, choose
from mooring.service.server_ports import NicWish, look_up, ports_of
from mooring.service.servers import get_server, let_go, take
from mooring.service.world import World
from mooring.store import claims
from mooring.store.images import IMAGES
from mooring.store.ports import PORTS
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Tx


def attach_interface(tx: Tx, world: World, who: Caller, server_id: str, wish: NicWish) -> Port:
    """Give a server one more port, with a function of its host if it needs one.

    Raises Conflict when the server is not ACTIVE or the port is in use, Exhausted when its host has no fitting
    function left.
    """
    server = _active(tx, who, server_id, "attach_interface")
    image = None if server.image_id is None else IMAGES.get(tx, server.image_id)
    nic = look_up(tx, world, who, wish, 0, default_vnic_type(image))
    needs = requests_of_nic(tx, who, server.flavor, image, nic)
    nothing_more = Flavor("", "", 0, 0, 0, tx.now)
    choice = choose(
        tx, world, HostWish(nothing_more, [nic], needs, forced_host=server.host, numa_nodes=server.numa_nodes)
    )
    if isinstance(choice, Refusal):
        raise Exhausted(f"the server's host cannot take the port: {fault_details(choice.shortages)}")
    taken = [port.device_index for port in ports_of(tx, [server.id]).get(server.id, [])]
    port = take(tx, world, who, server, nic, choice, max(taken, default=-1) + 1)
    _bump(tx, who, server, "server.interface-attached", port)
    return port


def detach_interface(tx: Tx, world: World, who: Caller, server_id: str, port_id: str) -> None:
    """Take a port from a server. An SR-IOV port stays bound until the host proved its function clean."""
    server = _active(tx, who, server_id, "detach_interface")
    port = next((port for port in ports_of(tx, [server.id]).get(server.id, []) if port.id == port_id), None)
    if port is None:
        raise NotFound("port", port_id)
    held = claims.of_port(tx, port_id)
    if held is None or not begin_release(tx, held):
        let_go(tx, world, who, port)
    _bump(tx, who, server, "server.interface-detached", port)


def finish_detach(tx: Tx, world: World, who: Caller, held: Claim) -> None:
    """The host let go of a function. If its server stays, the function was taken from it: so is its port, then.

    What a flavor asked for has no port to let go, and goes with its server only.
    """
    server = SERVERS.get(tx, held.server_id)
    port = PORTS.get(tx, held.port_id) if held.port_id else None
    if server is not None and server.status is not ServerStatus.DELETING and port is not None:
        let_go(tx, world, who, port)


def _active(tx: Tx, who: Caller, server_id: str, verb: str) -> Server:
    server = get_server(tx, who, server_id)
    if server.status is not ServerStatus.ACTIVE:
        raise Conflict(f"Cannot '{verb}' instance {server_id} while it is in vm_state {server.status.lower()}")
    return server


def _bump(tx: Tx, who: Caller, server: Server, kind: str, port: Port) -> None:
    SERVERS.update(tx, replace(server, generation=server.generation + 1, updated_at=tx.now))
    tx.tell(Event(kind, server.id, server.project_id, server.host, who.user_id, who.request_id, {"port": port.id}))
