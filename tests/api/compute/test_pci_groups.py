"""Functions of PCI groups through the compute API: nics that ask for them, and flavors that do."""

from dataclasses import replace
from typing import Any

import pytest

from mooring.model.group import PciSelector
from mooring.model.port import VnicType
from mooring.service.groups import GroupWish, create_group
from mooring.store.claims import CLAIMS
from mooring.store.images import IMAGES
from mooring.store.ports import PORTS
from mooring.store.tx import Tx
from mooring.testing.cloud import ADMIN
from tests.api.compute.cloud import BASE, VFS, Compute, at

SERVERS = f"{BASE}/servers"


def group(compute: Compute, name: str, **selector: Any) -> None:
    wish = GroupWish(name, (PciSelector(**selector),))
    world = compute.cloud.controller.world
    compute.cloud.controller.store.write_now(lambda tx: create_group(tx, world, ADMIN, wish))


def ports_of(compute: Compute, server: str) -> list[tuple[VnicType, object]]:
    """(vnic type, PCI group) of each nic of a server."""
    shown = compute.member.get(f"{SERVERS}/{server}/os-interface").body["interfaceAttachments"]
    ids = [row["port_id"] for row in shown]
    stored = compute.cloud.controller.store.read_now(lambda tx: [PORTS.get(tx, ident) for ident in ids])
    return [(port.binding.vnic_type, port.binding.profile.get("pci_group")) for port in stored if port is not None]


@pytest.mark.parametrize("key", ["pci-group", "pci-flavor", "pci-alias"])
def test_a_nic_gets_as_many_ports_as_it_counts_each_with_a_function_of_the_group(compute: Compute, key: str) -> None:
    group(compute, "fast", vendor_id="8086")
    server = compute.boot(networks=[{"uuid": compute.network, key: "fast:2"}, {"uuid": compute.network}])
    assert compute.show(server)["status"] == "ACTIVE"
    assert ports_of(compute, server) == [(VnicType.DIRECT, "fast")] * 2 + [(VnicType.NORMAL, None)]


def test_a_group_without_a_function_on_the_network_puts_the_server_in_error_with_why(compute: Compute) -> None:
    group(compute, "other", vendor_id="15b3")
    shown = compute.show(compute.boot(networks=[{"uuid": compute.network, "pci-group": "other"}]))
    assert shown["status"] == "ERROR"
    assert "PCI group other" in shown["fault"]["message"]


def test_a_group_that_is_not_there_is_refused_and_nothing_is_made(compute: Compute) -> None:
    answer = compute.create(networks=[{"uuid": compute.network, "pci-group": "nowhere"}])
    assert answer.status == 400
    assert "PCI group nowhere could not be found" in answer.body["badRequest"]["message"]
    assert compute.member.get(SERVERS).body == {"servers": []}


def test_an_interface_with_a_group_is_attached_to_a_running_server(compute: Compute) -> None:
    group(compute, "fast", vendor_id="8086")
    server = compute.boot()
    nic = {"interfaceAttachment": {"net_id": compute.network, "vnic-type": "macvtap", "pci-group": "fast:1"}}
    answer = compute.member.send("POST", f"{SERVERS}/{server}/os-interface", nic, at("2.70"))
    assert answer.status == 200, answer.body
    compute.cloud.settle()
    assert ports_of(compute, server) == [(VnicType.NORMAL, None), (VnicType.MACVTAP, "fast")]


def test_a_nics_group_may_name_a_port_that_takes_a_function(compute: Compute) -> None:
    group(compute, "fast", vendor_id="8086")
    port, plain = compute.port(VnicType.DIRECT).id, compute.port(VnicType.NORMAL).id
    refused = compute.create(networks=[{"port": plain, "pci-group": "fast"}])
    assert refused.status == 400
    assert "normal takes none" in refused.body["badRequest"]["message"]
    assert ports_of(compute, compute.boot(networks=[{"port": port, "pci-group": "fast"}])) == [
        (VnicType.DIRECT, "fast")
    ]


def test_a_flavors_alias_claims_functions_that_have_no_port(compute: Compute) -> None:
    group(compute, "cards", vendor_id="8086")
    specs = {"extra_specs": {"pci_passthrough:alias": "cards:2"}}
    assert compute.admin.post(f"{BASE}/flavors/2/os-extra_specs", specs).status == 200
    server = compute.boot(flavorRef="2", networks="none")
    assert compute.show(server)["status"] == "ACTIVE"
    held = compute.cloud.controller.store.read_now(lambda tx: list(CLAIMS.where(tx, server_id=server)))
    assert [(claim.port_id, claim.request_id) for claim in held] == [(None, "cards")] * 2
    late = compute.boot("late", flavorRef="2", networks=[{"uuid": compute.network, "pci-group": "cards:1"}])
    assert compute.show(late)["status"] == "ERROR", f"{VFS - 2} are left, and 3 are wanted"


def tell_image(compute: Compute, **properties: str) -> None:
    def story(tx: Tx) -> None:
        image = IMAGES.get(tx, compute.image)
        assert image is not None
        IMAGES.update(tx, replace(image, properties=properties))

    compute.cloud.controller.store.write_now(story)


def test_an_image_says_the_vnic_type_of_nics_that_say_none(compute: Compute) -> None:
    tell_image(compute, mooring_default_vnic_type="macvtap")
    nics = [{"uuid": compute.network}, {"uuid": compute.network, "vnic-type": "normal"}]
    assert ports_of(compute, compute.boot(networks=nics)) == [(VnicType.MACVTAP, None), (VnicType.NORMAL, None)]


def test_an_image_cannot_override_its_flavor(compute: Compute) -> None:
    specs = {"extra_specs": {"hw:pci_numa_affinity_policy": "required"}}
    assert compute.admin.post(f"{BASE}/flavors/2/os-extra_specs", specs).status == 200
    tell_image(compute, hw_pci_numa_affinity_policy="legacy")
    answer = compute.create(flavorRef="2")
    assert answer.status == 400
    assert "hw_pci_numa_affinity_policy=legacy" in answer.body["badRequest"]["message"]
    assert compute.create(flavorRef="1").status == 202
