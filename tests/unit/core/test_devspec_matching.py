"""Which functions each selector of a ``[[device_spec]]`` picks, and what is said of those that none picks."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mooring.core.devspec import decide, num_vfs_of, offer, why_none
from mooring.core.devspec_entries import parse_device_specs
from mooring.model.pci import FunctionKind, PciAddress, PciFunction


def _port(function: int, **values: object) -> PciFunction:
    pf = PciFunction(
        PciAddress(0, 0x81, 0, function), FunctionKind.PF, "8086", "10c9", "igb", f"ens1f{function}",
        f"b4:96:91:00:00:0{function}", vf_total=7, vf_count=3, numa_node=function, link_speed_mbps=1000,
        phys_switch_id=f"aa0{function}", serial="SN1", device_class="020000", link_type="ethernet",
    )  # fmt: skip
    return replace(pf, **values)  # type: ignore[arg-type]  # fields by name


def _vfs(pf: PciFunction) -> list[PciFunction]:
    """The 82576's numbering: offset 128, stride 2, so that those of both ports interleave."""
    return [
        PciFunction(
            pf.address.virtual_function(128, 2, index),
            FunctionKind.VF,
            "8086",
            "10ca",
            "vfio-pci",
            pf=pf.address,
            vf_index=index,
            numa_node=pf.numa_node,
            device_class="020000",
        )
        for index in range(3)
    ]


PFS = [_port(0), _port(1)]
HOST = [*PFS, *_vfs(PFS[0]), *_vfs(PFS[1])]
PORT_0 = {"0000:81:10.0", "0000:81:10.2", "0000:81:10.4"}
PORT_1 = {"0000:81:10.1", "0000:81:10.3", "0000:81:10.5"}


def handed_out(*entries: Mapping[str, object], host: list[PciFunction] = HOST) -> set[str]:
    specs = parse_device_specs([{"physical_network": "p", **entry} for entry in entries])
    return {str(one.function.address) for one in offer(host, specs, {}) if one.is_offered}


@pytest.mark.parametrize(
    ("entry", "addresses"),
    [
        ({"pf": "ens1f1", "vfs": "0-1"}, {"0000:81:10.1", "0000:81:10.3"}),
        ({"pf": "b4:96:91:00:00:01"}, PORT_1),
        ({"serial": "SN1"}, PORT_0 | PORT_1),
        ({"serial": "SN1", "vfs": "2"}, {"0000:81:10.4", "0000:81:10.5"}),
        ({"serial": "SN2"}, set()),
        ({"switch_id": "aa01"}, PORT_1),
        ({"pf": "ens1f0", "switch_id": "aa01"}, set()),
        ({"vendor_id": "8086"}, PORT_0 | PORT_1),
        ({"vendor_id": "8086", "product_id": "10ca"}, PORT_0 | PORT_1),
        ({"product_id": "10c9"}, set()),
        ({"class": "02"}, PORT_0 | PORT_1),
        ({"class": "0207"}, set()),
        ({"driver": "igb"}, PORT_0 | PORT_1),
        ({"driver": "vfio-pci"}, set()),
        ({"driver": "igb", "vfs": "1"}, {"0000:81:10.2", "0000:81:10.3"}),
        ({"numa_node": 1}, PORT_1),
        ({"link_type": "ethernet"}, PORT_0 | PORT_1),
        ({"link_type": "infiniband"}, set()),
        ({"min_link_speed_mbps": 1000}, PORT_0 | PORT_1),
        ({"min_link_speed_mbps": 1001}, set()),
        ({"address": "0000:81:10.0-1"}, {"0000:81:10.0", "0000:81:10.1"}),
        ({"address": "0000:81:10.4-0000:81:10.7"}, {"0000:81:10.4", "0000:81:10.5"}),
        ({"address": "0000:81:10.*", "numa_node": 0}, PORT_0),
        ({"address": "0000:81:00.0"}, set()),
    ],
)
def test_every_selector_that_is_given_has_to_hold(entry: Mapping[str, object], addresses: set[str]) -> None:
    assert handed_out(entry) == addresses


def test_a_pf_without_link_has_no_speed_and_one_without_serial_no_serial() -> None:
    bare = _port(0, link_speed_mbps=None, serial=None, phys_switch_id=None, mac=None)
    host = [bare, *_vfs(bare)]
    for entry in ({"min_link_speed_mbps": 1}, {"serial": "SN1"}, {"switch_id": "aa00"}, {"pf": "b4:96:91:00:00:00"}):
        assert handed_out(entry, host=host) == set()


