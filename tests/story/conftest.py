"""A cloud of simulated hosts in one process, and short ways to say what a story needs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from mooring.config import ControllerConfig
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.model.port import Port, VnicType
from mooring.model.server import Flavor, Server
from mooring.model.vf import VfSettings
from mooring.service.explain import explain, glance
from mooring.service.flavors import FlavorWish, create_flavor
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.ports import PortWish, create_port
from mooring.service.server_ports import NicWish, ports_of
from mooring.service.servers import ServerWish, create_servers, delete_server
from mooring.service.world import World
from mooring.store.ports import PORTS
from mooring.store.servers import SERVERS
from mooring.store.sqlite import Story
from mooring.testing.cloud import ADMIN, Cloud
from mooring.testing.host import Plan
from mooring.testing.hosts import named_plans
from mooring.testing.outside import SeededIds, SteppedClock

T = TypeVar("T")


class Told:
    """A cloud, and the verbs of its stories."""

    def __init__(self, cloud: Cloud, clock: SteppedClock):
        self.cloud = cloud
        self.clock = clock
        wish = FlavorWish(name="small", ram_mib=512, vcpus=1, disk_gib=1)
        self.flavor: Flavor = self.write(lambda tx: create_flavor(tx, self.world, ADMIN, wish))

    @property
    def world(self) -> World:
        return self.cloud.controller.world

    def write(self, story: Story[T]) -> T:
        return self.cloud.controller.store.write_now(story)

    def read(self, story: Story[T]) -> T:
        return self.cloud.controller.store.read_now(story)

    def explain(self, wish: ServerWish, who: Caller = ADMIN) -> Mapping[str, object]:
        seen = self.write(lambda tx: glance(tx, self.world, who, wish))
        return self.read(lambda tx: explain(tx, self.world, who, wish, seen))

    def network(self, physnet: str, vlan: int, default_vnic_type: str | None = None) -> Network:
        segments = (SegmentWish("vlan", physnet, vlan),)
        wish = NetworkWish("admin-project", f"net-{vlan}", segments=segments, default_vnic_type=default_vnic_type)
        return self.write(lambda tx: create_network(tx, self.world, ADMIN, wish))

    def flat_network(self, physnet: str) -> Network:
        wish = NetworkWish("admin-project", "flat", segments=(SegmentWish("flat", physnet, None),))
        return self.write(lambda tx: create_network(tx, self.world, ADMIN, wish))

    def port(self, network: Network, vnic_type: VnicType, profile: Mapping[str, object] | None = None) -> Port:
        wish = PortWish(network.id, "admin-project", vnic_type=vnic_type, profile=profile or {})
        return self.write(lambda tx: create_port(tx, self.world, ADMIN, wish))

    def create(self, *nics: Port | Network, **more: object) -> Server:
        """A server, as far as the controller alone can bring it."""
        wishes = tuple(NicWish(port_id=n.id) if isinstance(n, Port) else NicWish(network_id=n.id) for n in nics)
        wish = ServerWish("vm", self.flavor.id, nics=wishes, **more)  # type: ignore[arg-type]  # fields of the wish
        return self.write(lambda tx: create_servers(tx, self.world, ADMIN, wish))[0]

    def boot(self, *nics: Port | Network, **more: object) -> Server:
        """A server, as far as it comes when every agent had its turns."""
        server = self.create(*nics, **more)
        self.cloud.settle()
        return self.server(server.id)

    def delete(self, server: Server) -> None:
        self.write(lambda tx: delete_server(tx, self.world, ADMIN, server.id))
        self.cloud.settle()

    def server(self, server_id: str) -> Server:
        found = self.read(lambda tx: SERVERS.get(tx, server_id))
        assert found is not None, f"server {server_id} is gone"
        return found

    def is_gone(self, server: Server) -> bool:
        return self.read(lambda tx: SERVERS.get(tx, server.id)) is None

    def ports(self, server: Server) -> list[Port]:
        return self.read(lambda tx: ports_of(tx, [server.id])).get(server.id, [])

    def stored(self, port: Port) -> Port:
        found = self.read(lambda tx: PORTS.get(tx, port.id))
        assert found is not None, f"port {port.id} is gone"
        return found

    def on_card(self, host: str) -> list[VfSettings]:
        """What every card of a host holds, VF by VF."""
        node = self.cloud.nodes[host]
        names = [f.netdev for f in node.host.functions() if f.vf_total is not None and f.netdev]
        return [settings for name in names for _, settings in sorted(node.host.vf_table.look(name).vfs.items())]


class MakeCloud(Protocol):
    def __call__(self, plans: Mapping[str, Plan], config: ControllerConfig | None = None) -> Told: ...


@pytest.fixture
def make_cloud(tmp_path: Path) -> Iterator[MakeCloud]:
    """Makes one cloud. At the end of its story the auditor must have nothing to say."""
    made: list[Cloud] = []

    def make(plans: Mapping[str, Plan], config: ControllerConfig | None = None) -> Told:
        clock = SteppedClock()
        cloud = Cloud(tmp_path, plans, clock=clock, ids=SeededIds(), config=config)
        made.append(cloud)
        return Told(cloud, clock)

    yield make
    for cloud in made:
        findings = cloud.findings()
        cloud.close()
        assert findings == []


@pytest.fixture
def told(make_cloud: MakeCloud) -> Told:
    """The three hosts of the 2013 thread's three cases: sim1, sim2, sim3."""
    return make_cloud(named_plans(3))
