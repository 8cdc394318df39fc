"""``macvtap``: ``normal`` ports as macvtaps in bridge mode on an ordinary NIC, for hosts without bridge and SR-IOV.

Not the vnic type ``macvtap``, which takes a VF. Details and names are those of Neutron's driver: a VLAN is a
sub-interface of the NIC, which the agent makes, and the macvtap is on top of that.
"""

import hashlib

from mooring.ml2.agent_driver import AgentMechanismDriver, vlan_detail, why_no_mapping
from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.model.host import AgentType
from mooring.model.port import PortStatus, VifType, VnicType

#: IFNAMSIZ is 16 with its NUL, and a VLAN takes a dot and four digits.
_PARENT_MAX_CHARS = 10
_DIGEST_CHARS = 6


class MacvtapDriver(AgentMechanismDriver):
    """Binds where a live macvtap agent maps the segment's physical network to a network device."""

    name = "macvtap"
    answers_at_once = True

    def __init__(self) -> None:
        super().__init__(
            agent_type=AgentType.MACVTAP,
            vif_details={"port_filter": False, "connectivity": "l2", "macvtap_mode": "bridge"},
            supported_vnic_types=(VnicType.NORMAL,),
        )

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        reason = self.why_not_segment(segment, agent, AgentType.MACVTAP)
        if reason is not None:
            self.refuse(context, reason)
            return False
        interface = agent["configurations"]["interface_mappings"][segment["physical_network"]]
        vlan_id = segment["segmentation_id"] if segment["network_type"] == "vlan" else None
        details = {
            **self.vif_details,
            "physical_interface": interface,
            "macvtap_source": interface if vlan_id is None else vlan_netdev(interface, vlan_id),
            "vlan": vlan_detail(segment),
        }
        context.set_binding(segment["id"], VifType.MACVTAP.value, details, PortStatus.DOWN.value)
        return True

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        mappings = agent["configurations"].get("interface_mappings", {})
        return super().why_not_segment(segment, agent, agent_type) or why_no_mapping(
            segment, mappings, agent["host"], "interfaces"
        )


def vlan_netdev(parent: str, vlan_id: int) -> str:
    """The name of a VLAN's sub-interface: ``eth0.100``.

    A parent whose name leaves no room for a VLAN is told by its first characters and a digest of all of them.
    """
    if len(parent) > _PARENT_MAX_CHARS:
        digest = hashlib.sha1(parent.encode(), usedforsecurity=False).hexdigest()
        parent = parent[: _PARENT_MAX_CHARS - _DIGEST_CHARS] + digest[:_DIGEST_CHARS]
    return f"{parent}.{vlan_id}"
