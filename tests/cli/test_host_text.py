"""How ``mooring host list`` and ``show`` tell what a host has, what is used and what is wrong."""

from typing import Any

import pytest
from rich.cells import cell_len

from mooring.cli.host_text import print_host, print_hosts

HOST: dict[str, Any] = {
    "name": "node1", "liveness": "alive", "heard_at": "2026-01-01T12:00:00.5Z", "is_enabled": True,
    "disabled_reason": None, "availability_zone": "az1", "aggregates": ["fast-nics", "rack1"], "epoch": 3,
    "boot_id": "b", "started_at": None, "hypervisor_type": "QEMU", "hypervisor_version": 7002001, "servers": 2,
    "vcpus": 64, "used_vcpus": 4, "memory_mib": 262144, "used_memory_mib": 2048, "disk_gib": 4000,
    "used_disk_gib": 20, "bridge_mappings": {"physnet1": "br0"}, "device_mappings": {"physnet1": ["ens2f0"]},
    "dhcp_interfaces": [],
    "vfs": {"": {"unavailable": 2}, "physnet1": {"available": 41, "in-use": 2, "quarantined": 1}}, "pfs": {},
    "others": {}, "devices": [],
    "numa_cells": [
        {"id": 0, "cpus": [*range(16), *range(32, 48)], "memory_mib": 131072, "socket": 0},
        {"id": 1, "cpus": [*range(16, 32), *range(48, 64)], "memory_mib": 65536, "socket": None},
    ],
}  # fmt: skip
VF: dict[str, Any] = {
    "host": "node1", "address": "0000:3b:02.0", "kind": "type-VF", "pf": "0000:3b:00.0", "pf_netdev": "ens2f0",
    "vf_index": 0, "netdev": None, "driver": None, "physical_network": "physnet1", "link_speed_mbps": 25000,
    "numa_node": 1, "is_offered": True, "state": "available", "reason": "", "observed": None, "desired": None,
    "owner": None, "trusted": False, "tags": [], "groups": ["fast"], "updated_at": "2026-01-01T12:00:00Z",
}  # fmt: skip


def listed(capsys: pytest.CaptureFixture[str], **facts: Any) -> list[str]:
    print_hosts([HOST | facts])
    return capsys.readouterr().out.splitlines()


def shown(capsys: pytest.CaptureFixture[str], **facts: Any) -> list[str]:
    print_host(HOST | facts)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    return lines


def test_a_row_tells_free_vfs_and_those_in_quarantine_by_physical_network(capsys: pytest.CaptureFixture[str]) -> None:
    told = " ".join(" ".join(listed(capsys)[1:]).split())
    assert told == "node1 alive az1 2 4/64 2/256 physnet1 41/44 (1 quarantined)"


def test_a_row_tells_whole_pfs_and_other_functions_where_there_are_any_to_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pfs, others = {"physnet2": {"available": 1, "in-use": 1}}, {"": {"available": 3, "in-use": 1}}
    told = " ".join(" ".join(listed(capsys, vfs={}, pfs=pfs, others=others)[1:]).split())
    assert told.endswith("whole PFs 1/2, others 3/4")
    assert "others" not in "".join(listed(capsys, others={"": {"unavailable": 7}}))


def test_dhcp_is_shown_where_it_is_offered_or_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    told = [
        {"physical_network": "physnet1", "netdev": "ens1f0v0", "mac": "02:00:00:00:00:01", "reason": ""},
        {"physical_network": "physnet2", "netdev": "ens2", "mac": "", "reason": "ens2 is not there"},
    ]
    lines = " ".join(" ".join(shown(capsys, dhcp_interfaces=told)).split())
    assert "DHCP physnet1 by ens1f0v0 " in lines
    assert "DHCP is not served on physnet2 by ens2: ens2 is not there" in lines
    assert not any(line.startswith("DHCP") for line in shown(capsys))


def test_a_host_that_is_kept_out_of_use_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "dead, disabled" in listed(capsys, liveness="dead", is_enabled=False)[1]
    lines = shown(capsys, is_enabled=False, disabled_reason="power supply")
    assert "enabled     no: power supply" in lines


def test_aggregates_and_numa_nodes_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    in_use = VF | {"address": "0000:3b:02.1", "vf_index": 1, "state": "quarantined"}
    lines = shown(capsys, devices=[VF, in_use])
    assert "aggregates  fast-nics, rack1" in lines
    assert "hypervisor  QEMU 7.2.1" in lines
    rows = [line.split() for line in lines]
    assert ["0", "0", "0-15,", "32-47", "128", "0", "of", "0"] in rows
    assert ["1", "-", "16-31,", "48-63", "64", "1", "of", "2"] in rows


def test_pci_groups_of_a_host_are_shown_with_what_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line.split() for line in shown(capsys, devices=[VF])]
    assert ["PCI", "GROUP", "FREE"] in rows
    assert ["fast", "1", "of", "1"] in rows
    assert not any("GROUP" in line for line in shown(capsys))


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"liveness": "dead"}, "nothing new is placed on it while its agent is silent"),
        ({"liveness": "unknown"}, "nothing new is placed on it while its agent is silent"),
        ({"liveness": "unknown", "heard_at": None}, "its agent was never heard from"),
    ],
)
def test_a_silent_agent_is_told_with_the_way_out(
    facts: dict[str, Any], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = " ".join(shown(capsys, **facts))
    assert says in told
    assert told.rpartition("mooring")[1]
