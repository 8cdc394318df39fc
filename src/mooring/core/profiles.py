"""``binding:profile``: what may stand in it, and what is written into it when a port gets its device."""

import json
import re
from collections.abc import Mapping

from mooring.core.baselines import SWITCHDEV
from mooring.core.function_wish import settle_wish
from mooring.core.macs import canonical_mac
from mooring.core.vlans import PHYSICAL_NETWORK_CHARS_MAX, VLAN_ID_MAX
from mooring.errors import Conflict, Invalid
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device

#: Neutron's column; counted on the JSON text.
PROFILE_CHARS_MAX = 4095

#: The MAC of a whole PF, which the port takes over while it has the PF.
DEVICE_MAC = "device_mac_address"
#: What a device writes into the profile, and what goes again with the device; Nova's keys for a VF and for a PF.
DEVICE_KEYS = ("pci_vendor_info", "pci_slot", "physical_network", "pf_mac_address", "vf_num", DEVICE_MAC)
#: As Nova's ``bool_from_string`` reads them.
_TRUST = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}

_VENDOR_INFO = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}")
_VLAN = re.compile(r"[0-9]{1,4}")


def check_profile(profile: object) -> dict[str, object]:
    """A profile that a caller gave, what it asks of a function in one spelling; ``None`` is the empty one.

    Raises Invalid.
    """
    if profile is None:
        return {}
    if not isinstance(profile, Mapping):
        raise Invalid(
            f"Invalid input for binding:profile. Reason: '{profile}' is not a dictionary.", code="HTTPBadRequest"
        )
    checked = dict(profile)
    if len(_json_text(checked)) > PROFILE_CHARS_MAX:
        raise Invalid("Invalid input for operation: binding:profile value too large.")
    _check_device_keys(checked)
    return settle_wish(checked)


def _json_text(profile: Mapping[str, object]) -> str:
    try:
        return json.dumps(profile)
    except (TypeError, ValueError, RecursionError) as cause:
        raise Invalid(f"Invalid input for operation: binding:profile is not JSON: {cause}.") from cause


def _check_device_keys(profile: Mapping[str, object]) -> None:
    slot = profile.get("pci_slot")
    if slot is not None:
        try:
            PciAddress.parse(slot if isinstance(slot, str) else "")
        except ValueError as cause:
            raise _bad("pci_slot", "a PCI address such as 0000:81:10.4", slot) from cause
    vendor_info = profile.get("pci_vendor_info")
    if vendor_info is not None and not (isinstance(vendor_info, str) and _VENDOR_INFO.fullmatch(vendor_info)):
        raise _bad("pci_vendor_info", "vendor_id:product_id such as 8086:10ca", vendor_info)
    physnet = profile.get("physical_network")
    if physnet is not None and not (isinstance(physnet, str) and 0 < len(physnet) <= PHYSICAL_NETWORK_CHARS_MAX):
        raise _bad("physical_network", f"a name of at most {PHYSICAL_NETWORK_CHARS_MAX} characters", physnet)
    if profile.get(DEVICE_MAC) is not None:
        canonical_mac(profile[DEVICE_MAC], f"binding:profile {DEVICE_MAC}")
    take_trust(profile)


def _bad(key: str, wanted: str, value: object) -> Invalid:
    return Invalid(f"Invalid input for operation: binding:profile {key} must be {wanted}, and is {value!r}.")


def take_trust(profile: Mapping[str, object]) -> tuple[dict[str, object], bool | None]:
    """The profile without ``trusted``, and what that says; ``None``: nothing. Raises Invalid for no yes and no no.

    Neutron mirrors the port's own attribute ``trusted`` there, and Nova reads it there as a flag or as text.
    """
    rest = dict(profile)
    given = rest.pop("trusted", None)
    if given is None:
        return rest, None
    trust = given if isinstance(given, bool) else _TRUST.get(given.lower()) if isinstance(given, str) else None
    if trust is None:
        raise _bad("trusted", "true or false", given)
    return rest, trust


def device_profile(device: Device) -> dict[str, object]:
    """What the profile of a port says of its function: exactly the keys that Nova writes for a VF, and for a PF."""
    profile: dict[str, object] = {
        "pci_vendor_info": f"{device.vendor_id}:{device.product_id}",
        "pci_slot": str(device.address),
        "physical_network": device.physical_network,
    }
    if device.kind is not FunctionKind.PF:
        return profile | {"pf_mac_address": device.pf_mac, "vf_num": device.vf_index}
    return profile if device.mac is None else profile | {DEVICE_MAC: device.mac}


def without_device(profile: Mapping[str, object]) -> dict[str, object]:
    """The profile of a port whose device went: what its owner put there stays."""
    return {key: value for key, value in profile.items() if key not in DEVICE_KEYS}


def check_profile_vlan(profile: Mapping[str, object], segmentation_id: int | None) -> None:
    """The ``vlan`` of a profile, if it has one, must be the network's; ``None`` is a flat network, untagged.

    Otherwise a switch would put the port on one VLAN while the network says another. Raises Conflict with both,
    or Invalid when ``vlan`` is not a VLAN at all.
    """
    given = profile.get("vlan")
    if given is None:
        return
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    if _VLAN.fullmatch(text) is None or int(text) > VLAN_ID_MAX:
        raise _bad("vlan", f"a VLAN id up to {VLAN_ID_MAX}", given)
    if int(text) != (segmentation_id or 0):
        network = "untagged" if segmentation_id is None else f"VLAN {segmentation_id}"
        raise Conflict(
            f"the profile's VLAN {text} differs from the network, which is {network}",
            hint="use a profile for the network's own VLAN, or another network",
        )


def wants_switchdev(profile: Mapping[str, object]) -> bool:
    """Whether the port is to be offloaded to a card in switchdev mode, said as Neutron's clients say it."""
    capabilities = profile.get("capabilities")
    return isinstance(capabilities, list | tuple) and SWITCHDEV in capabilities
