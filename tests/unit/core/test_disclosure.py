"""Disclosure: the owner reads why, and nothing of the host or of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.disclosure import HIDDEN, for_owner
from mooring.core.reconcile import residue
from mooring.model.vf import LinkState, VfSettings, Vlan

SERVER = "6f1c8a02-3c1e-4a5b-9d3e-0a1b2c3d4e5f"
STRANGER = "11111111-2222-4333-8444-555555555555"
MAC = "fa:16:3e:00:00:01"
OWN = (SERVER, MAC)
NAMES = ("compute-7", "enp1s0", "enp1s0v1")


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("PF enp1s0 has no carrier", f"PF {HIDDEN} has no carrier"),
        ("enp1s0v1 of compute-7 went", f"{HIDDEN} of {HIDDEN} went"),
        (f"the domain of server {STRANGER} holds 0000:81:10.4", f"the domain of server {HIDDEN} holds {HIDDEN}"),
        (f"the domain of server {SERVER} does not run", f"the domain of server {SERVER} does not run"),
        (f"mac is 52:54:00:aa:bb:01, wanted {MAC}", f"mac is {HIDDEN}, wanted {MAC}"),
        ("trust is on, wanted off; mac is not reported", "trust is on, wanted off; mac is not reported"),
        ("/var/lib/mooring/images/x.qcow2: no space left", f"{HIDDEN}: no space left"),
        ("connect to 192.0.2.7 failed", f"connect to {HIDDEN} failed"),
        ("function 0000:01:10.0 could not be found", f"function {HIDDEN} could not be found"),
        ("cannot set vlan 100 (Operation not supported)", f"cannot set vlan {HIDDEN} (Operation not supported)"),
        ("link_state is auto, wanted disable", "link_state is auto, wanted disable"),
        ("device 10000:e1:00.0 is busy", f"device {HIDDEN} is busy"),
    ],
)  # fmt: skip
def test_what_is_not_the_owners_is_taken_out_and_the_reason_stays(said: str, read: str) -> None:
    assert for_owner(said, OWN, NAMES) == read


def test_an_interface_name_within_a_word_is_a_word() -> None:
    assert for_owner("backlog of en0x grows", (), ("lo", "en0")) == "backlog of en0x grows"


@given(
    wanted=st.integers(1, 4094), seen=st.integers(0, 4094), qos=st.integers(0, 7), link=st.sampled_from(list(LinkState))
)
def test_no_vlan_of_a_read_back_reaches_the_owner(wanted: int, seen: int, qos: int, link: LinkState) -> None:
    desired = VfSettings(vlan=Vlan(wanted), link_state=LinkState.AUTO)
    said = "; ".join(residue(desired, VfSettings(vlan=Vlan(seen, qos), link_state=link)))
    read = for_owner(said, (), ())
    assert not any(digit in read for digit in "0123456789")
    assert ("link_state is" in read) == (link is not LinkState.AUTO)


@given(st.text(max_size=200))
def test_any_text_at_all_is_read(said: str) -> None:
    assert isinstance(for_owner(said, OWN, NAMES), str)
