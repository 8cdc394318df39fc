"""A simulated host does what hands, cables and power cuts do to a real one, and shows it wherever it shows there."""

from pathlib import Path

import pytest

from mooring.config import load_agent
from mooring.core.devspec_entries import parse_device_specs
from mooring.host.livexml import LiveInterface
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.vf import Vlan
from mooring.testing.cards import INTEL_82576, ZERO_MAC
from mooring.testing.host import Plan, SimulatedHost, Spec
from mooring.testing.hosts import RECORDED, port
from mooring.testing.passthrough import Passthrough
from mooring.testing.sysfs_tree import folder_of

PF, OTHER, WHOLE = (PciAddress.parse(f"0000:{bus}:00.0") for bus in ("81", "82", "83"))
PLAN = Plan(
    ports=(
        port(INTEL_82576, str(PF), "ens1f0", 1, 0),
        port(INTEL_82576, str(OTHER), "ens2f0", 2, 3),
        port(INTEL_82576, str(WHOLE), "ens3f0", 3, 0),
    ),
    specs=(
        Spec("ens1f0", "physnet1", num_vfs=4),
        Spec("ens2f0", "physnet1"),
        Spec(str(WHOLE), "physnet2", whole=True),
    ),
    bridge_mappings={},
)


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    return SimulatedHost.create(tmp_path / "host", PLAN, controller="http://127.0.0.1:1", key="key")


def at(host: SimulatedHost, address: PciAddress) -> PciFunction:
    return next(function for function in host.functions() if function.address == address)


def vf_counts(host: SimulatedHost) -> list[int | None]:
    return [function.vf_count for function in host.functions() if function.kind is FunctionKind.PF]


def test_its_file_says_what_its_plan_says(host: SimulatedHost) -> None:
    specs = parse_device_specs(load_agent(host.folder / "agent.toml").device_specs)
    assert [(spec.pf, spec.num_vfs, spec.whole) for spec in specs] == [
        ("ens1f0", 4, False),
        ("ens2f0", None, False),
        (WHOLE, None, True),
    ]


def test_after_a_reboot_the_vfs_that_the_agent_makes_are_gone_and_the_hosts_own_are_newborn(
    host: SimulatedHost,
) -> None:
    machine = host.machine()
    machine.pci_bus.set_vf_count(PF, 4)
    host.tamper("ens2f0", 1, vlan=Vlan(99))
    machine.pci_bus.unbind(host.functions()[-1].address)
    before = host.machine().boot_id
    host.reboot()
    assert vf_counts(host) == [0, 3, 0]
    assert host.vf_table.look("ens1f0").vfs == {}
    assert [vf.vlan for vf in host.vf_table.look("ens2f0").vfs.values()] == [Vlan()] * 3
    assert {function.driver for function in host.functions()} == {"igb", "igbvf"}
    assert all(function.netdev is not None and not function.faults for function in host.functions())
    assert host.machine().boot_id != before


def test_a_whole_pf_that_a_guest_had_is_the_hosts_again_after_a_reboot(host: SimulatedHost) -> None:
    before = at(host, WHOLE)
    host.pci_bus.rebind(WHOLE, "vfio-pci")
    (folder_of(host.root, WHOLE) / "driver_override").write_text("vfio-pci\n")
    assert at(host, WHOLE).netdev is None
    host.reboot()
    after = at(host, WHOLE)
    assert (after.driver, after.netdev, after.mac) == (before.driver, before.netdev, before.mac)
    assert (folder_of(host.root, WHOLE) / "driver_override").read_text() == "(null)\n"
    host.vf_table.look("ens3f0")


def test_a_pf_that_is_down_shows_it_in_its_link_and_in_sysfs(host: SimulatedHost) -> None:
    host.pf_down("ens2f0")
    view = host.vf_table.look("ens2f0")
    assert (view.is_up, view.has_carrier, at(host, OTHER).link_is_up) == (False, False, False)
    host.pf_up("ens2f0")
    view = host.vf_table.look("ens2f0")
    assert (view.is_up, view.has_carrier, at(host, OTHER).link_is_up) == (True, True, True)


def test_a_cut_cable_takes_the_carrier_and_nothing_else(host: SimulatedHost) -> None:
    host.cut_cable("ens2f0")
    view = host.vf_table.look("ens2f0")
    assert (view.is_up, view.has_carrier, at(host, OTHER).link_is_up) == (True, False, False)
    host.mend_cable("ens2f0")
    assert (host.vf_table.look("ens2f0").has_carrier, at(host, OTHER).link_speed_mbps) == (True, 1000)


def test_what_a_hand_does_is_heard_by_every_watch(host: SimulatedHost) -> None:
    watch = host.machine().watch
    host.tamper("ens2f0", 0, vlan=Vlan(99))
    host.set_vf_count_by_hand("ens2f0", 0)
    host.reload_driver("ens1f0")
    heard = watch.heard()
    assert heard[0] == "link ens2f0"
    assert [words for words in heard if words.startswith("pci ")] == [
        *(f"pci remove {PLAN.ports[1].vf_address(index)}" for index in range(3)),
        f"pci unbind {PF}",
        f"pci bind {PF}",
    ]
    assert host.vf_table.look("ens2f0").vfs == {}


def test_a_driver_that_is_loaded_anew_has_no_vfs(host: SimulatedHost) -> None:
    host.reload_driver("ens2f0")
    assert vf_counts(host) == [0, 0, 0]
    assert (at(host, OTHER).netdev, host.vf_table.look("ens2f0").vfs) == ("ens2f0", {})


def test_a_recorded_host_is_rebooted_with_the_vfs_that_it_had(tmp_path: Path) -> None:
    host = SimulatedHost.create(tmp_path / "host", RECORDED, controller="http://127.0.0.1:1", key="key")
    host.tamper("enp1s0", 0, mac=ZERO_MAC)
    before = host.functions()
    host.reboot()
    assert host.functions() == before
    assert host.vf_table.read("enp1s0", 0).mac != ZERO_MAC


def test_a_guest_takes_a_whole_pf_and_gives_it_back_as_it_was(host: SimulatedHost) -> None:
    before = at(host, WHOLE)
    passthrough = Passthrough(host.functions_at, host.pci_bus.rebind, host.vf_table)
    interface = LiveInterface("port", "physical", str(WHOLE))
    held = passthrough.inspect(interface)
    passthrough.take(held, interface)
    taken = at(host, WHOLE)
    assert (taken.kind, taken.driver, taken.netdev, taken.vf_count) == (FunctionKind.PF, "vfio-pci", None, 0)
    passthrough.give_back(held)
    after = at(host, WHOLE)
    assert (after.driver, after.netdev, after.mac) == (before.driver, before.netdev, before.mac)


def test_the_pf_behind_a_name_or_an_address_is_found_alone_and_a_vf_with_its_pf(host: SimulatedHost) -> None:
    vf = PLAN.ports[1].vf_address(1)
    assert [one.address for one in host.functions_at(str(WHOLE))] == [WHOLE]
    assert [one.address for one in host.functions_at("ens2f0v1")] == [OTHER, vf]
    assert host.functions_at("nothing") == host.functions_at("0000:99:00.0") == ()
