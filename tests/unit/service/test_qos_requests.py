"""Minimums in Placement's words, with the ids that Neutron gives them."""

from pathlib import Path

from mooring.model.network import Network, NetworkType, Segment
from mooring.model.port import Binding, Port, VnicType
from mooring.model.qos import Direction, QosPolicy, QosRule, RuleType
from mooring.service.qos_requests import resource_request
from mooring.store.qos import QOS_POLICIES, QOS_RULES
from mooring.store.tx import Tx
from mooring.testing.controller import make_controller

PORT = "85ab3361-243f-4688-92fe-08d82a046df3"
RULE = "1e1f8c2e-4f0a-469e-bc02-e9e3ed860abd"
RECORDED = "5cbe90ba-65fa-5940-ae26-ce0432fe00e9"
"""What Neutron 29 called this rule's group of this port."""


def test_a_group_has_the_id_that_neutron_gives_it_and_the_first_segments_physical_network(tmp_path: Path) -> None:
    controller = make_controller(tmp_path)

    def story(tx: Tx) -> object:
        QOS_POLICIES.insert(tx, QosPolicy("q", "p", "q", tx.now, tx.now))
        QOS_RULES.insert(tx, QosRule(RULE, "q", RuleType.MINIMUM_BANDWIDTH, Direction.EGRESS, {"min_kbps": 1000}))
        network = Network("n", "p", "n", tx.now, tx.now, qos_policy_id="q")
        port = Port(PORT, "n", "p", "", "fa:16:3e:00:00:01", tx.now, tx.now, binding=Binding(vnic_type=VnicType.DIRECT))
        segments = [
            Segment("s1", "n", NetworkType.VLAN, "physnet-1.a", 100),
            Segment("s2", "n", NetworkType.VLAN, "physnet2", 100),
        ]
        return resource_request(tx, port, network, segments)

    try:
        assert controller.store.write_now(story) == {
            "request_groups": [
                {
                    "id": RECORDED,
                    "required": ["CUSTOM_PHYSNET_PHYSNET_1_A", "CUSTOM_VNIC_TYPE_DIRECT"],
                    "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1000},
                }
            ],
            "same_subtree": [RECORDED],
        }
    finally:
        controller.store.close()
