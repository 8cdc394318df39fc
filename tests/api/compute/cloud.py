"""A cloud of one simulated host, or of several alike, behind the compute API; with a network, an image, two flavors."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import falcon.testing

from mooring.api.app import make_app
from mooring.api.compute.routes import ROUTES
from mooring.core.subnets import SubnetWish
from mooring.model.port import Port, VnicType
from mooring.service import flavors, images
from mooring.service.flavors import FlavorWish
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.ports import PortWish, create_port
from mooring.service.subnets import NewSubnet, create_subnet
from mooring.service.trail import EVENTS_MAX, trail
from mooring.store.tx import Tx
from mooring.testing.cards import INTEL_X710
from mooring.testing.cloud import ADMIN, Cloud
from mooring.testing.controller import project_id
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from mooring.testing.in_process import Answer, InProcessClient
from mooring.testing.outside import SeededIds, SteppedClock

BASE = "/compute/v2.1"
HOST = "cn1"
HOSTS = ("cn1", "cn2", "cn3")
VFS = 4
PLAN = Plan(
    ports=(port(INTEL_X710, "0000:3b:00.0", "ens2f0", 3, VFS),),
    specs=(Spec("ens2f0", "physnet1"),),
    bridge_mappings={"physnet1": "br-physnet1"},
)


def at(version: str) -> dict[str, str]:
    """The header that asks for a microversion."""
    return {"OpenStack-API-Version": f"compute {version}"}


@dataclass(slots=True)
class Compute:
    """The API as an admin and as a member of the project ``demo`` see it."""

    cloud: Cloud
    clock: SteppedClock
    nobody: InProcessClient
    admin: InProcessClient
    member: InProcessClient
    project: str
    network: str
    image: str
    flavor: str = "1"

    def body(self, name: str = "vm", **more: Any) -> dict[str, object]:
        """The body of a create; ``more`` are its fields over the usual ones."""
        usual = {"name": name, "flavorRef": self.flavor, "imageRef": self.image, "networks": [{"uuid": self.network}]}
        return {"server": {**usual, **more}}

    def create(self, name: str = "vm", version: str = "2.96", **more: Any) -> Answer:
        return self.member.send("POST", f"{BASE}/servers", self.body(name, **more), at(version))

    def boot(self, name: str = "vm", **more: Any) -> str:
        """The id of a server that has come as far as it can."""
        answer = self.create(name, **more)
        assert answer.status == 202, answer.body
        self.cloud.settle()
        return str(answer.body["server"]["id"])

    def show(self, server_id: str, version: str = "2.96", *, as_admin: bool = False) -> dict[str, Any]:
        who = self.admin if as_admin else self.member
        answer = who.send("GET", f"{BASE}/servers/{server_id}", headers=at(version))
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body["server"]
        return found

    def told(self, noun: str) -> list[tuple[str, object]]:
        """Kind and detail of every event of this noun, oldest first."""
        events = self.cloud.controller.store.read_now(lambda tx: trail(tx, 0, EVENTS_MAX))
        return [(str(e["kind"]), e["detail"]) for e in events if str(e["kind"]).partition(".")[0] == noun]

    def port(self, vnic_type: VnicType = VnicType.DIRECT) -> Port:
        wish = PortWish(self.network, self.project, vnic_type=vnic_type)
        world = self.cloud.controller.world
        return self.cloud.controller.store.write_now(lambda tx: create_port(tx, world, ADMIN, wish))


@contextlib.contextmanager
def compute_cloud(folder: Path, hosts: Sequence[str] = (HOST,)) -> Iterator[Compute]:
    clock = SteppedClock()
    cloud = Cloud(folder, dict.fromkeys(hosts, PLAN), clock=clock, ids=SeededIds())
    try:
        controller = cloud.controller
        nobody = InProcessClient(falcon.testing.TestClient(make_app(controller, ROUTES)), controller)
        project = project_id(controller, "demo")
        network, image = controller.store.write_now(lambda tx: _furnish(tx, cloud, project))
        yield Compute(cloud, clock, nobody, nobody.admin(), nobody.member("demo"), project, network, image)
    finally:
        cloud.close()


def _furnish(tx: Tx, cloud: Cloud, project: str) -> tuple[str, str]:
    world = cloud.controller.world
    for ident, name, ram_mib in (("1", "m1.tiny", 512), ("2", "m1.small", 1024)):
        flavors.create_flavor(tx, world, ADMIN, FlavorWish(name, ram_mib, 1, 1, ident))
    segment = SegmentWish("vlan", "physnet1", 100)
    network = create_network(tx, world, ADMIN, NetworkWish(project, "sr1", segments=(segment,)))
    create_subnet(tx, world, ADMIN, NewSubnet(project, SubnetWish(network.id, 4, "192.0.2.0/24")))
    image = images.add_image(
        tx,
        world,
        ADMIN,
        lambda image: replace(image, name="img1", visibility="public", properties={"os_type": "linux"}),
    )
    return network.id, image.id
