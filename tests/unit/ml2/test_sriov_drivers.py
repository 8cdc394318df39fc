"""The base that the 2014 thread drafted, seen through two drivers that an author could have written."""

import logging

import pytest

from mooring.errors import Invalid
from mooring.ml2.agents import agents_of
from mooring.ml2.context import AgentDict, NetworkContext, PortContext, SegmentDict
from mooring.ml2.sriov_base import SriovMechanismDriverBase, check_vnic_type_and_vendor_info
from mooring.model.host import Liveness
from mooring.model.port import VnicType
from tests.unit.ml2.ports import AGENTS, FLAT_2, HOST, NETWORK, VLAN_100, VLAN_200, bound_to, context, port

CARD = {"pci_vendor_info": "1137:0071"}


class AgentlessDriver(SriovMechanismDriverBase):
    """VM-FEX in small: the upstream switch does the work, so everything goes into vif_details."""

    name = "vmfex"

    def __init__(self, supported_pci_vendor_info: tuple[str, ...] = ("1137:0071",)) -> None:
        super().__init__(None, {"port_filter": False}, [VnicType.DIRECT], supported_pci_vendor_info)
        self.told: list[str] = []

    def try_to_bind_segment(self, context: PortContext, segment: SegmentDict) -> bool:
        if segment["network_type"] != "vlan":
            self.refuse(context, f"segment {segment['id']} has no VLAN to make a port profile of")
            return False
        details = {**self.vif_details, "profileid": f"OS-PP-{segment['segmentation_id']}"}
        context.set_binding(segment["id"], "802.1qbh", details, "ACTIVE")
        return True

    @check_vnic_type_and_vendor_info
    def unbind_port(self, context: PortContext) -> None:
        self.told.append(f"unbound {context.current['id']}")

    @check_vnic_type_and_vendor_info
    def update_port_postcommit(self, context: PortContext) -> None:
        """Tells the switch."""
        self.told.append(f"updated {context.current['id']}")


class AgentDriver(SriovMechanismDriverBase):
    """Binds where an agent of its own type knows the segment's id."""

    name = "byagent"

    def __init__(self) -> None:
        super().__init__("NIC Switch agent", {}, [VnicType.DIRECT])

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        if not self.check_segment_for_agent(segment, agent, "NIC Switch agent"):
            self.refuse(context, f"{segment['id']} is not for {agent['host']}")
            return False
        context.set_binding(segment["id"], "hw_veb", self.vif_details)
        return True

    def check_segment_for_agent(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> bool:
        is_of_type = super().check_segment_for_agent(segment, agent, agent_type)
        return is_of_type and segment["physical_network"] in agent["configurations"]["device_mappings"]


def test_an_agentless_driver_binds_on_any_host_and_its_bindings_always_hold() -> None:
    driver, asked = AgentlessDriver(), context(port(profile=CARD), agents=(), host="nohost")
    driver.bind_port(asked)
    assert asked.answer is not None
    assert (asked.answer.vif_type, asked.answer.status) == ("802.1qbh", "ACTIVE")
    assert asked.answer.vif_details == {"port_filter": False, "profileid": "OS-PP-100"}
    assert driver.validate_port_binding(context(agents=()))


def test_what_one_port_is_given_does_not_leak_into_the_next() -> None:
    driver = AgentlessDriver()
    for segment in (VLAN_100, VLAN_200):
        asked = context(port(profile=CARD), [segment])
        driver.bind_port(asked)
        assert asked.answer is not None
        assert asked.answer.vif_details["profileid"] == f"OS-PP-{segment.segmentation_id}"
    assert driver.vif_details == {"port_filter": False}


def test_segments_are_tried_in_order_until_one_will_do() -> None:
    asked = context(port(profile=CARD), [FLAT_2, VLAN_200])
    AgentlessDriver().bind_port(asked)
    assert asked.answer is not None
    assert asked.answer.segment_id == "s2"
    assert asked.refusals == ["segment s3 has no VLAN to make a port profile of"]


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (port(VnicType.NORMAL, CARD), "vnic type normal is not one of direct"),
        (port(profile={"pci_vendor_info": "8086:10ca"}), "card 8086:10ca is not one of 1137:0071"),
        (port(), "the port's profile names no pci_vendor_info, and only 1137:0071 will do"),
    ],
)
def test_a_port_of_another_vnic_type_or_vendor_is_skipped_with_the_reason(of: object, reason: str) -> None:
    driver = AgentlessDriver()
    for method in (driver.bind_port, driver.unbind_port, driver.update_port_postcommit):
        asked = context(of)  # type: ignore[arg-type]  # a Port, from the table above
        method(asked)
        assert (asked.answer, asked.refusals) == (None, [reason])
    assert driver.told == []


