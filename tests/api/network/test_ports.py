"""Ports: their addresses and MACs, what an update may change, and what a delete gives back."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mooring.api.network.routes import ROUTES
from mooring.config import ControllerConfig
from mooring.model.port import PortFault, PortStatus
from mooring.model.request import Claim
from mooring.model.vf import LinkState, VfSettings
from mooring.store import claims
from mooring.store.claims import CLAIMS
from mooring.store.ports import PORTS
from mooring.store.tx import Tx
from mooring.testing.in_process import serving
from mooring.testing.outside import SeededIds
from tests.api.network.neutron import BASE, RANGES, Neutron, run_server, stop_server

SLAAC = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


def addresses(port: dict[str, object]) -> list[str]:
    fixed_ips = port["fixed_ips"]
    assert isinstance(fixed_ips, list)
    return [fixed["ip_address"] for fixed in fixed_ips]


def test_port_gets_the_lowest_free_address_and_gives_it_back(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network)
    first, second = neutron.port(network), neutron.port(network)
    assert (addresses(first), addresses(second)) == (["192.0.2.2"], ["192.0.2.3"])
    assert neutron.member.delete(f"{BASE}/ports/{first['id']}").status == 204
    assert addresses(neutron.port(network)) == ["192.0.2.2"]


def test_port_gets_one_address_of_each_ip_version(neutron: Neutron) -> None:
    network = neutron.network()
    for cidr in ("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/64"):
        neutron.subnet(network, cidr)
    assert addresses(neutron.port(network)) == ["192.0.2.2", "2001:db8::1"]


def test_port_goes_to_the_next_subnet_when_the_first_is_full(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network, "192.0.2.0/30")
    neutron.subnet(network, "198.51.100.0/24")
    neutron.port(network)
    assert addresses(neutron.port(network)) == ["198.51.100.2"]


def test_port_on_a_slaac_subnet_has_the_address_of_its_mac_even_if_none_is_wanted(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network, "2001:db8:9::/64", **SLAAC)
    port = neutron.port(network, fixed_ips=[], mac_address="fa:16:3e:f8:97:bb")
    assert addresses(port) == ["2001:db8:9:0:f816:3eff:fef8:97bb"]


def test_new_slaac_subnet_reaches_the_ports_that_are_there_and_goes_with_its_addresses(neutron: Neutron) -> None:
    network = neutron.network()
    port = neutron.port(network, mac_address="fa:16:3e:00:00:01")
    subnet = neutron.subnet(network, "2001:db8::/64", **SLAAC)
    assert addresses(neutron.show("port", port["id"])) == ["2001:db8::f816:3eff:fe00:1"]
    assert neutron.member.delete(f"{BASE}/subnets/{subnet['id']}").status == 204
    assert addresses(neutron.show("port", port["id"])) == []


def test_named_address_may_lie_outside_of_the_pools(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network, allocation_pools=[{"start": "192.0.2.10", "end": "192.0.2.10"}])
    port = neutron.port(network, fixed_ips=[{"subnet_id": subnet["id"], "ip_address": "192.0.2.200"}])
    assert addresses(port) == ["192.0.2.200"]
    neutron.member.delete(f"{BASE}/ports/{port['id']}")
    assert addresses(neutron.port(network)) == ["192.0.2.10"]
    answer = neutron.member.post(f"{BASE}/ports", {"port": {"network_id": network["id"]}})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "IpAddressGenerationFailure")


def test_subnet_for_routers_gives_no_address_to_a_guest(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network, service_types=["network:router_gateway"])
    answer = neutron.member.post(f"{BASE}/ports", {"port": {"network_id": network["id"]}})
    assert answer.body["NeutronError"]["type"] == "IpAddressGenerationFailureNoMatchingSubnet"


def test_mac_is_one_ports_of_a_network_and_free_on_another(neutron: Neutron) -> None:
    network, other = neutron.network(), neutron.network()
    mac = "02:00:00:00:00:01"
    assert neutron.port(network, mac_address=mac.upper())["mac_address"] == mac
    assert neutron.port(other, mac_address=mac)["mac_address"] == mac


class OneMac(SeededIds):
    """A generator that has only one MAC left."""

    def mac(self) -> str:
        return "fa:16:3e:00:00:01"


def test_port_gets_no_mac_when_every_draw_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path, ROUTES, ControllerConfig(network_vlan_ranges=RANGES), ids=OneMac()) as nobody:
        member = nobody.member()
        network_id = member.post(f"{BASE}/networks", {"network": {}}).body["network"]["id"]
        body = {"port": {"network_id": network_id}}
        assert member.post(f"{BASE}/ports", body).status == 201
        answer = member.post(f"{BASE}/ports", body)
        assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "MacAddressGenerationFailure")


def test_update_of_addresses_keeps_what_is_named_again(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    port = neutron.port(network, fixed_ips=[{"subnet_id": subnet["id"]}, {"ip_address": "192.0.2.77"}])
    wanted = [{"ip_address": "192.0.2.77"}, {"ip_address": "192.0.2.88"}]
    answer = neutron.change("port", port["id"], fixed_ips=wanted)
    assert addresses(answer.body["port"]) == ["192.0.2.77", "192.0.2.88"]
    assert addresses(neutron.port(network)) == ["192.0.2.2"], "the address that was dropped is free again"
    answer = neutron.change("port", port["id"], fixed_ips=[{"subnet_id": subnet["id"]}])
    assert addresses(answer.body["port"]) == ["192.0.2.77"], "an address of the subnet that the port had"


def test_new_mac_gives_a_new_slaac_address(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network)
    neutron.subnet(network, "2001:db8::/64", **SLAAC)
    port = neutron.port(network, mac_address="02:00:00:00:00:01")
    answer = neutron.change("port", port["id"], mac_address="02:00:00:00:00:02")
    assert addresses(answer.body["port"]) == ["192.0.2.2", "2001:db8::ff:fe00:2"]
    fresh = neutron.change("port", port["id"], mac_address=None).body["port"]["mac_address"]
    assert fresh not in ("02:00:00:00:00:01", "02:00:00:00:00:02")


def test_bulk_create_makes_all_or_none(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network, "192.0.2.0/29")
    body = {"ports": [{"network_id": network["id"], "name": f"p{n}", "tags": [f"t{n}"]} for n in range(7)]}
    before = neutron.dump()
    answer = neutron.member.post(f"{BASE}/ports", body)
    assert answer.body["NeutronError"]["type"] == "IpAddressGenerationFailure"
    assert neutron.dump() == before
    answer = neutron.member.post(f"{BASE}/ports", {"ports": body["ports"][:5]})
    assert [(port["name"], port["tags"]) for port in answer.body["ports"]] == [(f"p{n}", [f"t{n}"]) for n in range(5)]


def test_update_without_a_change_makes_no_revision_and_no_event(neutron: Neutron) -> None:
    network = neutron.network()
    port = neutron.port(network, name="same")
    before = neutron.events()
    assert neutron.change("port", port["id"], name="same", fixed_ips=[]).body["port"]["revision_number"] == 1
    assert neutron.events() == before


def test_every_change_of_a_port_is_told(neutron: Neutron) -> None:
    port = neutron.port(neutron.network())
    neutron.change("port", port["id"], name="new")
    neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": "cn1"})
    neutron.member.delete(f"{BASE}/ports/{port['id']}")
    kinds = [kind for kind in neutron.events() if kind.startswith("port.")]
    assert kinds == ["port.created", "port.updated", "port.updated", "port.deleted"]


#: What of a VF may change under its guest, and what the function is to be then.
LIVE: list[tuple[dict[str, object], VfSettings]] = [
    ({"admin_state_up": False}, VfSettings(link_state=LinkState.DISABLE)),
    ({"propagate_uplink_status": False}, VfSettings(link_state=LinkState.ENABLE)),
    ({"admin_state_up": False, "propagate_uplink_status": False}, VfSettings(link_state=LinkState.DISABLE)),
    ({"port_security_enabled": False}, VfSettings(spoof_check=False)),
    ({"trusted": True}, VfSettings(trust=True)),
    ({"binding:profile": {"trusted": "true"}}, VfSettings(trust=True)),
    ({"mac_address": "02:00:00:00:00:09"}, VfSettings(mac="02:00:00:00:00:09")),
]
HELD: list[dict[str, object]] = [
    {"device_id": ""},
    {"device_owner": "mine"},
    {"binding:host_id": "cn1"},
    {"binding:host_id": None},
    {"binding:vnic_type": "macvtap"},
    {"binding:profile": {"a": 1}},
]
BRIDGED = [(None, change) for change, _ in LIVE]


@pytest.mark.parametrize(
    ("slot", "change"),
    [*BRIDGED, *((slot, change) for change in HELD for slot in (None, "0000:81:10.0"))],
    ids=str,
)
def test_what_a_servers_host_was_told_of_its_port_cannot_change(
    neutron: Neutron, slot: str | None, change: dict[str, object]
) -> None:
    server_id, port_id = run_server(neutron, neutron.vlan_network(), slot=slot)
    before = neutron.show("port", port_id)
    answer = neutron.change("port", port_id, neutron.nova, **change)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "PortInUse"), answer.body
    assert server_id in answer.body["NeutronError"]["message"]
    assert neutron.show("port", port_id) == before


def claim_of(neutron: Neutron, port_id: str) -> Claim:
    held = neutron.nobody.controller.store.read_now(lambda tx: claims.of_port(tx, port_id))
    assert held is not None
    return held


@pytest.mark.parametrize(("change", "wanted"), LIVE, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_what_a_pf_can_set_changes_under_the_guest_and_wakes_its_host(
    neutron: Neutron, change: dict[str, object], wanted: VfSettings
) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot="0000:81:10.0")
    before = claim_of(neutron, port_id)
    answer = neutron.change("port", port_id, neutron.nova, **change)
    assert answer.status == 200, answer.body
    after = claim_of(neutron, port_id)
    given = {f.name: value for f in fields(wanted) if (value := getattr(wanted, f.name)) is not None}
    assert {name: getattr(after.desired, name) for name in given} == given
    assert (after.desired.vlan, after.generation) == (before.desired.vlan, before.generation)
    assert neutron.woken() == "cn2"


def test_a_change_that_is_none_of_the_vfs_business_wakes_nobody(neutron: Neutron) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot="0000:81:10.0")
    before = claim_of(neutron, port_id)
    assert neutron.change("port", port_id, name="new").status == 200
    assert claim_of(neutron, port_id) == before
    assert neutron.woken() is None


def test_an_update_of_a_servers_port_to_what_it_is_writes_nothing(neutron: Neutron) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot="0000:81:10.0")
    before = neutron.dump()
    same: dict[str, Any] = {"admin_state_up": True, "port_security_enabled": True, "propagate_uplink_status": True}
    assert neutron.change("port", port_id, **same).status == 200
    assert neutron.dump() == before


def test_a_port_whose_function_is_on_its_way_back_does_not_change(neutron: Neutron) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot="0000:81:10.0")
    held = claim_of(neutron, port_id)
    neutron.nobody.controller.store.write_now(lambda tx: CLAIMS.update(tx, replace(held, is_releasing=True)))
    answer = neutron.change("port", port_id, admin_state_up=False)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "PortInUse")


FAULT = PortFault("PF (hidden) has no carrier", "PF ens1f0 has no carrier")


def test_the_owner_reads_why_a_port_is_down_without_the_hosts_names(neutron: Neutron) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot="0000:81:10.0")
    assert "mooring:fault" not in neutron.show("port", port_id)

    def break_it(tx: Tx) -> None:
        port = PORTS.get(tx, port_id)
        assert port is not None
        PORTS.update(tx, replace(port, status=PortStatus.DOWN, fault=FAULT))

    neutron.nobody.controller.store.write_now(break_it)
    owners, admins = neutron.show("port", port_id, neutron.member), neutron.show("port", port_id, neutron.admin)
    assert owners["mooring:fault"] == owners["binding:vif_details"]["fault"] == FAULT.message
    assert owners["binding:vif_details"].keys() == {"fault"}, "what the openstack command shows, and nothing more"
    assert admins["mooring:fault"] == admins["binding:vif_details"]["fault"] == FAULT.details
    listed = neutron.member.get(f"{BASE}/ports?status=DOWN&fields=mooring:fault").body["ports"]
    assert {"mooring:fault": FAULT.message} in listed
    refused = neutron.change("port", port_id, neutron.nova, **{"mooring:fault": "none"})
    assert "read-only" in refused.body["NeutronError"]["message"]


@pytest.mark.parametrize("slot", [None, "0000:81:10.0"])
def test_name_of_a_servers_port_can_change(neutron: Neutron, slot: str | None) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot=slot)
    same = neutron.show("port", port_id)["mac_address"]
    assert neutron.change("port", port_id, name="new", mac_address=same).status == 200


@pytest.mark.parametrize("slot", [None, "0000:81:10.0"])
def test_port_of_a_server_is_deleted_with_the_server_only(neutron: Neutron, slot: str | None) -> None:
    server_id, port_id = run_server(neutron, neutron.vlan_network(), slot=slot)
    answer = neutron.member.delete(f"{BASE}/ports/{port_id}")
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "PortInUse")
    assert server_id in answer.body["NeutronError"]["message"]
    stop_server(neutron, server_id)
    assert neutron.member.delete(f"{BASE}/ports/{port_id}").status == 204


def test_port_does_not_become_a_servers_by_saying_so(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    server_id, _ = run_server(neutron, network)
    body = {"port": {"network_id": network["id"], "device_id": server_id}}
    for who, code in ((neutron.member, "PortInUse"), (neutron.other, "DeviceIDNotOwnedByTenant")):
        answer = who.post(f"{BASE}/ports", body)
        assert (answer.status, answer.body["NeutronError"]["type"]) == (409, code)
        port = neutron.port(network, who, device_id="something-else")
        answer = neutron.change("port", port["id"], who, device_id=server_id)
        assert (answer.status, answer.body["NeutronError"]["type"]) == (409, code)
