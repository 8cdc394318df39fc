"""``macvtap``: ordinary ports on an ordinary NIC, with Neutron's details."""

from dataclasses import replace
from functools import partial

import pytest

from mooring.ml2.agents import agents_of
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.macvtap import MacvtapDriver, vlan_netdev
from mooring.model.host import Liveness
from mooring.model.network import NetworkType, Segment
from mooring.model.port import VnicType
from tests.unit.ml2.ports import HOST, VLAN_100, VLAN_200, context, port

ON_NIC = replace(HOST, interface_mappings={"physnet1": "eno1"})
AGENTS = agents_of(ON_NIC, Liveness.ALIVE)
NORMAL = port(VnicType.NORMAL)


@pytest.mark.parametrize(
    ("segment", "source", "vlan"),
    [
        (VLAN_100, "eno1.100", "100"),
        (Segment("s1", "n1", NetworkType.FLAT, "physnet1", None), "eno1", "0"),
    ],
)
def test_a_port_is_bound_to_the_nic_or_to_the_sub_interface_of_its_vlan(
    segment: Segment, source: str, vlan: str
) -> None:
    details = {
        "port_filter": False, "connectivity": "l2", "macvtap_mode": "bridge", "macvtap_source": source,
        "physical_interface": "eno1", "vlan": vlan,
    }  # fmt: skip
    answer = bind(partial(context, NORMAL, [segment], AGENTS), [MacvtapDriver()])
    assert answer == Bound("macvtap", "s1", "macvtap", details, "DOWN")


def test_details_of_one_binding_are_not_those_of_the_next() -> None:
    driver = MacvtapDriver()
    first = bind(partial(context, NORMAL, agents=AGENTS), [driver])
    flat = Segment("s9", "n1", NetworkType.FLAT, "physnet1", None)
    bind(partial(context, NORMAL, [flat], AGENTS), [driver])
    assert isinstance(first, Bound)
    assert first.vif_details["vlan"] == "100"
    assert "vlan" not in driver.vif_details


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (partial(context, port(VnicType.MACVTAP), agents=AGENTS), "vnic type macvtap is not one of normal"),
        (partial(context, NORMAL), "host h1 has no Macvtap agent"),
        (partial(context, NORMAL, agents=agents_of(ON_NIC, Liveness.DEAD)), "the Macvtap agent of h1 is dead"),
        (
            partial(context, NORMAL, [VLAN_200], AGENTS),
            "no interfaces of h1 reach physnet2 (segment vlan 200); its interfaces reach physnet1",
        ),
    ],
)
def test_every_refusal_has_its_reason(asked: partial[object], reason: str) -> None:
    answer = bind(asked, [MacvtapDriver()])  # type: ignore[arg-type]  # a context
    assert isinstance(answer, Unbound)
    assert answer.reasons == f"macvtap: {reason}"


@pytest.mark.parametrize(
    ("parent", "vlan_id", "name"),
    [
        ("eno1", 1, "eno1.1"),
        ("enp129s0f0", 4094, "enp129s0f0.4094"),
        ("enp129s0f0np0", 4094, "enp197e4a1.4094"),
        ("enp129s0f1np1", 4094, "enp19cb088.4094"),
    ],
)
def test_the_name_of_a_sub_interface_fits_and_tells_parents_apart(parent: str, vlan_id: int, name: str) -> None:
    assert vlan_netdev(parent, vlan_id) == name
    assert len(name) <= 15
