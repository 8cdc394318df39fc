"""Hosts as agents: what each shows, who sees it, and what can be said of it."""

from typing import Any

import pytest

from tests.api.network.neutron import BASE, ZERO, Neutron, run_server

NIC, BRIDGE = "NIC Switch agent", "Linux bridge agent"


def agents(neutron: Neutron, query: str = "") -> list[dict[str, Any]]:
    answer = neutron.admin.get(f"{BASE}/agents{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["agents"]
    return found


def test_host_shows_the_agents_that_it_can_be(neutron: Neutron) -> None:
    shown = {(agent["host"], agent["agent_type"]): agent for agent in agents(neutron)}
    assert shown.keys() == {("cn1", NIC), ("cn2", NIC), ("cn2", BRIDGE)}
    cards = {"physnet1": ["ens1"], "physnet2": ["ens2"]}
    assert shown["cn1", NIC]["configurations"] == {"device_mappings": cards, "devices": 0}
    assert shown["cn2", BRIDGE]["configurations"]["bridge_mappings"] == {"physnet1": "br-1", "physnet2": "br-2"}
    assert shown["cn1", NIC]["heartbeat_timestamp"] == "2026-01-01 12:00:00"


def test_agent_tells_how_many_of_its_functions_have_an_owner(neutron: Neutron) -> None:
    run_server(neutron, neutron.vlan_network(), slot="0000:3b:0a.0")
    shown = agents(neutron, "?host=cn2&agent_type=NIC%20Switch%20agent")
    assert shown[0]["configurations"]["devices"] == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?host=cn1", 1),
        ("?host=cn1&host=cn2", 3),
        ("?agent_type=NIC+Switch+agent", 2),
        ("?alive=true", 3),
        ("?alive=False", 0),
        ("?binary=mooring-agent&topic=N/A", 3),
        ("?admin_state_up=0", 0),
        ("?limit=2", 2),
        ("?limit=2&page_reverse=true&sort_key=host&sort_dir=asc", 2),
    ],
)
def test_filter_of_agents(neutron: Neutron, query: str, count: int) -> None:
    assert len(agents(neutron, query)) == count


def test_pages_of_agents_are_the_list(neutron: Neutron) -> None:
    whole = [agent["id"] for agent in agents(neutron, "?sort_key=agent_type&sort_dir=desc")]
    paged, marker = [], ""
    for _ in range(4):
        rows = agents(neutron, f"?sort_key=agent_type&sort_dir=desc&limit=1{marker}")
        paged += [row["id"] for row in rows]
        marker = f"&marker={rows[0]['id']}" if rows else marker
    assert paged == whole
    assert neutron.admin.get(f"{BASE}/agents?marker={ZERO}").status == 404


def test_silent_host_has_dead_agents(neutron: Neutron) -> None:
    neutron.clock.advance(neutron.world.config.agent_down_s)
    assert not any(agent["alive"] for agent in agents(neutron))
    neutron.world.heartbeats.hear("cn1")
    assert [agent["host"] for agent in agents(neutron, "?alive=true")] == ["cn1"]


def test_agent_down_is_its_host_disabled(neutron: Neutron) -> None:
    ident = agents(neutron, "?host=cn2")[0]["id"]
    neutron.admin.put(f"{BASE}/agents/{ident}", {"agent": {"admin_state_up": False}})
    assert [agent["admin_state_up"] for agent in agents(neutron, "?host=cn2")] == [False, False]
    neutron.admin.put(f"{BASE}/agents/{ident}", {"agent": {"admin_state_up": True}})
    assert all(agent["admin_state_up"] for agent in agents(neutron))
    assert [kind for kind in neutron.events() if kind.startswith("host.")] == ["host.disabled", "host.enabled"]


def test_description_is_one_agents(neutron: Neutron) -> None:
    ident = agents(neutron, "?host=cn2")[0]["id"]
    neutron.admin.put(f"{BASE}/agents/{ident}", {"agent": {"description": "rack 7"}})
    assert [agent["id"] for agent in agents(neutron, "?description=rack%207")] == [ident]
    neutron.admin.put(f"{BASE}/agents/{ident}", {"agent": {"description": None}})
    assert {agent["description"] for agent in agents(neutron)} == {None}


def test_agent_goes_with_its_host(neutron: Neutron) -> None:
    ident = agents(neutron, "?host=cn1")[0]["id"]
    answer = neutron.admin.delete(f"{BASE}/agents/{ident}")
    assert answer.status == 409
    assert "mooring host remove cn1" in answer.body["NeutronError"]["message"]
    assert neutron.admin.delete(f"{BASE}/agents/{ZERO}").status == 404


@pytest.mark.parametrize("caller", ["member", "reader", "service"])
def test_agents_are_an_admins(neutron: Neutron, caller: str) -> None:
    ident = agents(neutron)[0]["id"]
    who = getattr(neutron, caller)
    assert who.get(f"{BASE}/agents").body == {"agents": []}
    assert who.get(f"{BASE}/agents/{ident}").status == 404
    assert who.put(f"{BASE}/agents/{ident}", {"agent": {"description": "x"}}).status == 403
    assert who.delete(f"{BASE}/agents/{ident}").status == 403
