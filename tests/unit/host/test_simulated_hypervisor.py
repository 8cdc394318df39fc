"""The simulated hypervisor does to VFs what libvirt does, and outlives the process that asked."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mooring.errors import Conflict, HostFault, MooringError, NotFound, Unreachable, Unsupported
from mooring.host.domainxml import DomainKind, Wiring, domain_xml, interface_xml
from mooring.host.machine import DomainFiles, HypervisorFacts
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.vf import VfField, VfSettings, Vlan
from mooring.testing.cards import INTEL_82576
from mooring.testing.hypervisor import HypervisorMishaps, SimulatedHypervisor
from mooring.testing.vf_table import Mishaps, SimulatedVfTable

PF = PciAddress.parse("0000:01:00.0")
VFS = [PF.virtual_function(offset=128, stride=2, vf_index=index) for index in range(3)]
NETDEVS = {address: f"enp1s0v{index}" for index, address in enumerate(VFS)}
WIRING = Wiring(NETDEVS)
FILES = DomainFiles(Path("/var/lib/mooring/servers/1/config-drive.iso"), Path("/var/lib/mooring/servers/1/console.log"))
BORN_MACS = tuple(f"02:00:00:00:01:{index:02x}" for index in range(len(VFS)))
SERVER_IDS = ("0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "16fd2706-8baf-433b-82eb-8c7fada847da")


class KilledError(BaseException):
    """The process dies here: nothing catches it."""


@dataclass
class Host:
    """One PF with three VFs: drivers in a dict, the VF table and the hypervisor on disk."""

    directory: Path
    drivers: dict[PciAddress, str] = field(default_factory=lambda: {PF: "igb", **dict.fromkeys(VFS, "igbvf")})
    dies_at_rebind: bool = False

    def __post_init__(self) -> None:
        self.table = SimulatedVfTable(self.directory / "vf")
        self.table.plug("enp1s0", INTEL_82576, BORN_MACS)

    def hypervisor(self) -> SimulatedHypervisor:
        """A fresh one over the same folder, as after a restart of the agent."""
        return SimulatedHypervisor(
            self.directory / "hypervisor",
            facts=HypervisorFacts("QEMU", 7_002_000, vcpus=8, memory_mib=16384, disk_gib=100),
            functions=self.functions,
            rebind=self.rebind,
            vf_table=self.table,
        )

    def functions(self, _: str = "") -> list[PciFunction]:
        pf = PciFunction(PF, FunctionKind.PF, driver=self.drivers[PF], netdev="enp1s0")
        return [pf, *(self.virtual(index) for index in range(len(VFS)))]

    def virtual(self, index: int) -> PciFunction:
        driver = self.drivers[VFS[index]]
        netdev = NETDEVS[VFS[index]] if driver == "igbvf" else None
        return PciFunction(VFS[index], FunctionKind.VF, driver=driver, netdev=netdev, pf=PF, vf_index=index)

    def rebind(self, address: PciAddress, driver: str) -> None:
        if self.dies_at_rebind:
            raise KilledError
        self.drivers[address] = driver

    def settings(self, index: int) -> tuple[str | None, Vlan | None]:
        shown = self.table.read("enp1s0", index)
        return shown.mac, shown.vlan


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def interface(index: int, vnic_type: str = "direct") -> DesiredInterface:
    return DesiredInterface(
        port_id=f"7c9e6679-7425-40de-944b-e07fc1f90a{index:02x}",
        mac=f"02:00:00:00:02:{index:02x}",
        vnic_type=vnic_type,
        vif_type="hostdev_physical" if vnic_type == "direct-physical" else "hw_veb",
        address=VFS[index],
        vlan_id=100 + index,
    )


def xml(
    *interfaces: DesiredInterface, server_id: str = SERVER_IDS[0], generation: int = 3,
    passthrough: tuple[PciAddress, ...] = (),
) -> str:  # fmt: skip
    server = DesiredServer(server_id, "web1", generation, True, vcpus=1, memory_mib=64, interfaces=interfaces)
    return domain_xml(replace(server, passthrough=passthrough), DomainKind.KVM, WIRING, FILES)


def wanted(index: int) -> tuple[str, Vlan]:
    return f"02:00:00:00:02:{index:02x}", Vlan(100 + index)


BORN = [(mac, Vlan()) for mac in BORN_MACS]


def test_direct_vf_goes_to_vfio_with_the_mac_and_vlan_of_the_xml_and_back(host: Host) -> None:
    host.hypervisor().start(xml(interface(1)))
    assert host.drivers[VFS[1]] == "vfio-pci"
    assert host.settings(1) == wanted(1)
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.drivers[VFS[1]] == "igbvf"
    assert host.settings(1) == BORN[1]


def test_macvtap_vf_keeps_its_driver_and_takes_the_mac_and_vlan_of_the_xml(host: Host) -> None:
    host.hypervisor().start(xml(interface(1, "macvtap")))
    assert host.drivers[VFS[1]] == "igbvf"
    assert host.settings(1) == wanted(1)
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.settings(1) == BORN[1]


@pytest.mark.parametrize(
    "untouched",
    [
        pytest.param(interface(1, "direct-physical"), id="direct-physical"),
        pytest.param(replace(interface(1), vif_type="802.1qbh", profile_id="gold"), id="port-profile"),
    ],
)
def test_plain_hostdev_and_port_profile_leave_mac_and_vlan_alone(host: Host, untouched: DesiredInterface) -> None:
    host.hypervisor().start(xml(untouched))
    assert host.drivers[VFS[1]] == "vfio-pci"
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.drivers[VFS[1]] == "igbvf"
    assert host.table.writes() == ()


def test_functions_of_no_port_are_the_guests_from_its_start_to_its_end(host: Host) -> None:
    """Several of them, although no port tells them apart; a detached port takes none of them along."""
    host.hypervisor().start(xml(interface(1), passthrough=(VFS[0], VFS[2])))
    assert set(map(host.drivers.get, VFS)) == {"vfio-pci"}
    with pytest.raises(Conflict, match=str(VFS[2])):
        host.hypervisor().start(xml(server_id=SERVER_IDS[1], passthrough=(VFS[2],)))
    host.hypervisor().detach(SERVER_IDS[0], interface(1).port_id)
    assert [host.drivers[vf] for vf in VFS] == ["vfio-pci", "igbvf", "vfio-pci"]
    assert [state.functions for state in host.hypervisor().domains()] == [(VFS[0], VFS[2])]
    host.hypervisor().destroy(SERVER_IDS[0])
    assert set(map(host.drivers.get, VFS)) == {"igbvf"}
    assert {write.vf for write in host.table.writes()} == {1}


def test_destroy_brings_back_the_vlan_from_before_without_its_priority(host: Host) -> None:
    host.table.overwrite("enp1s0", 1, replace(host.table.read("enp1s0", 1), vlan=Vlan(77, qos=5)))
    host.hypervisor().start(xml(interface(1)))
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.settings(1) == (BORN_MACS[1], Vlan(77, qos=0))


def test_vf_that_was_on_vfio_before_stays_there(host: Host) -> None:
    host.drivers[VFS[1]] = "vfio-pci"
    host.hypervisor().start(xml(interface(1)))
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.drivers[VFS[1]] == "vfio-pci"


def test_restore_that_the_card_refuses_is_silent_as_it_is_in_libvirt(host: Host) -> None:
    host.hypervisor().start(xml(interface(1)))
    host.table.misbehave("enp1s0", Mishaps(errnos={VfField.MAC: 22}))
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.settings(1) == wanted(1)
    assert host.drivers[VFS[1]] == "igbvf"


def test_running_domain_is_found_again_by_a_new_process(host: Host) -> None:
    host.hypervisor().start(xml(interface(1)))
    (state,) = host.hypervisor().domains()
    assert state.is_running
    assert state.generation == 3
    assert state.functions == (VFS[1],)


@pytest.mark.parametrize("second", [interface(1), replace(interface(1), port_id="other"), interface(1, "macvtap")])
def test_vf_of_a_running_domain_is_refused_to_a_second_one(host: Host, second: DesiredInterface) -> None:
    hypervisor = host.hypervisor()
    hypervisor.start(xml(interface(1)) if second.vnic_type == "direct" else xml(interface(1, "macvtap")))
    with pytest.raises(Conflict, match=f"{VFS[1]} is in use by driver QEMU, domain {SERVER_IDS[0]}"):
        hypervisor.start(xml(interface(0), second, server_id=SERVER_IDS[1]))
    assert [state.server_id for state in hypervisor.domains()] == [SERVER_IDS[0]]
    assert host.drivers[VFS[0]] == "igbvf"
    assert host.settings(0) == BORN[0]
    assert host.settings(1) == wanted(1)


@pytest.mark.parametrize(
    ("unknown", "error"),
    [
        pytest.param(replace(interface(1), address=PciAddress.parse("0000:09:00.0")), Unsupported, id="no-function"),
        pytest.param(replace(interface(1), address=PF), Unsupported, id="pf-as-vf"),
    ],
)
def test_function_that_is_no_vf_of_this_host_is_refused(
    host: Host, unknown: DesiredInterface, error: type[MooringError]
) -> None:
    with pytest.raises(error, match="Virtual Functions only"):
        host.hypervisor().start(xml(unknown))
    assert host.hypervisor().domains() == []


def test_macvtap_on_a_vf_without_network_device_fails(host: Host) -> None:
    host.drivers[VFS[1]] = "vfio-pci"
    with pytest.raises(HostFault, match="no such device"):
        host.hypervisor().start(xml(interface(1, "macvtap")))


def test_card_that_refuses_the_vlan_fails_the_start_and_every_vf_goes_back(host: Host) -> None:
    host.table.misbehave("enp1s0", Mishaps(errnos={VfField.VLAN: 95}))
    with pytest.raises(HostFault, match="cannot set interface MAC/vlanid"):
        host.hypervisor().start(xml(interface(0), interface(1)))
    assert host.hypervisor().domains() == []
    assert set(host.drivers.values()) == {"igb", "igbvf"}


def test_mishap_at_start_gives_every_vf_back_and_the_next_start_goes_well(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.misbehave(HypervisorMishaps(start=1))
    with pytest.raises(HostFault):
        hypervisor.start(xml(interface(0), interface(1)))
    assert hypervisor.domains() == []
    assert [host.settings(index) for index in range(3)] == BORN
    hypervisor.start(xml(interface(0), interface(1)))
    assert host.settings(1) == wanted(1)


def test_mishap_at_destroy_leaves_the_guest_running_with_its_vf(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.start(xml(interface(1)))
    hypervisor.misbehave(HypervisorMishaps(destroy=1))
    with pytest.raises(HostFault):
        hypervisor.destroy(SERVER_IDS[0])
    assert [state.is_running for state in hypervisor.domains()] == [True]
    assert host.drivers[VFS[1]] == "vfio-pci"


def test_unreachable_hypervisor_answers_nothing_until_the_mishap_is_used_up(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.misbehave(HypervisorMishaps(unreachable=2))
    with pytest.raises(Unreachable):
        hypervisor.facts()
    with pytest.raises(Unreachable):
        host.hypervisor().start(xml())
    assert hypervisor.domains() == []


@pytest.mark.parametrize("generation", [3, 4])
def test_start_cut_short_by_a_death_holds_no_vf_and_may_be_repeated(host: Host, generation: int) -> None:
    host.dies_at_rebind = True
    with pytest.raises(KilledError):
        host.hypervisor().start(xml(interface(0, "macvtap"), interface(1)))
    assert host.settings(0) == wanted(0)
    host.dies_at_rebind = False
    assert [state.is_running for state in host.hypervisor().domains()] == [False]
    assert [host.settings(index) for index in range(3)] == BORN
    host.hypervisor().start(xml(interface(0), interface(1), generation=generation))
    assert [host.settings(0), host.settings(1)] == [wanted(0), wanted(1)]


def test_destroy_cut_short_by_a_death_is_finished_by_the_next_call(host: Host) -> None:
    host.hypervisor().start(xml(interface(1)))
    host.dies_at_rebind = True
    with pytest.raises(KilledError):
        host.hypervisor().destroy(SERVER_IDS[0])
    host.dies_at_rebind = False
    assert [state.is_running for state in host.hypervisor().domains()] == [False]
    assert host.drivers[VFS[1]] == "igbvf"
    host.hypervisor().destroy(SERVER_IDS[0])
    assert host.hypervisor().domains() == []


def test_detach_cut_short_by_a_death_gives_the_vf_back_at_the_next_call(host: Host) -> None:
    host.hypervisor().start(xml(interface(0), interface(1)))
    host.dies_at_rebind = True
    with pytest.raises(KilledError):
        host.hypervisor().detach(SERVER_IDS[0], interface(1).port_id)
    host.dies_at_rebind = False
    (state,) = host.hypervisor().domains()
    assert (state.is_running, state.functions) == (True, (VFS[0],))
    assert host.drivers[VFS[1]] == "igbvf"
    assert host.drivers[VFS[0]] == "vfio-pci"


def test_guest_that_shuts_itself_down_stays_defined_and_gives_its_vf_back(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.start(xml(interface(1)))
    hypervisor.power_off(SERVER_IDS[0])
    assert [state.is_running for state in hypervisor.domains()] == [False]
    assert host.drivers[VFS[1]] == "igbvf"
    hypervisor.start(xml(interface(1)))
    assert host.settings(1) == wanted(1)
    with pytest.raises(NotFound):
        hypervisor.power_off(SERVER_IDS[1])


def test_attach_takes_a_vf_and_detach_gives_it_back(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.start(xml(interface(0)))
    hypervisor.attach(SERVER_IDS[0], interface_xml(interface(1), WIRING))
    assert host.drivers[VFS[1]] == "vfio-pci"
    assert host.settings(1) == wanted(1)
    hypervisor.detach(SERVER_IDS[0], interface(1).port_id)
    assert host.drivers[VFS[1]] == "igbvf"
    assert host.settings(1) == BORN[1]


def test_mishaps_of_hotplug_leave_the_guest_as_it_was(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.start(xml(interface(0)))
    before = hypervisor.xml(SERVER_IDS[0])
    hypervisor.misbehave(HypervisorMishaps(attach=1, detach=1))
    with pytest.raises(HostFault):
        hypervisor.attach(SERVER_IDS[0], interface_xml(interface(1), WIRING))
    with pytest.raises(Conflict, match="has not let go"):
        hypervisor.detach(SERVER_IDS[0], interface(0).port_id)
    assert hypervisor.xml(SERVER_IDS[0]) == before
    assert host.settings(1) == BORN[1]


def test_domain_file_that_cannot_be_read_hides_no_other(host: Host) -> None:
    hypervisor = host.hypervisor()
    hypervisor.start(xml(interface(1)))
    (host.directory / "hypervisor" / "domains" / "broken.xml").write_text("<domain")
    assert [state.server_id for state in hypervisor.domains()] == [SERVER_IDS[0]]


def test_settings_that_the_xml_does_not_name_are_left_alone(host: Host) -> None:
    before = replace(host.table.read("enp1s0", 1), spoof_check=False, trust=True)
    host.table.overwrite("enp1s0", 1, before)
    host.hypervisor().start(xml(interface(1)))
    after = host.table.read("enp1s0", 1)
    assert VfSettings(spoof_check=after.spoof_check, trust=after.trust) == VfSettings(spoof_check=False, trust=True)


def test_guest_speaks_on_its_console_at_each_boot(host: Host, tmp_path: Path) -> None:
    console = tmp_path / "console.log"
    mine = xml(interface(0)).replace(str(FILES.console_log), str(console))
    host.hypervisor().start(mine)
    host.hypervisor().power_off(SERVER_IDS[0])
    host.hypervisor().start(mine)
    assert console.read_text() == "web1 login: web1 login: "
