"""How ``mooring device list`` shows one host: PFs with their VFs, whole PFs, and what is wrong with single ones."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.cli.device_free import free_lines
from mooring.cli.device_text import cloud_lines, device_lines, print_devices
from mooring.cli.tree import ranges

PF, WHOLE = "0000:81:00.0", "0000:82:00.0"
OWNER = {"server_id": "s1", "server_name": "db", "port_id": "p1", "project_id": "q1", "request": None}
SETTINGS = {"mac": "00:00:00:00:00:00", "vlan": {"id": 0}, "spoof_check": True, "trust": False}


def function(address: str, kind: str, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "host": "h1", "address": address, "kind": kind, "pf": None, "pf_netdev": None, "vf_index": None,
        "netdev": None, "driver": None, "physical_network": "physnet1", "link_speed_mbps": 1000, "numa_node": 0,
        "is_offered": True, "state": "available", "reason": "", "observed": None, "desired": None, "owner": None,
        "trusted": False, "tags": [], "groups": [], "vendor_id": "10de", "product_id": "20f1",
        "updated_at": "2026-01-01T12:00:00.5Z",
    }  # fmt: skip
    return blank | more


def pf(**more: Any) -> dict[str, Any]:
    divided = {"netdev": "ens1f0", "is_offered": False, "state": "unavailable", "reason": "it serves by its VFs"}
    return function(PF, "type-PF", **divided | more)


def vf(index: int, **more: Any) -> dict[str, Any]:
    of = {"pf": PF, "pf_netdev": "ens1f0", "vf_index": index, "observed": SETTINGS}
    return function(f"0000:81:{16 + index // 4:02x}.{2 * (index % 4)}", "type-VF", **of | more)


def said(devices: list[dict[str, Any]], *, is_each: bool = False) -> list[str]:
    return list(device_lines(devices, is_each=is_each))


def rows(devices: list[dict[str, Any]], *, is_each: bool = False) -> list[list[str]]:
    """The rows of a PF's table, as words."""
    return [line.split() for line in said(devices, is_each=is_each) if line.strip()[:1].isdigit()]


def test_a_function_in_trouble_is_told_apart_from_one_that_is_held_back(capsys: pytest.CaptureFixture[str]) -> None:
    drifted = "vlan is 99 (qos 0, 802.1q), wanted 100 (qos 0, 802.1q)"
    print_devices(
        [
            pf(reason="a PF is not handed out"),
            vf(0, state="in-use", reason=drifted, owner=OWNER),
            vf(1, state="unavailable", is_offered=False, reason="device_spec entry 2 excludes it"),
            vf(2),
            vf(3, state="quarantined", reason="the MAC did not read back"),
        ]
    )
    told = capsys.readouterr().out
    assert "ens1f0  0000:81:00.0" in told
    assert "1 of 4 VFs free" in told
    assert "held back: device_spec entry 2 excludes it\n  0000:81:10.2\n" in told
    assert f"not as wanted: {drifted}\n  0000:81:10.0\n" in told
    assert "quarantined: the MAC did not read back\n  0000:81:10.6 since 2026-01-01 12:00:00\n" in told
    assert "a PF is not handed out" not in told, "that it serves by its VFs is no news"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "whole: available"),
        ({"state": "in-use", "owner": OWNER, "is_offered": False}, "whole: in-use db"),
        ({"state": "in-use", "owner": OWNER | {"request": "fast"}}, "whole: in-use db (fast)"),
        ({"state": "quarantined", "is_offered": False}, "whole: quarantined"),
    ],
)
def test_a_whole_pf_shows_its_own_state(facts: dict[str, Any], told: str) -> None:
    assert told in said([function(WHOLE, "type-PF", netdev="ens2f0", **facts)])[0]


def test_a_pf_without_vfs_has_no_table() -> None:
    assert "ADDRESS" not in "\n".join(said([function(WHOLE, "type-PF")]))


def test_equal_vfs_are_one_row_and_the_others_are_not() -> None:
    devices = [pf(), *(vf(index) for index in range(64))]
    devices[4] = vf(3, state="in-use", owner=OWNER, observed=SETTINGS | {"mac": "fa:16:3e:00:00:01"})
    assert [row[:3] for row in rows(devices)] == [
        ["0-2", "0000:81:10.0..", "available"],
        ["3", "0000:81:10.6", "in-use"],
        ["4-63", "0000:81:11.0..", "available"],
    ]


def test_every_vf_has_a_row_of_its_own_where_that_is_asked_for() -> None:
    assert len(rows([pf(), *(vf(index) for index in range(64))], is_each=True)) == 64


