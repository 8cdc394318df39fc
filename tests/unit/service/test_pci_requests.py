"""What a server asks of its host's PCI functions, from its ports, its flavor and its image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.errors import Conflict, Forbidden, Invalid
from mooring.model.group import PciSelector
from mooring.model.identity import Caller
from mooring.model.pci import FunctionKind
from mooring.model.port import VnicType
from mooring.model.request import NumaPolicy, PciRequest, Spread
from mooring.service.flavors import set_extra_specs
from mooring.service.groups import delete_group
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.pci_requests import ServerNeeds, requests_of_nic
from mooring.service.ports import update_port
from mooring.service.server_ports import NicWish
from mooring.store.ports import PORTS
from mooring.testing.controller import project_id
from tests.unit.service.asking import Asking, asking_at

VF, PF, PCI = FunctionKind.VF, FunctionKind.PF, FunctionKind.PCI


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Asking]:
    with asking_at(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("vnic_type", "kinds"),
    [(VnicType.DIRECT, {VF}), (VnicType.MACVTAP, {VF}), (VnicType.DIRECT_PHYSICAL, {PF})],
)
def test_a_ports_vnic_type_says_what_kind_of_function_it_takes(
    cloud: Asking, vnic_type: VnicType, kinds: set[FunctionKind]
) -> None:
    port = cloud.port(vnic_type)
    of_a_vf = False if kinds == {VF} else None
    assert cloud.request(port) == PciRequest(
        port.id, frozenset(kinds), frozenset({"physnet1"}), has_port_profile=of_a_vf, is_switchdev=of_a_vf
    )


def test_an_ordinary_port_asks_for_no_function(cloud: Asking) -> None:
    assert cloud.needs(cloud.nic(cloud.port(VnicType.NORMAL))) == ServerNeeds()


def test_a_port_reaches_the_physical_networks_of_all_its_segments(cloud: Asking) -> None:
    wish = NetworkWish("p", "two", segments=(SegmentWish("vlan", "physnet1", 7), SegmentWish("vlan", "physnet2", 7)))
    two = cloud.write(lambda tx: create_network(tx, cloud.world, cloud.admin, replace(wish, shared=True)))
    assert cloud.request(NicWish(network_id=two.id, vnic_type="direct")).physical_networks == frozenset(
        {"physnet1", "physnet2"}
    )


def test_a_tunnelled_network_has_no_physical_network_that_would_do(cloud: Asking) -> None:
    nic = cloud.nic(cloud.port())
    tunnelled = replace(nic, segments=tuple(replace(segment, physical_network="") for segment in nic.segments))
    (request,) = cloud.needs(tunnelled).requests
    assert request.physical_networks == frozenset()


def test_all_that_a_port_says_of_its_function_is_in_its_request(cloud: Asking) -> None:
    cloud.group("fast")
    profile = {"pci_group": "fast", "pci_features": ["rx"], "pci_min_rate_mbps": 500}
    port = cloud.port(profile=profile, trusted=True, numa_affinity_policy="socket")
    assert cloud.request(port) == PciRequest(
        port.id, frozenset({VF}), frozenset({"physnet1"}), group="fast", trusted=True, features=frozenset({"rx"}),
        numa_policy=NumaPolicy.SOCKET, min_rate_mbps=500, has_port_profile=False, is_switchdev=False,
    )  # fmt: skip


def test_a_port_that_takes_no_function_cannot_ask_anything_of_one(cloud: Asking) -> None:
    port = cloud.port(VnicType.NORMAL, profile={"pci_min_rate_mbps": 500})
    with pytest.raises(Invalid, match=f"port {port.id} asks for a PCI function.*normal takes none"):
        cloud.needs(cloud.nic(port))


@pytest.mark.parametrize("of_port", [None, "required"])
@pytest.mark.parametrize("of_flavor", [None, "preferred"])
@pytest.mark.parametrize("of_image", [None, "preferred"])
def test_the_numa_policy_is_the_ports_else_the_flavors_else_the_images(
    cloud: Asking, of_port: str | None, of_flavor: str | None, of_image: str | None
) -> None:
    flavor = cloud.flavor(**({"hw__pci_numa_affinity_policy": of_flavor} if of_flavor else {}))
    image = cloud.image(**({"hw_pci_numa_affinity_policy": of_image} if of_image else {}))
    request = cloud.request(cloud.port(numa_affinity_policy=of_port), flavor=flavor, image=image)
    assert request.numa_policy == (of_port or of_flavor or of_image)


def test_a_flavors_features_are_asked_of_every_port_besides_its_own(cloud: Asking) -> None:
    flavor = cloud.flavor(pci__features="tso,rx")
    assert cloud.request(cloud.port(profile={"pci_features": ["rxhash"]}), flavor=flavor).features == {
        "rx", "rxhash", "tso",
    }  # fmt: skip
    assert cloud.needs(cloud.nic(cloud.port(VnicType.NORMAL)), flavor=flavor).requests == ()


# Flavors and images


def test_an_alias_asks_for_functions_of_pci_groups_without_a_network(cloud: Asking) -> None:
    cloud.group("gpu", PciSelector(vendor_id="10de"))
    cloud.group("nvme", PciSelector(vendor_id="144d"))
    flavor = cloud.flavor(
        pci_passthrough__alias="gpu:2,nvme:1", hw__pci_numa_affinity_policy="required", hw__numa_nodes="2",
        pci__spread="numa", pci__features="rx", aggregate_instance_extra_specs__rack="b",
    )  # fmt: skip
    assert cloud.needs(flavor=flavor) == ServerNeeds(
        (
            PciRequest("alias:gpu", frozenset({VF, PCI}), count=2, group="gpu", numa_policy=NumaPolicy.REQUIRED),
            PciRequest("alias:nvme", frozenset({VF, PCI}), count=1, group="nvme", numa_policy=NumaPolicy.REQUIRED),
        ),
        guest_cells=2,
        spread=Spread.NUMA,
        host_properties={"rack": "b"},
    )


@pytest.mark.parametrize(
    ("selected", "kinds"),
    [
        ((None,), {VF, PCI}),
        ((PF,), {PF}),
        ((VF,), {VF}),
        ((VF, PF), {VF, PF}),
        ((None, PF), {VF, PCI, PF}),
    ],
)
def test_an_alias_takes_the_kinds_that_its_group_names_and_a_pf_only_then(
    cloud: Asking, selected: Sequence[FunctionKind | None], kinds: set[FunctionKind]
) -> None:
    cloud.group("any", *(PciSelector(vendor_id=f"808{n}", kind=kind) for n, kind in enumerate(selected)))
    (request,) = cloud.needs(flavor=cloud.flavor(pci_passthrough__alias="any:1")).requests
    assert request.kinds == kinds


def test_a_nic_for_a_running_server_asks_for_itself_only(cloud: Asking) -> None:
    cloud.group("gpu")
    flavor = cloud.flavor(
        pci_passthrough__alias="gpu:1", hw__numa_nodes="2", pci__features="rx", pci__spread="none",
        hw__pci_numa_affinity_policy="preferred", aggregate_instance_extra_specs__rack="b",
    )  # fmt: skip
    nic = cloud.nic(cloud.direct())
    needs = cloud.write(lambda tx: requests_of_nic(tx, cloud.member, flavor, None, nic))
    (request,) = needs.requests
    assert (request.id, request.features, request.numa_policy) == (
        "nic-0", frozenset({"rx"}), NumaPolicy.PREFERRED,
    )  # fmt: skip
    assert needs == ServerNeeds(needs.requests, spread=Spread.NONE)


@pytest.mark.parametrize(
    ("specs", "properties", "words"),
    [
        ({"hw__pci_numa_affinity_policy": "required"}, {"hw_pci_numa_affinity_policy": "legacy"}, "legacy.*required"),
        ({"hw__numa_nodes": "2"}, {"hw_numa_nodes": "2"}, "hw_numa_nodes=2"),
        ({}, {"hw_numa_nodes": "3"}, "cannot be divided evenly among 3"),
    ],
)
def test_a_server_whose_image_contradicts_its_flavor_is_refused(
    cloud: Asking, specs: Mapping[str, str], properties: Mapping[str, str], words: str
) -> None:
    flavor, image = cloud.flavor(**specs), cloud.image(**properties)
    with pytest.raises(Invalid, match=words):
        cloud.needs(flavor=flavor, image=image)


def test_a_flavor_whose_cells_do_not_divide_it_is_refused_when_that_is_said(cloud: Asking) -> None:
    with pytest.raises(Invalid, match="4 vCPUs and 4096 MiB"):
        cloud.flavor(hw__numa_nodes="3")


def test_an_image_property_that_could_not_be_kept_is_refused_when_it_is_set(cloud: Asking) -> None:
    with pytest.raises(Invalid, match="hw_numa_nodes"):
        cloud.image(hw_numa_nodes="none")


# PCI groups that are not there, or not for the caller


def test_a_pci_group_that_is_not_there_is_refused_wherever_it_is_named(cloud: Asking) -> None:
    for ask in (
        lambda: cloud.port(profile={"pci_group": "fast"}),
        lambda: cloud.flavor(pci_passthrough__alias="fast:1"),
        lambda: cloud.nic(NicWish(network_id=cloud.network.id, pci_group="fast")),
        lambda: cloud.request(cloud.direct(pci_group="fast")),
    ):
        with pytest.raises(Invalid, match="PCI group fast could not be found"):
            ask()


def test_a_pci_group_that_went_is_refused_when_a_server_is_made(cloud: Asking) -> None:
    cloud.group("fast")
    port, flavor = cloud.port(profile={"pci_group": "fast"}), cloud.flavor(pci_passthrough__alias="fast:1")
    cloud.write(lambda tx: delete_group(tx, cloud.admin, "fast", is_forced=True))
    with pytest.raises(Invalid, match="PCI group fast"):
        cloud.request(port)
    with pytest.raises(Invalid, match="PCI group fast"):
        cloud.needs(flavor=flavor)
    assert cloud.needs(flavor=cloud.flavor()) == ServerNeeds()


def test_a_pci_group_of_another_project_is_as_if_it_were_not_there(cloud: Asking) -> None:
    other = project_id(cloud.controller, "other")
    cloud.group("theirs", projects=(other,))
    flavor = cloud.flavor(pci_passthrough__alias="theirs:1")
    with pytest.raises(Invalid, match="PCI group theirs could not be found"):
        cloud.needs(flavor=flavor)
    with pytest.raises(Invalid, match="PCI group theirs could not be found"):
        cloud.port(profile={"pci_group": "theirs"})
    assert cloud.needs(flavor=flavor, who=replace(cloud.member, project_id=other)).requests[0].group == "theirs"


def test_an_old_flavor_may_change_beside_the_name_of_a_group_that_went(cloud: Asking) -> None:
    cloud.group("fast")
    flavor = cloud.flavor(pci_passthrough__alias="fast:1")
    cloud.write(lambda tx: delete_group(tx, cloud.admin, "fast", is_forced=True))
    changed = cloud.write(lambda tx: set_extra_specs(tx, cloud.admin, flavor.id, {"pci:spread": "none"}))
    assert changed.extra_specs == {"pci_passthrough:alias": "fast:1", "pci:spread": "none"}


# What a port asks for is its owner's


def test_an_owner_replaces_what_the_port_asks_for_and_nothing_else_of_the_profile(cloud: Asking) -> None:
    cloud.group("fast")
    port = cloud.port(profile={"pci_min_rate_mbps": 7, "own": 1})
    changed = cloud.write(
        lambda tx: update_port(tx, cloud.world, cloud.member, port.id, {"profile": {"pci_group": "fast"}})
    )
    assert changed.binding.profile == {"pci_group": "fast", "pci_min_rate_mbps": 7, "own": 1}


def test_an_owner_takes_back_what_the_port_asks_for_by_leaving_it_out(cloud: Asking) -> None:
    cloud.group("fast")
    port = cloud.port(profile={"pci_group": "fast", "pci_features": ["rx"], "pci_min_rate_mbps": 7, "own": 1})

    def say(who: Caller, profile: dict[str, object]) -> Mapping[str, object]:
        changed = cloud.write(lambda tx: update_port(tx, cloud.world, who, port.id, {"profile": profile}))
        return changed.binding.profile

    assert say(cloud.member, {"pci_features": ["rx"], "pci_min_rate_mbps": 7}) == {
        "pci_features": ["rx"], "pci_min_rate_mbps": 7, "own": 1,
    }  # fmt: skip
    assert say(cloud.member, {}) == {"pci_min_rate_mbps": 7, "own": 1}
    assert say(cloud.admin, {"pci_group": "fast", "own": 1})["pci_group"] == "fast"


@pytest.mark.parametrize(
    ("who", "profile"),
    [
        ("member", {"pci_min_rate_mbps": 8}), ("member", {"own": 1}), ("member", {"trusted": True}),
        ("member", {"pci_slot": "0000:81:10.0"}), ("admin", {"own": 2}), ("admin", {"trusted": False}),
        ("admin", {"pci_group": "fast", "another": 1}), ("member", {}), ("admin", {"own": 1}),
    ],
)  # fmt: skip
def test_all_but_the_service_role_is_refused_what_it_was_not_shown(
    cloud: Asking, who: str, profile: Mapping[str, object]
) -> None:
    cloud.group("fast")
    port = cloud.port(profile={"pci_min_rate_mbps": 7, "own": 1, "trusted": True})
    with pytest.raises(Forbidden, match="binding:profile"):
        cloud.write(lambda tx: update_port(tx, cloud.world, getattr(cloud, who), port.id, {"profile": profile}))


@pytest.mark.parametrize("change", [{"profile": {"pci_group": "fast"}}, {"numa_affinity_policy": "socket"}])
def test_what_a_servers_port_asks_for_does_not_change_under_it(cloud: Asking, change: Mapping[str, object]) -> None:
    cloud.group("fast")
    port = cloud.settled(cloud.nic(cloud.port()))
    with pytest.raises(Conflict, match="in use by server"):
        cloud.write(lambda tx: update_port(tx, cloud.world, cloud.member, port.id, change))
    stored = cloud.controller.store.read_now(lambda tx: PORTS.get(tx, port.id))
    assert stored is not None
    assert (stored.binding.profile, stored.numa_affinity_policy) == ({}, None)
