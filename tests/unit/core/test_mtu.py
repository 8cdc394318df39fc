"""The MTU that a network gets, and the subnets that it is too small for."""

import pytest

from mooring.core.mtu import check_mtu, largest_mtu, network_mtu
from mooring.errors import Conflict, Invalid


@pytest.mark.parametrize(("wanted", "got"), [(0, 1500), (1, 1), (1499, 1499), (1500, 1500)])
def test_wanted_mtu_is_given_and_none_is_the_largest(wanted: int, got: int) -> None:
    assert network_mtu(wanted, 1500) == got


@pytest.mark.parametrize("wanted", [-1, 1501])
def test_mtu_that_the_physical_networks_do_not_carry_is_refused(wanted: int) -> None:
    with pytest.raises(Invalid, match=r"Requested MTU is too big, maximum is 1500\.") as raised:
        network_mtu(wanted, 1500)
    assert str(wanted) in raised.value.hint


@pytest.mark.parametrize(
    ("physnets", "largest"), [((), 9000), (("a",), 1450), (("b",), 9000), (("c",), 9000), (("c", "a", "d"), 1400)]
)
def test_smallest_physical_network_decides_and_never_more_than_the_global_mtu(
    physnets: tuple[str, ...], largest: int
) -> None:
    assert largest_mtu(9000, {"a": 1450, "b": 9216, "d": 1400}, physnets) == largest


@pytest.mark.parametrize(("mtu", "ip_version"), [(67, 4), (1279, 6)])
def test_mtu_below_what_the_ip_version_needs_is_a_conflict(mtu: int, ip_version: int) -> None:
    with pytest.raises(Conflict, match=f"MTU {mtu} of network n") as raised:
        check_mtu("n", mtu, ip_version)
    assert raised.value.code == "NetworkMTUSubnetConflict"
    check_mtu("n", mtu + 1, ip_version)
