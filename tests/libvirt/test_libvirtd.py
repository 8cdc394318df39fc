"""libvirt itself, by its test driver: what the contract has no word for.

The contract is in ``tests/unit/host/test_hypervisor_contract.py`` and runs on the same driver.
"""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from mooring.errors import Conflict, HostFault, Invalid, Unreachable
from mooring.host.domainxml import DomainKind, domain_xml
from mooring.host.libvirt_answers import FROM_RPC, ErrorCode
from mooring.host.libvirtd import Libvirtd
from mooring.host.livexml import parse_marker
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.pci import PciAddress

pytestmark = pytest.mark.requires("libvirt")

TEST_URI = f"test://{Path(__file__).parents[1] / 'data' / 'libvirt-test-node.xml'}"
VF = PciAddress.parse("0000:01:10.0")
NETDEVS = {VF: "enp1s0v0"}
DIRECT = DesiredInterface("7c9e6679-7425-40de-944b-e07fc1f90ae7", "02:00:00:00:02:00", "direct", "hw_veb", VF, 100)
SERVER = DesiredServer(
    "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1 & söhne", 3, True, vcpus=2, memory_mib=64, interfaces=(DIRECT,)
)


def build(server: DesiredServer = SERVER, kind: DomainKind = DomainKind.TEST) -> str:
    return domain_xml(server, kind, NETDEVS)


@pytest.fixture
def binding() -> ModuleType:
    return importlib.import_module("libvirt")


@pytest.fixture
def libvirtd(tmp_path: Path) -> Libvirtd:
    return Libvirtd.connect(TEST_URI, image_dir=tmp_path)


def test_numbers_of_the_table_are_those_of_the_binding(binding: ModuleType) -> None:
    assert {code.name: getattr(binding, f"VIR_ERR_{code.name}") for code in ErrorCode} == {
        code.name: code.value for code in ErrorCode
    }
    assert binding.VIR_FROM_RPC == FROM_RPC


def test_facts_are_those_of_the_connection(libvirtd: Libvirtd, tmp_path: Path) -> None:
    facts = libvirtd.facts()
    assert (facts.type, facts.version, facts.vcpus, facts.memory_mib) == ("TEST", 2, 16, 3072)
    assert Libvirtd.connect(TEST_URI, image_dir=tmp_path / "nowhere").facts().disk_gib == 0


def test_socket_that_nobody_listens_on_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"facts of the host: .*No such file"):
        Libvirtd.connect(f"qemu+unix:///system?socket={tmp_path}/nobody")


def test_title_and_alias_survive_libvirt(libvirtd: Libvirtd) -> None:
    libvirtd.start(build())
    assert libvirtd.connection().lookupByName(f"mooring-{SERVER.id}").XMLDesc().count("web1 &amp; söhne") == 1
    assert libvirtd.domains()[0].port_ids == (DIRECT.port_id,)


def test_xml_that_libvirts_grammar_refuses_is_invalid_and_defines_nothing(libvirtd: Libvirtd) -> None:
    with pytest.raises(Invalid, match=r"start of server .* failed to validate against schema"):
        libvirtd.start(build().replace("<vcpu>", "<vcpus>").replace("</vcpu>", "</vcpus>"))
    assert libvirtd.domains() == []


def test_name_that_a_foreign_domain_has_fails_the_start_and_leaves_both_alone(libvirtd: Libvirtd) -> None:
    foreign = libvirtd.connection().lookupByName("foreign")
    before = foreign.XMLDesc()
    with pytest.raises(HostFault, match="already exists with uuid"):
        libvirtd.start(build().replace(f"mooring-{SERVER.id}", "foreign"))
    assert foreign.XMLDesc() == before
    assert libvirtd.domains() == []


def test_guest_that_shut_itself_down_is_listed_as_not_running_and_starts_anew(libvirtd: Libvirtd) -> None:
    libvirtd.start(build())
    libvirtd.connection().lookupByUUIDString(SERVER.id).destroy()
    assert [state.is_running for state in libvirtd.domains()] == [False]
    libvirtd.start(build(replace(SERVER, generation=4)))
    assert [(state.is_running, state.generation) for state in libvirtd.domains()] == [(True, 4)]


def test_domain_that_is_defined_and_does_not_run_is_destroyed_too(libvirtd: Libvirtd) -> None:
    libvirtd.connection().defineXML(build())
    libvirtd.destroy(SERVER.id)
    assert libvirtd.domains() == []


def test_transient_domain_with_our_marker_is_destroyed_too(libvirtd: Libvirtd) -> None:
    libvirtd.connection().createXML(build())
    libvirtd.destroy(SERVER.id)
    assert libvirtd.domains() == []


def test_domain_with_a_servers_uuid_and_without_the_marker_is_never_redefined_or_destroyed(libvirtd: Libvirtd) -> None:
    xml = build()
    libvirtd.connection().defineXML(xml.replace("https://mooring.dev/xmlns/1", "urn:somebody"))
    with pytest.raises(Conflict, match="does not carry the Mooring marker"):
        libvirtd.start(xml)
    with pytest.raises(Conflict, match="does not carry the Mooring marker"):
        libvirtd.destroy(SERVER.id)
    assert parse_marker(libvirtd.connection().lookupByUUIDString(SERVER.id).XMLDesc()) is None


def test_nothing_is_printed_on_standard_error_for_an_error_that_is_raised(
    libvirtd: Libvirtd, capfd: pytest.CaptureFixture[str]
) -> None:
    libvirtd.destroy(SERVER.id)
    with pytest.raises(Invalid):
        libvirtd.start(build().replace("<vcpu>", "<vcpus>").replace("</vcpu>", "</vcpus>"))
    assert capfd.readouterr().err == ""
