"""Several bindings of one port, as whoever moves guests between hosts makes, activates and deletes them."""

from typing import Any

import pytest

from mooring.testing.in_process import Answer
from tests.api.network.neutron import BASE, ZERO, Neutron, run_server

OWNER = {"device_owner": "compute:nova", "device_id": "11111111-2222-4333-8444-555555555555"}


def slot(number: int, physnet: str = "physnet1") -> dict[str, object]:
    return {"pci_slot": f"0000:81:03.{number}", "pci_vendor_info": "8086:154c", "physical_network": physnet}


@pytest.fixture
def port(neutron: Neutron) -> dict[str, Any]:
    """A direct port of somebody else's server, bound on cn1."""
    network = neutron.vlan_network(123)
    neutron.subnet(network)
    bound = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": slot(0)}
    return neutron.port(network, neutron.nova, **OWNER, **bound)


def path(port: dict[str, Any], host: str = "", action: str = "") -> str:
    return "/".join(filter(None, (f"{BASE}/ports/{port['id']}/bindings", host, action)))


def make(neutron: Neutron, port: dict[str, Any], host: str = "cn2", **attributes: object) -> Answer:
    body = {"host": host, "vnic_type": "direct", "profile": slot(1), **attributes}
    return neutron.service.post(path(port), {"binding": body})


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def hosts(neutron: Neutron, port: dict[str, Any], query: str = "") -> list[tuple[str, str]]:
    found = neutron.nova.get(path(port) + query).body["bindings"]
    return [(each["host"], each["status"]) for each in found]


def test_binding_on_another_host_is_made_for_real_and_waits(neutron: Neutron, port: dict[str, Any]) -> None:
    answer = make(neutron, port)
    assert answer.status == 201
    assert answer.body["binding"] == {
        "host": "cn2", "vif_type": "hw_veb", "vnic_type": "direct", "status": "INACTIVE", "profile": slot(1),
        "vif_details": {"port_filter": False, "connectivity": "l2", "vlan": "123"},
    }  # fmt: skip
    assert neutron.nova.get(path(port, "cn2")).body == answer.body
    assert hosts(neutron, port) == [("cn1", "ACTIVE"), ("cn2", "INACTIVE")]
    assert hosts(neutron, port, "?status=INACTIVE") == [("cn2", "INACTIVE")]
    assert hosts(neutron, port, "?vif_type=ovs") == []
    assert neutron.nova.get(path(port) + "?fields=host").body == {"bindings": [{"host": "cn1"}, {"host": "cn2"}]}
    assert neutron.nova.get(path(port) + "?profile=x").status == 400
    assert neutron.show("port", port["id"])["binding:host_id"] == "cn1", "the port is where it was"


def test_binding_is_on_the_first_segment_that_a_driver_can_take(neutron: Neutron) -> None:
    vlans = [{"provider:network_type": "vlan", "provider:physical_network": "physnet1"} for _ in range(16)]
    network = neutron.network(
        neutron.admin, segments=[{**one, "provider:segmentation_id": 916 - n} for n, one in enumerate(vlans)]
    )
    neutron.subnet(network)
    made_on = {"binding:vnic_type": "direct", "binding:host_id": "cn1", "binding:profile": slot(0)}
    several = neutron.port(network, neutron.nova, **OWNER, **made_on)
    assert several["binding:vif_details"]["vlan"] == "916"
    assert make(neutron, several).body["binding"]["vif_details"]["vlan"] == "916"
    server, port_id = run_server(neutron, network)
    assert server
    assert neutron.show("port", port_id)["binding:vif_details"]["vlan"] == "916"


def test_activating_moves_the_port_and_leaves_the_old_binding_unbound(neutron: Neutron, port: dict[str, Any]) -> None:
    made = make(neutron, port).body["binding"]
    answer = neutron.service.put(path(port, "cn2", "activate"), None)
    assert (answer.status, answer.body) == (200, {**made, "status": "ACTIVE"}), "without an envelope, as Neutron's"
    shown = neutron.show("port", port["id"])
    assert (shown["binding:host_id"], shown["binding:profile"], shown["status"]) == ("cn2", slot(1), "DOWN")
    assert shown["binding:vif_details"]["bound_drivers"] == {"0": "sriovnicswitch"}
    assert shown["revision_number"] == port["revision_number"] + 1
    old = neutron.nova.get(path(port, "cn1")).body["binding"]
    assert (old["status"], old["vif_type"], old["vif_details"]) == ("INACTIVE", "unbound", {})
    assert kind(neutron.service.put(path(port, "cn2", "activate"), None)) == (409, "PortBindingAlreadyActive")
    assert neutron.service.delete(path(port, "cn1")).status == 204
    assert kind(neutron.service.delete(path(port, "cn1"))) == (404, "PortBindingNotFound")
    assert hosts(neutron, port) == [("cn2", "ACTIVE")]
    assert [e for e in neutron.events() if e.startswith("port_binding.")] == [
        "port_binding.created", "port_binding.activated", "port_binding.deleted",
    ]  # fmt: skip


