"""Mechanism drivers that hear of what the API does: when, with what, and what a failure of theirs comes to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.errors import Conflict, Invalid, NotFound
from mooring.ml2.context import PortContext
from mooring.store.networks import SUBNETS
from mooring.store.tx import Tx
from tests.api.network.books import unbalanced
from tests.api.network.neutron import BASE, Neutron, neutron_at
from tests.api.network.recording import Script

NAMES = ["first", "second"]
SEGMENT = {"network_type": "vlan", "physical_network": "physnet1"}


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def neutron(tmp_path: Path, script: Script) -> Iterator[Neutron]:
    drivers = script.loaders(*NAMES)
    with neutron_at(tmp_path, drivers, mechanism_drivers=(*NAMES, "linuxbridge"), bind_wait_s=10.0) as made:
        yield made
        assert not made.nobody.controller.store.read_now(unbalanced)


def binds(context: PortContext) -> None:
    context.set_binding(context.segments_to_bind[0]["id"], "ovs", {"by": "first"}, "ACTIVE")


def rename(neutron: Neutron, noun: str, ident: str) -> Any:
    return neutron.change(noun, ident, neutron.nova, name="other")


def test_every_driver_is_told_before_and_after_the_commit_in_order(neutron: Neutron, script: Script) -> None:
    network = neutron.network()
    rename(neutron, "network", network["id"])
    neutron.member.delete(f"{BASE}/networks/{network['id']}")
    assert script.hooks() == [
        f"{driver} {verb}_network_{moment}"
        for verb in ("create", "update", "delete")
        for moment in ("precommit", "postcommit")
        for driver in NAMES
    ]


def test_subnets_and_ports_are_told_too_and_ports_leave_in_the_opposite_order(neutron: Neutron, script: Script) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    port = neutron.port(network)
    rename(neutron, "port", port["id"])
    neutron.member.delete(f"{BASE}/ports/{port['id']}")
    rename(neutron, "subnet", subnet["id"])
    neutron.member.delete(f"{BASE}/subnets/{subnet['id']}")
    assert script.hooks("subnet") == [
        f"{driver} {verb}_subnet_{moment}"
        for verb in ("create", "update", "delete")
        for moment in ("precommit", "postcommit")
        for driver in NAMES
    ]
    assert script.hooks("port") == [
        *(f"{driver} {verb}_port_{moment}" for verb in ("create", "update")
          for moment in ("precommit", "postcommit") for driver in NAMES),
        *(f"{driver} delete_port_{moment}" for moment in ("precommit", "postcommit") for driver in reversed(NAMES)),
    ]  # fmt: skip


def test_contexts_are_spelled_as_neutrons_and_know_what_was(neutron: Neutron, script: Script) -> None:
    network = neutron.vlan_network(100)
    neutron.change("network", network["id"], neutron.admin, name="blue")
    _, _, context = script.told[-1]
    assert (context.original["name"], context.current["name"]) == ("", "blue")
    assert context.current["provider:segmentation_id"] == 100
    assert [segment["segmentation_id"] for segment in context.network_segments] == [100]
    subnet = neutron.subnet(network)
    _, _, context = script.told[-1]
    assert (context.current["id"], context.original) == (subnet["id"], None)
    assert context.network.current["id"] == network["id"]


def test_a_port_is_created_unbound_and_bound_in_a_second_step_as_neutron_does_it(
    neutron: Neutron, script: Script
) -> None:
    script.bind["first"] = binds
    network = neutron.vlan_network()
    neutron.port(network, neutron.nova, **{"binding:host_id": "cn1"})
    told = [
        (hook, context.original_vif_type, context.vif_type)
        for who, hook, context in script.told
        if who == "first" and "port" in hook
    ]
    assert told == [
        ("create_port_precommit", None, "unbound"),
        ("update_port_precommit", "unbound", "ovs"),
        ("create_port_postcommit", None, "unbound"),
        ("update_port_postcommit", "unbound", "ovs"),
    ]
    _, _, bound = script.told[-1]
    assert bound.binding_levels == [{"bound_driver": "first", "bound_segment": bound.network.network_segments[0]}]
    assert bound.original_binding_levels is None
    assert (bound.host, bound.status, bound.vif_details) == ("cn1", "ACTIVE", {"by": "first"})


def test_moving_a_bound_port_unbinds_it_first(neutron: Neutron, script: Script) -> None:
    script.bind["first"] = binds
    port = neutron.port(neutron.vlan_network(), neutron.nova, **{"binding:host_id": "cn1"})
    script.told.clear()
    answer = neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": "cn2"})
    assert answer.status == 200, answer.body
    steps = [
        (context.original_host, context.original_vif_type, context.host, context.vif_type)
        for who, hook, context in script.told
        if (who, hook) == ("first", "update_port_precommit")
    ]
    assert steps == [("cn1", "ovs", "cn2", "unbound"), ("cn2", "unbound", "cn2", "ovs")]
    *_, (_, _, last) = script.told
    assert last.original_top_bound_segment is None
    assert last.top_bound_segment == last.bottom_bound_segment == last.network.network_segments[0]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "message"),
    [
        (Conflict("the fabric is busy", code="FabricBusy"), 409, "FabricBusy", "the fabric is busy"),
        (Invalid("no such VLAN here"), 400, "InvalidInput", "no such VLAN here"),
        (NotFound("network", "x"), 404, "NetworkNotFound", "Network x could not be found."),
        (KeyError("password"), 500, "MechanismDriverError",
         "mechanism driver second failed in create_network_precommit (the controller's log has the reason)"),
    ],
)  # fmt: skip
def test_an_error_before_the_commit_undoes_the_change_and_decides_the_answer(
    neutron: Neutron, script: Script, fault: Exception, status: int, kind: str, message: str
) -> None:
    script.fail["second create_network_precommit"] = fault
    before = neutron.dump()
    answer = neutron.member.post(f"{BASE}/networks", {"network": {"name": "blue"}})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (status, kind)
    assert answer.body["NeutronError"]["message"] == message
    assert neutron.dump() == before
    assert script.hooks() == ["first create_network_precommit", "second create_network_precommit"]


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_an_error_before_the_commit_of_an_update_or_a_delete_leaves_all_as_it_was(
    neutron: Neutron, script: Script, verb: str
) -> None:
    network = neutron.network(name="blue")
    script.fail[f"first {verb}_network_precommit"] = Conflict("not now")
    path = f"{BASE}/networks/{network['id']}"
    answer = neutron.member.delete(path) if verb == "delete" else rename(neutron, "network", network["id"])
    assert answer.status == 409
    assert neutron.show("network", network["id"])["name"] == "blue"
    assert "postcommit" not in script.told[-1][1]


@pytest.mark.parametrize("noun", ["network", "subnet", "port"])
def test_what_a_driver_refuses_after_it_was_made_is_deleted_again(neutron: Neutron, script: Script, noun: str) -> None:
    network = neutron.network()
    if noun == "port":
        neutron.subnet(network)
    script.fail[f"first create_{noun}_postcommit"] = Conflict("the switch says no", code="SwitchSaysNo")
    bodies: dict[str, dict[str, object]] = {
        "network": {},
        "subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "198.51.100.0/24"},
        "port": {"network_id": network["id"]},
    }
    there = neutron.ids(f"{noun}s")
    script.told.clear()
    answer = neutron.member.post(f"{BASE}/{noun}s", {noun: bodies[noun]})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "SwitchSaysNo")
    assert neutron.ids(f"{noun}s") == there
    assert script.hooks(noun)[-2:] == [
        f"{name} delete_{noun}_postcommit" for name in (reversed(NAMES) if noun == "port" else NAMES)
    ]
    assert f"second create_{noun}_postcommit" not in script.hooks()
    assert "driver.failed" in neutron.events()


def test_several_of_one_request_stand_or_fall_together(neutron: Neutron, script: Script) -> None:
    script.fail["second create_network_postcommit"] = Conflict("the switch says no")
    answer = neutron.member.post(f"{BASE}/networks", {"networks": [{"name": "a"}, {"name": "b"}]})
    assert answer.status == 409
    assert neutron.ids("networks") == []


def test_what_was_used_meanwhile_cannot_be_deleted_again_and_stays(neutron: Neutron, script: Script) -> None:
    script.fail["first create_network_postcommit"] = Conflict("the switch says no")
    script.fail["second delete_network_precommit"] = Conflict("a port came")
    answer = neutron.member.post(f"{BASE}/networks", {"network": {}})
    assert answer.status == 409
    assert answer.body["NeutronError"]["message"] == "the switch says no"
    assert len(neutron.ids("networks")) == 1


def test_after_an_update_every_driver_is_told_and_errors_of_several_kinds_are_a_conflict(
    neutron: Neutron, script: Script
) -> None:
    network = neutron.network()
    script.fail["first update_network_postcommit"] = Invalid("the first says no")
    script.fail["second update_network_postcommit"] = NotFound("network", "x")
    answer = rename(neutron, "network", network["id"])
    assert answer.status == 409
    assert answer.body["NeutronError"] == {
        "type": "Conflict",
        "message": "HTTP 400 InvalidInput: the first says no\nHTTP 404 NetworkNotFound: Network x could not be found.",
        "detail": "",
    }
    assert neutron.show("network", network["id"])["name"] == "other", "what is on disk stays"


def test_errors_of_one_status_keep_it_and_their_words(neutron: Neutron, script: Script) -> None:
    network = neutron.network()
    for name in NAMES:
        script.fail[f"{name} update_network_postcommit"] = Invalid(f"{name} says no")
    answer = rename(neutron, "network", network["id"])
    assert (answer.status, answer.body["NeutronError"]["message"]) == (400, "first says no\nsecond says no")


@pytest.mark.parametrize("verb", ["update_port", "delete_port", "delete_network"])
def test_after_a_delete_or_a_ports_update_an_error_is_kept_and_nobody_is_kept_waiting(
    neutron: Neutron, script: Script, verb: str
) -> None:
    network = neutron.network()
    port = neutron.port(network)
    if verb == "delete_network":
        neutron.member.delete(f"{BASE}/ports/{port['id']}")
    script.fail[f"first {verb}_postcommit"] = KeyError("a secret")
    if verb == "update_port":
        answer = rename(neutron, "port", port["id"])
    else:
        thing = port if verb == "delete_port" else network
        answer = neutron.member.delete(f"{BASE}/{verb.removeprefix('delete_')}s/{thing['id']}")
    assert answer.status in (200, 204), answer.body
    assert f"second {verb}_postcommit" in script.hooks()
    assert neutron.events()[-1] == "driver.failed"


def test_dynamic_segments_are_made_for_the_level_below_kept_while_a_port_is_on_them_and_then_given_back(
    neutron: Neutron, script: Script
) -> None:
    def upper(context: PortContext) -> None:
        if context.binding_levels is None:
            context.continue_binding(
                context.segments_to_bind[0]["id"],
                [context.allocate_dynamic_segment({"network_type": "vlan", "physical_network": "physnet2"})],
            )

    def lower(context: PortContext) -> None:
        if context.binding_levels is not None:
            vlan = context.segments_to_bind[0]["segmentation_id"]
            context.set_binding(context.segments_to_bind[0]["id"], "ovs", {"vlan": str(vlan)}, "DOWN")

    script.bind |= {"first": upper, "second": lower}
    network = neutron.vlan_network(100)
    ports = [neutron.port(network, neutron.nova, **{"binding:host_id": host}) for host in ("cn1", "cn2")]
    details = [port["binding:vif_details"] for port in ports]
    assert [each["bound_drivers"] for each in details] == [{"0": "first", "1": "second"}] * 2
    assert [each["vlan"] for each in details] == ["2500", "2500"]
    _, _, context = script.told[-1]
    assert [level["bound_segment"]["segmentation_id"] for level in context.binding_levels] == [100, 2500]
    assert len(neutron.ids("segments", neutron.admin)) == 2
    neutron.admin.delete(f"{BASE}/ports/{ports[0]['id']}")
    assert len(neutron.ids("segments", neutron.admin)) == 2
    neutron.change("port", ports[1]["id"], neutron.nova, **{"binding:host_id": ""})
    assert len(neutron.ids("segments", neutron.admin)) == 1


def test_a_dynamic_segment_of_a_binding_that_failed_after_all_is_not_kept(neutron: Neutron, script: Script) -> None:
    def upper(context: PortContext) -> None:
        segment = context.allocate_dynamic_segment({"network_type": "vlan", "physical_network": "physnet2"})
        context.continue_binding(context.segments_to_bind[0]["id"], [segment])

    script.bind["first"] = upper
    network = neutron.vlan_network(100)
    port = neutron.port(network, neutron.nova, **{"binding:host_id": "cn1"})
    assert port["binding:vif_type"] == "binding_failed"
    assert len(neutron.ids("segments", neutron.admin)) == 1


def test_which_driver_said_what_for_which_segment_is_shown_with_the_port(neutron: Neutron, script: Script) -> None:
    def nonsense(context: PortContext) -> None:
        context.set_binding("no such segment", "ovs", {})

    script.bind["second"] = nonsense
    port = neutron.port(neutron.vlan_network(100), neutron.nova, **{"binding:host_id": "cn1"})
    failed = neutron.show("port", port["id"])["binding:vif_details"]["binding_failed"]
    assert "first: nothing to do" in str(failed)
    assert "second: bound segment no such segment, which was not offered" in str(failed)
    assert "segment vlan 100" in str(failed)


def test_only_segments_that_the_ports_addresses_are_for_are_offered(neutron: Neutron, script: Script) -> None:
    offered: list[list[int | None]] = []

    def looks(context: PortContext) -> None:
        offered.append([segment["segmentation_id"] for segment in context.segments_to_bind])

    script.bind["first"] = looks
    segments = [
        {"provider:network_type": "vlan", "provider:physical_network": physnet, "provider:segmentation_id": vlan}
        for physnet, vlan in (("physnet1", 100), ("physnet2", 200))
    ]
    network = neutron.network(neutron.admin, segments=segments)
    neutron.port(network, neutron.nova, **{"binding:host_id": "cn1"})
    (second,) = neutron.ids("segments?physical_network=physnet2", neutron.admin)
    subnet = neutron.subnet(network)

    def for_the_second(tx: Tx) -> None:
        """As no call of this API makes it; a database that was filled by another one may have it."""
        found = SUBNETS.get(tx, subnet["id"])
        assert found is not None
        SUBNETS.update(tx, replace(found, segment_id=second))

    neutron.nobody.controller.store.write_now(for_the_second)
    fixed_ips = [{"subnet_id": subnet["id"]}]
    neutron.port(network, neutron.nova, fixed_ips=fixed_ips, **{"binding:host_id": "cn1"})
    assert offered == [[100, 200], [200]]


def test_ports_that_change_with_a_subnet_are_told_too(neutron: Neutron, script: Script) -> None:
    network = neutron.network()
    port = neutron.port(network)
    script.told.clear()
    neutron.subnet(network, "2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    told = [context for who, hook, context in script.told if (who, hook) == ("first", "update_port_postcommit")]
    assert [(context.current["id"], len(context.original["fixed_ips"])) for context in told] == [(port["id"], 0)]
    assert len(told[0].current["fixed_ips"]) == 1
