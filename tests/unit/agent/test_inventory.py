"""What an agent tells of its machine: what is handed out, and why the rest is not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.agent.inventory import Inventory, without_observations
from mooring.core.devspec import DeviceSpec
from mooring.errors import HostFault
from mooring.model.host import OfferedFunction
from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_X710
from mooring.testing.host import Plan, SimulatedHost, Spec
from mooring.testing.hosts import port
from mooring.testing.occupants import SimulatedOccupants
from mooring.testing.sysfs_tree import folder_of
from mooring.testing.vf_table import Mishaps

PF = PciAddress.parse("0000:3b:00.0")
PORT = port(INTEL_X710, str(PF), "ens2f0", 3, 4)
SPECS = (DeviceSpec(pf="ens2f0", physical_network="physnet1"),)


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    plan = Plan(ports=(PORT,), specs=(Spec("ens2f0", "physnet1"),), bridge_mappings={})
    return SimulatedHost.create(tmp_path / "host", plan, controller="http://127.0.0.1:1", key="key")


def inventory(host: SimulatedHost) -> Inventory:
    return Inventory(host.machine(), "agent", SPECS, {})


def vfs(host: SimulatedHost) -> dict[int | None, OfferedFunction]:
    return {one.function.vf_index: one for one in inventory(host).snapshot().functions if one.function.pf == PF}


def node(host: SimulatedHost, index: int) -> str:
    function = next(one for one in host.functions() if one.address == PORT.vf_address(index))
    return f"/dev/vfio/{function.iommu_group}"


def test_vfs_are_handed_out_with_what_their_pf_shows(host: SimulatedHost) -> None:
    answers = vfs(host)
    assert [one.is_offered for one in answers.values()] == [True] * 4
    assert {index: one.observed for index, one in answers.items()} == dict(host.vf_table.look("ens2f0").vfs)


def test_a_vf_with_an_address_is_kept_and_one_of_a_pf_with_an_address_is_not(host: SimulatedHost) -> None:
    host.occupants.give_address("ens2f0", "192.0.2.4/24")
    host.occupants.give_address("ens2f0v1", "192.0.2.5/24")
    answers = vfs(host)
    assert [index for index, one in answers.items() if one.is_offered] == [0, 2, 3]
    assert answers[1].reason == "the host itself uses it: ens2f0v1 has address 192.0.2.5/24"


def test_a_vf_that_another_program_drives_is_kept_until_the_next_look_finds_it_free(host: SimulatedHost) -> None:
    address = PORT.vf_address(2)
    host.pci_bus.rebind(address, "vfio-pci")
    host.occupants.open_node(node(host, 2), "process 4711 (testpmd)")
    looking = inventory(host)
    assert [one.is_offered for one in looking.offers([PF, address])] == [False, True]
    looking.snapshot()
    (of_vf,) = (one for one in looking.offers([PF, address]) if one.function.address == address)
    assert of_vf.reason == f"the host itself uses it: {node(host, 2)} is open in process 4711 (testpmd)"
    host.occupants.leave()
    looking.snapshot()
    assert [one.is_offered for one in looking.offers([PF, address])] == [False, True]


def test_a_serial_is_told_with_its_pf(host: SimulatedHost) -> None:
    (folder_of(host.root, PF) / "vpd").write_bytes(b"\x90\x05\x00SN\x02A1\x78")
    (pf,) = (one.function for one in inventory(host).snapshot().functions if one.function.address == PF)
    assert pf.serial == "A1"


@pytest.mark.parametrize("truncated_to", [0, 2])
def test_no_vf_of_a_pf_that_does_not_show_all_is_handed_out(host: SimulatedHost, truncated_to: int) -> None:
    host.vf_table.misbehave("ens2f0", Mishaps(truncated_to=truncated_to))
    answers = vfs(host)
    assert {one.is_offered for one in answers.values()} == {False}
    assert all("the kernel counts 4 VFs" in one.reason for one in answers.values())


def test_a_kernel_that_does_not_tell_who_uses_its_netdevs_offers_nothing(host: SimulatedHost) -> None:
    class Silent(SimulatedOccupants):
        def netdevs(self) -> Mapping[str, str]:
            raise HostFault("netlink does not answer")

    machine = replace(host.machine(), occupants=Silent(host.folder / "none"))
    with pytest.raises(HostFault, match="netlink does not answer"):
        Inventory(machine, "agent", SPECS, {}).snapshot()


def test_a_guest_that_comes_or_goes_changes_nothing_that_has_to_be_told_anew(host: SimulatedHost) -> None:
    looking = inventory(host)
    before = looking.snapshot()
    host.pci_bus.rebind(PORT.vf_address(1), "vfio-pci")
    after = looking.snapshot()
    assert after != before
    assert without_observations(after) == without_observations(before)
