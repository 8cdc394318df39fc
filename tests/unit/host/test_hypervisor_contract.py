"""What every hypervisor keeps to: one class of tests, for the simulated one and for libvirt.

libvirt's test driver runs no guest and has no host devices, so what happens to a VF is shown on the simulated one
alone (``test_simulated_hypervisor.py``) and on real hosts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mooring.errors import Conflict, Invalid, MooringError, NotFound, Stale, Unsupported
from mooring.host.domainxml import DomainKind, Wiring, domain_xml, interface_xml
from mooring.host.libvirtd import Libvirtd
from mooring.host.livexml import parse_marker
from mooring.host.machine import DomainFiles, Hypervisor, HypervisorFacts
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import INTEL_82576
from mooring.testing.hypervisor import SimulatedHypervisor
from mooring.testing.vf_table import SimulatedVfTable

PF = PciAddress.parse("0000:01:00.0")
VFS = [PF.virtual_function(offset=128, stride=2, vf_index=index) for index in range(3)]
NETDEVS: Mapping[PciAddress, str] = {address: f"enp1s0v{index}" for index, address in enumerate(VFS)}
WIRING = Wiring(NETDEVS)
FILES = DomainFiles(Path("/var/lib/mooring/servers/1/config-drive.iso"), Path("/var/lib/mooring/servers/1/console.log"))
#: The one domain of this test host is not ours.
TEST_NODE = Path(__file__).parents[2] / "data" / "libvirt-test-node.xml"
DECOY_ID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
SERVER_ID = "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11"


@dataclass(frozen=True, slots=True)
class Subject:
    hypervisor: Hypervisor
    kind: DomainKind
    decoy_id: str
    """Of a domain that somebody else defined."""
    decoy_xml: Callable[[], str]


def functions(_: str = "") -> list[PciFunction]:
    pf = PciFunction(PF, FunctionKind.PF, driver="igb", netdev="enp1s0")
    vfs = [
        PciFunction(address, FunctionKind.VF, driver="igbvf", netdev=NETDEVS[address], pf=PF, vf_index=index)
        for index, address in enumerate(VFS)
    ]
    return [pf, *vfs]


def simulated(directory: Path) -> Subject:
    table = SimulatedVfTable(directory / "vf")
    table.plug("enp1s0", INTEL_82576, tuple(f"02:00:00:00:01:{index:02x}" for index in range(len(VFS))))
    hypervisor = SimulatedHypervisor(
        directory / "hypervisor",
        facts=HypervisorFacts("QEMU", 7_002_000, vcpus=8, memory_mib=16384, disk_gib=100),
        functions=functions,
        rebind=lambda _address, _driver: None,
        vf_table=table,
    )
    decoy = directory / "hypervisor" / "domains" / f"{DECOY_ID}.xml"
    decoy.write_text(f"<domain type='kvm'><name>foreign</name><uuid>{DECOY_ID}</uuid></domain>")
    return Subject(hypervisor, DomainKind.KVM, DECOY_ID, decoy.read_text)


def libvirt_test_driver(directory: Path) -> Subject:
    hypervisor = Libvirtd.connect(f"test://{TEST_NODE}", disk_dir=directory)
    decoy = hypervisor.connection().lookupByUUIDString(DECOY_ID)
    return Subject(hypervisor, DomainKind.TEST, DECOY_ID, decoy.XMLDesc)


@pytest.fixture(
    params=[
        pytest.param(simulated, id="simulated"),
        pytest.param(libvirt_test_driver, id="libvirt", marks=pytest.mark.requires("libvirt")),
    ]
)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    made: Subject = request.param(tmp_path)
    return made


def interface(index: int, vnic_type: str = "direct") -> DesiredInterface:
    vif_type = {"normal": "bridge", "direct-physical": "hostdev_physical"}.get(vnic_type, "hw_veb")
    return DesiredInterface(
        port_id=f"7c9e6679-7425-40de-944b-e07fc1f90a{index:02x}",
        mac=f"02:00:00:00:02:{index:02x}",
        vnic_type=vnic_type,
        vif_type=vif_type,
        address=VFS[index],
        vlan_id=100 + index,
        bridge="br0",
    )


def server(*interfaces: DesiredInterface, generation: int = 3) -> DesiredServer:
    return DesiredServer(SERVER_ID, "web1", generation, True, vcpus=1, memory_mib=64, interfaces=interfaces)


class TestHypervisorContract:
    def test_facts_say_what_the_machine_has(self, subject: Subject) -> None:
        facts = subject.hypervisor.facts()
        assert facts.type
        assert facts.version > 0
        assert facts.vcpus > 0
        assert facts.memory_mib > 0
        assert facts.disk_gib >= 0

    @pytest.mark.parametrize("vnic_type", ["direct", "macvtap", "normal", "direct-physical"])
    def test_started_domain_is_listed_as_it_was_asked_for(self, subject: Subject, vnic_type: str) -> None:
        wanted = domain_xml(server(interface(0, vnic_type)), subject.kind, WIRING, FILES)
        subject.hypervisor.start(wanted)
        own = parse_marker(wanted)
        assert own is not None
        assert subject.hypervisor.domains() == [own.state(is_running=True)]
        assert parse_marker(subject.hypervisor.xml(SERVER_ID)) == own

    def test_second_start_with_the_same_xml_changes_nothing(self, subject: Subject) -> None:
        wanted = domain_xml(server(interface(0)), subject.kind, WIRING, FILES)
        subject.hypervisor.start(wanted)
        before = subject.hypervisor.xml(SERVER_ID)
        subject.hypervisor.start(wanted)
        assert subject.hypervisor.xml(SERVER_ID) == before

    @pytest.mark.parametrize(
        ("other", "error"),
        [
            pytest.param(server(interface(0), generation=2), Stale, id="older"),
            pytest.param(server(interface(0), generation=4), Conflict, id="newer"),
            pytest.param(server(interface(1)), Conflict, id="other-interfaces"),
        ],
    )
    def test_start_of_another_xml_never_touches_the_guest_that_runs(
        self, subject: Subject, other: DesiredServer, error: type[MooringError]
    ) -> None:
        subject.hypervisor.start(domain_xml(server(interface(0)), subject.kind, WIRING, FILES))
        before = subject.hypervisor.xml(SERVER_ID)
        with pytest.raises(error):
            subject.hypervisor.start(domain_xml(other, subject.kind, WIRING, FILES))
        assert subject.hypervisor.xml(SERVER_ID) == before

    def test_destroyed_domain_is_gone_and_may_be_started_again(self, subject: Subject) -> None:
        wanted = domain_xml(server(interface(0)), subject.kind, WIRING, FILES)
        subject.hypervisor.start(wanted)
        subject.hypervisor.destroy(SERVER_ID)
        assert subject.hypervisor.domains() == []
        with pytest.raises(NotFound):
            subject.hypervisor.xml(SERVER_ID)
        subject.hypervisor.start(wanted)
        assert [state.is_running for state in subject.hypervisor.domains()] == [True]

    def test_destroy_of_a_domain_that_is_not_there_is_no_error(self, subject: Subject) -> None:
        subject.hypervisor.destroy(SERVER_ID)
        assert subject.hypervisor.domains() == []

    @pytest.mark.parametrize("xml", ["", "<domain", "<domain/>", "<network/>"])
    def test_start_of_what_is_no_domain_of_ours_is_invalid(self, subject: Subject, xml: str) -> None:
        with pytest.raises(Invalid):
            subject.hypervisor.start(xml)
        assert subject.hypervisor.domains() == []

    def test_foreign_domain_is_not_listed_not_shown_and_not_touched(self, subject: Subject) -> None:
        before = subject.decoy_xml()
        hypervisor, decoy_id = subject.hypervisor, subject.decoy_id
        assert hypervisor.domains() == []
        with pytest.raises(NotFound):
            hypervisor.xml(decoy_id)
        with pytest.raises(Conflict, match="does not carry the Mooring marker"):
            hypervisor.destroy(decoy_id)
        with pytest.raises(Conflict, match="does not carry the Mooring marker"):
            hypervisor.start(domain_xml(replace(server(), id=decoy_id), subject.kind, WIRING, FILES))
        with pytest.raises(Conflict, match="does not carry the Mooring marker"):
            hypervisor.attach(decoy_id, interface_xml(interface(0), WIRING))
        with pytest.raises(Conflict, match="does not carry the Mooring marker"):
            hypervisor.detach(decoy_id, interface(0).port_id)
        assert subject.decoy_xml() == before

    def test_name_that_somebody_elses_domain_has_is_a_conflict_and_both_are_left_alone(self, subject: Subject) -> None:
        before = subject.decoy_xml()
        xml = domain_xml(server(interface(0)), subject.kind, WIRING, FILES)
        with pytest.raises(Conflict, match=f"domain foreign is here already, with UUID {subject.decoy_id}"):
            subject.hypervisor.start(xml.replace(f"mooring-{SERVER_ID}", "foreign"))
        assert subject.decoy_xml() == before
        assert subject.hypervisor.domains() == []

    def test_attach_and_detach_change_the_running_guest_or_are_unsupported(self, subject: Subject) -> None:
        hypervisor = subject.hypervisor
        hypervisor.start(domain_xml(server(interface(0)), subject.kind, WIRING, FILES))
        try:
            hypervisor.attach(SERVER_ID, interface_xml(interface(1), WIRING))
        except Unsupported:
            assert subject.kind is DomainKind.TEST, "only libvirt's test driver may lack hotplug"
            assert hypervisor.domains()[0].port_ids == (interface(0).port_id,)
            return
        hypervisor.attach(SERVER_ID, interface_xml(interface(1), WIRING))
        assert hypervisor.domains()[0].port_ids == (interface(0).port_id, interface(1).port_id)
        with pytest.raises(Conflict, match="otherwise"):
            hypervisor.attach(SERVER_ID, interface_xml(replace(interface(1), vlan_id=7), WIRING))
        hypervisor.detach(SERVER_ID, interface(0).port_id)
        hypervisor.detach(SERVER_ID, interface(0).port_id)
        assert hypervisor.domains()[0].port_ids == (interface(1).port_id,)

    def test_attach_and_detach_of_a_server_that_is_not_there_are_not_found(self, subject: Subject) -> None:
        with pytest.raises(NotFound):
            subject.hypervisor.attach(SERVER_ID, interface_xml(interface(1), WIRING))
        with pytest.raises(NotFound):
            subject.hypervisor.detach(SERVER_ID, interface(1).port_id)
