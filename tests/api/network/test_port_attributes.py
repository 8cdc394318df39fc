"""What ports say besides addresses and bindings: groups, pairs, options, policies, and what of it nobody holds."""

from functools import partial
from typing import Any

import pytest

from mooring.errors import NotFound
from mooring.model.identity import Caller
from mooring.service.port_profiles import ProfileWish, create_profile
from mooring.service.ports import get_port, usable_port
from mooring.store.tx import Tx
from mooring.testing.cloud import ADMIN
from mooring.testing.in_process import Answer
from tests.api.network.neutron import BASE, ZERO, Neutron, run_server

MAC = "02:00:00:00:00:99"
PAIR = {"ip_address": "192.0.2.77", "mac_address": MAC}


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def group(neutron: Neutron) -> str:
    answer = neutron.member.post(f"{BASE}/security-groups", {"security_group": {"name": "web"}})
    return str(answer.body["security_group"]["id"])


def marked(port: dict[str, Any]) -> list[str]:
    return [mark["attribute"] for mark in port.get("mooring:not_enforced", [])]


def test_port_gets_no_group_that_nobody_asked_for_and_says_nothing_then(neutron: Neutron) -> None:
    port = neutron.port(neutron.network())
    assert port["security_groups"] == []
    assert not port.keys() & {"mooring:not_enforced", "binding:vif_details"}


def test_group_of_a_port_is_shown_and_marked_for_its_owner_and_in_the_openstack_command(neutron: Neutron) -> None:
    ident = group(neutron)
    port = neutron.port(neutron.network(), security_groups=[ident])
    assert port["security_groups"] == [ident]
    (mark,) = port["mooring:not_enforced"]
    assert mark["attribute"] == "security_groups"
    assert port["binding:vif_details"] == {"not_enforced": f"security_groups: {mark['reason']}"}
    assert neutron.ids(f"ports?security_groups={ident}") == [port["id"]]
    assert neutron.ids(f"ports?security_groups={ZERO}") == []
    shown = neutron.change("port", port["id"], security_groups=None).body["port"]
    assert (shown["security_groups"], marked(shown)) == ([], [])


def test_address_pair_has_its_mac_or_the_ports_and_is_marked_where_the_spoof_check_drops_it(neutron: Neutron) -> None:
    network = neutron.network()
    pairs: list[dict[str, str]] = [PAIR, {"ip_address": "198.51.100.5/24"}, {"ip_address": "2001:DB8::1"}]
    direct: dict[str, Any] = {"binding:vnic_type": "direct"}
    port = neutron.port(network, allowed_address_pairs=pairs, **direct)
    own = port["mac_address"]
    assert port["allowed_address_pairs"] == [
        PAIR, {"ip_address": "198.51.100.5/24", "mac_address": own}, {"ip_address": "2001:db8::1", "mac_address": own},
    ]  # fmt: skip
    assert marked(port) == ["allowed_address_pairs"]
    assert MAC in port["mooring:not_enforced"][0]["reason"]
    assert own not in port["mooring:not_enforced"][0]["reason"]
    shown = neutron.change("port", port["id"], allowed_address_pairs=None).body["port"]
    assert (shown["allowed_address_pairs"], shown["revision_number"]) == ([], 2)


def test_pair_with_the_ports_mac_said_and_unsaid_is_one_pair_twice(neutron: Neutron) -> None:
    port = neutron.port(neutron.network(), mac_address=MAC)
    answer = neutron.change("port", port["id"], allowed_address_pairs=[PAIR, {"ip_address": PAIR["ip_address"]}])
    assert kind(answer) == (400, "DuplicateAddressPairInRequest")


def test_port_without_port_security_has_neither_groups_nor_pairs(neutron: Neutron) -> None:
    network, ident = neutron.network(), group(neutron)
    off: dict[str, Any] = {"port_security_enabled": False}
    refused: list[tuple[dict[str, Any], object]] = [
        ({"allowed_address_pairs": [PAIR]}, (409, "AddressPairAndPortSecurityRequired")),
        ({"security_groups": [ident]}, (400, "PortSecurityAndIPRequiredForSecurityGroups")),
    ]
    for more, answer in refused:
        body = {"port": {"network_id": network["id"], **off, **more}}
        assert kind(neutron.member.post(f"{BASE}/ports", body)) == answer
        bare = neutron.port(network, **off, security_groups=[], allowed_address_pairs=[])
        assert kind(neutron.change("port", bare["id"], **more)) == answer
        back = neutron.change("port", bare["id"], port_security_enabled=True, **more)
        assert back.status == 200, "both in one call"


def test_port_security_is_switched_off_when_groups_and_pairs_are_gone(neutron: Neutron) -> None:
    port = neutron.port(neutron.network(), security_groups=[group(neutron)], allowed_address_pairs=[PAIR])
    steps: list[tuple[dict[str, Any], object]] = [
        ({"port_security_enabled": False}, (409, "AddressPairAndPortSecurityRequired")),
        ({"port_security_enabled": False, "allowed_address_pairs": []}, (409, "PortSecurityPortHasSecurityGroup")),
        ({"port_security_enabled": False, "allowed_address_pairs": [], "security_groups": []}, None),
    ]
    for change, refused in steps:
        answer = neutron.change("port", port["id"], **change)
        assert (kind(answer) if answer.status != 200 else None) == refused
    assert answer.body["port"]["port_security_enabled"] is False


