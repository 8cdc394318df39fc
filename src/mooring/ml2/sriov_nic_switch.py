"""``sriovnicswitch``: VFs behind the embedded switch of their card, programmed by the agent of the host.

The binding is the one that Neutron's driver of this name gives, so that what reads it (Nova, a domain XML builder)
needs no other word: ``hw_veb``, no port filter, and the VLAN as a string.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mooring.ml2.agent_driver import vlan_detail, why_no_mapping
from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.ml2.sriov_base import SriovMechanismDriverBase
from mooring.model.host import AgentType
from mooring.model.port import PortStatus, VifType, VnicType


class SriovNicSwitchDriver(SriovMechanismDriverBase):
    """Binds ``direct`` and ``macvtap`` ports where a live NIC switch agent maps the segment's physical network."""

    name = "sriovnicswitch"

    def __init__(self, supported_pci_vendor_info: Iterable[str] = ()) -> None:
        super().__init__(
            agent_type=AgentType.NIC_SWITCH,
            vif_details={"port_filter": False, "connectivity": "l2"},
            supported_vnic_types=(VnicType.DIRECT, VnicType.MACVTAP),
            supported_pci_vendor_info=supported_pci_vendor_info,
        )

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        """As the base; a card in switchdev mode forwards through its representors and is another driver's."""
        reason = super().why_not_ours(port)
        if reason is None and "switchdev" in (port["binding:profile"].get("capabilities") or ()):
            return "the port wants a switchdev card, and this driver programs the legacy embedded switch only"
        return reason

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        reason = self.why_not_segment(segment, agent, AgentType.NIC_SWITCH) or _why_not_profile(context, segment)
        if reason is not None:
            self.refuse(context, reason)
            return False
        # The agent has yet to program the VF and read it back, so the port is down until it reports.
        details = {**self.vif_details, "vlan": vlan_detail(segment)}
        context.set_binding(segment["id"], VifType.HW_VEB.value, details, PortStatus.DOWN.value)
        return True

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        mappings = agent["configurations"].get("device_mappings", {})
        return super().why_not_segment(segment, agent, agent_type) or why_no_mapping(
            segment, mappings, agent["host"], "SR-IOV devices"
        )


def _why_not_profile(context: PortContext, segment: SegmentDict) -> str | None:
    """Whether the device that was chosen for the port reaches the segment, which Neutron's driver does not ask."""
    wanted = context.current["binding:profile"].get("physical_network")
    if wanted is None or wanted == segment["physical_network"]:
        return None
    return f"the port's device reaches {wanted}, and the segment is on {segment['physical_network']}"
