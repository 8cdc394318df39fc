"""What a server's nic asks for: the PCI group and the vnic type of its port."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.errors import Invalid
from mooring.model.port import VnicType
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.server_ports import NicWish
from tests.unit.service.asking import Asking, asking_at


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Asking]:
    with asking_at(tmp_path) as made:
        yield made


def test_a_nics_pci_group_is_its_new_ports_and_stays_to_be_seen(cloud: Asking) -> None:
    cloud.group("fast")
    nic = cloud.nic(cloud.direct(pci_group="fast"))
    assert cloud.needs(nic).requests[0].group == "fast"
    assert cloud.settled(nic).binding.profile == {"pci_group": "fast"}


def test_a_nics_pci_group_becomes_that_of_the_port_it_names(cloud: Asking) -> None:
    cloud.group("fast")
    port = cloud.port(VnicType.MACVTAP)
    nic = cloud.nic(NicWish(port_id=port.id, pci_group="fast"))
    assert cloud.needs(nic).requests[0].group == "fast"
    assert cloud.settled(nic).binding.profile == {"pci_group": "fast"}


def test_a_nic_and_its_port_may_say_the_same_and_not_two_things(cloud: Asking) -> None:
    cloud.group("fast")
    cloud.group("slow")
    port = cloud.port(profile={"pci_group": "fast"})
    assert cloud.request(NicWish(port_id=port.id, pci_group="fast")).group == "fast"
    with pytest.raises(Invalid, match=r"slow.*fast"):
        cloud.nic(NicWish(port_id=port.id, pci_group="slow"))


def test_a_port_without_a_function_refuses_a_nics_pci_group(cloud: Asking) -> None:
    cloud.group("fast")
    nic = cloud.nic(NicWish(port_id=cloud.port(VnicType.NORMAL).id, pci_group="fast"))
    with pytest.raises(Invalid, match="normal takes none"):
        cloud.needs(nic)


def test_a_nic_that_contradicts_itself_is_told_of_and_not_a_port_that_nobody_made(cloud: Asking) -> None:
    cloud.group("fast")
    nic = cloud.nic(NicWish(network_id=cloud.network.id, vnic_type="normal", pci_group="fast"))
    with pytest.raises(Invalid, match=r"the nic on network .* asks for a function of PCI group fast.* normal takes"):
        cloud.needs(nic)


@pytest.mark.parametrize(
    ("nic", "group", "image", "vnic_type"),
    [
        ("macvtap", "direct-physical", "direct", "macvtap"),
        (None, "direct-physical", "macvtap", "direct-physical"),
        (None, None, "macvtap", "macvtap"),
        (None, None, "normal", "direct"),
        (None, None, None, "direct"),
    ],
)
def test_the_vnic_type_of_a_nic_with_a_pci_group_is_one_that_takes_a_function(
    cloud: Asking, nic: str | None, group: str | None, image: str | None, vnic_type: str
) -> None:
    cloud.group("fast", default_vnic_type=group)
    made = cloud.image(**({"mooring_default_vnic_type": image} if image else {}))
    wish = NicWish(network_id=cloud.network.id, vnic_type=nic, pci_group="fast")
    assert cloud.nic(wish, made).port.binding.vnic_type == vnic_type


@pytest.mark.parametrize(
    ("nic", "image", "network", "vnic_type"),
    [
        ("normal", "direct", "macvtap", "normal"),
        (None, "direct", "macvtap", "direct"),
        (None, None, "macvtap", "macvtap"),
        (None, None, None, "normal"),
    ],
)
def test_the_vnic_type_of_a_nic_is_its_own_else_the_images_else_the_networks(
    cloud: Asking, nic: str | None, image: str | None, network: str | None, vnic_type: str
) -> None:
    wish = NetworkWish(cloud.network.project_id, "green", default_vnic_type=network)
    wish = replace(wish, segments=(SegmentWish("vlan", "physnet1", 200),))
    made = cloud.write(lambda tx: create_network(tx, cloud.world, cloud.admin, wish))
    shown = cloud.nic(
        NicWish(network_id=made.id, vnic_type=nic),
        cloud.image(**({"mooring_default_vnic_type": image} if image else {})),
    )
    assert shown.port.binding.vnic_type == vnic_type
