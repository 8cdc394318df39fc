"""PCI groups and the inventory they are laid over: the speed of VFs, and what servers really hold."""

from dataclasses import replace

import pytest

from mooring.core.grouping import groups_of
from mooring.errors import Conflict, NotFound
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind
from mooring.service.group_counts import count_groups
from mooring.service.groups import GroupWish, create_group, delete_group, get_group, list_groups, update_group
from tests.unit.service.by_hand import ADMIN, PF, VFS, WHOLE, Hand

FAST = PciSelector(kind=FunctionKind.VF, min_link_speed_mbps=25000)


def make(hand: Hand, *selectors: PciSelector) -> None:
    hand.write(lambda tx: create_group(tx, hand.world, ADMIN, GroupWish("fast", selectors)))


def link(hand: Hand, speed_mbps: int | None) -> None:
    """The PF's link comes up with this speed, or goes down; VFs have none that the kernel would tell."""
    pf = hand.offers[PF]
    hand.offers[PF] = replace(pf, function=replace(pf.function, link_speed_mbps=speed_mbps))
    hand.announce()


def in_fast(hand: Hand) -> list[str]:
    """The addresses of those in it."""
    groups = hand.read(lambda tx: list_groups(tx, ADMIN))
    devices = [hand.device(address) for address in (PF, *VFS, WHOLE)]
    return [str(device.address) for device in devices if groups_of(device, (), groups)]


def test_a_vf_is_as_fast_as_its_pfs_link_is_now(hand: Hand) -> None:
    make(hand, FAST)
    assert in_fast(hand) == []
    link(hand, 25000)
    assert in_fast(hand) == [str(address) for address in VFS]
    link(hand, 10000)
    assert in_fast(hand) == []
    link(hand, None)
    assert in_fast(hand) == []


def test_a_divided_pf_is_not_counted_and_one_to_be_handed_out_whole_is(hand: Hand) -> None:
    make(hand, PciSelector(vendor_id="8086"))
    hand.boot(hand.port(hand.network()))
    count = hand.read(lambda tx: count_groups(tx, list_groups(tx, ADMIN)))["fast"]
    assert (count.devices, count.free) == (len(VFS) + 1, len(VFS))


def test_a_function_in_use_keeps_its_group_until_it_is_given_back(hand: Hand) -> None:
    make(hand, PciSelector(addresses=tuple(map(str, VFS))))
    port = hand.port(hand.network())
    server = hand.boot(port)
    claim = hand.claim(port)
    smaller = tuple(str(address) for address in VFS if address != claim.address)
    with pytest.raises(Conflict) as refused:
        hand.write(lambda tx: update_group(tx, ADMIN, "fast", {"selectors": (PciSelector(addresses=smaller),)}))
    assert str(claim.address) in refused.value.message
    hand.write(
        lambda tx: update_group(tx, ADMIN, "fast", {"selectors": (PciSelector(addresses=smaller),)}, is_forced=True)
    )
    assert hand.claim(port) == claim
    hand.delete(server)
    hand.clean()
    hand.write(lambda tx: delete_group(tx, ADMIN, "fast"))
    with pytest.raises(NotFound):
        hand.read(lambda tx: get_group(tx, ADMIN, "fast"))


def test_a_link_that_goes_down_takes_devices_out_and_is_no_change_of_the_group(hand: Hand) -> None:
    make(hand, FAST)
    link(hand, 25000)
    hand.boot(hand.port(hand.network()))
    link(hand, None)
    hand.write(lambda tx: update_group(tx, ADMIN, "fast", {"description": "harmless"}))
    hand.write(lambda tx: delete_group(tx, ADMIN, "fast"))
