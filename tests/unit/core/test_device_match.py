"""What two sets of specs say of the same devices, and where they differ."""

import json
from collections.abc import Mapping

from mooring.core.device_file import DeviceFile, parse_device_file
from mooring.core.device_match import Answer, Gift, changes, native_answers, nova_answers, nova_host_of
from mooring.core.devspec_entries import parse_device_specs
from mooring.core.nova_devspec import parse_nova_specs

PF, VF_0, VF_1 = "0000:0a:00.0", "0000:0a:02.0", "0000:0a:02.1"


def file() -> DeviceFile:
    devices = [
        {"address": PF, "vendor_id": "8086", "product_id": "1572", "serial": "SN1"},
        {"address": VF_0, "vendor_id": "8086", "product_id": "154c", "parent_addr": PF},
        {"address": VF_1, "vendor_id": "8086", "product_id": "154c", "parent_addr": PF},
    ]
    return parse_device_file(json.dumps({"devices": devices, "interfaces": {"eth0": [PF, True]}}))


def ours(*entries: Mapping[str, object]) -> tuple[Answer, ...]:
    return native_answers(file().functions(), parse_device_specs(entries), {})


def novas(*entries: Mapping[str, object]) -> tuple[Answer, ...]:
    host = file().nova_host()
    return nova_answers(parse_nova_specs(entries, host), host)


def test_an_answer_has_the_entry_that_decided_and_what_it_gives() -> None:
    pf, first, second = ours(
        {"pf": "eth0", "vfs": "1", "exclude": True},
        {"pf": "eth0", "physical_network": "p", "trusted": True, "tags": ["b", "a"]},
    )
    assert (pf.entry, pf.gift, pf.reason) == (None, None, "a PF is not handed out, only its VFs are")
    assert (first.entry, first.gift, first.reason) == (1, Gift("p", True, ("a", "b")), "")
    assert (second.entry, second.gift, second.reason) == (0, None, "device_spec entry 1 excludes it")


def test_a_device_that_no_entry_matches_is_told_the_nearest() -> None:
    _, first, _ = ours({"pf": "eth0", "vfs": "1", "physical_network": "p"})
    assert first.reason == "no device_spec matches; nearest is entry 1: it wants other VFs, not 0"


def test_novas_tags_are_what_a_device_is_given() -> None:
    told = novas({"address": PF, "physical_network": "p", "trusted": "True", "card": "e810", "managed": "no"})
    assert [one.gift for one in told] == [Gift("p", True, ("card=e810", "managed=no"))] * 3
    assert [one.reason for one in novas({"vendor_id": "15b3"})] == ["no device_spec matches"] * 3


def test_a_number_that_moves_is_no_change_and_another_network_is_one() -> None:
    before = ours({"pf": "eth0", "physical_network": "p"})
    moved = ours({"pf": "eth9", "physical_network": "q"}, {"pf": "eth0", "physical_network": "p"})
    assert changes(before, moved) == ()
    other = ours({"pf": "eth0", "vfs": "0", "physical_network": "q"})
    assert [(one.address, one.after.gift if one.after else None) for one in changes(before, other)] == [
        (VF_0, Gift("q")),
        (VF_1, None),
    ]


def test_a_nova_conf_and_our_entries_are_compared() -> None:
    before = novas({"devname": "eth0", "product_id": "154c", "physical_network": "p"})
    assert changes(before, ours({"pf": "eth0", "physical_network": "p"})) == ()


def test_a_discovered_host_is_what_nova_would_see() -> None:
    host = nova_host_of(file().functions())
    assert [one.parent for one in host.devices] == [None, PF, PF]
    assert host.pfs == frozenset()  # sriov_totalvfs is not in such a file
