"""``linuxbridge``: ``normal`` ports on a VLAN-aware bridge that the host maps to the physical network."""

from mooring.ml2.agent_driver import AgentMechanismDriver, vlan_detail, why_no_mapping
from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.model.host import AgentType
from mooring.model.port import PortStatus, VifType, VnicType


class LinuxBridgeDriver(AgentMechanismDriver):
    """Binds ``normal`` ports where a live Linux bridge agent maps the segment's physical network to a bridge."""

    name = "linuxbridge"
    answers_at_once = True

    def __init__(self) -> None:
        super().__init__(
            agent_type=AgentType.LINUX_BRIDGE,
            vif_details={"port_filter": False, "connectivity": "l2"},
            supported_vnic_types=(VnicType.NORMAL,),
        )

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        reason = self.why_not_segment(segment, agent, AgentType.LINUX_BRIDGE)
        if reason is not None:
            self.refuse(context, reason)
            return False
        bridge = agent["configurations"]["bridge_mappings"][segment["physical_network"]]
        details = {**self.vif_details, "bridge_name": bridge, "vlan": vlan_detail(segment)}
        context.set_binding(segment["id"], VifType.BRIDGE.value, details, PortStatus.DOWN.value)
        return True

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        mappings = agent["configurations"].get("bridge_mappings", {})
        return super().why_not_segment(segment, agent, agent_type) or why_no_mapping(
            segment, mappings, agent["host"], "bridges"
        )
