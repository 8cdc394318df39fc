"""``mlnx``: VFs of NVIDIA's (Mellanox's) cards, on Ethernet behind the embedded switch, and on InfiniBand.

On Ethernet a binding is the one of ``sriovnicswitch``, for these cards only. On InfiniBand the VF goes to the guest as
a plain PCI device (``ib_hostdev``): it has a GUID, made from the port's MAC, where a NIC has the MAC, and a P_Key, made
from the segment's VLAN, where a NIC has the VLAN. The agent writes the GUID; which partitions a GUID is in, the
fabric's subnet manager says.

A physical network is InfiniBand when the host's agent says so (its PFs there have the PCI class 0207, or a netdev of
type InfiniBand), or when ``infiniband_physical_networks`` names it, for agents that say nothing of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mooring.ml2.agent_driver import vlan_detail, why_no_mapping
from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.ml2.qos_rules import SRIOV_RULES
from mooring.ml2.sriov_base import SriovMechanismDriverBase
from mooring.model.host import AgentType
from mooring.model.infiniband import guid_of, pkey_of
from mooring.model.port import PortStatus, VifType, VnicType

VENDOR_ID = "15b3"


class MlnxDriver(SriovMechanismDriverBase):
    """Binds ``direct`` and ``macvtap`` ports where a live NIC switch agent maps the segment's physical network.

    Any card of vendor 15b3 will do, or just the cards of ``supported_pci_vendor_info``, of whatever vendor.
    """

    name = "mlnx"
    answers_at_once = True
    supported_qos_rules = SRIOV_RULES

    def __init__(
        self, supported_pci_vendor_info: Iterable[str] = (), infiniband_physical_networks: Iterable[str] = ()
    ) -> None:
        super().__init__(
            agent_type=AgentType.NIC_SWITCH,
            vif_details={"port_filter": False, "connectivity": "l2"},
            supported_vnic_types=(VnicType.DIRECT, VnicType.MACVTAP),
            supported_pci_vendor_info=supported_pci_vendor_info,
        )
        self.infiniband_physical_networks = frozenset(infiniband_physical_networks)

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        reason = super().why_not_ours(port)
        profile = port["binding:profile"]
        if reason is None and "switchdev" in (profile.get("capabilities") or ()):
            return "the port wants a switchdev card, and this driver programs the legacy embedded switch only"
        if reason is None and not self.supported_pci_vendor_info:
            return _why_not_vendor(profile.get("pci_vendor_info"))
        return reason

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        is_infiniband = self._is_infiniband(segment, agent)
        reason = self.why_not_segment(segment, agent, AgentType.NIC_SWITCH) or _why_not_device(context, segment)
        if reason is None and is_infiniband and context.current["binding:vnic_type"] != VnicType.DIRECT.value:
            reason = f"{segment['physical_network']} is InfiniBand, and a macvtap carries Ethernet frames"
        if reason is not None:
            self.refuse(context, reason)
            return False
        vlan = vlan_detail(segment)
        details = {**self.vif_details, "vlan": vlan}
        if is_infiniband:
            details |= {"guid": guid_of(context.current["mac_address"]), "pkey": pkey_of(int(vlan))}
        vif_type = VifType.IB_HOSTDEV if is_infiniband else VifType.HW_VEB
        # The agent has yet to program the function and read it back, so the port is down until it reports.
        context.set_binding(segment["id"], vif_type.value, details, PortStatus.DOWN.value)
        return True

    def _is_infiniband(self, segment: SegmentDict, agent: AgentDict) -> bool:
        told = agent["configurations"].get("infiniband_networks", ())
        return segment["physical_network"] in self.infiniband_physical_networks.union(told)

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        mappings = agent["configurations"].get("device_mappings", {})
        return super().why_not_segment(segment, agent, agent_type) or why_no_mapping(
            segment, mappings, agent["host"], "SR-IOV devices"
        )


def _why_not_vendor(card: object) -> str | None:
    if card is None:
        return f"the port's profile names no pci_vendor_info, and only cards of vendor {VENDOR_ID} will do"
    if str(card).lower().partition(":")[0] != VENDOR_ID:
        return f"card {card} is not one of vendor {VENDOR_ID}"
    return None


def _why_not_device(context: PortContext, segment: SegmentDict) -> str | None:
    """Whether the device that was chosen for the port reaches the segment."""
    wanted = context.current["binding:profile"].get("physical_network")
    if wanted in (None, segment["physical_network"]):
        return None
    return f"the port's device reaches {wanted}, and the segment is on {segment['physical_network']}"
