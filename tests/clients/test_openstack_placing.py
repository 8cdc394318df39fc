"""Aggregates, server groups, hints and several servers at once, with the unmodified ``openstack`` command."""

import json
from collections import Counter
from typing import Any

import pytest

from mooring.testing.client import wait_until
from mooring.testing.rig import Rig
from tests.clients.conftest import OpenStack

pytestmark = pytest.mark.requires("client")
HOSTS = ("sim1", "sim2", "sim3")


def settled(openstack: OpenStack, count: int) -> list[dict[str, Any]]:
    """All servers with their hosts, once none of the ``count`` is being built."""

    def done() -> bool:
        statuses = [row["Status"] for row in openstack("server list")]
        return len(statuses) == count and "BUILD" not in statuses

    wait_until(done, 60, f"{count} servers are made")
    found: list[dict[str, Any]] = openstack("server list --long")
    return found


def sweep(openstack: OpenStack) -> None:
    names = " ".join(row["ID"] for row in openstack("server list"))
    openstack(f"server delete --wait {names}", plain=True)


def test_an_aggregate_is_made_filled_changed_and_emptied(openstack: OpenStack) -> None:
    made = openstack("aggregate create --zone az1 --property ssd=true cli-fast")
    assert (made["name"], made["availability_zone"], made["properties"]["ssd"]) == ("cli-fast", "az1", "true")
    assert openstack("aggregate add host cli-fast sim1")["hosts"] == ["sim1"]
    assert "One or more hosts already" in openstack("aggregate create --zone az2 cli-other", plain=True) + openstack(
        "aggregate add host cli-other sim1", refused=True
    )
    zones = {row["Zone Name"] for row in openstack("availability zone list --compute")}
    assert zones == {"az1", "nova"}
    openstack("aggregate set --name cli-quick --zone az3 --property rack=7 cli-fast", plain=True)
    shown = openstack("aggregate show cli-quick")
    assert (shown["availability_zone"], shown["hosts"]) == ("az3", ["sim1"])
    assert shown["properties"] == {"rack": "7", "ssd": "true"}
    openstack("aggregate unset --property rack cli-quick", plain=True)
    assert openstack("hypervisor show sim1")["aggregates"] == ["cli-quick"]
    assert "Host aggregate is not empty" in openstack("aggregate delete cli-quick", refused=True)
    assert "nothing would go by it" in openstack("aggregate set --property filter_tenant_id=x cli-quick", refused=True)
    assert openstack("aggregate remove host cli-quick sim1")["hosts"] == []
    openstack("aggregate delete cli-quick cli-other", plain=True)
    assert openstack("aggregate list") == []


def test_servers_of_a_group_and_beside_each_other(openstack: OpenStack, cloud: Rig) -> None:
    openstack("flavor create --vcpus 1 --ram 128 --disk 1 cli-group")
    openstack("image create --disk-format qcow2 --container-format bare cli-group-image")
    group = openstack("server group create --policy anti-affinity --rule max_server_per_host=2 cli-apart")
    assert (group["policy"], group["rules"], group["members"]) == ("anti-affinity", {"max_server_per_host": 2}, [])
    plain = "server create --flavor cli-group --image cli-group-image --nic none"
    openstack(f"{plain} --hint group={group['id']} --min 2 --max 9 many")
    servers = settled(openstack, 6)
    assert Counter(server["Host"] for server in servers) == dict.fromkeys(HOSTS, 2)
    assert sorted(server["Name"] for server in servers) == [f"many-{number}" for number in range(1, 7)]
    assert sorted(openstack("server group show cli-apart")["members"]) == sorted(server["ID"] for server in servers)
    assert [row["Name"] for row in openstack("server group list --limit 1")] == ["cli-apart"]

    first = servers[0]
    openstack(f"{plain} --hint same_host={first['ID']} beside")
    openstack(f"{plain} --hint different_host={first['ID']} apart")
    placed = {server["Name"]: server["Host"] for server in settled(openstack, 8)}
    assert placed["beside"] == first["Host"] != placed["apart"]
    assert "not served" in openstack(f"{plain} --hint query=x refused", refused=True)
    openstack(f"{plain} --server-group cli-apart --min 2 --max 2 full")
    full = [server for server in settled(openstack, 10) if server["Name"].startswith("full")]
    assert [server["Status"] for server in full] == ["ERROR", "ERROR"]
    fault = openstack(f"server show {full[0]['ID']}")["fault"]
    assert "0 of at least 2 servers could be placed" in json.dumps(fault)

    openstack("server group delete cli-apart", plain=True)
    sweep(openstack)
    for command in ("flavor delete cli-group", "image delete cli-group-image"):
        openstack(command, plain=True)
    assert cloud.findings() == []
