"""A built tree is read back by the real reader exactly as it was meant."""

import dataclasses
from pathlib import Path

import pytest

from mooring.errors import Invalid, NotFound
from mooring.host.sysfs import find_root, read_functions
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import INTEL_82576, INTEL_E810, INTEL_X710, MELLANOX_CX6, Card
from mooring.testing.sysfs_tree import (
    SimulatedPf,
    add_vfs,
    build,
    folder_of,
    rebind,
    remove_vfs,
    set_link,
    unpack_recording,
)

CARDS = [INTEL_82576, INTEL_X710, INTEL_E810, MELLANOX_CX6]
VF = PciAddress.parse("0000:81:10.2")


def port(card: Card = INTEL_82576, function: int = 0, num_vfs: int = 4) -> SimulatedPf:
    address = dataclasses.replace(PciAddress.parse("0000:81:00.0"), function=function)
    mac = f"52:54:00:01:0{function}:00"
    return SimulatedPf(card, address, f"ens1f{function}", mac, num_vfs=num_vfs, numa_node=1)


def read_at(root: Path, address: PciAddress) -> PciFunction:
    return next(function for function in read_functions(root) if function.address == address)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_both_ports_of_a_card_are_read_back_as_built(tmp_path: Path, card: Card) -> None:
    ports = [port(card, 0), port(card, 1, num_vfs=3)]
    build(tmp_path, ports)
    functions = read_functions(tmp_path)
    assert [function.faults for function in functions if function.faults] == []
    expected: dict[PciAddress, tuple[object, ...]] = {}
    for pf in ports:
        ids = (card.vendor_id, card.product_id, card.driver)
        expected[pf.address] = (FunctionKind.PF, *ids, pf.netdev, pf.mac, None, None, card.vf_total, pf.num_vfs)
        for n in range(pf.num_vfs):
            ids = (card.vendor_id, card.vf_product_id, card.vf_driver)
            vf = (FunctionKind.VF, *ids, f"{pf.netdev}v{n}", pf.vf_mac(n), pf.address, n, None, None)
            expected[pf.vf_address(n)] = vf
    fields = ("kind", "vendor_id", "product_id", "driver", "netdev", "mac", "pf", "vf_index", "vf_total", "vf_count")
    assert {f.address: tuple(getattr(f, name) for name in fields) for f in functions} == expected
    assert {f.numa_node for f in functions} == {1}
    assert len({f.iommu_group for f in functions}) == len({f.mac for f in functions}) == len(functions)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_ports_with_all_their_vfs_do_not_overlap(card: Card) -> None:
    ports = [port(card, function, card.vf_total) for function in (0, 1)]
    addresses = [address for pf in ports for address in (pf.address, *map(pf.vf_address, range(card.vf_total)))]
    assert len(set(addresses)) == 2 * (1 + card.vf_total)


def test_the_layout_is_the_recorded_kernels(tmp_path: Path) -> None:
    """Each file and link of a built function is one that the recorded kernel has at the same place."""
    build(tmp_path / "built", [port(num_vfs=4), port(function=1, num_vfs=4)])
    unpack_recording(tmp_path / "recorded")
    built, recorded = tmp_path / "built", find_root(tmp_path / "recorded")
    for name in ("0000:81:00.0", "0000:81:10.2"):
        ours, theirs = (
            {
                path.relative_to(folder).as_posix().replace("ens99", "ens1"): path
                for path in [*folder.iterdir(), *folder.glob("net/*"), *folder.glob("net/*/*")]
            }
            for folder in ((root / "bus/pci/devices" / name).resolve() for root in (built, recorded))
        )
        assert ours.keys() - theirs.keys() == set()
        for relative, path in ours.items():
            assert path.is_symlink() == theirs[relative].is_symlink()
            if path.is_symlink() and relative != "iommu_group":
                assert path.readlink() == theirs[relative].readlink()


def test_a_port_without_link_has_no_speed(tmp_path: Path) -> None:
    pf = dataclasses.replace(port(), link_is_up=False)
    build(tmp_path, [pf])
    function = read_at(tmp_path, pf.address)
    assert (function.link_is_up, function.link_speed_mbps, function.faults) == (False, None, ())


