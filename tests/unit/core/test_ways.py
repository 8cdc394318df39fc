"""Ways: which choices are the same, and which only look alike."""

from mooring.core.assigning import Search, Unassigned, addresses
from mooring.core.pools import pools_of
from tests.unit.core.clouds import request, vf, whole_pf


def test_equal_minimum_rates_of_requests_that_want_different_functions_are_laid_in_every_way() -> None:
    """The trusted ones have to be one of each PF, and the slow one's link carries just that."""
    devices = (
        whole_pf("0000:81:00.0", is_offered=False, link_speed_mbps=10_000),
        whole_pf("0000:82:00.0", is_offered=False, link_speed_mbps=1000),
        vf("0000:81:10.0", trusted=True),
        vf("0000:82:10.0", trusted=True, pf="0000:82:00.0"),
        vf("0000:81:10.1", features=("rx",)),
        vf("0000:82:10.1", pf="0000:82:00.0"),
    )
    wants = [request("any", min_rate_mbps=600), request("trusted", count=2, trusted=True, min_rate_mbps=600)]
    pools = pools_of(devices)
    found = Search(wants, pools).assign()
    assert not isinstance(found, Unassigned)
    given = {name: list(map(str, ones)) for name, ones in addresses(found, pools).items()}
    assert given == {"any": ["0000:81:10.1"], "trusted": ["0000:81:10.0", "0000:82:10.0"]}
