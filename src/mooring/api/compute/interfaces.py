"""``/compute/v2.1/servers/{id}/os-interface``: a server's ports, one more, one less."""

from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import Microversion, any_version, versioned
from mooring.api.compute.nics import attach_wish
from mooring.errors import NotFound
from mooring.model.identity import Caller
from mooring.model.port import Port
from mooring.service import interfaces
from mooring.service.server_ports import ports_of
from mooring.service.servers import get_server
from mooring.store.tx import Tx


def interface_view(port: Port, version: Microversion) -> dict[str, object]:
    view: dict[str, object] = {
        "net_id": port.network_id,
        "port_id": port.id,
        "mac_addr": port.mac_address,
        "port_state": port.status.value,
        "fixed_ips": [{"subnet_id": ip.subnet_id, "ip_address": ip.ip_address} for ip in port.fixed_ips],
    }
    if version >= (2, 70):
        view["tag"] = port.device_tag
    return view


def _ports(tx: Tx, who: Caller, server_id: str) -> list[Port]:
    server = get_server(tx, who, server_id)
    return list(ports_of(tx, [server.id]).get(server.id, []))


@versioned
async def list_interfaces(call: Call, version: Microversion) -> Reply:
    who, ident = call.who, call.params["server_id"]
    found = await call.controller.store.read(lambda tx: _ports(tx, who, ident))
    return Reply(HTTPStatus.OK, {"interfaceAttachments": [interface_view(port, version) for port in found]})


@versioned
async def show_interface(call: Call, version: Microversion) -> Reply:
    who, ident, port_id = call.who, call.params["server_id"], call.params["port_id"]
    found = await call.controller.store.read(lambda tx: _ports(tx, who, ident))
    port = next((port for port in found if port.id == port_id), None)
    if port is None:
        raise NotFound("port", port_id)
    return Reply(HTTPStatus.OK, {"interfaceAttachment": interface_view(port, version)})


@versioned
async def attach_interface(call: Call, version: Microversion) -> Reply:
    wish = attach_wish(call.json(), version)
    who, world, ident = call.who, call.controller.world, call.params["server_id"]
    port = await call.controller.store.write(lambda tx: interfaces.attach_interface(tx, world, who, ident, wish))
    return Reply(HTTPStatus.OK, {"interfaceAttachment": interface_view(port, version)})


@any_version
async def detach_interface(call: Call) -> Reply:
    """202: an SR-IOV port is shown until its function is proved clean."""
    who, world, ident, port_id = call.who, call.controller.world, call.params["server_id"], call.params["port_id"]
    await call.controller.store.write(lambda tx: interfaces.detach_interface(tx, world, who, ident, port_id))
    return Reply(HTTPStatus.ACCEPTED)
