"""The stories that mechanism drivers set off, for the root to put into the ``World``."""

from collections.abc import Mapping
from typing import Any

from mooring.errors import Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment
from mooring.service.networks import delete_network
from mooring.service.ports import delete_port
from mooring.service.segments import SegmentWish, allocate_dynamic, release_dynamic
from mooring.service.servers import delete_server
from mooring.service.subnets import delete_subnet
from mooring.service.world import Driven, World
from mooring.store.ports import PORTS
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx

_WISHES = frozenset({"network_type", "physical_network", "segmentation_id"})


def driven() -> Driven:
    """What the stories of a controller's world are."""
    return Driven(_allocate, release_dynamic, _unmake)


def _allocate(tx: Tx, world: World, network: Network, wish: Mapping[str, Any]) -> Segment:
    """Raises Invalid for what is no network type, no physical network or no VLAN id, before it is looked at."""
    asked = {key: wish[key] for key in _WISHES & wish.keys() if wish[key] is not None}
    for key, value in asked.items():
        kind = int if key == "segmentation_id" else str
        if not isinstance(value, kind) or isinstance(value, bool):
            raise Invalid(f"a dynamic segment cannot have {key} {value!r}")
    if "network_type" not in asked:
        raise Invalid("a dynamic segment needs a network_type", hint="vlan or flat")
    return allocate_dynamic(tx, world, network, SegmentWish(**{key: _plain(value) for key, value in asked.items()}))


def _plain(value: str | int) -> Any:
    """Without the classes of enumerations, which drivers hand out as texts."""
    return str(value) if isinstance(value, str) else int(value)


def _unmake(tx: Tx, world: World, who: Caller, kind: str, ident: str) -> None:
    """What is gone already is no error. With the port of a server goes the server, which was made with it."""
    try:
        if kind == "network":
            delete_network(tx, world, who, ident)
        elif kind == "subnet":
            delete_subnet(tx, world, who, ident)
        else:
            _unmake_port(tx, world, who, ident)
    except NotFound:
        return


def _unmake_port(tx: Tx, world: World, who: Caller, port_id: str) -> None:
    port = PORTS.get(tx, port_id)
    if port is not None and port.is_owned_by_server and SERVERS.get(tx, port.device_id) is not None:
        delete_server(tx, world, who, port.device_id)
    elif port is not None:
        delete_port(tx, world, who, port_id)
