"""The guests of a host and their files: made before the start, gone with the server, kept by everything else."""

from dataclasses import replace
from pathlib import Path

import pytest

from mooring.agent.domain import Guests, Plugged
from mooring.errors import HostFault, NotFound
from mooring.host.domainxml import DomainKind
from mooring.host.livexml import parse
from mooring.model.desired import DesiredImage, DesiredInterface
from mooring.model.outside import NoSteps
from mooring.model.pci import PciAddress
from mooring.testing.disks import DiskMishaps
from mooring.testing.hypervisor import HypervisorMishaps
from tests.unit.agent.hosts import WEB, Host, server

IMAGE = DesiredImage("2d9b9c2e-58b1-4a5c-8d2c-0b6d4a6b1f00", "qcow2")
PF = PciAddress.parse("0000:81:00.0")
PHYSICAL = DesiredInterface(
    "7c9e6679-7425-40de-944b-e07fc1f90ae7", "52:54:00:81:00:00", "direct-physical", "hostdev_physical", PF
)
BRIDGED = DesiredInterface(
    "16fd2706-8baf-433b-82eb-8c7fada847da", "fa:16:3e:00:00:09", "normal", "bridge", bridge="br0"
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def guests(host: Host) -> Guests:
    return Guests(host.machine, DomainKind.KVM, NoSteps())


WANTED = replace(server([]), image=IMAGE, disk_gib=1)


def test_guest_starts_on_the_files_that_were_made_for_it(host: Host, guests: Guests) -> None:
    guests.start(WANTED, {})
    assert host.disks.kept() == [WEB]
    sources = parse(host.hypervisor.xml(WEB)).iterfind("devices/disk/source")
    names = [Path(source.get("file", "")) for source in sources]
    assert len(names) == 2
    assert all(name.is_file() and name.parent.name == WEB for name in names)
    assert host.disks.console_tail(WEB, 100) == b"web1 login: "


def test_guest_whose_image_is_not_here_is_not_started(host: Host, guests: Guests) -> None:
    host.disks.misbehave(DiskMishaps(missing=(IMAGE.id,)))
    with pytest.raises(NotFound, match=IMAGE.id):
        guests.start(WANTED, {})
    assert host.hypervisor.domains() == []


def test_destroyed_guests_files_go_and_a_stopped_ones_stay(host: Host, guests: Guests) -> None:
    guests.start(WANTED, {})
    guests.stop(WEB)
    assert (host.hypervisor.domains(), host.disks.kept()) == ([], [WEB])
    guests.start(WANTED, {})
    guests.destroy(WEB)
    assert (host.hypervisor.domains(), host.disks.kept()) == ([], [])


@pytest.mark.parametrize("mishap", [HypervisorMishaps(start=1), HypervisorMishaps(destroy=1)])
def test_files_outlive_a_start_or_a_destroy_that_failed(host: Host, guests: Guests, mishap: HypervisorMishaps) -> None:
    guests.start(WANTED, {})
    if mishap.start:
        guests.stop(WEB)
    host.hypervisor.misbehave(mishap)
    with pytest.raises(HostFault):
        guests.start(WANTED, {}) if mishap.start else guests.destroy(WEB)
    assert host.disks.kept() == [WEB]


def test_whole_pf_is_known_by_its_port_and_its_address_for_its_xml_has_no_mac() -> None:
    assert Plugged(PHYSICAL.port_id, None, PF).serves(PHYSICAL)
    assert not Plugged(PHYSICAL.port_id, None, PciAddress.parse("0000:81:00.1")).serves(PHYSICAL)
    assert not Plugged("another", None, PF).serves(PHYSICAL)


@pytest.mark.parametrize(
    "other",
    [replace(BRIDGED, mac="fa:16:3e:00:00:10"), replace(BRIDGED, port_id="another"), replace(BRIDGED, address=PF)],
)
def test_device_with_a_mac_serves_no_port_of_another_one(other: DesiredInterface) -> None:
    assert Plugged(BRIDGED.port_id, BRIDGED.mac, None).serves(replace(BRIDGED, mac=BRIDGED.mac.upper()))
    assert not Plugged(BRIDGED.port_id, BRIDGED.mac, None).serves(other)


def test_bridge_that_is_the_kernels_gets_no_virtual_port(host: Host, guests: Guests) -> None:
    (host.sysfs / "class/net/br0/bridge").mkdir(parents=True)
    guests.start(replace(WANTED, interfaces=(BRIDGED,)), {})
    assert "virtualport" not in host.hypervisor.xml(WEB)
