"""A file of devices: what it tells a spec, and what it may not hold."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.device_file import parse_device_file
from mooring.errors import Invalid
from mooring.model.pci import FunctionKind, PciAddress

PF = {"address": "0000:0A:00.1", "vendor_id": "8086", "product_id": "10C9", "serial": "SN1"}
VFS = [
    {"address": f"0000:0a:10.{n}", "vendor_id": "8086", "product_id": "10ca", "parent_addr": "0a:00.1"}
    for n in (5, 1, 3)
]


def text_of(*devices: Mapping[str, object], **interfaces: object) -> str:
    return json.dumps({"devices": devices, "interfaces": interfaces})


def test_vfs_are_numbered_by_address_and_know_their_pf() -> None:
    pf, *vfs = parse_device_file(text_of(PF, *VFS, eth0=["0000:0a:00.1", True])).functions()
    assert (pf.kind, pf.netdev, pf.vf_count, pf.product_id) == (FunctionKind.PF, "eth0", 3, "10c9")
    assert [(vf.kind, vf.vf_index, vf.pf) for vf in vfs] == [(FunctionKind.VF, n, pf.address) for n in (2, 0, 1)]


def test_what_is_told_of_a_device_is_taken_over() -> None:
    told = {
        "address": "0000:0b:00.0", "dev_type": "type-PF", "driver": "ice", "mac": "02:00:00:00:00:01", "serial": "SN2",
        "switch_id": "aa", "link_type": "ethernet", "class": "020000", "numa_node": 1, "link_speed_mbps": 25000,
        "vf_count": 4, "iommu_group": 7, "label": "left alone",
    }  # fmt: skip
    [one] = parse_device_file(text_of(told)).functions()
    assert (one.kind, one.driver, one.mac, one.serial) == (FunctionKind.PF, "ice", "02:00:00:00:00:01", "SN2")
    assert (one.phys_switch_id, one.link_type, one.device_class) == ("aa", "ethernet", "020000")
    assert (one.numa_node, one.link_speed_mbps, one.vf_count, one.iommu_group) == (1, 25000, 4, 7)


def test_a_function_that_nothing_says_to_be_a_pf_is_a_plain_one() -> None:
    [one] = parse_device_file(text_of(PF, eth0=["0000:0a:00.1", False])).functions()
    assert one.kind is FunctionKind.PCI


def test_nova_sees_vfs_with_the_serial_of_their_pf() -> None:
    host = parse_device_file(text_of(PF, *VFS, eth0=["0000:0a:00.1", True])).nova_host()
    assert host.pfs == {"0000:0a:00.1"}
    assert host.interfaces == {"eth0": ("0000:0a:00.1", True)}
    assert {one.serial for one in host.devices} == {"SN1"}


def test_a_vf_whose_pf_is_absent_is_an_error_for_our_specs_and_none_for_novas() -> None:
    file = parse_device_file(text_of(*VFS))
    assert len(file.nova_host().devices) == 3
    with pytest.raises(Invalid, match=r"device 0000:0a:10\.5 names the PF 0000:0a:00\.1, which is not in the file"):
        file.functions()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no list of devices"),
        ('{"devices": {}}', "no list of devices"),
        ('{"devices": [5]}', "device 1 is 5, no object"),
        ('{"devices": [{}]}', "device 1: address = None is not a PCI address"),
        ('{"devices": [{"address": 5}]}', "device 1: address = 5 is not text"),
        ('{"devices": [{"address": "0a:02"}]}', "device 1: address = '0a:02' is not a PCI address"),
        ('{"devices": [{"address": "0000:00:1f/0"}]}', "is not a PCI address"),
        ('{"devices": [{"address": "0000:0a:00.0"}, {"address": "0A:00.0"}]}', "device 2 has the address 0000:0a:00.0"),
        ('{"devices": [{"address": "0000:0a:00.0", "parent_addr": "0a:00.0"}]}', "device 1 is its own PF"),
        ('{"devices": [{"address": "0000:0a:00.0", "parent_addr": "x"}]}', "parent_addr = 'x' is not a PCI address"),
        ('{"devices": [{"address": "0000:0a:00.0", "numa_node": "0"}]}', "numa_node = '0' is not a number"),
        ('{"devices": [{"address": "0000:0a:00.0", "numa_node": -1}]}', "numa_node = -1 is not a number"),
        ('{"devices": [], "interfaces": []}', "interfaces = [] is no object"),
        ('{"devices": [], "interfaces": {"e": ["0a:00.0"]}}', "interface 'e' is ['0a:00.0'], not an address and"),
        ('{"devices": [], "interfaces": {"e": ["x", true]}}', "interface 'e' = 'x' is not a PCI address"),
    ],
)
def test_a_wrong_file_is_refused_with_the_device_named(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_device_file(text)
    assert says in refused.value.message
    assert refused.value.hint


VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just("0000:0a:00.0")
DEVICE = st.dictionaries(st.sampled_from(["address", "parent_addr", "vf_index", "dev_type", "vendor_id"]), VALUE)
FILE = st.fixed_dictionaries(
    {}, optional={"devices": st.lists(DEVICE, max_size=3), "interfaces": st.dictionaries(st.text(max_size=3), VALUE)}
)


@given(st.text(max_size=50) | FILE.map(json.dumps))
def test_any_text_is_a_file_of_devices_or_refused(text: str) -> None:
    try:
        addresses = [one.address for one in parse_device_file(text).functions()]
    except Invalid:
        addresses = []
    assert all(isinstance(address, PciAddress) for address in addresses)
    assert len(set(addresses)) == len(addresses)