def test_a_vf_on_vfio_loses_its_netdev_and_gets_it_back_with_the_pfs_mac(tmp_path: Path) -> None:
    build(tmp_path, [port()])
    before = read_at(tmp_path, VF)
    rebind(tmp_path, VF, "vfio-pci")
    away = read_at(tmp_path, VF)
    assert (away.driver, away.netdev, away.faults) == ("vfio-pci", None, ())
    assert not (tmp_path / "class/net/ens1f0v1").exists()
    rebind(tmp_path, VF, "igbvf", mac="02:00:00:00:01:55")
    assert read_at(tmp_path, VF) == dataclasses.replace(before, mac="02:00:00:00:01:55")
    assert (tmp_path / "class/net/ens1f0v1/address").read_text() == "02:00:00:00:01:55\n"
    assert (tmp_path / "bus/pci/drivers/igbvf" / str(VF)).is_symlink()
    assert not (tmp_path / "bus/pci/drivers/vfio-pci" / str(VF)).is_symlink()


def test_a_recorded_vf_is_rebound_too(tmp_path: Path) -> None:
    unpack_recording(tmp_path)
    rebind(tmp_path, VF, None)
    assert read_at(tmp_path, VF).driver is None
    rebind(tmp_path, VF, "igbvf")
    function = read_at(tmp_path, VF)
    assert (function.driver, function.netdev, function.vf_index) == ("igbvf", "ens99f0v1", 1)


def test_only_a_function_that_is_there_is_rebound(tmp_path: Path) -> None:
    build(tmp_path, [port(num_vfs=1)])
    with pytest.raises(NotFound):
        rebind(tmp_path, VF, "vfio-pci")


def test_a_pf_on_vfio_loses_its_netdev_and_gets_the_one_that_is_named(tmp_path: Path) -> None:
    pf = port(num_vfs=0)
    build(tmp_path, [pf])
    before = read_at(tmp_path, pf.address)
    rebind(tmp_path, pf.address, "vfio-pci")
    away = read_at(tmp_path, pf.address)
    assert (away.kind, away.driver, away.netdev, away.faults) == (FunctionKind.PF, "vfio-pci", None, ())
    rebind(tmp_path, pf.address, "igb", netdev=pf.netdev, mac=pf.mac)
    set_link(tmp_path, pf.netdev, 1000)
    assert read_at(tmp_path, pf.address) == before


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_vfs_that_are_made_are_those_that_are_built(tmp_path: Path, card: Card) -> None:
    ports = [port(card, 0, num_vfs=0), port(card, 1, num_vfs=2)]
    build(tmp_path / "made", ports)
    build(tmp_path / "built", [dataclasses.replace(ports[0], num_vfs=5), ports[1]])
    empty = read_functions(tmp_path / "made")
    (folder_of(tmp_path / "made", ports[0].address) / "sriov_numvfs").write_text("5\n")
    add_vfs(tmp_path / "made", ports[0].address, card.vf_driver)
    made, built = (
        [dataclasses.replace(function, iommu_group=None) for function in read_functions(tmp_path / name)]
        for name in ("made", "built")
    )
    assert made == built
    remove_vfs(tmp_path / "made", ports[0].address)
    assert read_functions(tmp_path / "made") == empty
    assert len(list((tmp_path / "made/kernel/iommu_groups").iterdir())) == len(empty)


def test_vfs_that_no_driver_takes_have_no_netdev(tmp_path: Path) -> None:
    build(tmp_path, [port(num_vfs=0)])
    (folder_of(tmp_path, port().address) / "sriov_numvfs").write_text("2\n")
    add_vfs(tmp_path, port().address, None)
    vfs = [function for function in read_functions(tmp_path) if function.kind is FunctionKind.VF]
    assert [(vf.driver, vf.netdev, vf.faults) for vf in vfs] == [(None, None, ())] * 2


def test_a_link_goes_and_comes(tmp_path: Path) -> None:
    build(tmp_path, [port()])
    before = read_at(tmp_path, port().address)
    set_link(tmp_path, "ens1f0", None)
    down = read_at(tmp_path, port().address)
    assert (down.link_is_up, down.link_speed_mbps, down.faults) == (False, None, ())
    set_link(tmp_path, "ens1f0", 1000)
    assert read_at(tmp_path, port().address) == before
    with pytest.raises(NotFound):
        set_link(tmp_path, "ens9", None)


def test_more_vfs_than_the_card_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="has 7 at most"):
        build(tmp_path, [port(num_vfs=8)])


def test_two_functions_at_one_address_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"two functions at 0000:81:00\.0"):
        build(tmp_path, [port(), port()])