def test_port_goes_back_to_where_it_was_and_is_bound_there_anew(neutron: Neutron, port: dict[str, Any]) -> None:
    make(neutron, port)
    for host in ("cn2", "cn1"):
        answer = neutron.service.put(path(port, host, "activate"), None)
        assert (answer.status, answer.body["vif_type"]) == (200, "hw_veb")
    assert neutron.show("port", port["id"])["binding:host_id"] == "cn1"
    assert hosts(neutron, port) == [("cn1", "ACTIVE"), ("cn2", "INACTIVE")]
    neutron.clock.advance(neutron.world.config.agent_down_s)
    before = neutron.dump()
    assert kind(neutron.service.put(path(port, "cn2", "activate"), None)) == (409, "PortBindingError")
    assert neutron.dump() == before


def test_binding_that_no_driver_makes_is_refused_with_each_ones_reason(neutron: Neutron, port: dict[str, Any]) -> None:
    before = neutron.dump()
    answer = make(neutron, port, "nohost", profile={})
    assert kind(answer) == (409, "PortBindingError")
    assert "host nohost" in answer.body["NeutronError"]["message"]
    assert "sriovnicswitch: " in answer.body["NeutronError"]["message"]
    assert neutron.dump() == before


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"host": "cn1"}, (409, "PortBindingAlreadyExists")),
        ({"host": ""}, (400, "HTTPBadRequest")),
        ({"host": None}, (400, "HTTPBadRequest")),
        ({"host": "h" * 4096}, (400, "HTTPBadRequest")),
        ({}, (400, "HTTPBadRequest")),
        ({"host": "cn2", "vnic_type": "bogus"}, (400, "HTTPBadRequest")),
        ({"host": "cn2", "profile": "text"}, (400, "HTTPBadRequest")),
        ({"host": "cn2", "profile": {"x": "y" * 4096}}, (400, "InvalidInput")),
        ({"host": "cn2", "profile": {"pci_slot": "../../"}}, (400, "InvalidInput")),
        ({"host": "cn2", "vif_type": "ovs"}, (400, "HTTPBadRequest")),
        ({"host": "cn2", "status": "ACTIVE"}, (400, "HTTPBadRequest")),
        ({"host": "cn2", "bogus": 1}, (400, "HTTPBadRequest")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_binding_that_cannot_be_is_refused_and_changes_nothing(
    neutron: Neutron, port: dict[str, Any], body: dict[str, object], answer: tuple[int, str]
) -> None:
    before = neutron.dump()
    assert kind(neutron.service.post(path(port), {"binding": body})) == answer
    assert neutron.dump() == before


def test_device_of_an_inactive_binding_is_nobody_elses(neutron: Neutron, port: dict[str, Any]) -> None:
    make(neutron, port)
    body = {"network_id": port["network_id"], "binding:vnic_type": "direct", "binding:host_id": "cn2"}
    answer = neutron.nova.post(f"{BASE}/ports", {"port": {**body, "binding:profile": slot(1)}})
    assert kind(answer) == (409, "DeviceInUse")
    assert port["id"] in answer.body["NeutronError"]["message"]
    another = neutron.port({"id": port["network_id"]}, neutron.nova, **OWNER)
    assert kind(make(neutron, another)) == (409, "DeviceInUse")
    assert make(neutron, another, profile=slot(2)).status == 201


def test_inactive_binding_changes_its_device_and_stays_on_its_host(neutron: Neutron, port: dict[str, Any]) -> None:
    make(neutron, port)
    one = path(port, "cn2")
    answer = neutron.service.put(one, {"binding": {"host": "cn2", "profile": slot(2)}})
    assert (answer.status, answer.body["binding"]["profile"], answer.body["binding"]["vif_type"]) == (
        200, slot(2), "hw_veb",
    )  # fmt: skip
    before = neutron.dump()
    assert kind(neutron.service.put(one, {"binding": {"vnic_type": "baremetal"}})) == (409, "PortBindingError")
    assert kind(neutron.service.put(one, {"binding": {"host": "cn1"}})) == (400, "HTTPBadRequest")
    assert kind(neutron.service.put(path(port, "cn9"), {"binding": {}})) == (404, "PortBindingNotFound")
    assert neutron.dump() == before


def test_active_binding_changes_as_the_ports_own(neutron: Neutron, port: dict[str, Any]) -> None:
    answer = neutron.service.put(path(port, "cn1"), {"binding": {"profile": slot(3)}})
    assert answer.body["binding"]["profile"] == neutron.show("port", port["id"])["binding:profile"] == slot(3)
    assert kind(neutron.service.put(path(port, "cn1"), {"binding": {"vnic_type": "macvtap"}})) == (409, "PortInUse")
    assert neutron.service.delete(path(port, "cn1")).status == 204
    shown = neutron.show("port", port["id"])
    assert (shown["binding:vif_type"], shown["binding:host_id"]) == ("unbound", "")
    assert hosts(neutron, port) == [("", "ACTIVE")], "Neutron has a row of that kind, too"


def test_port_that_is_bound_where_a_binding_waited_has_one_there(neutron: Neutron, port: dict[str, Any]) -> None:
    make(neutron, port)
    change = {"binding:host_id": "cn2", "binding:profile": slot(1)}
    assert neutron.change("port", port["id"], neutron.nova, **change).status == 200
    assert hosts(neutron, port) == [("cn2", "ACTIVE")]


def test_bindings_go_with_their_port(neutron: Neutron, port: dict[str, Any]) -> None:
    make(neutron, port)
    assert neutron.nova.delete(f"{BASE}/ports/{port['id']}").status == 204
    assert kind(neutron.nova.get(path(port))) == (404, "PortNotFound")
    assert make(neutron, neutron.port({"id": port["network_id"]}, neutron.nova, **OWNER)).status == 201


@pytest.mark.parametrize("device", [None, "0000:81:10.0"])
def test_binding_of_a_running_servers_port_does_not_move(neutron: Neutron, device: str | None) -> None:
    network = neutron.vlan_network(7)
    server_id, port_id = run_server(neutron, network, slot=device)
    port = {"id": port_id}
    host, vnic_type = ("cn1", "direct") if device else ("cn2", "normal")
    if device:
        assert make(neutron, port, host, vnic_type=vnic_type, profile={}).status == 201
    before = neutron.dump()
    answers = [neutron.service.delete(path(port, "cn2"))]
    if device:
        answers.append(neutron.service.put(path(port, "cn1", "activate"), None))
    for answer in answers:
        assert kind(answer) == (409, "PortInUse")
        assert server_id in answer.body["NeutronError"]["message"]
        assert "openstack server remove port" in answer.body["NeutronError"]["message"]
    assert neutron.dump() == before


def test_who_may_see_and_make_bindings(neutron: Neutron, port: dict[str, Any]) -> None:
    body = {"binding": {"host": "cn2", "vnic_type": "direct", "profile": slot(1)}}
    assert neutron.admin.get(path(port)).status == 200
    assert kind(neutron.admin.post(path(port), body)) == (403, "PolicyNotAuthorized"), "the service role alone"
    own = neutron.port(neutron.network(), device_owner="compute:mine")
    assert kind(neutron.member.get(path(own))) == (403, "PolicyNotAuthorized")
    assert kind(neutron.other.get(path(own))) == (404, "PortNotFound")
    assert kind(neutron.nova.get(path({"id": ZERO}))) == (404, "PortNotFound")
    plain = neutron.port(neutron.network())
    answer = neutron.nova.get(path(plain))
    assert kind(answer) == (400, "BadRequest")
    assert "compute and shared filesystem ports" in answer.body["NeutronError"]["message"]


def test_trust_of_the_port_stands_in_its_bindings(neutron: Neutron, port: dict[str, Any]) -> None:
    neutron.change("port", port["id"], neutron.admin, trusted=True)
    assert neutron.nova.get(path(port, "cn1")).body["binding"]["profile"] == {**slot(0), "trusted": True}
