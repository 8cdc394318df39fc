"""A PF and its VFs are handed out by turns: the PF while none of its VFs is anybody's, the VFs while it is nobody's."""

import pytest

from mooring.model.pci import PciAddress
from mooring.model.port import PortStatus, VifType, VnicType
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfState
from mooring.store import devices
from mooring.store.ports import PORTS
from mooring.testing.cards import INTEL_X710
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from tests.story.conftest import MakeCloud, Told

PF = PciAddress.parse("0000:3b:00.0")
PORT = port(INTEL_X710, str(PF), "ens2f0", 3, 4)
VFS = [PORT.vf_address(index) for index in range(4)]


@pytest.fixture
def told(make_cloud: MakeCloud) -> Told:
    return make_cloud({"h1": Plan((PORT,), (Spec("ens2f0", "physnet1", whole=True),), {})})


def states(told: Told) -> dict[PciAddress, VfState]:
    known = told.read(lambda tx: devices.of_host(tx, "h1"))
    return {address: device.state for address, device in known.items()}


def boot(told: Told, *vnic_types: VnicType) -> Server:
    network = told.network("physnet1", 100 + len(told.read(PORTS.where)))
    return told.boot(*(told.port(network, vnic_type) for vnic_type in vnic_types))


def free(told: Told) -> None:
    assert states(told) == dict.fromkeys((PF, *VFS), VfState.AVAILABLE)
    assert len(told.on_card("h1")) == len(VFS)


def test_both_are_free_from_the_start_and_the_vfs_are_those_that_were_there(told: Told) -> None:
    free(told)
    writes = told.cloud.nodes["h1"].host.pci_bus.writes()
    assert [write for write in writes if write.address == PF] == []


def test_a_server_takes_the_pf_and_its_vfs_come_back_with_it(told: Told) -> None:
    server = boot(told, VnicType.DIRECT_PHYSICAL)
    (bound,) = told.ports(server)
    assert (server.status, bound.status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert bound.binding.vif_type == VifType.HOSTDEV_PHYSICAL
    assert states(told) == {PF: VfState.IN_USE, **dict.fromkeys(VFS, VfState.GONE)}
    refused = boot(told, VnicType.DIRECT)
    assert refused.status is ServerStatus.ERROR
    told.delete(refused)
    told.delete(server)
    assert told.is_gone(server)
    free(told)
    after = boot(told, VnicType.DIRECT)
    assert after.status is ServerStatus.ACTIVE


def test_a_vf_in_use_keeps_the_pf_from_everybody(told: Told) -> None:
    holder = boot(told, VnicType.DIRECT)
    refused = boot(told, VnicType.DIRECT_PHYSICAL)
    assert refused.status is ServerStatus.ERROR
    assert refused.fault is not None
    assert "No valid host was found" in refused.fault.message
    assert told.server(holder.id).status is ServerStatus.ACTIVE
    told.delete(holder)
    assert boot(told, VnicType.DIRECT_PHYSICAL).status is ServerStatus.ACTIVE


def test_no_server_gets_a_pf_and_one_of_its_vfs(told: Told) -> None:
    assert boot(told, VnicType.DIRECT_PHYSICAL, VnicType.DIRECT).status is ServerStatus.ERROR
    free(told)


def test_an_agent_that_starts_anew_leaves_the_guest_its_pf(told: Told) -> None:
    server = boot(told, VnicType.DIRECT_PHYSICAL)
    told.cloud.restart_agent("h1")
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert states(told) == {PF: VfState.IN_USE, **dict.fromkeys(VFS, VfState.GONE)}
    told.delete(server)
    free(told)


def test_after_a_reboot_the_vfs_that_the_host_made_go_again_for_the_server_that_has_the_pf(told: Told) -> None:
    server = boot(told, VnicType.DIRECT_PHYSICAL)
    host = told.cloud.nodes["h1"].host
    host.reboot()
    host.set_vf_count_by_hand("ens2f0", 4)
    told.cloud.restart_agent("h1")
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert states(told)[PF] is VfState.IN_USE
    assert set(states(told).values()) == {VfState.IN_USE, VfState.GONE}
    told.delete(server)
    free(told)


def test_vfs_are_not_taken_away_by_an_entry_that_comes_while_they_are_in_use(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": Plan((PORT,), (Spec("ens2f0", "physnet1"),), {})})
    server = boot(told, VnicType.DIRECT)
    file = told.cloud.nodes["h1"].host.folder / "agent.toml"
    file.write_text(file.read_text().replace('pf = "ens2f0"', 'pf = "ens2f0"\nwhole = true'))
    told.cloud.restart_agent("h1")
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert states(told)[PF] is VfState.AVAILABLE
    assert len(told.on_card("h1")) == len(VFS)
    told.delete(server)
    free(told)
