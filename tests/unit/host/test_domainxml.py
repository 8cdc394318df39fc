"""Domain XML: libvirt's grammar takes it, it says what was asked for, and it reads back unchanged."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import HostFault, Invalid, Unsupported
from mooring.host.domainxml import SPARE_ROOT_PORTS, DomainKind, Wiring, domain_xml, interface_xml, writable
from mooring.host.livexml import parse, parse_interface, parse_marker
from mooring.host.machine import DomainFiles
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.pci import PciAddress
from mooring.testing.schemas import validate_domain
from tests.unit.host.interfaces import (
    DIRECT,
    DIRECT_QBH,
    INFINIBAND,
    MAC,
    MACVTAP,
    MACVTAP_QBH,
    NORMAL,
    NORMAL_OVS,
    OFFLOADED,
    ON_OVS,
    PHYSICAL,
    PORT,
    SHARED_NIC,
    VF,
    WIRING,
    shape,
)

FOLDER = Path("/var/lib/mooring/servers/0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11")
FILES = DomainFiles(FOLDER / "config-drive.iso", FOLDER / "console.log", FOLDER / "root.qcow2")

EVERY_KIND = [
    pytest.param(DIRECT, id="direct"),
    pytest.param(replace(DIRECT, vlan_id=0), id="direct-flat"),
    pytest.param(replace(DIRECT, address=PciAddress.parse("10000:01:10.0")), id="direct-in-a-vmd-domain"),
    pytest.param(MACVTAP, id="macvtap"),
    pytest.param(replace(MACVTAP, vlan_id=0), id="macvtap-flat"),
    pytest.param(NORMAL, id="normal"),
    pytest.param(replace(NORMAL, vlan_id=0), id="normal-flat"),
    pytest.param(ON_OVS, id="normal-on-ovs"),
    pytest.param(replace(ON_OVS, vlan_id=0), id="normal-on-ovs-flat"),
    pytest.param(DIRECT_QBH, id="direct-port-profile"),
    pytest.param(MACVTAP_QBH, id="macvtap-port-profile"),
    pytest.param(PHYSICAL, id="direct-physical"),
    pytest.param(NORMAL_OVS, id="ovs-normal"),
    pytest.param(OFFLOADED, id="ovs-direct"),
    pytest.param(SHARED_NIC, id="macvtap-on-a-nic"),
    pytest.param(INFINIBAND, id="infiniband"),
]


def server(*interfaces: DesiredInterface, name: str = "web1") -> DesiredServer:
    return DesiredServer(
        id="0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11",
        name=name,
        generation=7,
        is_wanted=True,
        vcpus=2,
        memory_mib=2048,
        interfaces=interfaces,
    )


def build(*interfaces: DesiredInterface, kind: DomainKind = DomainKind.KVM, name: str = "web1") -> str:
    return domain_xml(server(*interfaces, name=name), kind, WIRING, FILES)


def test_guests_disk_is_an_overlay_that_the_host_may_cache_and_its_config_drive_is_read_only() -> None:
    lines = shape(build(DIRECT))
    assert [line for line in lines if "/disk" in line] == [
        "/domain/devices/disk device=disk type=file",
        "/domain/devices/disk/driver cache=writeback discard=unmap name=qemu type=qcow2",
        f"/domain/devices/disk/source file={FOLDER}/root.qcow2",
        "/domain/devices/disk/target bus=virtio dev=vda",
        "/domain/devices/disk device=disk type=file",
        "/domain/devices/disk/driver name=qemu type=raw",
        f"/domain/devices/disk/source file={FOLDER}/config-drive.iso",
        "/domain/devices/disk/target bus=virtio dev=vdb",
        "/domain/devices/disk/readonly",
    ]


def test_guest_without_an_image_has_its_config_drive_alone() -> None:
    lines = shape(domain_xml(server(), DomainKind.KVM, WIRING, replace(FILES, root_disk=None)))
    assert [line for line in lines if "/source " in line] == [
        f"/domain/devices/disk/source file={FOLDER}/config-drive.iso"
    ]


def test_console_is_kept_in_the_servers_log() -> None:
    assert [line for line in shape(build()) if "/serial" in line] == [
        "/domain/devices/serial type=pty",
        f"/domain/devices/serial/log append=on file={FOLDER}/console.log",
        "/domain/devices/serial/target port=0",
    ]


def test_guest_has_entropy_from_the_host() -> None:
    assert "/domain/devices/rng model=virtio" in shape(build())
    assert parse(build()).findtext("devices/rng/backend[@model='random']") == "/dev/urandom"


@pytest.mark.parametrize("path", [Path("config-drive.iso"), FOLDER / "new\nline"])
def test_path_that_xml_cannot_carry_or_libvirt_would_take_for_another_is_refused(path: Path) -> None:
    with pytest.raises(Invalid, match="path"):
        domain_xml(server(), DomainKind.KVM, WIRING, replace(FILES, config_drive=path))


def test_pci_topology_leaves_spare_root_ports_for_live_attach() -> None:
    """In this order: libvirt refuses root ports without the root named first, and its own USB controller takes one."""
    controllers = [line for line in shape(build(DIRECT, MACVTAP)) if "/controller " in line]
    assert controllers == [
        "/domain/devices/controller index=0 model=pcie-root type=pci",
        *["/domain/devices/controller model=pcie-root-port type=pci"] * (2 + 3 + SPARE_ROOT_PORTS),
        "/domain/devices/controller model=none type=usb",
    ]


@pytest.mark.parametrize(("kind", "models"), [(DomainKind.KVM, 1), (DomainKind.QEMU, 0), (DomainKind.TEST, 0)])
def test_guest_has_the_hosts_cpu_only_where_kvm_runs_it(kind: DomainKind, models: int) -> None:
    xml = build(kind=kind)
    assert parse(xml).get("type") == kind.value
    assert shape(xml).count("/domain/cpu mode=host-model") == models


@pytest.mark.requires("schemas")
@pytest.mark.parametrize("kind", list(DomainKind))
@pytest.mark.parametrize("interface", EVERY_KIND)
def test_libvirts_grammar_takes_a_domain_with_every_kind_of_interface(
    interface: DesiredInterface, kind: DomainKind
) -> None:
    wiring = Wiring({interface.address or VF: "v0"}, frozenset({"br-ovs"}))
    validate_domain(domain_xml(server(interface), kind, wiring, FILES))


@pytest.mark.requires("schemas")
def test_libvirts_grammar_takes_a_domain_without_name_or_interface() -> None:
    validate_domain(build(name=""))


@pytest.mark.requires("schemas")
def test_libvirts_grammar_refuses_what_it_should() -> None:
    with pytest.raises(Invalid, match="refuses the domain XML"):
        validate_domain(build(DIRECT).replace("<vlan>", "<vlam>").replace("</vlan>", "</vlam>"))
    with pytest.raises(Invalid, match="does not parse"):
        validate_domain("<domain>")


@pytest.mark.parametrize("interface", EVERY_KIND)
def test_read_back_of_an_interface_is_what_was_asked_for(interface: DesiredInterface) -> None:
    own = parse_marker(build(replace(interface, address=VF)))
    assert own is not None
    (live,) = own.interfaces
    is_physical = interface in (PHYSICAL, INFINIBAND)
    assert own.generation == 7
    assert live.port_id == PORT
    assert live.mac == (None if is_physical else MAC)
    assert live.profile_id == interface.profile_id
    assert live.is_of_host is (interface.vnic_type == "normal")
    if live.vlan_id is not None:
        assert live.vlan_id == interface.vlan_id
    assert live.address == (VF if interface.vnic_type in {"direct", "direct-physical"} else None)
    assert live == parse_interface(interface_xml(replace(interface, address=VF), WIRING))


def test_state_of_a_domain_names_its_ports_macs_and_functions() -> None:
    other = replace(NORMAL, port_id="16fd2706-8baf-433b-82eb-8c7fada847da", mac="02:00:00:00:01:66")
    own = parse_marker(build(PHYSICAL, other))
    assert own is not None
    state = own.state(is_running=True)
    assert state.port_ids == (other.port_id, PORT)
    assert state.interface_macs == (other.mac,)
    assert state.functions == (VF,)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param(replace(DIRECT, mac="03:00:00:00:00:01"), "MAC address", id="multicast"),
        pytest.param(replace(DIRECT, mac="00:00:00:00:00:00"), "00:00:00:00:00:00", id="zero-mac"),
        pytest.param(replace(DIRECT, mac=f"{MAC}\n"), "MAC address", id="newline-behind-mac"),
        pytest.param(replace(DIRECT, vlan_id=4095), "0..4094, got 4095", id="reserved-vlan"),
        pytest.param(replace(NORMAL, vlan_id=-1), "0..4094, got -1", id="negative-vlan"),
        pytest.param(replace(DIRECT, address=None), "names no PCI function", id="no-function"),
        pytest.param(replace(DIRECT, port_id="a b"), "port id", id="port-id"),
        pytest.param(replace(NORMAL, bridge=None), "bridge", id="no-bridge"),
        pytest.param(replace(NORMAL, bridge=".."), "bridge", id="dots"),
        pytest.param(replace(NORMAL, bridge="sixteen-letters-"), "bridge", id="longer-than-ifnamsiz"),
        pytest.param(replace(SHARED_NIC, source=None), "network device", id="no-nic"),
        pytest.param(replace(DIRECT_QBH, profile_id=None), "port profile", id="no-profile"),
        pytest.param(replace(DIRECT_QBH, profile_id="x" * 40), "port profile", id="longer-than-libvirts-field"),
    ],
)
def test_field_that_xml_or_libvirt_cannot_carry_is_refused(wrong: DesiredInterface, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        build(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(server(), id="0B2F1C3E-9A57-4C55-8D36-1F6F7F3F2A11"),
        replace(server(), id="../../etc/passwd"),
        replace(server(), vcpus=0),
        replace(server(), memory_mib=0),
        replace(server(), generation=-1),
    ],
)
def test_server_that_makes_no_domain_is_refused(wrong: DesiredServer) -> None:
    with pytest.raises(Invalid):
        domain_xml(wrong, DomainKind.KVM, WIRING, FILES)


def test_vif_type_that_no_branch_knows_is_unsupported_with_its_name() -> None:
    with pytest.raises(Unsupported, match="'vhostuser' with vnic type 'direct'"):
        build(replace(DIRECT, vif_type="vhostuser"))


def test_macvtap_without_a_network_device_is_a_fault_of_the_host() -> None:
    with pytest.raises(HostFault, match=r"0000:81:10\.4 .* has no network device"):
        domain_xml(server(MACVTAP), DomainKind.KVM, Wiring(), FILES)


@given(name=st.text(max_size=40))
def test_any_name_is_refused_or_reads_back_and_never_becomes_markup(name: str) -> None:
    try:
        xml = build(DIRECT, name=name)
    except Invalid:
        with pytest.raises(Invalid):
            writable(name, "server name")
        return
    assert (parse(xml).findtext("title") or "") == name
    assert shape(xml) == shape(build(DIRECT, name="x" * bool(name)))
    assert parse_marker(xml) == parse_marker(build(DIRECT))


@pytest.mark.requires("schemas")
@given(name=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20))
def test_libvirts_grammar_takes_every_name_that_is_not_refused(name: str) -> None:
    try:
        xml = build(name=name)
    except Invalid:
        return
    validate_domain(xml)


@pytest.mark.parametrize("name", ["tab\there", "two\nlines", "nul\0", "bell\x07", "\x85", "\ud800", "\ufffe"])
def test_name_with_a_character_that_xml_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=r"server name has U\+"):
        build(name=name)


@pytest.mark.parametrize("name", ["<!DOCTYPE x>", "]]>", "<mooring:server/>", "&amp;", "a/b", " ", "\u202eevil"])
def test_name_that_looks_like_markup_is_only_a_name(name: str) -> None:
    assert parse(build(name=name)).findtext("title") == name
