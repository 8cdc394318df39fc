"""QoS on running servers: what a policy says is on the card one turn of the agent later."""

from typing import Any

import pytest

from mooring.errors import Conflict
from mooring.model.network import Network
from mooring.model.port import Port, PortStatus, VnicType
from mooring.model.qos import Direction, QosRule, RuleType
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import TxRate, VfSettings
from mooring.service.networks import update_network
from mooring.service.ports import update_port
from mooring.service.qos import QosPolicyWish, create_policy, qos_view
from mooring.service.qos_rules import RuleWish, create_rule, delete_rule, update_rule
from mooring.store import claims
from mooring.store.devices import DEVICES
from mooring.store.networks import NETWORKS
from mooring.testing.cards import INTEL_E810, INTEL_X710
from mooring.testing.cloud import ADMIN
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port as pf_of
from tests.story.conftest import MakeCloud, Told

HOST, PF = "h1", "ens1f0"


class Limited:
    """A cloud of one host, a policy, and a network on which servers have VFs."""

    def __init__(self, told: Told):
        self.told = told
        self.network: Network = told.network("physnet1", 100)
        self.policy = told.write(
            lambda tx: create_policy(tx, told.world, ADMIN, QosPolicyWish("admin-project", "q"))
        ).id

    def limit(self, kbps: int, direction: Direction = Direction.EGRESS) -> QosRule:
        return self.rule(RuleType.BANDWIDTH_LIMIT, direction, max_kbps=kbps, max_burst_kbps=0)

    def promise(self, kbps: int) -> QosRule:
        return self.rule(RuleType.MINIMUM_BANDWIDTH, Direction.EGRESS, min_kbps=kbps)

    def rule(self, kind: RuleType, direction: Direction, **values: int) -> QosRule:
        wish = RuleWish(kind, direction, values)
        return self.told.write(lambda tx: create_rule(tx, self.told.world, ADMIN, self.policy, wish))

    def boot(self, **attributes: Any) -> tuple[Server, Port]:
        port = self.told.port(self.network, VnicType.DIRECT)
        if attributes:
            self.set_port(port, **attributes)
        server = self.told.boot(port)
        return server, port

    def set_port(self, port: Port, **changes: object) -> None:
        self.told.write(lambda tx: update_port(tx, self.told.world, ADMIN, port.id, changes))

    def set_network(self, **changes: object) -> None:
        self.told.write(lambda tx: update_network(tx, self.told.world, ADMIN, self.network.id, changes))

    def turn(self) -> None:
        """What the stream, which the change woke, makes the agent do."""
        desired = self.told.cloud.uplink(HOST).desired(-1, 0)
        assert desired is not None
        self.told.cloud.nodes[HOST].agent.carry_out(desired)

    def on_card(self, port: Port) -> VfSettings:
        held = self.told.read(lambda tx: claims.of_port(tx, port.id))
        device = self.told.read(lambda tx: DEVICES.get(tx, held.device_id if held else ""))
        assert device is not None
        return self.told.cloud.nodes[HOST].host.vf_table.read(PF, device.vf_index or 0)

    def rate(self, port: Port) -> TxRate | None:
        return self.on_card(port).rate


def plan_of(card: Any) -> Plan:
    return Plan(ports=(pf_of(card, "0000:81:00.0", PF, 1, 4),), specs=(Spec(PF, "physnet1"),), bridge_mappings={})


@pytest.fixture
def cloud(make_cloud: MakeCloud) -> Limited:
    return Limited(make_cloud({HOST: plan_of(INTEL_E810)}))


def test_a_policy_of_a_port_or_of_its_network_is_on_the_card_when_the_server_runs(cloud: Limited) -> None:
    cloud.limit(5_000_000)
    cloud.promise(1_000_000)
    own = cloud.boot(qos_policy_id=cloud.policy)[1]
    cloud.set_network(qos_policy_id=cloud.policy)
    inherited = cloud.boot()[1]
    assert cloud.rate(own) == cloud.rate(inherited) == TxRate(min_mbps=1000, max_mbps=5000)


def test_a_rule_that_comes_changes_and_goes_reaches_the_card_in_one_turn(cloud: Limited) -> None:
    server, port = cloud.boot(qos_policy_id=cloud.policy)
    assert cloud.rate(port) == TxRate()
    rule = cloud.limit(2_000_000)
    cloud.turn()
    assert cloud.rate(port) == TxRate(max_mbps=2000)
    change = RuleWish(RuleType.BANDWIDTH_LIMIT, values={"max_kbps": 700})
    cloud.told.write(lambda tx: update_rule(tx, cloud.told.world, ADMIN, cloud.policy, rule.id, change))
    cloud.turn()
    assert cloud.rate(port) == TxRate(max_mbps=1)
    cloud.told.write(lambda tx: delete_rule(tx, cloud.told.world, ADMIN, cloud.policy, rule.id, rule.type))
    cloud.turn()
    assert cloud.rate(port) == TxRate()
    assert cloud.told.server(server.id).status is ServerStatus.ACTIVE


def test_the_networks_policy_comes_and_goes_under_its_ports_that_have_none_of_their_own(cloud: Limited) -> None:
    cloud.limit(2_000_000)
    other = cloud.told.write(
        lambda tx: create_policy(tx, cloud.told.world, ADMIN, QosPolicyWish("admin-project", "other"))
    )
    follows, own = cloud.boot()[1], cloud.boot(qos_policy_id=other.id)[1]
    cloud.set_network(qos_policy_id=cloud.policy)
    cloud.turn()
    assert (cloud.rate(follows), cloud.rate(own)) == (TxRate(max_mbps=2000), TxRate())
    cloud.set_port(own, qos_policy_id=None)
    cloud.turn()
    assert cloud.rate(own) == TxRate(max_mbps=2000)
    cloud.set_network(qos_policy_id=None)
    cloud.turn()
    assert (cloud.rate(follows), cloud.rate(own)) == (TxRate(), TxRate())


