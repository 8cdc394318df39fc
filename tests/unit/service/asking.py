"""A controller without hosts, in which somebody asks for PCI functions."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mooring.api.call import Controller
from mooring.config import ControllerConfig
from mooring.model.group import PciSelector
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.model.port import Port, VnicType
from mooring.model.request import PciRequest
from mooring.model.server import Flavor, Image, Server
from mooring.service import images
from mooring.service.flavors import FlavorWish, create_flavor, set_extra_specs
from mooring.service.groups import GroupWish, create_group
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.pci_requests import ServerNeeds, default_vnic_type, requests_of
from mooring.service.ports import PortWish, create_port
from mooring.service.server_ports import Nic, NicWish, look_up, settle
from mooring.service.world import World
from mooring.store import servers
from mooring.store.sqlite import Story
from mooring.store.tx import Tx
from mooring.testing.controller import make_controller, project_id
from mooring.testing.outside import SeededIds, SteppedClock

T = TypeVar("T")


@dataclass(slots=True)
class Asking:
    """A member of one project asks."""

    controller: Controller
    admin: Caller
    member: Caller
    network: Network

    @property
    def world(self) -> World:
        return self.controller.world

    def write(self, story: Story[T]) -> T:
        return self.controller.store.write_now(story)

    def group(self, name: str, *selectors: PciSelector, default_vnic_type: str | None = None, **more: object) -> None:
        wish = GroupWish(name, selectors or (PciSelector(vendor_id="8086"),), default_vnic_type=default_vnic_type)
        self.write(lambda tx: create_group(tx, self.world, self.admin, replace(wish, **more)))  # type: ignore[arg-type]  # fields of the wish

    def port(self, vnic_type: VnicType = VnicType.DIRECT, **more: object) -> Port:
        wish = PortWish(self.network.id, self.member.project_id or "", vnic_type=vnic_type, **more)  # type: ignore[arg-type]  # fields of the wish
        return self.write(lambda tx: create_port(tx, self.world, self.member, wish))

    def flavor(self, **specs: str) -> Flavor:
        """Of 4 vCPUs and 4 GiB; ``specs`` have ``__`` where an extra spec has a colon."""
        made = self.write(
            lambda tx: create_flavor(tx, self.world, self.admin, FlavorWish(self.world.ids.uuid(), 4096, 4, 1))
        )
        named = {key.replace("__", ":"): value for key, value in specs.items()}
        return self.write(lambda tx: set_extra_specs(tx, self.admin, made.id, named))

    def image(self, **properties: str) -> Image:
        return self.write(
            lambda tx: images.add_image(
                tx, self.world, self.admin, lambda image: replace(image, visibility="public", properties=properties)
            )
        )

    def nic(self, wish: NicWish | Port, image: Image | None = None, ordinal: int = 0) -> Nic:
        asked = NicWish(port_id=wish.id) if isinstance(wish, Port) else wish
        return self.write(lambda tx: look_up(tx, self.world, self.member, asked, ordinal, default_vnic_type(image)))

    def needs(
        self, *nics: Nic, flavor: Flavor | None = None, image: Image | None = None, who: Caller | None = None
    ) -> ServerNeeds:
        of = flavor or self.flavor()
        return self.write(lambda tx: requests_of(tx, who or self.member, of, image, nics))

    def request(self, wish: NicWish | Port, **more: Flavor | Image | None) -> PciRequest:
        (request,) = self.needs(self.nic(wish, more.get("image")), **more).requests  # type: ignore[arg-type]  # which is which
        return request

    def settled(self, nic: Nic) -> Port:
        """The nic's port as a server's."""

        def story(tx: Tx) -> Port:
            server = Server(
                "srv", self.member.project_id or "", "u", "vm", Flavor("1", "f", 1, 1, 1, tx.now), None, tx.now, tx.now
            )
            servers.insert(tx, server)
            return settle(tx, self.world, self.member, nic, server, 0)

        return self.write(story)

    def direct(self, **more: str) -> NicWish:
        """A nic on the network, of vnic type ``direct`` unless said otherwise."""
        return replace(NicWish(network_id=self.network.id, vnic_type="direct"), **more)


@contextlib.contextmanager
def asking_at(folder: Path) -> Iterator[Asking]:
    config = ControllerConfig(network_vlan_ranges=("physnet1:1:4094", "physnet2:1:4094"))
    controller = make_controller(folder, config, SteppedClock(), SeededIds())
    project = project_id(controller, "demo")
    admin = Caller("admin-id", "admin", project, "demo", frozenset({"admin"}))
    member = Caller("member-id", "member", project, "demo", frozenset({"member"}))
    wish = NetworkWish(project, "blue", segments=(SegmentWish("vlan", "physnet1", 100),))
    network = controller.store.write_now(lambda tx: create_network(tx, controller.world, admin, wish))
    try:
        yield Asking(controller, admin, member, network)
    finally:
        controller.store.close()
