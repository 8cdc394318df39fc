"""``sriovnicswitch``: VFs behind the embedded switch of their card, programmed by the agent of the host; whole PFs.

The binding is the one that Neutron's driver of this name gives, so that what reads it (Nova, a domain XML builder)
needs no other word: ``hw_veb`` or ``hostdev_physical``, no port filter, and the VLAN as a string. Nobody applies that
VLAN to a whole PF: it tells the guest which one to tag with.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from mooring.ml2.agent_driver import vlan_detail, why_no_mapping, why_no_vlan
from mooring.ml2.answers import segment_name
from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.ml2.qos_rules import SRIOV_RULES
from mooring.ml2.spelling import PORT_PROFILE
from mooring.ml2.sriov_base import SriovMechanismDriverBase, check_vnic_type_and_vendor_info
from mooring.model.host import AgentType
from mooring.model.pci import is_held_upstream
from mooring.model.port import PortStatus, VifType, VnicType


class SriovNicSwitchDriver(SriovMechanismDriverBase):
    """Binds ports where a live NIC switch agent maps the segment's physical network.

    ``direct``, ``macvtap`` and ``accelerator-direct`` ports get a VF, ``direct-physical`` ports a whole PF. Mooring's
    agents report PFs as they do VFs. Neutron's know nothing of them, and its own driver binds such a port on any host,
    ACTIVE at once: so does this one when ``agents_report_pfs`` is false.
    """

    name = "sriovnicswitch"
    answers_at_once = True
    #: Neutron's, so that the resource providers of its NIC switch agents are known by the same UUIDs.
    resource_provider_uuid5_namespace = UUID("87f1895c-73bb-11e8-9008-c4d987b2a692")
    supported_qos_rules = SRIOV_RULES

    def __init__(self, supported_pci_vendor_info: Iterable[str] = (), *, agents_report_pfs: bool = True) -> None:
        super().__init__(
            agent_type=AgentType.NIC_SWITCH,
            vif_details={"port_filter": False, "connectivity": "l2"},
            supported_vnic_types=(
                VnicType.DIRECT,
                VnicType.MACVTAP,
                VnicType.ACCELERATOR_DIRECT,
                VnicType.DIRECT_PHYSICAL,
            ),
            supported_pci_vendor_info=supported_pci_vendor_info,
        )
        self.agents_report_pfs = agents_report_pfs

    @check_vnic_type_and_vendor_info
    def bind_port(self, context: PortContext) -> None:
        if _is_whole_pf(context) and not self.agents_report_pfs:
            self._bind_unreported(context)
        else:
            self.bind_through_agents(context)

    def _bind_unreported(self, context: PortContext) -> None:
        """The first flat or VLAN segment that the chosen device reaches."""
        if not context.segments_to_bind:
            self.refuse(context, f"network {context.current['network_id']} has no segment")
        for segment in context.segments_to_bind:
            reason = why_no_vlan(segment) or _why_not_profile(context, segment)
            if reason is None:
                self._set_binding(context, segment, PortStatus.ACTIVE)
                return
            self.refuse(context, reason)

    def validate_port_binding(self, context: PortContext) -> bool:
        if _is_whole_pf(context) and not self.agents_report_pfs:
            return context.bottom_bound_segment is not None
        return super().validate_port_binding(context)

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        """As the base; a card in switchdev mode forwards through its representors and is another driver's."""
        reason = super().why_not_ours(port)
        if reason is not None:
            return reason
        profile, card = port.get(PORT_PROFILE), str(port["binding:profile"].get("pci_vendor_info") or "")
        if profile is not None:
            return f"the port has port profile {profile['name']}, and this driver tells no upstream switch of it"
        if is_held_upstream(*card.lower().partition(":")[::2]):
            return f"card {card} has no embedded switch to program: its ports need a port profile"
        if "switchdev" in (port["binding:profile"].get("capabilities") or ()):
            return "the port wants a switchdev card, and this driver programs the legacy embedded switch only"
        return None

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        reason = self.why_not_segment(segment, agent, AgentType.NIC_SWITCH) or _why_not_profile(context, segment)
        if reason is not None:
            self.refuse(context, reason)
            return False
        # The agent has yet to program the function and read it back, so the port is down until it reports.
        self._set_binding(context, segment, PortStatus.DOWN)
        return True

    def _set_binding(self, context: PortContext, segment: SegmentDict, status: PortStatus) -> None:
        vif_type = VifType.HOSTDEV_PHYSICAL if _is_whole_pf(context) else VifType.HW_VEB
        details = {**self.vif_details, "vlan": vlan_detail(segment)}
        context.set_binding(segment["id"], vif_type.value, details, status.value)

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        facts, physnet = agent["configurations"], segment["physical_network"]
        if physnet in facts.get("infiniband_networks", ()):
            return f"{physnet} of {agent['host']} is InfiniBand, and this driver programs Ethernet's embedded switch"
        return super().why_not_segment(segment, agent, agent_type) or why_no_mapping(
            segment, facts.get("device_mappings", {}), agent["host"], "SR-IOV devices"
        )


def _is_whole_pf(context: PortContext) -> bool:
    return bool(context.current["binding:vnic_type"] == VnicType.DIRECT_PHYSICAL.value)


def _why_not_profile(context: PortContext, segment: SegmentDict) -> str | None:
    """Whether the device that was chosen for the port reaches the segment, which Neutron's driver does not ask."""
    wanted = context.current["binding:profile"].get("physical_network")
    if wanted is None or wanted == segment["physical_network"]:
        return None
    return f"the port's device reaches {wanted}, and not {segment_name(segment)}"
