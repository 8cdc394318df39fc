"""A controller behind ``/mooring/v1/pci-groups``: two hosts whose cards sit in different slots, and servers on them."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mooring.api.mooring.groups import GROUPS
from mooring.model.host import Aggregate, Host
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Claim, Device
from mooring.model.server import Flavor, Server, ServerStatus
from mooring.model.vf import VfSettings, VfState
from mooring.service.flavors import FlavorWish, create_flavor
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.ports import PortWish, create_port
from mooring.service.trail import NEWEST, trail
from mooring.service.world import World
from mooring.store import servers, tables
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES, at
from mooring.store.flavors import FLAVORS
from mooring.store.hosts import HOSTS
from mooring.store.ports import PORTS
from mooring.store.rows import Records
from mooring.store.tx import Tx
from mooring.testing.cloud import ADMIN
from mooring.testing.controller import project_id
from mooring.testing.in_process import Answer, InProcessClient, serving
from mooring.testing.outside import SeededIds, SteppedClock

BASE = "/mooring/v1/pci-groups"
VFS = 4
BUSES = {"h1": 0x81, "h2": 0x05}
AGGREGATES = Records(tables.aggregates, Aggregate)


@dataclass(slots=True)
class Grouped:
    nobody: InProcessClient
    admin: InProcessClient
    member: InProcessClient
    other: InProcessClient
    """A member of another project."""

    @property
    def world(self) -> World:
        return self.nobody.controller.world

    def create(self, name: str = "fast", *selectors: Mapping[str, object], **more: object) -> Answer:
        body = {"name": name, "selectors": selectors or [{"vendor_id": "8086"}], **more}
        return self.admin.post(BASE, {"pci_group": body})

    def made(self, name: str = "fast", *selectors: Mapping[str, object], **more: object) -> dict[str, Any]:
        answer = self.create(name, *selectors, **more)
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body["pci_group"]
        return found

    def show(self, name: str = "fast", who: InProcessClient | None = None) -> dict[str, Any]:
        answer = (who or self.admin).get(f"{BASE}/{name}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body["pci_group"]
        return found

    def change(self, which: str = "fast", /, query: str = "", **changes: object) -> Answer:
        return self.admin.put(f"{BASE}/{which}{query}", {"pci_group": changes})

    def names(self, who: InProcessClient | None = None) -> list[str]:
        return [one["name"] for one in (who or self.admin).get(BASE).body["pci_groups"]]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """(kind, detail) of what was told of PCI groups, oldest first."""
        told = self.nobody.controller.store.read_now(lambda tx: trail(tx, NEWEST, 500))
        return [(str(e["kind"]), e["detail"]) for e in told if str(e["kind"]).startswith("pci-group")]  # type: ignore[misc]  # a detail is an object

    def claims(self) -> list[Claim]:
        return self.nobody.controller.store.read_now(CLAIMS.where)

    def claim(self, host: str, number: int, *, group: str | None = None, flavor_asked: bool = False) -> str:
        """VF ``number`` of the host goes to a new server, for a port or for its flavor; ``group`` is what was asked."""
        return self.nobody.controller.store.write_now(
            lambda tx: claim(tx, self.world, host, number, group, flavor_asked=flavor_asked)
        )

    def flavor(self, name: str, alias: str) -> None:
        def story(tx: Tx) -> None:
            made = create_flavor(tx, self.world, ADMIN, FlavorWish(name, 64, 1, 1))
            FLAVORS.update(tx, replace(made, extra_specs={"pci_passthrough:alias": alias}))

        self.nobody.controller.store.write_now(story)

    def project(self, name: str) -> str:
        return project_id(self.nobody.controller, name)


@contextlib.contextmanager
def grouped_at(folder: Path) -> Iterator[Grouped]:
    with serving(folder, GROUPS, clock=SteppedClock(), ids=SeededIds()) as nobody:
        controller = nobody.controller
        controller.store.write_now(lambda tx: add_hosts(tx, controller.world))
        yield Grouped(nobody, nobody.admin(), nobody.member("demo"), nobody.member("other"))


def add_hosts(tx: Tx, world: World) -> None:
    """On each a PF with VFs: the first of ``h1`` is tagged gold, and ``h1`` is in the aggregate west."""
    for host, bus in BUSES.items():
        reaches = {"physnet1": ("ens1",)}
        HOSTS.insert(tx, Host(world.ids.uuid(), host, tx.now, tx.now, world.ids.secret(), device_mappings=reaches))
        pf = PciAddress(0, bus, 0, 0)
        more = {"numa_node": 0, "link_speed_mbps": 25000, "physical_network": "physnet1", "device_class": "020000"}
        whole = Device(world.ids.uuid(), host, pf, FunctionKind.PF, "8086", "10c9", VfState.UNAVAILABLE, tx.now)
        DEVICES.insert(tx, replace(whole, **more))  # type: ignore[arg-type]  # fields of a device
        for number in range(VFS):
            address = PciAddress(0, bus, 0x10, number)
            vf = Device(world.ids.uuid(), host, address, FunctionKind.VF, "8086", "10ca", VfState.AVAILABLE, tx.now)
            tags = ("gold",) if (host, number) == ("h1", 0) else ()
            DEVICES.insert(tx, replace(vf, pf=pf, is_offered=True, tags=tags, verified_at=tx.now, **more))  # type: ignore[arg-type]  # fields of a device
    AGGREGATES.insert(tx, Aggregate(1, world.ids.uuid(), "west", tx.now, tx.now, ("h1",)))


def claim(tx: Tx, world: World, host: str, number: int, group: str | None, *, flavor_asked: bool) -> str:
    device = at(tx, host, PciAddress(0, BUSES[host], 0x10, number))
    assert device is not None
    DEVICES.update(tx, replace(device, state=VfState.IN_USE, generation=1))
    flavor = Flavor("f", "f", 1, 1, 1, tx.now)
    server = Server(
        world.ids.uuid(), "demo", "u", f"vm-{host}-{number}", flavor, None, tx.now, tx.now, ServerStatus.ACTIVE, host
    )
    servers.insert(tx, server)
    port_id = None
    if not flavor_asked:
        segment = SegmentWish("vlan", "physnet1", 100 + 10 * number + BUSES[host])
        network = create_network(tx, world, ADMIN, NetworkWish("demo", "n", segments=(segment,)))
        port = create_port(tx, world, ADMIN, PortWish(network.id, "demo"))
        profile = {} if group is None else {"pci_group": group}
        PORTS.update(tx, replace(port, device_id=server.id, binding=replace(port.binding, profile=profile)))
        port_id = port.id
    request_id = (group or "") if flavor_asked else (port_id or "")
    held = Claim(device.id, host, device.address, server.id, port_id, 1, tx.now, VfSettings(), request_id=request_id)
    CLAIMS.insert(tx, held)
    return server.id
