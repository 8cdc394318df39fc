"""How ``mooring device list`` shows one host: PFs with their VFs, whole PFs, and what is wrong with single ones."""

from typing import Any

import pytest

from mooring.cli.tree import print_devices

PF, WHOLE = "0000:81:00.0", "0000:82:00.0"
OWNER = {"server_id": "s1", "server_name": "db", "port_id": "p1", "project_id": "q1"}


def function(address: str, kind: str, **more: Any) -> dict[str, Any]:
    blank = {
        "address": address, "kind": kind, "pf": None, "vf_index": None, "netdev": None, "driver": None,
        "physical_network": "physnet1", "link_speed_mbps": 1000, "numa_node": 0, "is_offered": True,
        "state": "available", "reason": "", "observed": None, "desired": None, "owner": None,
    }  # fmt: skip
    return blank | more


def vf(index: int, **more: Any) -> dict[str, Any]:
    return function(f"0000:81:10.{2 * index}", "type-VF", pf=PF, vf_index=index, **more)


def test_a_function_in_trouble_is_told_apart_from_one_that_is_held_back(capsys: pytest.CaptureFixture[str]) -> None:
    divided = function(
        PF, "type-PF", netdev="ens1f0", is_offered=False, state="unavailable", reason="a PF is not handed out"
    )
    drifted = "vlan is 99 (qos 0, 802.1q), wanted 100 (qos 0, 802.1q)"
    print_devices(
        [
            divided,
            vf(0, state="in-use", reason=drifted, owner=OWNER),
            vf(1, state="unavailable", is_offered=False, reason="device_spec entry 2 excludes it"),
            vf(2),
        ]
    )
    said = capsys.readouterr().out
    assert "ens1f0  0000:81:00.0" in said
    assert "1 of 3 VFs free" in said
    assert "held back: device_spec entry 2 excludes it\n  0000:81:10.2\n" in said
    assert f"not as wanted: {drifted}\n  0000:81:10.0\n" in said
    assert "a PF is not handed out" not in said, "that it serves by its VFs is no news"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "whole: available"),
        ({"state": "in-use", "owner": OWNER, "is_offered": False}, "whole: in-use db"),
        ({"state": "quarantined", "is_offered": False}, "whole: quarantined"),
    ],
)
def test_a_whole_pf_shows_its_own_state(facts: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_devices([function(WHOLE, "type-PF", netdev="ens2f0", **facts)])
    assert said in capsys.readouterr().out


def test_a_pf_without_vfs_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_devices([function(WHOLE, "type-PF")])
    assert "ADDRESS" not in capsys.readouterr().out
