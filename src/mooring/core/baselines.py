"""What there is of a function to be set: which have settings, which of them, and what they are while nobody's."""

import hashlib
from collections.abc import Container
from dataclasses import replace

from mooring.core.reconcile import baseline, infiniband_baseline
from mooring.model.infiniband import guid_of
from mooring.model.pci import FunctionKind, is_held_upstream
from mooring.model.port import VifType
from mooring.model.vf import TxRate, VfSettings, Vlan

#: A VF that nothing but an upstream switch sets, so that it serves ports with a port profile, and no others.
PORT_PROFILE = "port-profile"
#: libvirt's and Nova's word for a VF whose PF's embedded switch is in that mode (``virNetDevGetFeatures``).
SWITCHDEV = "switchdev"
_LOCAL_UNICAST = 0x02
_NETWORK_CLASS = "02"
_INFINIBAND_CLASS = "0207"


def has_settings(kind: FunctionKind, device_class: str, vendor_id: str = "", product_id: str = "") -> bool:
    """Whether its PF holds settings of the function: a VF of a NIC, and one whose class nobody told.

    A whole PF, a function without SR-IOV, and a VF of an accelerator or of a disk have none: they are reset, and that
    is all that can be done for their next owner. Nor has one that the upstream switch holds, by port profile.
    """
    if kind is not FunctionKind.VF or is_held_upstream(vendor_id, product_id):
        return False
    return not device_class or device_class.startswith(_NETWORK_CLASS)


def baseline_mac(device_id: str, generation: int) -> str:
    """Fresh for each generation, the same each time it is asked for: unicast, locally administered, nobody else's.

    Never the one found before, which after a leak is the last tenant's; derived, so that a command repeated after a
    restart is the same command.
    """
    digest = hashlib.sha256(f"{device_id}/{generation}".encode()).digest()
    return bytes([_LOCAL_UNICAST, *digest[:5]]).hex(":")


def is_infiniband(device_class: str) -> bool:
    """By the PCI class of an InfiniBand controller, which a card of both worlds shows while its port is one."""
    return device_class.startswith(_INFINIBAND_CLASS)


def baseline_of(device_class: str, features: Container[str], mac: str) -> VfSettings:
    """The settings of a NIC's VF that nobody owns, as far as its card has them; ``mac`` is fresh."""
    if is_infiniband(device_class):
        return infiniband_baseline(guid_of(mac))
    return without_filters(baseline(mac)) if SWITCHDEV in features else baseline(mac)


def without_filters(settings: VfSettings) -> VfSettings:
    """Of a VF in switchdev mode the card takes no spoof check and no trust: the flows of its representor decide.

    ``mlx5_eswitch_set_vport_spoofchk`` and ``mlx5_eswitch_set_vport_trust`` answer EOPNOTSUPP there; ``ice`` too.
    """
    return replace(settings, spoof_check=None, trust=None)


def as_bound(settings: VfSettings, vif_type: str) -> VfSettings:
    """What of a port's settings is its VF's, for a binding of that type; the rest is somebody else's to hold.

    Behind a representor the VLAN is the tag of the switch's port. With a port profile the upstream switch holds all of
    them. On InfiniBand there is a GUID, and no other field.
    """
    match vif_type:
        case VifType.OVS:
            return without_filters(replace(settings, vlan=Vlan()))
        case VifType.QBH:
            return VfSettings()
        case VifType.IB_HOSTDEV if settings.mac is not None:
            # A rate is kept, for the card to refuse: it would be forgotten otherwise, and nobody would know.
            rate = settings.rate if settings.rate != TxRate() else None
            return VfSettings(guid=guid_of(settings.mac), link_state=settings.link_state, rate=rate)
        case _:
            return settings