@pytest.mark.parametrize(
    "other",
    [
        {"state": "quarantined"}, {"owner": OWNER}, {"observed": SETTINGS | {"vlan": {"id": 5}}},
        {"observed": SETTINGS | {"spoof_check": False}}, {"observed": SETTINGS | {"trust": True}},
    ],
)  # fmt: skip
def test_a_vf_that_differs_in_anything_shown_is_in_no_run(other: dict[str, Any]) -> None:
    devices = [pf(), *(vf(index, **(other if index == 4 else {})) for index in range(9))]
    assert [row[0] for row in rows(devices)] == ["0-3", "4", "5-8"]


def test_a_run_ends_where_numbers_are_missing_and_two_vfs_are_none() -> None:
    devices = [pf(), *(vf(index) for index in (0, 1, 2, 5, 6, 9, 10, 11))]
    assert [row[0] for row in rows(devices)] == ["0-2", "5", "6", "9-11"]


def test_macs_of_free_vfs_part_no_run_and_are_not_shown_as_if_they_were_one() -> None:
    devices = [pf(), *(vf(index, observed=SETTINGS | {"mac": f"02:00:00:00:00:0{index}"}) for index in range(3))]
    assert rows(devices) == [["0-2", "0000:81:10.0..", "available", "-", "0", "on", "-"]]


def test_trust_has_a_column_only_where_something_is_trusted() -> None:
    assert "TRUST" not in "\n".join(said([pf(), vf(0)]))
    (row,) = rows([pf(), vf(0, observed=SETTINGS | {"trust": True})])
    assert row[-2:] == ["on", "-"]


def test_pci_groups_trusted_and_tagged_vfs_are_named_below_their_pf() -> None:
    devices = [pf(), *(vf(index, groups=["fast"], tags=["gold"] if index in (1, 5) else []) for index in range(8))]
    devices[8] = vf(7, groups=["fast"], trusted=True)
    assert "    PCI group fast: all  tag gold: VF 1, 5  trusted: VF 7" in said(devices)
    assert "    PCI group whole" in said([function(WHOLE, "type-PF", groups=["whole"])])


def test_vfs_whose_pf_is_not_listed_are_below_its_name_all_the_same() -> None:
    lines = said([vf(0), vf(1, state="in-use", owner=OWNER)])
    assert lines[0] == "ens1f0  0000:81:00.0  physnet1  1 Gb/s  NUMA 0  2 of its VFs, 1 free"


def test_many_vfs_with_one_reason_are_named_by_their_numbers() -> None:
    held = {"state": "unavailable", "is_offered": False, "reason": "device_spec entry 2 excludes it"}
    lines = said([pf(), *(vf(index, **held) for index in range(9))])
    assert lines[-2:] == ["held back: device_spec entry 2 excludes it", "  VF 0-8 of ens1f0"]


def test_other_functions_have_a_table_with_device_driver_and_pci_groups() -> None:
    gpu = {"driver": "vfio-pci", "groups": ["gpu"], "physical_network": None}
    lines = said([function("0000:af:00.0", "type-PCI", state="in-use", owner=OWNER | {"request": "gpu"}, **gpu)])
    assert lines[0] == "other functions"
    assert lines[2].split() == ["0000:af:00.0", "10de:20f1", "in-use", "vfio-pci", "0", "gpu", "db", "(gpu)"]


def test_free_functions_are_counted_by_physical_network_pci_group_and_numa_node() -> None:
    devices = [
        pf(), vf(0, groups=["fast"]), vf(1, groups=["fast"], state="in-use", owner=OWNER), vf(2, numa_node=1),
        vf(3, state="quarantined"), vf(4, state="unavailable", is_offered=False),
        function("0000:af:00.0", "type-PCI", physical_network=None, numa_node=None, groups=["gpu"]),
    ]  # fmt: skip
    assert " ".join(" ".join(free_lines(devices)).split()) == (
        "FREE 3 of 5; 2 of 4 on physnet1; 1 of 2 in PCI group fast, 1 of 1 in PCI group gpu; "
        "1 of 3 on NUMA 0, 1 of 1 on NUMA 1, 1 of 1 with no NUMA node"
    )
    assert list(free_lines([pf()])) == []


def test_hosts_follow_one_another_each_under_its_name() -> None:
    lines = list(cloud_lines([pf(), vf(0), pf(host="h2"), vf(0, host="h2")]))
    assert [line for line in lines if line.startswith("host ")] == ["host h1", "host h2"]


def test_hostile_names_are_shown_as_text() -> None:
    evil = "\x1b[31mred"
    devices = [pf(netdev=evil), vf(0, groups=[evil], tags=[evil], owner=OWNER | {"server_name": evil}, reason=evil)]
    assert "\x1b" not in "\n".join([*said(devices), *free_lines(devices), *cloud_lines([vf(0, host=evil)])])


@given(st.frozensets(st.integers(0, 80)))
def test_ranges_name_each_number_once(numbers: frozenset[int]) -> None:
    named = ranges(numbers)
    found: list[int] = []
    for part in filter(None, named.split(", ")):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    assert found == sorted(numbers)
