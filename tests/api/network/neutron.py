"""A controller with two hosts behind the networking API, and the callers that the recordings know."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from mooring.api.network.routes import ROUTES
from mooring.config import ControllerConfig
from mooring.ml2.load import Loader
from mooring.model.host import Host
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.port import VnicType
from mooring.model.request import Claim, Device
from mooring.model.server import Flavor, Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.claims import desired_settings
from mooring.service.ports import PortWish, create_port
from mooring.service.world import World
from mooring.store import servers, tables
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS
from mooring.store.servers import SERVERS
from mooring.store.sql import Sql
from mooring.store.tx import Tx
from mooring.testing.cloud import ADMIN
from mooring.testing.in_process import Answer, InProcessClient, serving
from mooring.testing.outside import SeededIds, SteppedClock

BASE = "/network/v2.0"
_KINDS = Sql(select(tables.events.c.kind).order_by(tables.events.c.sequence))
_LAST_HOST = Sql(select(tables.events.c.host).order_by(tables.events.c.sequence.desc()).limit(1))
ZERO = "00000000-0000-0000-0000-000000000000"
RANGES = ("physnet1:500:519", "physnet2:2500:2519")


@dataclass(slots=True)
class Neutron:
    """The API as each kind of caller sees it."""

    nobody: InProcessClient
    admin: InProcessClient
    nova: InProcessClient
    """Admin and service, as the recordings' nova is."""
    service: InProcessClient
    member: InProcessClient
    other: InProcessClient
    """A member of another project."""
    reader: InProcessClient
    clock: SteppedClock
    folder: Path

    @property
    def world(self) -> World:
        return self.nobody.controller.world

    def network(self, who: InProcessClient | None = None, **attributes: object) -> dict[str, Any]:
        return made((who or self.member).post(f"{BASE}/networks", {"network": attributes}), "network")

    def vlan_network(self, vlan_id: int = 100, physnet: str = "physnet1", **attributes: object) -> dict[str, Any]:
        """A network that an admin makes for the member's project."""
        provider = {
            "provider:network_type": "vlan",
            "provider:physical_network": physnet,
            "provider:segmentation_id": vlan_id,
        }
        return self.network(self.admin, project_id=self.project(self.member), **provider, **attributes)

    def subnet(self, network: dict[str, Any], cidr: str = "192.0.2.0/24", **attributes: object) -> dict[str, Any]:
        version = 6 if ":" in cidr else 4
        owner = {"project_id": network["project_id"]}
        body = {"network_id": network["id"], "ip_version": version, "cidr": cidr, **owner, **attributes}
        return made(self.admin.post(f"{BASE}/subnets", {"subnet": body}), "subnet")

    def port(self, network: dict[str, Any], who: InProcessClient | None = None, **attributes: object) -> dict[str, Any]:
        body = {"network_id": network["id"], **attributes}
        return made((who or self.member).post(f"{BASE}/ports", {"port": body}), "port")

    def show(self, noun: str, ident: str, who: InProcessClient | None = None) -> dict[str, Any]:
        answer = (who or self.nova).get(f"{BASE}/{noun}s/{ident}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body[noun]
        return found

    def change(self, noun: str, ident: str, who: InProcessClient | None = None, **attributes: object) -> Answer:
        return (who or self.member).put(f"{BASE}/{noun}s/{ident}", {noun: attributes})

    def ids(self, query: str, who: InProcessClient | None = None) -> list[str]:
        """The ids of a list, as in ``ports?name=x``."""
        answer = (who or self.member).get(f"{BASE}/{query}")
        assert answer.status == 200, answer.body
        return [row["id"] for row in answer.body[query.partition("?")[0]]]

    def events(self) -> list[str]:
        """The kinds of all events, oldest first."""

        def story(tx: Tx) -> list[str]:
            return [str(kind) for (kind,) in tx.all(_KINDS)]

        return self.nobody.controller.store.read_now(story)

    def woken(self) -> str | None:
        """The host whose stream the last event woke."""

        def story(tx: Tx) -> str | None:
            row = tx.one(_LAST_HOST)
            return None if row is None or row[0] is None else str(row[0])

        return self.nobody.controller.store.read_now(story)

    def project(self, who: InProcessClient) -> str:
        """The id of a caller's project, as its network has it."""
        network = self.network(who, name="whose")
        who.delete(f"{BASE}/networks/{network['id']}")
        return str(network["project_id"])

    def dump(self) -> str:
        """Everything that the networking tables hold."""

        def story(tx: Tx) -> str:
            return "\n".join(tx._connection.iterdump())  # noqa: SLF001 - nothing less would show every change

        return self.nobody.controller.store.read_now(story)


def made(answer: Answer, noun: str) -> dict[str, Any]:
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.body[noun]
    return found


@contextlib.contextmanager
def neutron_at(folder: Path, drivers: Mapping[str, Loader] | None = None, **settings: Any) -> Iterator[Neutron]:
    """``settings`` are the controller's, besides the VLAN ranges; ``drivers`` are installed beside our own."""
    clock = SteppedClock()
    config = ControllerConfig(state=str(folder), **{"network_vlan_ranges": RANGES, **settings})
    with serving(folder, ROUTES, config, clock, SeededIds(), drivers) as nobody:
        controller = nobody.controller
        controller.store.write_now(lambda tx: add_hosts(tx, controller.world))
        yield Neutron(
            nobody,
            nobody.admin(),
            nobody.member("service", ("admin", "service"), "nova"),
            nobody.member("service", ("service",), "only-service"),
            nobody.member("demo"),
            nobody.member("other"),
            nobody.member("demo", ("reader",), "looker"),
            clock,
            folder,
        )


def add_hosts(tx: Tx, world: World) -> None:
    """``cn1`` has cards on both physical networks, ``cn2`` cards and bridges."""
    cards = {"physnet1": ("ens1",), "physnet2": ("ens2",)}
    bridges = {"physnet1": "br-1", "physnet2": "br-2"}
    for name, bridge_mappings in (("cn1", {}), ("cn2", bridges)):
        world.heartbeats.hear(name)
        if HOSTS.first(tx, name=name) is not None:
            continue  # a restart over the same folder
        HOSTS.insert(
            tx,
            Host(
                world.ids.uuid(), name, tx.now, tx.now, world.ids.secret(), device_mappings=cards,
                bridge_mappings=bridge_mappings, started_at=tx.now, heard_at=tx.now,
            ),
        )  # fmt: skip


def run_server(neutron: Neutron, network: dict[str, Any], *, slot: str | None = None) -> tuple[str, str]:
    """A server on cn2, of the network's project, with a bound port on the network: (server id, port id).

    ``slot`` gives the port the function at that address of the host, as a boot would.
    """
    project = str(network["project_id"])

    def story(tx: Tx) -> tuple[str, str]:
        world = neutron.world
        flavor = Flavor("f", "f", 1, 1, 1, tx.now)
        server = Server(world.ids.uuid(), project, "u", "vm", flavor, None, tx.now, tx.now, ServerStatus.ACTIVE, "cn2")
        servers.insert(tx, server)
        vnic_type = VnicType.NORMAL if slot is None else VnicType.DIRECT
        wish = PortWish(
            network["id"], project, vnic_type=vnic_type, device_id=server.id, device_owner="compute:nova",
            is_owned_by_server=True, host="cn2",
        )  # fmt: skip
        port = create_port(tx, world, ADMIN, wish)
        if slot is not None:
            address = PciAddress.parse(slot)
            device = Device(
                world.ids.uuid(), "cn2", address, FunctionKind.VF, "8086", "10ca", VfState.IN_USE, tx.now, 1
            )
            DEVICES.insert(tx, device)
            desired = desired_settings(tx, port, device.kind, 0)
            CLAIMS.insert(tx, Claim(device.id, "cn2", address, server.id, port.id, 1, tx.now, desired))
        return server.id, port.id

    return neutron.nobody.controller.store.write_now(story)


def stop_server(neutron: Neutron, server_id: str) -> None:
    """Forget the server and what it had."""

    def story(tx: Tx) -> None:
        for claim in CLAIMS.where(tx, server_id=server_id):
            CLAIMS.delete(tx, claim.device_id)
        SERVERS.delete(tx, server_id)

    neutron.nobody.controller.store.write_now(story)