def test_networks_own_ports_have_no_port_security(neutron: Neutron) -> None:
    port = neutron.port(neutron.network(), device_owner="network:router_interface", port_security_enabled=True)
    assert port["port_security_enabled"] is False


def test_dhcp_options_are_added_changed_and_taken_away_one_by_one(neutron: Neutron) -> None:
    options = [{"opt_name": "bootfile-name", "opt_value": "a.0"}, {"opt_name": "tftp-server", "opt_value": "192.0.2.1"}]
    port = neutron.port(neutron.network(), extra_dhcp_opts=[*options, {"opt_name": "no", "opt_value": None}])
    assert port["extra_dhcp_opts"] == [{**option, "ip_version": 4} for option in options]
    assert marked(port) == ["extra_dhcp_opts"], "no host serves DHCP here"
    change = [{"opt_name": "tftp-server", "opt_value": None}, {"opt_name": "26", "opt_value": "9", "ip_version": "6"}]
    shown = neutron.change("port", port["id"], extra_dhcp_opts=change).body["port"]
    assert shown["extra_dhcp_opts"] == [
        {**options[0], "ip_version": 4}, {"opt_name": "26", "opt_value": "9", "ip_version": 6},
    ]  # fmt: skip
    nothings: list[Any] = [None, []]
    for nothing in nothings:
        answer = neutron.change("port", port["id"], extra_dhcp_opts=nothing)
        assert answer.body["port"]["revision_number"] == shown["revision_number"]


def test_hardware_offload_asks_for_a_switchdev_card_in_the_profile(neutron: Neutron) -> None:
    network = neutron.network()
    port = neutron.port(network, hardware_offload_type="switchdev")
    assert port["hardware_offload_type"] == "switchdev"
    assert "binding:profile" not in port, "the profile is not the owner's"
    assert neutron.show("port", port["id"])["binding:profile"] == {"capabilities": ["switchdev"]}
    both = {"capabilities": ["other"], "x": 1}
    port = neutron.port(network, neutron.nova, hardware_offload_type="switchdev", **{"binding:profile": both})
    assert port["binding:profile"] == {"capabilities": ["other", "switchdev"], "x": 1}


def test_data_plane_status_is_for_those_who_watch_it(neutron: Neutron) -> None:
    port = neutron.port(neutron.network())
    assert port["data_plane_status"] is None
    assert neutron.change("port", port["id"], neutron.member, data_plane_status="DOWN").status == 403
    for who, word in ((neutron.admin, "DOWN"), (neutron.service, "ACTIVE"), (neutron.admin, None)):
        answer = neutron.change("port", port["id"], who, data_plane_status=word)
        assert answer.body["port"]["data_plane_status"] == word


def test_hints_are_the_admins_and_marked(neutron: Neutron) -> None:
    wanted = {"openvswitch": {"other_config": {"tx-steering": "hash"}}}
    port = neutron.port(neutron.network(), neutron.admin, hints=wanted)
    assert (port["hints"], marked(port)) == (wanted, ["hints"])
    assert "hints" not in neutron.port(neutron.network())
    shown = neutron.change("port", port["id"], neutron.admin, hints=None).body["port"]
    assert (shown["hints"], marked(shown)) == (None, [])


def test_device_profile_is_kept_and_marked(neutron: Neutron) -> None:
    port = neutron.port(neutron.network(), device_profile="gpu")
    assert (port["device_profile"], marked(port)) == ("gpu", ["device_profile"])
    assert neutron.change("port", port["id"], device_profile="other").status == 400


def test_ip_allocation_says_whether_a_port_has_addresses_and_filters(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network)
    with_one, without = neutron.port(network), neutron.port(network, fixed_ips=[])
    assert (with_one["ip_allocation"], without["ip_allocation"]) == ("immediate", "none")
    assert neutron.ids("ports?ip_allocation=none") == [without["id"]]
    assert neutron.ids("ports?ip_allocation=immediate") == [with_one["id"]]
    assert neutron.ids("ports?ip_allocation=deferred") == []
    assert len(neutron.ids("ports?ip_allocation=none&ip_allocation=immediate")) == 2
    assert neutron.member.get(f"{BASE}/ports?ip_allocation=perhaps").status == 400


def test_policy_of_a_port_and_of_its_network_are_both_shown(neutron: Neutron) -> None:
    policies = [
        neutron.admin.post(f"{BASE}/qos/policies", {"policy": {"name": name, "shared": True}}).body["policy"]["id"]
        for name in ("a", "b")
    ]
    network = neutron.network()
    neutron.change("network", network["id"], qos_policy_id=policies[0])
    port = neutron.port(network, qos_policy_id=policies[1])
    assert (port["qos_policy_id"], port["qos_network_policy_id"]) == (policies[1], policies[0])
    assert neutron.ids(f"ports?qos_policy_id={policies[1]}") == [port["id"]]
    shown = neutron.change("port", port["id"], qos_policy_id=None).body["port"]
    assert (shown["qos_policy_id"], shown["qos_network_policy_id"]) == (None, policies[0])
    assert kind(neutron.change("port", port["id"], qos_policy_id=ZERO)) == (404, "QosPolicyNotFound")


