"""What a port says and nothing here holds: shown with the port, so that nobody relies on it."""

from mooring.model.port import VF_VNIC_TYPES, Port, VifType

Mark = dict[str, str]
"""``attribute`` and ``reason``, as the API shows them."""


def marks(port: Port) -> list[Mark]:
    """The marks that follow from the port alone. What its drivers filter themselves (``port_filter``) has none."""
    found: list[Mark] = []
    if port.binding.vif_details.get("port_filter") is not True:
        if port.security_group_ids:
            found.append(_mark("security_groups", "no mechanism driver here filters traffic: all of it passes"))
        dropped = _dropped_pairs(port)
        if dropped:
            reason = f"the spoof check of its VF passes the port's own MAC alone, and drops what {dropped} sends"
            found.append(_mark("allowed_address_pairs", reason))
    found += _unheld_by_card(port)
    if port.hints:
        found.append(_mark("hints", "no mechanism driver here reads hints"))
    if port.device_profile is not None:
        found.append(_mark("device_profile", "there is no accelerator service here, and nothing is attached for it"))
    return found


def _unheld_by_card(port: Port) -> list[Mark]:
    """What is a NIC's VF's to hold, and is not where the card's own switch does not forward, or is InfiniBand's."""
    found: list[Mark] = []
    if port.binding.vif_type == VifType.IB_HOSTDEV:
        reason = "the fabric's subnet manager says which partitions the GUID is in"
        found.append(_mark("binding:vif_details:pkey", reason))
    elif port.binding.vif_type != VifType.OVS or port.binding.vnic_type not in VF_VNIC_TYPES:
        return []
    elif port.port_security_enabled:
        reason = "a card in switchdev mode has no spoof check: the flows of Open vSwitch let any MAC through"
        found.append(_mark("port_security_enabled", reason))
    if port.trusted:
        found.append(_mark("trusted", "a VF is not trusted on InfiniBand, or in switchdev mode"))
    return found


def _dropped_pairs(port: Port) -> str:
    """The MACs that address pairs allow and the VF's spoof check does not: it knows one MAC, and no addresses."""
    if port.binding.vnic_type not in VF_VNIC_TYPES or not port.port_security_enabled:
        return ""
    if port.binding.vif_type in (VifType.OVS, VifType.IB_HOSTDEV):
        return ""
    others = {pair.mac_address for pair in port.allowed_address_pairs} - {port.mac_address}
    return ", ".join(sorted(others))


def _mark(attribute: str, reason: str) -> Mark:
    return {"attribute": attribute, "reason": reason}
