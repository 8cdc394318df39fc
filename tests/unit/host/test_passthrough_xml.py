"""Functions that a flavor asked for in domain XML: plain PCI devices, by address alone."""

from pathlib import Path

import pytest

from mooring.host.domainxml import DomainKind, Wiring, domain_xml
from mooring.host.livexml import parse, parse_marker
from mooring.host.machine import DomainFiles
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.pci import PciAddress
from mooring.testing.schemas import validate_domain

FILES = DomainFiles(Path("/var/lib/mooring/servers/1/config-drive.iso"), Path("/var/lib/mooring/servers/1/console.log"))
VF = PciAddress.parse("0000:81:10.4")
GPU, NVME = PciAddress.parse("0000:c1:00.0"), PciAddress.parse("10000:02:00.0")
DIRECT = DesiredInterface(
    "7c9e6679-7425-40de-944b-e07fc1f90ae7", "02:00:00:00:01:55", "direct", "hw_veb", address=VF, vlan_id=100
)


def build(*passthrough: PciAddress, kind: DomainKind = DomainKind.KVM) -> str:
    server = DesiredServer(
        "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1", 7, True, vcpus=2, memory_mib=2048, interfaces=(DIRECT,),
        passthrough=passthrough,
    )  # fmt: skip
    return domain_xml(server, kind, Wiring(), FILES)


def test_functions_that_a_flavor_asked_for_are_plain_pci_devices_in_the_order_of_their_addresses() -> None:
    devices = parse(build(NVME, GPU)).findall("devices/hostdev")
    assert [device.attrib for device in devices] == [{"mode": "subsystem", "type": "pci", "managed": "yes"}] * 2
    assert [[child.tag for child in device.iter()] for device in devices] == [["hostdev", "source", "address"]] * 2
    assert [address.attrib for device in devices for address in device.iter("address")] == [
        {"domain": "0x0000", "bus": "0xc1", "slot": "0x00", "function": "0x0"},
        {"domain": "0x10000", "bus": "0x02", "slot": "0x00", "function": "0x0"},
    ]
    assert build(NVME, GPU) == build(GPU, NVME)


def test_functions_that_a_flavor_asked_for_leave_the_spare_root_ports_free() -> None:
    assert build(GPU, NVME).count("pcie-root-port") - build().count("pcie-root-port") == 2


def test_read_back_of_a_passed_through_function_is_its_address_and_no_port() -> None:
    own = parse_marker(build(GPU))
    assert own is not None
    direct, gpu = own.interfaces
    assert (gpu.port_id, gpu.address, gpu.mac) == ("", GPU, None)
    state = own.state(is_running=True)
    assert (state.port_ids, state.functions) == ((direct.port_id,), (VF, GPU))


@pytest.mark.requires("schemas")
@pytest.mark.parametrize("kind", list(DomainKind))
def test_libvirts_grammar_takes_passed_through_functions(kind: DomainKind) -> None:
    validate_domain(build(GPU, NVME, kind=kind))