def test_ports_are_counted_against_their_quota(neutron: Neutron) -> None:
    network = neutron.network()
    project = network["project_id"]
    neutron.admin.put(f"{BASE}/quotas/{project}", {"quota": {"port": 1}})
    port = neutron.port(network)
    body = {"port": {"network_id": network["id"]}}
    assert kind(neutron.member.post(f"{BASE}/ports", body)) == (409, "OverQuota")
    neutron.member.delete(f"{BASE}/ports/{port['id']}")
    assert neutron.member.post(f"{BASE}/ports", body).status == 201


def test_owner_of_a_shared_network_sees_and_clears_it_but_takes_no_servers_port(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    plain, servers = (
        neutron.port(network, neutron.other),
        neutron.port(network, neutron.other, device_owner="compute:x"),
    )
    assert set(neutron.ids("ports")) == {plain["id"], servers["id"]}
    assert neutron.member.get(f"{BASE}/ports/{plain['id']}").status == 200
    assert neutron.change("port", plain["id"], neutron.member, name="x").status == 403
    assert neutron.member.delete(f"{BASE}/ports/{plain['id']}").status == 204
    assert neutron.member.delete(f"{BASE}/ports/{servers['id']}").status == 403
    assert neutron.reader.delete(f"{BASE}/ports/{servers['id']}").status == 403


def test_port_that_is_seen_for_its_network_is_not_put_to_use(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    port = neutron.port(network, neutron.other)
    owner = Caller("u", "u", network["project_id"], "demo", frozenset({"member"}))

    def story(tx: Tx) -> None:
        assert get_port(tx, owner, port["id"]).id == port["id"]
        with pytest.raises(NotFound):
            usable_port(tx, owner, port["id"])

    neutron.nobody.controller.store.read_now(story)


def test_external_network_is_seen_and_not_used(neutron: Neutron) -> None:
    network = neutron.network(neutron.admin, **{"router:external": True})
    assert kind(neutron.member.post(f"{BASE}/ports", {"port": {"network_id": network["id"]}})) == (
        403, "PolicyNotAuthorized",
    )  # fmt: skip


def test_ports_are_found_by_how_they_are_bound(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    direct = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn1"})
    plain = neutron.port(network)
    assert neutron.ids("ports?binding:vnic_type=direct") == [direct["id"]]
    assert neutron.ids("ports?binding:vif_type=hw_veb", neutron.nova) == [direct["id"]]
    assert neutron.ids("ports?binding:vif_type=unbound", neutron.nova) == [plain["id"]]
    assert neutron.member.get(f"{BASE}/ports?binding:vif_type=unbound").status == 400


def test_port_of_a_running_server_takes_groups_and_options(neutron: Neutron) -> None:
    _, port_id = run_server(neutron, neutron.vlan_network(), slot="0000:81:10.0")
    change: dict[str, Any] = {
        "security_groups": [group(neutron)],
        "extra_dhcp_opts": [{"opt_name": "26", "opt_value": "9000"}],
    }
    shown = neutron.change("port", port_id, **change)
    assert shown.status == 200, shown.body
    assert shown.body["port"]["security_groups"] == change["security_groups"]


def test_port_profile_of_a_port_is_for_its_network_and_stays_under_a_server(neutron: Neutron) -> None:
    network = neutron.vlan_network(110)
    store, world = neutron.nobody.controller.store, neutron.world
    for wish in (ProfileWish("gold", (110,)), ProfileWish("other", (111,))):
        store.write_now(partial(create_profile, world=world, who=ADMIN, wish=wish))
    direct: dict[str, Any] = {"binding:vnic_type": "direct", "mooring:port_profile": "gold"}
    port = neutron.port(network, **direct)
    assert port["mooring:port_profile"] == "gold"
    for name, refusal in (("other", (409, "PortProfileVlanMismatch")), ("nope", (404, "PortProfileNotFound"))):
        change: dict[str, Any] = {"mooring:port_profile": name}
        assert kind(neutron.change("port", port["id"], **change)) == refusal
    nothing: dict[str, Any] = {"mooring:port_profile": None}
    shown = neutron.change("port", port["id"], **nothing).body["port"]
    assert "mooring:port_profile" not in shown
    _, servers = run_server(neutron, network, slot="0000:81:10.0")
    answer = neutron.change("port", servers, neutron.nova, **{"mooring:port_profile": "gold"})
    assert kind(answer) == (409, "PortInUse")
    plain: dict[str, Any] = {"network_id": network["id"], "mooring:port_profile": "gold"}
    assert neutron.member.post(f"{BASE}/ports", {"port": plain}).status == 400, "for ports with a VF"
