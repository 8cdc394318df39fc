"""``vmfex``: ports whose VLAN is the upstream switch's business (802.1Qbh, Cisco VM-FEX), told to it by port profile.

The binding is the one that Cisco's driver for Neutron gave: ``802.1qbh`` with the profile's name as ``profileid``,
which libvirt hands to the switch when it plugs the VF. No L2 agent has a part in it: the host sets no VLAN, and the
switch holds the VF to everything else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mooring.ml2.agent_driver import vlan_detail, why_no_vlan
from mooring.ml2.context import PortContext, SegmentDict
from mooring.ml2.spelling import PORT_PROFILE
from mooring.ml2.sriov_base import SriovMechanismDriverBase
from mooring.model.port import PortStatus, VifType, VnicType
from mooring.model.port_profile import ProfileKind

#: Where a caller of a real Neutron may name one.
PROFILE_KEY = "port_profile"
VENDOR_INFO = ("1137:0071",)
"""The VFs of Cisco's VIC (``drivers/net/ethernet/cisco/enic``), the one driver in Linux with ``ndo_set_vf_port``."""
_PROFILE_ID = re.compile(r"[\x20-\x7e]{1,39}", re.ASCII)


class VmfexDriver(SriovMechanismDriverBase):
    """Binds ``direct`` and ``macvtap`` ports that have a port profile, on a segment with the profile's VLAN.

    In a real Neutron, which knows no port profiles, the name is ``binding:profile``'s ``port_profile``, else
    ``profile_format`` with ``{vlan}`` replaced by the segment's; what makes such profiles on the switch is not this
    driver's business.
    """

    name = "vmfex"
    answers_at_once = True

    def __init__(
        self, supported_pci_vendor_info: Iterable[str] = VENDOR_INFO, *, profile_format: str = "OS-PP-{vlan}"
    ) -> None:
        super().__init__(
            agent_type=None,
            vif_details={"port_filter": False, "connectivity": "l2"},
            supported_vnic_types=(VnicType.DIRECT, VnicType.MACVTAP),
            supported_pci_vendor_info=supported_pci_vendor_info,
        )
        if profile_format.replace("{vlan}", "").strip("{}") != profile_format.replace("{vlan}", ""):
            raise ValueError(f"profile_format {profile_format!r} has other braces than {{vlan}}")
        self.profile_format = profile_format

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        """As the base; and, where ports have profiles, one without is another driver's."""
        if PORT_PROFILE in port and port[PORT_PROFILE] is None:
            return "neither the port nor its network names a port profile"
        return super().why_not_ours(port)

    def try_to_bind_segment(self, context: PortContext, segment: SegmentDict) -> bool:
        name, reason = self._profile_on(context.current, segment)
        if reason is not None:
            self.refuse(context, reason)
            return False
        # A dict of this port's own: one that ports shared let a profile show up on the next port.
        details = {**self.vif_details, "profileid": name}
        context.set_binding(segment["id"], VifType.QBH.value, details, PortStatus.ACTIVE.value)
        return True

    def _profile_on(self, port: Mapping[str, Any], segment: SegmentDict) -> tuple[str, str | None]:
        """The name of the port's profile, and why it will not do on this segment."""
        reason = why_no_vlan(segment) or _why_not_reached(port, segment)
        if PORT_PROFILE in port:
            profile = port[PORT_PROFILE]
            return str(profile["name"]), reason or _why_not_profile(profile, segment)
        name = port["binding:profile"].get(PROFILE_KEY) or self.profile_format.replace("{vlan}", vlan_detail(segment))
        if not isinstance(name, str) or _PROFILE_ID.fullmatch(name) is None:
            return "", reason or f"{name!r} is not the name of a port profile"
        return name, reason


def _why_not_profile(profile: Mapping[str, Any], segment: SegmentDict) -> str | None:
    """The switch would put the port elsewhere than the network says, or cannot be told in libvirt's words."""
    name, vlan = profile["name"], profile["vlans"][0]
    if profile["kind"] != ProfileKind.QBH.value:
        return f"port profile {name} is of kind {profile['kind']}, and libvirt can ask a switch for 802.1Qbh only"
    physnet, physnets = segment["physical_network"], profile["physical_networks"]
    if physnets and physnet not in physnets:
        return f"port profile {name} is of {', '.join(physnets)}, and the segment is on {physnet}"
    if vlan != segment["segmentation_id"]:
        is_at = "untagged" if segment["segmentation_id"] is None else f"VLAN {segment['segmentation_id']}"
        return f"port profile {name} puts ports on VLAN {vlan}, and the segment is {is_at}"
    return None


def _why_not_reached(port: Mapping[str, Any], segment: SegmentDict) -> str | None:
    """Whether the VF that was chosen for the port leads to the segment's physical network."""
    wanted = port["binding:profile"].get("physical_network")
    if wanted is None or wanted == segment["physical_network"]:
        return None
    return f"the port's device reaches {wanted}, and the segment is on {segment['physical_network']}"
