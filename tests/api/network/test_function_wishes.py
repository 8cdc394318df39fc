"""What a port asks of its function: said by its owner, who may say nothing else of ``binding:profile``."""

from typing import Any

import pytest

from mooring.model.group import PciSelector
from mooring.service.groups import GroupWish, create_group
from mooring.testing.cloud import ADMIN
from tests.api.network.neutron import BASE, Neutron

ASKED = {"pci_group": "fast", "pci_features": "tso,rx"}
SETTLED = {"pci_group": "fast", "pci_features": ["rx", "tso"]}
SLOT = {"pci_slot": "0000:3b:0a.0", "pci_vendor_info": "8086:10ca", "physical_network": "physnet1"}


@pytest.fixture(autouse=True)
def groups(neutron: Neutron) -> None:
    """PCI groups for all, and one for a project that nobody here is in."""
    store, world = neutron.nobody.controller.store, neutron.world
    theirs = neutron.project(neutron.other)
    wishes = [GroupWish(name, (PciSelector(vendor_id="8086"),)) for name in ("fast", "slow")]
    wishes.append(GroupWish("theirs", (PciSelector(vendor_id="15b3"),), projects=(theirs,)))
    for wish in wishes:
        store.write_now(lambda tx, wish=wish: create_group(tx, world, ADMIN, wish))  # type: ignore[misc]  # bound at once


def profile(neutron: Neutron, port: dict[str, Any], who: Any = None) -> object:
    return neutron.show("port", port["id"], who or neutron.member).get("binding:profile")


def test_a_member_says_what_the_port_asks_for_and_sees_it(neutron: Neutron) -> None:
    port = neutron.port(neutron.vlan_network(), **{"binding:vnic_type": "direct", "binding:profile": ASKED})
    assert port["binding:profile"] == SETTLED
    assert profile(neutron, port, neutron.reader) == SETTLED
    assert profile(neutron, port, neutron.nova) == SETTLED


def test_a_member_sees_nothing_else_of_the_profile(neutron: Neutron) -> None:
    attributes = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": {**SLOT, **SETTLED}}
    port = neutron.port(neutron.vlan_network(), neutron.nova, project_id=neutron.project(neutron.member), **attributes)
    assert profile(neutron, port) == SETTLED
    assert profile(neutron, port, neutron.nova) == {**SLOT, **SETTLED}


def test_a_members_change_leaves_the_rest_of_the_profile_alone(neutron: Neutron) -> None:
    more = {"project_id": neutron.project(neutron.member), "binding:profile": {"own": 1, "pci_min_rate_mbps": 5}}
    port = neutron.port(neutron.vlan_network(), neutron.nova, **more)
    answer = neutron.change("port", port["id"], **{"binding:profile": {"pci_group": "slow"}})
    assert answer.body["port"]["binding:profile"] == {"pci_group": "slow", "pci_min_rate_mbps": 5}
    assert profile(neutron, port, neutron.nova) == {"own": 1, "pci_group": "slow", "pci_min_rate_mbps": 5}
    neutron.change("port", port["id"], **{"binding:profile": {"pci_group": None}})
    assert profile(neutron, port, neutron.nova) == {"own": 1, "pci_min_rate_mbps": 5}


def test_a_member_promises_itself_no_rate(neutron: Neutron) -> None:
    port = neutron.port(neutron.vlan_network())
    before = neutron.dump()
    answer = neutron.change("port", port["id"], **{"binding:profile": {"pci_min_rate_mbps": 5}})
    assert answer.status == 403
    assert neutron.dump() == before


def test_an_admin_asks_too_and_writes_nothing_else(neutron: Neutron) -> None:
    port = neutron.port(neutron.vlan_network(), neutron.admin, **{"binding:profile": {"pci_group": "theirs"}})
    assert port["binding:profile"] == {"pci_group": "theirs"}
    answer = neutron.change("port", port["id"], neutron.admin, **{"binding:profile": {"pci_group": "fast", "own": 1}})
    assert answer.status == 403
    assert "pci_features and pci_group" in answer.body["NeutronError"]["message"]


def test_a_group_of_another_project_is_as_if_it_were_not_there(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    port = neutron.port(network)
    before = neutron.dump()
    for name in ("theirs", "nobodys"):
        asked = {"binding:profile": {"pci_group": name}}
        made = neutron.member.post(f"{BASE}/ports", {"port": {"network_id": network["id"], **asked}})
        for answer in (made, neutron.change("port", port["id"], **asked)):
            assert answer.status == 400
            assert f"PCI group {name} could not be found" in answer.body["NeutronError"]["message"]
    assert neutron.dump() == before


@pytest.mark.parametrize("policy", [None, "required", "preferred", "legacy", "socket"])
def test_a_numa_policy_is_kept_and_can_be_taken_back(neutron: Neutron, policy: str | None) -> None:
    port = neutron.port(neutron.vlan_network(), numa_affinity_policy=policy)
    assert port["numa_affinity_policy"] == policy
    assert neutron.change("port", port["id"], numa_affinity_policy=None).body["port"]["numa_affinity_policy"] is None


def test_the_numa_policy_of_a_bound_port_does_not_change(neutron: Neutron) -> None:
    attributes = {"binding:vnic_type": "direct", "binding:host_id": "cn1"}
    port = neutron.port(neutron.vlan_network(), neutron.nova, numa_affinity_policy="legacy", **attributes)
    answer = neutron.change("port", port["id"], neutron.nova, numa_affinity_policy="required")
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "PortBoundNUMAAffinityPolicy")
    assert neutron.change("port", port["id"], neutron.nova, numa_affinity_policy="legacy").status == 200


def test_the_extensions_say_that_ports_have_numa_policies(neutron: Neutron) -> None:
    aliases = {row["alias"] for row in neutron.member.get(f"{BASE}/extensions").body["extensions"]}
    assert {"port-numa-affinity-policy", "port-numa-affinity-policy-socket"} <= aliases