def test_an_exclusion_by_any_selector_wins_wherever_it_stands() -> None:
    everything: Mapping[str, object] = {"vendor_id": "8086"}
    exclude: Mapping[str, object] = {"numa_node": 1, "exclude": True}
    assert handed_out(everything, exclude) == handed_out(exclude, everything) == PORT_0


def test_an_exclusion_by_vendor_keeps_a_whole_pf_back_too() -> None:
    free = _port(0, vf_count=0)
    whole: Mapping[str, object] = {"serial": "SN1", "whole": True}
    assert handed_out(whole, host=[free]) == {"0000:81:00.0"}
    assert handed_out(whole, {"vendor_id": "8086", "exclude": True}, host=[free]) == set()


def test_an_entry_without_whole_never_decides_about_a_pf() -> None:
    free = _port(0, vf_count=0)
    entries: list[Mapping[str, object]] = [{"address": "0000:81:00.*"}, {"pf": "0000:81:00.0", "whole": True}]
    assert handed_out(*entries, host=[free]) == {"0000:81:00.0"}


def test_the_entry_that_decided_is_told_by_its_index() -> None:
    specs = parse_device_specs(
        [
            {"pf": "ens1f1", "vfs": "0", "physical_network": "p"},
            {"vendor_id": "8086", "physical_network": "q", "trusted": True, "tags": ["gold"]},
            {"address": "0000:81:10.5", "exclude": True},
        ]
    )
    told = {str(one.offered.function.address): one for one in decide(HOST, specs, {})}
    assert [told[address].entry for address in ("0000:81:10.1", "0000:81:10.3", "0000:81:10.5")] == [0, 1, 2]
    assert told["0000:81:00.0"].entry is None
    given = told["0000:81:10.3"].spec
    assert given is not None
    assert (given.trusted, given.tags) == (True, ("gold",))


def test_a_pf_reaches_what_its_vfs_do_when_no_entry_names_it() -> None:
    specs = parse_device_specs([{"numa_node": 1, "vendor_id": "8086", "physical_network": "p"}])
    told = {one.function.address: one for one in offer(HOST, specs, {})}
    assert [told[pf.address].physical_network for pf in PFS] == [None, "p"]


def test_num_vfs_reaches_every_pf_of_a_card() -> None:
    specs = parse_device_specs([{"serial": "SN1", "num_vfs": 4, "physical_network": "p"}])
    assert [num_vfs_of(pf, specs) for pf in [*PFS, _port(2, serial="SN2")]] == [4, 4, None]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"product_id": "154c"}, "it wants product_id 154c, not 10ca"),
        ({"vendor_id": "15b3"}, "it wants vendor_id 15b3, not 8086"),
        ({"class": "0201"}, "it wants class 0201, not 020000"),
        ({"pf": "ens1f1"}, "it wants pf ens1f1, not ens1f0"),
        ({"pf": "ens1f0", "vfs": "1"}, "it wants other VFs, not 0"),
        ({"driver": "ice"}, "it wants driver ice, not igb"),
        ({"serial": "SN2"}, "it wants serial SN2, not SN1"),
        ({"switch_id": "bb"}, "it wants switch_id bb, not aa00"),
        ({"link_type": "infiniband"}, "it wants link_type infiniband, not ethernet"),
        ({"min_link_speed_mbps": 10000}, "it wants a link of 10000 Mb/s, not 1000"),
        ({"numa_node": 1}, "it wants numa_node 1, not 0"),
        ({"address": "0000:82:*.0"}, "it wants address 0000:82:*.0"),
    ],
)
def test_the_nearest_entry_says_what_it_wants_and_what_is_there(entry: Mapping[str, object], says: str) -> None:
    far: Mapping[str, object] = {"pf": "ens9", "vfs": "6", "physical_network": "p"}
    specs = parse_device_specs([far, {"physical_network": "p", **entry}])
    assert why_none(HOST[2], PFS[0], specs) == f"nearest is entry 2: {says}"


def test_nothing_is_said_of_entries_that_are_far() -> None:
    specs = parse_device_specs([{"pf": "ens9", "vfs": "6", "physical_network": "p"}])
    assert why_none(HOST[2], PFS[0], specs) == ""


def test_a_vf_whose_pf_was_not_found_is_matched_by_what_is_its_own_alone() -> None:
    lost = HOST[2]
    by_vendor, by_pf = parse_device_specs(
        [{"vendor_id": "8086", "physical_network": "p"}, {"pf": "ens1f0", "physical_network": "p"}]
    )
    assert by_vendor.matches(lost, None)
    assert not by_pf.matches(lost, None)
