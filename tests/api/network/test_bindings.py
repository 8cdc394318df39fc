"""Binding through the API, as a service does it: at once, with the reason where nobody binds, one port to a device."""

from typing import Any

import pytest

from tests.api.network.neutron import BASE, Neutron, run_server

SLOT = {"pci_slot": "0000:3b:0a.0", "pci_vendor_info": "8086:10ca", "physical_network": "physnet1"}


def test_direct_port_is_bound_with_the_vlan_of_its_network(neutron: Neutron) -> None:
    network = neutron.vlan_network(123)
    attributes = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": SLOT}
    port = neutron.port(network, neutron.nova, **attributes)
    assert port["binding:vif_type"] == "hw_veb"
    assert port["binding:profile"] == SLOT
    assert port["binding:vif_details"] == {
        "port_filter": False, "connectivity": "l2", "vlan": "123", "bound_drivers": {"0": "sriovnicswitch"},
    }  # fmt: skip
    assert port["status"] == "DOWN"


def test_normal_port_is_bound_to_the_bridge_of_its_host(neutron: Neutron) -> None:
    port = neutron.port(neutron.vlan_network(5, "physnet2"), neutron.nova, **{"binding:host_id": "cn2"})
    assert (port["binding:vif_type"], port["binding:vif_details"]["bridge_name"]) == ("bridge", "br-2")


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"binding:vnic_type": "direct", "binding:host_id": "nohost"}, "host nohost has no NIC Switch agent"),
        ({"binding:vnic_type": "normal", "binding:host_id": "cn1"}, "bridges"),
        ({"binding:vnic_type": "baremetal", "binding:host_id": "cn1"}, "vnic type baremetal"),
    ],
)
def test_port_that_nobody_binds_is_made_and_tells_the_privileged_why(
    neutron: Neutron, attributes: dict[str, object], why: str
) -> None:
    port = neutron.port(neutron.vlan_network(), neutron.nova, **attributes)
    assert port["binding:vif_type"] == "binding_failed"
    assert why in port["binding:vif_details"]["binding_failed"]


