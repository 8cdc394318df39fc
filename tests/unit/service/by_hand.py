"""A controller, and one host whose agent is the test itself: it tells the inventory and writes the reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mooring.api.call import Controller
from mooring.model.desired import (
    Desired,
    DesiredFunction,
    FunctionOutcome,
    FunctionReport,
    Purpose,
    Report,
    ServerOutcome,
    ServerReport,
)
from mooring.model.host import HostSnapshot, OfferedFunction
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.port import Port, VnicType
from mooring.model.request import Claim, Device
from mooring.model.server import Server
from mooring.service.audit import audit
from mooring.service.desired import desired_of
from mooring.service.flavors import FlavorWish, create_flavor
from mooring.service.hosts import add_host, get_host
from mooring.service.inventory import take_inventory
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.ports import PortWish, create_port, update_port
from mooring.service.reports import take_report
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish, create_servers, delete_server
from mooring.service.trail import NEWEST, trail
from mooring.service.world import World
from mooring.store import claims, devices
from mooring.store.ports import PORTS
from mooring.store.servers import SERVERS
from mooring.store.sqlite import Story
from mooring.testing.outside import SteppedClock

T = TypeVar("T")

HOST = "h1"
ADMIN = Caller("admin-id", "admin", "admin-project", "admin", frozenset({"admin"}))
PF = PciAddress.parse("0000:81:00.0")
VFS = tuple(PF.virtual_function(128, 2, index) for index in range(3))
WHOLE = PciAddress.parse("0000:82:00.0")
PF_MAC, WHOLE_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"


def offered_functions() -> dict[PciAddress, OfferedFunction]:
    """A PF with three VFs on physnet1, and one that is handed out whole on physnet2."""
    pf = PciFunction(PF, FunctionKind.PF, "8086", "10c9", "igb", "ens1f0", PF_MAC, vf_total=7, vf_count=len(VFS))
    whole = PciFunction(WHOLE, FunctionKind.PF, "8086", "10c9", "igb", "ens2f0", WHOLE_MAC, vf_total=7, vf_count=0)
    vfs = [
        PciFunction(address, FunctionKind.VF, "8086", "10ca", "igbvf", f"ens1f0v{index}", pf=PF, vf_index=index)
        for index, address in enumerate(VFS)
    ]
    offers = [OfferedFunction(vf, "physnet1", is_offered=True) for vf in vfs]
    offers.append(OfferedFunction(pf, "physnet1", reason="it is not handed out whole"))
    offers.append(OfferedFunction(whole, "physnet2", is_offered=True))
    return {offered.function.address: offered for offered in offers}


@dataclass(slots=True)
class Hand:
    """The host and its cloud. What a method reports is told as the agent of the host's newest epoch."""

    controller: Controller
    clock: SteppedClock
    offers: dict[PciAddress, OfferedFunction] = field(default_factory=offered_functions)
    boot_id: str = "boot-1"

    @property
    def world(self) -> World:
        return self.controller.world

    def write(self, story: Story[T]) -> T:
        return self.controller.store.write_now(story)

    def read(self, story: Story[T]) -> T:
        return self.controller.store.read_now(story)

    # The host

    def join(self) -> None:
        self.write(lambda tx: add_host(tx, self.world, ADMIN, HOST))
        self.announce()
        self.clean()

    def announce(self) -> None:
        self.world.heartbeats.hear(HOST)
        functions = tuple(self.offers.values())
        snapshot = HostSnapshot(self.boot_id, "agent-1", 16, 65536, 500, functions=functions)
        self.write(lambda tx: take_inventory(tx, self.world, get_host(tx, HOST), snapshot))

    def reboot(self) -> None:
        self.boot_id += "+"
        self.announce()

    def remove(self, *addresses: PciAddress) -> dict[PciAddress, OfferedFunction]:
        """They are not there any more; what is returned can be put back."""
        gone = {address: self.offers.pop(address) for address in addresses}
        self.announce()
        return gone

    def put(self, offers: dict[PciAddress, OfferedFunction]) -> None:
        self.offers |= offers
        self.announce()

    def desired(self) -> Desired:
        return self.read(lambda tx: desired_of(tx, get_host(tx, HOST)))

    def wanted(self, address: PciAddress) -> DesiredFunction:
        (found,) = (one for one in self.desired().functions if one.address == address)
        return found

    def report(self, *functions: FunctionReport, servers: Sequence[ServerReport] = ()) -> None:
        epoch = self.read(lambda tx: get_host(tx, HOST)).epoch
        report = Report(epoch, 1, functions, tuple(servers))
        self.write(lambda tx: take_report(tx, self.world, get_host(tx, HOST), report))

    def clean(self) -> None:
        """Every function that is to be baselined reads back clean, and the domains of servers that go are gone."""
        desired = self.desired()
        cleaned = [
            said(one, FunctionOutcome.BASELINE_VERIFIED) for one in desired.functions if one.purpose is Purpose.BASELINE
        ]
        absent = [ServerReport(s.id, s.generation, ServerOutcome.ABSENT) for s in desired.servers if not s.is_wanted]
        self.report(*cleaned, servers=absent)

    def run(self) -> None:
        """A turn in which everything goes well."""
        desired = self.desired()
        serving = [said(one) for one in desired.functions if one.purpose is Purpose.SERVE]
        running = [ServerReport(s.id, s.generation, ServerOutcome.RUNNING) for s in desired.servers if s.is_wanted]
        self.report(*serving, servers=running)
        self.clean()

    # The cloud

    def network(self, physnet: str = "physnet1", vlan: int = 100) -> Network:
        wish = NetworkWish("admin-project", f"net-{vlan}", segments=(SegmentWish("vlan", physnet, vlan),))
        return self.write(lambda tx: create_network(tx, self.world, ADMIN, wish))

    def port(self, network: Network, vnic_type: VnicType = VnicType.DIRECT, **more: object) -> Port:
        wish = PortWish(network.id, "admin-project", vnic_type=vnic_type, **more)  # type: ignore[arg-type]  # fields of the wish
        return self.write(lambda tx: create_port(tx, self.world, ADMIN, wish))

    def create(self, *nics: Port | NicWish) -> Server:
        wishes = tuple(NicWish(port_id=nic.id) if isinstance(nic, Port) else nic for nic in nics)
        flavor = self.write(
            lambda tx: create_flavor(tx, self.world, ADMIN, FlavorWish(self.world.ids.uuid(), 64, 1, 1))
        )
        wish = ServerWish("vm", flavor.id, nics=wishes)
        return self.write(lambda tx: create_servers(tx, self.world, ADMIN, wish))[0]

    def boot(self, *ports: Port) -> Server:
        server = self.create(*ports)
        self.run()
        return self.server(server)

    def delete(self, server: Server) -> None:
        self.write(lambda tx: delete_server(tx, self.world, ADMIN, server.id))

    def set(self, port: Port, **changes: object) -> Port:
        return self.write(lambda tx: update_port(tx, self.world, ADMIN, port.id, changes))

    def server(self, server: Server) -> Server:
        found = self.read(lambda tx: SERVERS.get(tx, server.id))
        assert found is not None, f"server {server.id} is gone"
        return found

    def is_gone(self, server: Server) -> bool:
        return self.read(lambda tx: SERVERS.get(tx, server.id)) is None

    def stored(self, port: Port) -> Port:
        found = self.read(lambda tx: PORTS.get(tx, port.id))
        assert found is not None, f"port {port.id} is gone"
        return found

    def claim(self, port: Port) -> Claim:
        found = self.read(lambda tx: claims.of_port(tx, port.id))
        assert found is not None, f"port {port.id} claims nothing"
        return found

    def device(self, address: PciAddress) -> Device:
        found = self.read(lambda tx: devices.at(tx, HOST, address))
        assert found is not None, f"{address} was never shown"
        return found

    def device_of(self, port: Port) -> Device:
        return self.device(self.claim(port).address)

    def kinds(self, *, most: int = 20) -> list[str]:
        """The kinds of the newest events, oldest first."""
        return [str(event["kind"]) for event in self.read(lambda tx: trail(tx, NEWEST, most))]

    def last(self, kind: str) -> dict[str, object]:
        """The detail of the newest event of that kind."""
        found = [event["detail"] for event in self.read(lambda tx: trail(tx, NEWEST, 200)) if event["kind"] == kind]
        assert found, f"nothing is told of {kind}"
        detail = found[-1]
        assert isinstance(detail, dict)
        return detail

    def findings(self) -> list[str]:
        return [f"{one.invariant}: {one.text}" for one in self.read(lambda tx: audit(tx, self.world))]


def said(
    wanted: DesiredFunction, outcome: FunctionOutcome = FunctionOutcome.IN_USE, reason: str = "", *,
    is_refused: bool = False, **seen: object,
) -> FunctionReport:  # fmt: skip
    """A report that shows what is wanted, except for what is ``seen``; of a whole PF nothing is shown."""
    observed = None if wanted.pf is None else replace(wanted.settings, **seen)  # type: ignore[arg-type]  # fields of the settings
    return FunctionReport(wanted.address, wanted.generation, outcome, observed, reason, is_refused)
