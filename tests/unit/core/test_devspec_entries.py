"""What the selecting and giving keys of a ``[[device_spec]]`` may hold, and where an error says it is."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.devspec import DeviceSpec
from mooring.core.devspec_entries import parse_device_specs
from mooring.core.devspec_values import KEYS
from mooring.errors import Invalid
from mooring.model.pci import PciAddress

GIVES: Mapping[str, object] = {"physical_network": "p"}
GPU = PciAddress.parse("0000:3b:00.0")


@pytest.mark.parametrize(
    ("entry", "parsed"),
    [
        ({"vendor_id": "0x8086", "product_id": "154C"}, DeviceSpec(vendor_id="8086", product_id="154c")),
        ({"class": "0200"}, DeviceSpec(device_class="0200")),
        ({"class": "0x02"}, DeviceSpec(device_class="02")),
        ({"driver": "mlx5_core"}, DeviceSpec(driver="mlx5_core")),
        ({"pf": "B4:96:91:00:00:0A"}, DeviceSpec(pf="b4:96:91:00:00:0a")),
        ({"serial": "A1 B2"}, DeviceSpec(serial="A1 B2")),
        ({"switch_id": "F8F21E"}, DeviceSpec(switch_id="f8f21e")),
        ({"link_type": "ethernet", "pf": "x"}, DeviceSpec(pf="x", link_type="ethernet")),
        ({"min_link_speed_mbps": 25000}, DeviceSpec(min_link_speed_mbps=25000)),
        ({"numa_node": 0}, DeviceSpec(numa_node=0)),
        ({"pf": "x", "trusted": True}, DeviceSpec(pf="x", trusted=True)),
        ({"pf": "x", "tags": ["gold", "rack=b2"]}, DeviceSpec(pf="x", tags=("gold", "rack=b2"))),
        ({"serial": "A", "vfs": "0"}, DeviceSpec(serial="A", vfs=frozenset({0}))),
        ({"switch_id": "aa", "num_vfs": 4}, DeviceSpec(switch_id="aa", num_vfs=4)),
        ({"serial": "A", "whole": True}, DeviceSpec(serial="A", whole=True)),
        ({"vendor_id": "8086", "whole": True}, DeviceSpec(vendor_id="8086", whole=True)),
    ],
)
def test_a_selector_is_read_as_written(entry: Mapping[str, object], parsed: DeviceSpec) -> None:
    (spec,) = parse_device_specs([{**GIVES, **entry}])
    assert spec == DeviceSpec(**{name: getattr(parsed, name) for name in DeviceSpec.__slots__} | dict(GIVES))


@pytest.mark.parametrize(
    ("entry", "says", "hint"),
    [
        ({"vendor_id": "*"}, "vendor_id = '*' is not four hex digits", "leave it out for any"),
        ({"vendor_id": "808"}, "is not four hex digits", '"8086"'),
        ({"vendor_id": 8086}, "vendor_id = 8086 is not text", "in quotes"),
        ({"product_id": "zzzz"}, "product_id = 'zzzz' is not four hex digits", '"8086"'),
        ({"class": "020"}, "class = '020' is not a PCI class", '"0200"'),
        ({"clas": "0200"}, "unknown key 'clas'", "did you mean class?"),
        ({"vendor": "8086"}, "unknown key 'vendor'", "did you mean vendor_id?"),
        ({"driver": "a/b"}, "is not a driver's name", '"ice"'),
        ({"driver": ""}, "is not a driver's name", '"ice"'),
        ({"pf": "00:00:00:00:00:00"}, "is not the MAC address of one device", "ip link"),
        ({"pf": "01:00:5e:00:00:01"}, "is not the MAC address of one device", "ip link"),
        ({"pf": "b4:96:91:00:00:0a\n"}, "is neither a netdev's name, nor", "ens1f0"),
        ({"serial": " "}, "is not a serial number", "device list"),
        ({"switch_id": "abc"}, "is not the id of a switch", "two for each byte"),
        ({"link_type": "wifi"}, "link_type = 'wifi' is not a link type", "ethernet, infiniband"),
        ({"min_link_speed_mbps": "25G"}, "is not a whole number", "25000"),
        ({"min_link_speed_mbps": 0}, "is not from 1 to 10000000", "25000"),
        ({"numa_node": -1}, "numa_node = -1 is not from 0 to 1023", "leave it out"),
        ({"pf": "x", "trusted": "true"}, "trusted = 'true' is not true or false", "without quotes"),
        ({"pf": "x", "tags": "gold"}, "tags = 'gold' is not a list", '["gold"]'),
        ({"pf": "x", "tags": []}, "is not a list of texts", "leave it out"),
        ({"pf": "x", "tags": [1]}, "has 1, which is no tag", "1 to 60"),
        ({"pf": "x", "tags": ["a b"]}, "has 'a b', which is no tag", "without space"),
        ({"pf": "x", "tags": ["a", "a"]}, "has a tag twice", "once"),
        ({"pf": "x", "tags": [str(n) for n in range(33)]}, "has 33 tags", "32 at most"),
        ({"trusted": True}, "it selects nothing", "give pf"),
        ({"tags": ["gold"]}, "it selects nothing", "give pf"),
        ({"address": "*:*:*.*"}, "selects everything of a domain", "leave address out"),
        ({"vfs": "0"}, "it has vfs without pf", "name it with pf"),
        ({"address": "0000:0a:*.0", "vfs": "0"}, "it has vfs without pf", "name it with pf"),
        ({"address": "0000:0a:*.0", "serial": "A"}, "it has both serial and address", "leave serial out"),
        ({"vendor_id": "8086", "num_vfs": 4}, "it has num_vfs without pf", "name it with pf"),
        ({"class": "0302"}, "it has both class 0302 and physical_network", "leave physical_network out"),
        ({"pf": "x", "exclude": True, "trusted": True}, "both exclude and trusted", "leave trusted out"),
        ({"pf": "x", "exclude": True, "tags": ["a"]}, "both exclude and tags", "leave tags out"),
    ],
)
def test_a_wrong_selector_is_refused_with_the_way_out(entry: Mapping[str, object], says: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_device_specs([{**GIVES, **entry}])
    assert says in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("entry", "parsed"),
    [
        ({"vendor_id": "10de", "product_id": "1db4"}, DeviceSpec(vendor_id="10de", product_id="1db4")),
        ({"class": "0108", "numa_node": 1}, DeviceSpec(device_class="0108", numa_node=1)),
        ({"address": "0000:3b:00.0", "whole": True}, DeviceSpec(address=GPU, whole=True)),
        ({"pf": "0000:3b:00.0", "num_vfs": 3, "tags": ["a"]}, DeviceSpec(pf=GPU, num_vfs=3, tags=("a",))),
        ({"driver": "nvme"}, DeviceSpec(driver="nvme")),
        ({"serial": "S1"}, DeviceSpec(serial="S1")),
    ],
)
def test_what_may_be_no_nic_needs_no_physical_network(entry: Mapping[str, object], parsed: DeviceSpec) -> None:
    assert parse_device_specs([entry]) == (parsed,)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"pf": "ens1f0"}, "pf = 'ens1f0' is said of NICs alone"),
        ({"pf": "b4:96:91:00:00:0a"}, "pf = 'b4:96:91:00:00:0a' is said of NICs alone"),
        ({"serial": "A", "switch_id": "aa"}, "switch_id = 'aa' is said of NICs alone"),
        ({"vendor_id": "8086", "link_type": "ethernet"}, "link_type = 'ethernet' is said of NICs alone"),
        ({"numa_node": 0, "min_link_speed_mbps": 100}, "min_link_speed_mbps = 100 is said of NICs alone"),
        ({"class": "0200"}, "class = '0200' is said of NICs alone"),
    ],
)
def test_what_can_only_be_meant_for_nics_needs_a_physical_network(entry: Mapping[str, object], says: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_device_specs([entry])
    assert refused.value.message == f"device_spec entry 1: it has no physical_network, and {says}"
    assert "exclude = true" in refused.value.hint


@pytest.mark.parametrize(
    ("entry", "line"),
    [({"pf": "x", "vfs": "a"}, 9), ({"pf": "x", "vfss": "0"}, 7), ({"trusted": True}, 7)],
)
def test_an_error_names_the_line_of_its_key_and_else_of_its_entry(entry: Mapping[str, object], line: int) -> None:
    right: Mapping[str, object] = {"pf": "y", "physical_network": "p"}
    with pytest.raises(Invalid, match=rf"\(line {line}\)$") as refused:
        parse_device_specs([right, {**GIVES, **entry}], [{"": 1}, {"": 7, "pf": 8, "vfs": 9}])
    assert refused.value.facts["line"] == line


def test_lines_that_are_not_of_these_entries_are_left_out() -> None:
    with pytest.raises(Invalid, match=r"it selects nothing$"):
        parse_device_specs([GIVES], [{"": 1}, {"": 5}])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=9), ANYTHING, max_size=6), max_size=3))
def test_any_entries_are_read_or_refused_by_number(entries: list[Mapping[str, object]]) -> None:
    told: object
    try:
        told = len(parse_device_specs(entries))
    except Invalid as refused:
        told = refused.message.startswith("device_spec entry ") and bool(refused.hint)
    assert told in (len(entries), True)