def test_dead_host_is_not_bound_to(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    neutron.clock.advance(neutron.world.config.agent_down_s)
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn1"})
    assert "is dead" in port["binding:vif_details"]["binding_failed"]


def test_failed_binding_is_tried_again_when_the_host_is_named_again(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn3"})
    answer = neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": "cn1"})
    assert answer.body["port"]["binding:vif_type"] == "hw_veb"


def test_unbinding_takes_the_device_out_of_the_profile_and_leaves_the_rest(neutron: Neutron) -> None:
    attributes = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": {**SLOT, "own": 1}}
    port = neutron.port(neutron.vlan_network(), neutron.nova, **attributes)
    shown = neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": None}).body["port"]
    assert (shown["binding:vif_type"], shown["binding:host_id"]) == ("unbound", "")
    assert (shown["binding:vif_details"], shown["binding:profile"]) == ({}, {"own": 1})


def test_one_device_of_a_host_is_one_ports(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    attributes: dict[str, Any] = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": SLOT}
    shouted = {**SLOT, "pci_slot": "0000:3B:0A.0"}
    holder = neutron.port(network, neutron.nova, **{**attributes, "binding:profile": shouted})
    answer = neutron.nova.post(f"{BASE}/ports", {"port": {"network_id": network["id"], **attributes}})
    assert answer.status == 409
    assert holder["id"] in answer.body["NeutronError"]["message"]
    assert (
        neutron.port(network, neutron.nova, **{**attributes, "binding:host_id": "cn2"})["binding:vif_type"] == "hw_veb"
    )


def test_servers_device_is_not_another_ports(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    _, holder = run_server(neutron, network, slot="0000:3b:0a.0")
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct"})
    change = {"binding:host_id": "cn2", "binding:profile": SLOT}
    answer = neutron.change("port", port["id"], neutron.nova, **change)
    assert answer.status == 409
    assert holder in answer.body["NeutronError"]["message"]
    assert port["id"] in answer.body["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("change", "code"),
    [({"binding:vnic_type": "macvtap"}, "PortInUse"), ({"mac_address": "02:00:00:00:00:01"}, "PortBound")],
)
def test_bound_port_keeps_its_vnic_type_and_mac(neutron: Neutron, change: dict[str, object], code: str) -> None:
    attributes = {"binding:vnic_type": "direct", "binding:host_id": "cn1"}
    port = neutron.port(neutron.vlan_network(), neutron.nova, **attributes)
    answer = neutron.change("port", port["id"], neutron.nova, **change)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, code)


def test_owner_does_not_change_the_device_of_a_bound_port(neutron: Neutron) -> None:
    attributes: dict[str, Any] = {"device_id": "one", "binding:vnic_type": "direct"}
    port = neutron.port(neutron.vlan_network(), **attributes)
    neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": "cn1"})
    changes: list[dict[str, Any]] = [{"device_id": "two"}, {"device_owner": "network:dhcp"}]
    for change in changes:
        assert neutron.change("port", port["id"], neutron.member, **change).status == 409
        assert neutron.change("port", port["id"], neutron.nova, **change).status == 200


def test_trust_stands_in_the_profile_where_nova_reads_it(neutron: Neutron) -> None:
    port = neutron.port(neutron.vlan_network(), neutron.admin, trusted=True)
    assert (port["trusted"], port["binding:profile"]) == (True, {"trusted": True})
    shown = neutron.change("port", port["id"], neutron.admin, trusted=False).body["port"]
    assert (shown["trusted"], shown["binding:profile"]) == (False, {"trusted": False})


@pytest.mark.parametrize("word", [True, "true", "True", "1", "yes"])
def test_trust_in_the_profile_is_the_ports_trust(neutron: Neutron, word: object) -> None:
    network = neutron.vlan_network()
    port = neutron.port(network, neutron.nova, **{"binding:profile": {"trusted": word, "own": 1}})
    assert (port["trusted"], port["binding:profile"]) == (True, {"trusted": True, "own": 1})
    shown = neutron.change("port", port["id"], neutron.nova, **{"binding:profile": {"own": 2}}).body["port"]
    assert (shown["trusted"], shown["binding:profile"]) == (True, {"trusted": True, "own": 2})


@pytest.mark.parametrize("profile", [{"trusted": "perhaps"}, {"trusted": 1}, {"trusted": {"a": True}}])
def test_trust_that_is_no_yes_and_no_no_is_refused(neutron: Neutron, profile: dict[str, object]) -> None:
    body = {"network_id": neutron.vlan_network()["id"], "binding:profile": profile}
    answer = neutron.nova.post(f"{BASE}/ports", {"port": body})
    assert answer.status == 400
    assert "trusted" in answer.body["NeutronError"]["message"]


def test_trust_that_is_said_twice_is_said_alike(neutron: Neutron) -> None:
    body = {"network_id": neutron.vlan_network()["id"], "trusted": False, "binding:profile": {"trusted": True}}
    assert neutron.nova.post(f"{BASE}/ports", {"port": body}).status == 400
    assert neutron.nova.post(f"{BASE}/ports", {"port": {**body, "trusted": True}}).status == 201


WHOLE = {
    "pci_slot": "0000:81:00.0", "pci_vendor_info": "8086:10c9", "physical_network": "physnet1",
    "device_mac_address": "52:54:00:AA:BB:01",
}  # fmt: skip


def bound_whole(neutron: Neutron, network: dict[str, Any], **more: object) -> dict[str, Any]:
    attributes = {"binding:vnic_type": "direct-physical", "binding:host_id": "cn1", "binding:profile": WHOLE}
    return neutron.port(network, neutron.nova, **{**attributes, **more})


def test_port_of_a_whole_pf_has_its_mac_and_the_slaac_address_of_that_while_it_has_the_pf(neutron: Neutron) -> None:
    network = neutron.vlan_network(123)
    neutron.subnet(network)
    neutron.subnet(network, "2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    port = bound_whole(neutron, network)
    assert port["binding:vif_type"] == "hostdev_physical"
    assert port["binding:vif_details"]["vlan"] == "123"
    assert port["status"] == "DOWN", "nobody has shown yet that the guest has it"
    assert port["mac_address"] == port["binding:profile"]["device_mac_address"] == "52:54:00:aa:bb:01"
    assert [ip["ip_address"] for ip in port["fixed_ips"]] == ["192.0.2.2", "2001:db8::5054:ff:feaa:bb01"]
    shown = neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": None}).body["port"]
    assert shown["binding:profile"] == {}
    assert shown["mac_address"].startswith("fa:16:3e:"), "a fresh one, so that the PF's is free for the next port"
    assert shown["fixed_ips"][0]["ip_address"] == "192.0.2.2"
    assert "feaa:bb01" not in shown["fixed_ips"][1]["ip_address"]
    assert bound_whole(neutron, network)["mac_address"] == "52:54:00:aa:bb:01"


def test_port_that_moves_to_another_pf_takes_its_mac_along(neutron: Neutron) -> None:
    port = bound_whole(neutron, neutron.vlan_network())
    other = {**WHOLE, "pci_slot": "0000:82:00.0", "device_mac_address": "52:54:00:aa:bb:02"}
    change = {"binding:host_id": "cn2", "binding:profile": other}
    shown = neutron.change("port", port["id"], neutron.nova, **change).body["port"]
    assert (shown["mac_address"], shown["binding:host_id"]) == ("52:54:00:aa:bb:02", "cn2")


def test_pf_whose_mac_another_port_of_the_network_has_is_a_conflict(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    neutron.port(network, mac_address="52:54:00:aa:bb:01")
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct-physical"})
    change = {"binding:host_id": "cn1", "binding:profile": WHOLE}
    answer = neutron.change("port", port["id"], neutron.nova, **change)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "MacAddressInUse")


def test_vf_keeps_the_mac_of_its_port_whatever_the_profile_says(neutron: Neutron) -> None:
    port = bound_whole(neutron, neutron.vlan_network(), **{"binding:vnic_type": "direct"})
    assert port["mac_address"].startswith("fa:16:3e:")


def test_device_mac_that_is_none_is_refused(neutron: Neutron) -> None:
    profile = {**WHOLE, "device_mac_address": "01:00:5e:00:00:01"}
    body = {"network_id": neutron.vlan_network()["id"], "binding:profile": profile}
    answer = neutron.nova.post(f"{BASE}/ports", {"port": body})
    assert answer.status == 400
    assert "device_mac_address" in answer.body["NeutronError"]["message"]


@pytest.mark.parametrize(("vlan", "status"), [(77, 201), ("77", 201), (78, 409)])
def test_profiles_vlan_is_the_networks(neutron: Neutron, vlan: object, status: int) -> None:
    network = neutron.vlan_network(77)
    body = {"network_id": network["id"], "binding:profile": {"vlan": vlan}}
    assert neutron.nova.post(f"{BASE}/ports", {"port": body}).status == status


def test_port_of_a_multi_segment_network_is_bound_to_the_segment_that_its_device_reaches(neutron: Neutron) -> None:
    segments = [
        {
            "provider:network_type": "vlan",
            "provider:physical_network": f"physnet{n}",
            "provider:segmentation_id": 10 * n,
        }
        for n in (1, 2)
    ]
    network = neutron.network(neutron.admin, segments=segments)
    for physnet, vlan in (("physnet2", "20"), ("physnet1", "10")):
        profile = {"physical_network": physnet, "pci_slot": f"0000:81:10.{vlan[0]}"}
        attributes = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": profile}
        assert neutron.port(network, neutron.nova, **attributes)["binding:vif_details"]["vlan"] == vlan