def test_a_port_of_our_own_reaches_the_methods_behind_the_decorator() -> None:
    driver = AgentlessDriver()
    driver.unbind_port(context(port(profile=CARD)))
    driver.update_port_postcommit(context(port(profile={"pci_vendor_info": "1137:0071"})))
    assert driver.told == ["unbound port1", "updated port1"]
    assert driver.update_port_postcommit.__doc__ == "Tells the switch."


def test_no_vendor_info_means_any_card() -> None:
    asked = context()
    AgentlessDriver(()).bind_port(asked)
    assert asked.answer is not None


def test_vendor_info_is_compared_without_case() -> None:
    asked = context(port(profile={"pci_vendor_info": "15B3:101A"}))
    AgentlessDriver(("15b3:101A",)).bind_port(asked)
    assert asked.answer is not None


@pytest.mark.parametrize("text", ["", "8086", "8086:10ca:1", "808:10ca", "8086-10ca", "8086:10cg", "8086:10ca\n", 8086])
def test_vendor_info_of_another_form_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(Invalid, match="supported_pci_vendor_info"):
        AgentlessDriver((text,))


def test_a_live_agent_that_serves_the_segment_is_bound_to() -> None:
    asked = context(segments=[VLAN_200, VLAN_100])
    AgentDriver().bind_port(asked)
    assert asked.answer is not None
    assert asked.answer.segment_id == "s1"


def test_a_dead_agent_is_warned_about_and_not_bound_to(caplog: pytest.LogCaptureFixture) -> None:
    asked = context(agents=agents_of(HOST, Liveness.DEAD))
    with caplog.at_level(logging.WARNING):
        AgentDriver().bind_port(asked)
    assert asked.answer is None
    assert asked.refusals == ["the NIC Switch agent of h1 is dead"]
    assert caplog.messages == ["port port1: the NIC Switch agent of h1 is dead"]


def test_a_second_agent_is_tried_when_the_first_is_dead() -> None:
    asked = context(agents=agents_of(HOST, Liveness.DEAD) + AGENTS)
    AgentDriver().bind_port(asked)
    assert asked.answer is not None


def test_a_host_without_an_agent_and_a_network_without_segments_are_reasons() -> None:
    elsewhere, empty = context(host="h2"), context(segments=[])
    AgentDriver().bind_port(elsewhere)
    AgentDriver().bind_port(empty)
    assert elsewhere.refusals == ["host h2 has no NIC Switch agent"]
    assert empty.refusals == ["network n1 has no segment"]


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        (bound_to(VLAN_100), True),
        (bound_to(VLAN_200), False),
        (bound_to(VLAN_100, agents_of(HOST, Liveness.DEAD)), False),
        (bound_to(VLAN_100, ()), False),
        (context(), False),
    ],
)
def test_a_binding_through_an_agent_holds_while_a_live_one_serves_its_segment(asked: PortContext, holds: bool) -> None:
    assert AgentDriver().validate_port_binding(asked) is holds


def test_an_agent_of_another_type_does_not_serve() -> None:
    [segment] = context().segments_to_bind
    [agent] = context().host_agents("NIC Switch agent")
    assert AgentDriver().check_segment_for_agent(segment, agent, "NIC Switch agent")
    assert not AgentDriver().check_segment_for_agent(segment, agent, "Open vSwitch agent")


def test_an_author_who_forgets_the_method_is_told_by_the_refusal() -> None:
    with_agent = SriovMechanismDriverBase("NIC Switch agent", {}, [VnicType.DIRECT])
    without_agent = SriovMechanismDriverBase(None, {}, [VnicType.DIRECT])
    for driver, word in ((with_agent, "through"), (without_agent, "without")):
        asked = context()
        driver.bind_port(asked)
        assert asked.refusals == [f"driver  does not bind {word} an agent"]
    without_agent.unbind_port(context())


def test_the_decorator_lets_networks_and_subnets_pass_which_have_no_card() -> None:
    class Listening(AgentlessDriver):
        """Hears of networks too."""

        @check_vnic_type_and_vendor_info
        def create_network_postcommit(self, context: NetworkContext) -> None:
            self.told.append(f"created {context.current['id']}")

    driver = Listening()
    driver.create_network_postcommit(NetworkContext.of(NETWORK, [VLAN_100]))
    assert driver.told == ["created n1"]