def test_a_change_of_a_policy_wakes_the_hosts_that_it_concerns_and_no_others(cloud: Limited) -> None:
    cloud.boot()
    woken: list[str | None] = []
    cloud.told.cloud.controller.store.on_commit(lambda events: woken.extend(event.host for event in events))
    rule = cloud.limit(2_000_000)
    assert HOST not in woken
    cloud.set_network(qos_policy_id=cloud.policy)
    assert HOST in woken
    woken.clear()
    cloud.told.write(lambda tx: delete_rule(tx, cloud.told.world, ADMIN, cloud.policy, rule.id, rule.type))
    assert HOST in woken


def test_a_vf_is_without_rates_when_its_server_goes(cloud: Limited) -> None:
    cloud.limit(2_000_000)
    server, _ = cloud.boot(qos_policy_id=cloud.policy)
    cloud.told.delete(server)
    assert all(settings.rate == TxRate() for settings in cloud.told.on_card(HOST))


def test_what_is_rounded_is_shown(cloud: Limited) -> None:
    cloud.limit(1500)
    stored = cloud.told.stored(cloud.boot(qos_policy_id=cloud.policy)[1])

    def story(tx: Any) -> object:
        network = NETWORKS.get(tx, cloud.network.id)
        assert network is not None
        return qos_view(tx, stored, network)

    assert cloud.told.read(story) == {
        "max_mbps": 2, "min_mbps": 0, "rounded": "max_kbps 1500 became 2 Mbit/s, for cards take whole Mbit/s",
    }  # fmt: skip


# --- what a link has ------------------------------------------------------------------------------------------


def test_a_minimum_is_placed_on_a_link_that_has_it(cloud: Limited) -> None:
    """The link has 100 Gb/s."""
    cloud.promise(60_000_000)
    cloud.set_network(qos_policy_id=cloud.policy)
    assert cloud.boot()[0].status is ServerStatus.ACTIVE
    second = cloud.boot()[0]
    assert second.status is ServerStatus.ERROR
    assert second.fault is not None
    assert "60000 Mb/s" in second.fault.details


def test_a_minimum_that_the_link_cannot_promise_to_all_is_refused_and_changes_nothing(cloud: Limited) -> None:
    rule = cloud.promise(40_000_000)
    cloud.set_network(qos_policy_id=cloud.policy)
    ports = [cloud.boot()[1] for _ in range(2)]
    change = RuleWish(RuleType.MINIMUM_BANDWIDTH, values={"min_kbps": 52_000_000})
    with pytest.raises(Conflict, match="cannot be promised 52000 Mbit/s") as refused:
        cloud.told.write(lambda tx: update_rule(tx, cloud.told.world, ADMIN, cloud.policy, rule.id, change))
    assert refused.value.code == "QosPlacementAllocationConflict"
    cloud.turn()
    assert [cloud.rate(port) for port in ports] == [TxRate(min_mbps=40_000)] * 2


def test_what_a_policy_gives_back_is_there_for_the_next(cloud: Limited) -> None:
    rule = cloud.promise(60_000_000)
    _, first = cloud.boot(qos_policy_id=cloud.policy)
    cloud.told.write(lambda tx: delete_rule(tx, cloud.told.world, ADMIN, cloud.policy, rule.id, rule.type))
    cloud.turn()
    cloud.promise(48_000_000)
    cloud.turn()
    assert cloud.boot(qos_policy_id=cloud.policy)[0].status is ServerStatus.ACTIVE
    assert cloud.rate(first) == TxRate(min_mbps=48_000)


NO_MINIMUM = "ens1f0 vf 0 rate: Invalid argument (EINVAL)"


def test_a_card_that_knows_no_minimum_keeps_the_server_from_starting_and_the_port_says_why(
    make_cloud: MakeCloud,
) -> None:
    cloud = Limited(make_cloud({HOST: plan_of(INTEL_X710)}))
    cloud.promise(1_000_000)
    server, port = cloud.boot(qos_policy_id=cloud.policy)
    fault = cloud.told.stored(port).fault
    assert cloud.told.server(server.id).status is ServerStatus.ERROR
    assert fault is not None
    assert fault.details == NO_MINIMUM


def test_a_minimum_that_the_card_refuses_under_a_running_server_is_its_ports_fault(make_cloud: MakeCloud) -> None:
    cloud = Limited(make_cloud({HOST: plan_of(INTEL_X710)}))
    server, port = cloud.boot(qos_policy_id=cloud.policy)
    rule = cloud.promise(1_000_000)
    cloud.turn()
    broken = cloud.told.stored(port)
    assert (broken.status, broken.fault and broken.fault.details) == (PortStatus.ERROR, NO_MINIMUM)
    cloud.told.write(lambda tx: delete_rule(tx, cloud.told.world, ADMIN, cloud.policy, rule.id, rule.type))
    cloud.turn()
    mended = cloud.told.stored(port)
    assert (mended.status, mended.fault) == (PortStatus.ACTIVE, None)
    assert cloud.told.server(server.id).status is ServerStatus.ACTIVE
