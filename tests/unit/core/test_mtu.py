"""The MTU that a network gets, and the subnets that it is too small for."""

import pytest

from mooring.core.mtu import check_mtu, network_mtu
from mooring.errors import Conflict, Invalid


@pytest.mark.parametrize(("wanted", "got"), [(0, 1500), (1, 1), (1500, 1500), (9216, 9216)])
def test_wanted_mtu_is_given_and_none_is_the_default(wanted: int, got: int) -> None:
    assert network_mtu(wanted) == got


@pytest.mark.parametrize("wanted", [-1, 9217])
def test_mtu_that_no_card_carries_is_refused(wanted: int) -> None:
    with pytest.raises(Invalid, match=str(wanted)):
        network_mtu(wanted)


@pytest.mark.parametrize(("mtu", "ip_version"), [(67, 4), (1279, 6)])
def test_mtu_below_what_the_ip_version_needs_is_a_conflict(mtu: int, ip_version: int) -> None:
    with pytest.raises(Conflict, match=f"MTU {mtu} of network n") as raised:
        check_mtu("n", mtu, ip_version)
    assert raised.value.code == "NetworkMTUSubnetConflict"
    check_mtu("n", mtu + 1, ip_version)
