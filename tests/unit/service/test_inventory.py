"""What an inventory leaves in the books: the marks of a device spec, features, classes, and PFs beside their VFs."""

from dataclasses import replace

import pytest

from mooring.errors import Invalid
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.port import VnicType
from mooring.model.vf import VfState
from tests.unit.service.by_hand import PF, VFS, WHOLE, Hand

GPU = PciAddress.parse("0000:3b:00.0")
GPU_OFFER = OfferedFunction(
    PciFunction(GPU, FunctionKind.PCI, "10de", "1db4", "nouveau", device_class="030200"), is_offered=True,
    tags=("gpu",),
)  # fmt: skip


def put(hand: Hand, address: PciAddress, *, features: tuple[str, ...] | None = None, **offer: object) -> None:
    """The host shows the function otherwise than before."""
    before = hand.offers[address]
    function = replace(before.function, features=features)
    hand.put({address: replace(before, function=function, **offer)})  # type: ignore[arg-type]  # fields of an offer


# Marks and features


def test_the_marks_of_a_device_spec_are_remembered_and_followed(hand: Hand) -> None:
    put(hand, VFS[0], trusted=True, tags=("rack-b2", "gold"))
    device = hand.device(VFS[0])
    assert (device.trusted, device.tags) == (True, ("gold", "rack-b2"))
    assert device.state is VfState.AVAILABLE, "it is as clean as it was"
    put(hand, VFS[0], trusted=False, tags=())
    device = hand.device(VFS[0])
    assert (device.trusted, device.tags) == (False, ())


def test_a_vf_has_its_own_features_and_else_those_of_its_pf(hand: Hand) -> None:
    put(hand, PF, features=("rx", "hw-tc-offload"))
    put(hand, VFS[0], features=("tso", "rx"))
    hand.announce()
    assert hand.device(VFS[0]).features == ("rx", "tso")
    assert hand.device(VFS[1]).features == hand.device(PF).features == ("hw-tc-offload", "rx")


def test_what_an_owner_was_promised_is_not_forgotten_while_a_guest_has_the_function(hand: Hand) -> None:
    put(hand, WHOLE, features=("rx",), trusted=True, tags=("gold",))
    port = hand.port(hand.network("physnet2"), VnicType.DIRECT_PHYSICAL)
    hand.boot(port)
    put(hand, WHOLE, features=None, trusted=False, tags=(), is_offered=False, reason="no device_spec matches")
    device = hand.device(WHOLE)
    assert (device.features, device.trusted, device.tags) == (("rx",), True, ("gold",))


def test_an_owner_follows_a_device_spec_that_still_matches(hand: Hand) -> None:
    port = hand.port(hand.network())
    hand.boot(port)
    put(hand, hand.claim(port).address, tags=("gold",))
    assert hand.device_of(port).tags == ("gold",)


def test_a_class_that_a_look_does_not_tell_is_the_one_that_was_told(hand: Hand) -> None:
    """What is to be cleaned of a function depends on it."""
    hand.put({GPU: GPU_OFFER})
    hand.put({GPU: replace(GPU_OFFER, function=replace(GPU_OFFER.function, device_class=""))})
    assert hand.device(GPU).device_class == "030200"


# What is no NIC


def test_a_function_without_sriov_lives_as_a_vf_does(hand: Hand) -> None:
    hand.put({GPU: GPU_OFFER})
    device = hand.device(GPU)
    assert (device.state, device.device_class, device.tags) == (VfState.BASELINING, "030200", ("gpu",))
    assert (hand.wanted(GPU).pf, hand.wanted(GPU).vf_index) == (None, None)
    hand.clean()
    assert hand.device(GPU).state is VfState.AVAILABLE
    hand.put({GPU: replace(GPU_OFFER, is_offered=False, reason="the host itself uses it: it has the frame buffer")})
    assert hand.device(GPU).state is VfState.UNAVAILABLE


def test_a_function_that_is_not_told_of_any_more_is_gone(hand: Hand) -> None:
    """Its entry was taken out, and it was nobody's."""
    hand.put({GPU: GPU_OFFER})
    hand.clean()
    hand.remove(GPU)
    assert hand.device(GPU).state is VfState.GONE


# A PF and its VFs


@pytest.fixture
def both(hand: Hand) -> Hand:
    """The PF with VFs is handed out whole, too."""
    put(hand, PF, is_offered=True, reason="")
    hand.clean()
    hand.clean()
    return hand


def test_a_pf_is_free_beside_its_free_vfs(both: Hand) -> None:
    assert {both.device(address).state for address in (PF, *VFS)} == {VfState.AVAILABLE}


def test_vfs_are_gone_while_a_server_has_their_pf_and_come_back_to_be_cleaned(both: Hand) -> None:
    port = both.port(both.network("physnet1"), VnicType.DIRECT_PHYSICAL)
    server = both.boot(port)
    assert both.claim(port).address == PF
    before = both.device(VFS[0])
    vfs = both.remove(*VFS)
    assert {both.device(address).state for address in VFS} == {VfState.GONE}
    assert both.device(VFS[0]).reason == f"its PF {PF} is a server's"
    both.delete(server)
    both.clean()
    assert both.device(PF).state is VfState.AVAILABLE
    both.put(vfs)
    device = both.device(VFS[0])
    assert device.state is VfState.BASELINING
    assert device.generation > before.generation
    both.clean()
    assert {both.device(address).state for address in (PF, *VFS)} == {VfState.AVAILABLE}


def test_vfs_that_nobody_saw_go_are_cleaned_all_the_same_when_their_pf_comes_back(both: Hand) -> None:
    """The host was silent between the two moments; what it shows now are other VFs at the same addresses."""
    port = both.port(both.network("physnet1"), VnicType.DIRECT_PHYSICAL)
    server = both.boot(port)
    both.delete(server)
    both.clean()
    assert both.device(PF).state is VfState.AVAILABLE
    assert {both.device(address).state for address in VFS} == {VfState.BASELINING}
    assert both.device(VFS[0]).reason == f"its PF {PF} came back"
    both.clean()
    assert {both.device(address).state for address in VFS} == {VfState.AVAILABLE}


def test_a_vf_that_a_server_has_is_not_touched_when_its_pf_is_found_clean(hand: Hand) -> None:
    """The entry that hands out the PF came while VFs were in use."""
    port = hand.port(hand.network())
    hand.boot(port)
    put(hand, PF, is_offered=True, reason="")
    hand.clean()
    assert hand.device(PF).state is VfState.AVAILABLE
    assert hand.device_of(port).state is VfState.IN_USE


def test_a_physical_network_is_reached_while_a_guest_has_the_only_pf_that_does(hand: Hand) -> None:
    """Nobody could make a network on it else."""
    port = hand.port(hand.network("physnet2"), VnicType.DIRECT_PHYSICAL)
    server = hand.boot(port)
    there = hand.offers[WHOLE]
    taken = replace(there.function, netdev=None, mac=None, driver="vfio-pci")
    hand.put({WHOLE: replace(there, function=taken)})
    hand.network("physnet2", 201)
    hand.delete(server)
    hand.clean()
    hand.remove(WHOLE)
    with pytest.raises(Invalid, match="'physnet2' unknown"):
        hand.network("physnet2", 202)
