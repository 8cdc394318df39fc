"""``openvswitch``: ``normal`` ports on Open vSwitch bridges, and ``direct`` ports whose card forwards by its flows.

A ``direct`` port asks for the latter with ``capabilities: ["switchdev"]`` in its ``binding:profile``, as in Neutron:
the VF is the guest's, and its representor is a port of the bridge. Without, it is the business of ``sriovnicswitch``.

The bridge is the one that the host maps to the physical network: there is no integration bridge between, and the VLAN
is the tag of the port.
"""

from collections.abc import Mapping
from typing import Any

from mooring.ml2.agent_driver import AgentMechanismDriver, vlan_detail, why_no_mapping
from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.model.host import AgentType
from mooring.model.port import PortStatus, VifType, VnicType

_DATAPATH_SYSTEM = "system"
"""The kernel's datapath, of the two that there are."""


class OpenvswitchDriver(AgentMechanismDriver):
    """Binds where a live Open vSwitch agent maps the segment's physical network to a bridge."""

    name = "openvswitch"
    answers_at_once = True

    def __init__(self) -> None:
        super().__init__(
            agent_type=AgentType.OPEN_VSWITCH,
            vif_details={"port_filter": False, "connectivity": "l2", "ovs_hybrid_plug": False},
            supported_vnic_types=(VnicType.NORMAL, VnicType.DIRECT, VnicType.VDPA),
        )

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        reason = super().why_not_ours(port)
        is_direct = port["binding:vnic_type"] == VnicType.DIRECT.value
        if reason is None and is_direct and "switchdev" not in (port["binding:profile"].get("capabilities") or ()):
            return "the port does not ask for a switchdev card, and Open vSwitch offloads to no other"
        return reason

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        reason = self.why_not_segment(segment, agent, AgentType.OPEN_VSWITCH)
        if reason is not None:
            self.refuse(context, reason)
            return False
        facts = agent["configurations"]
        details = {
            **self.vif_details,
            "bridge_name": facts["bridge_mappings"][segment["physical_network"]],
            "datapath_type": facts.get("datapath_type", _DATAPATH_SYSTEM),
            "vlan": vlan_detail(segment),
        }
        context.set_binding(segment["id"], VifType.OVS.value, details, PortStatus.DOWN.value)
        return True

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        mappings = agent["configurations"].get("bridge_mappings", {})
        return super().why_not_segment(segment, agent, agent_type) or why_no_mapping(
            segment, mappings, agent["host"], "Open vSwitch bridges"
        )
