"""Port profiles: what one may hold, and whether it fits the network of a port.

A port profile tells the upstream switch which VLANs a port has. The network says which VLAN its ports are on. The two
have to be identical, or a port would be on one VLAN as the switch sees it and on another as everybody else does.
"""

import re
from collections.abc import Iterable, Sequence

from mooring.core.quoting import shown
from mooring.core.vlans import VLAN_ID_MAX, VLAN_ID_MIN
from mooring.core.words import either
from mooring.errors import Conflict, Invalid
from mooring.model.network import Segment
from mooring.model.port_profile import PortProfile

NAME_MAX_CHARS = 39
"""``profileid`` of libvirt's ``<virtualport>`` is one shorter than the kernel's PORT_PROFILE_MAX (``if_link.h``)."""
VLANS_MAX = 128
MAX_PORTS_MAX = 4096
"""``maxPorts`` of UCS Manager's vnicProfile ends there."""
_NAME = re.compile(rf"(?! )[\x20-\x7e]{{1,{NAME_MAX_CHARS}}}(?<! )", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def read_profile_name(field: str, value: object) -> str:
    """A name that libvirt and the kernel carry, that a path can name, and that is no id. Raises Invalid."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None or "/" in value or set(value) == {"."}:
        what = "is not a name"
        hint = f"1 to {NAME_MAX_CHARS} printable ASCII characters, without a slash and without spaces at its ends"
    elif _ID.fullmatch(value):
        what, hint = "looks like an id", "take a name that no id could be"
    else:
        return value
    raise Invalid(f"{field} = {shown(value)} {what}", hint=hint, facts={"field": field, "value": shown(value)})


def read_vlans(field: str, value: object) -> tuple[int, ...]:
    """VLAN ids, the native one first as given, the tagged ones after it ascending. Raises Invalid."""
    if not isinstance(value, list) or not 1 <= len(value) <= VLANS_MAX:
        raise _wrong(field, value, f"is not a list of 1 to {VLANS_MAX} VLAN ids", "as in [100], the native one first")
    for vlan in value:
        if type(vlan) is not int or not VLAN_ID_MIN <= vlan <= VLAN_ID_MAX:
            raise _wrong(field, vlan, "is not a VLAN id", f"whole numbers from {VLAN_ID_MIN} to {VLAN_ID_MAX}")
    native, *tagged = value
    if len({native, *tagged}) != len(value):
        raise _wrong(field, value, "names a VLAN twice", "name each once, the native one first")
    return (native, *sorted(tagged))


def _wrong(field: str, value: object, what: str, hint: str) -> Invalid:
    return Invalid(f"{field} = {shown(value)} {what}", hint=hint, facts={"field": field, "value": shown(value)})


def fitting(profile: PortProfile, segments: Iterable[Segment]) -> list[Segment]:
    """The segments that a port with this profile can be on: the switch reaches them, and the native VLAN is theirs."""
    return [one for one in _reached(profile, segments) if one.segmentation_id == profile.vlans[0]]


def _reached(profile: PortProfile, segments: Iterable[Segment]) -> list[Segment]:
    physnets = profile.physical_networks
    return [segment for segment in segments if not physnets or segment.physical_network in physnets]


def check_fit(profile: PortProfile, network: str, segments: Sequence[Segment], *, is_told: bool = True) -> None:
    """Raises Conflict unless the profile fits a segment of the network called ``network``.

    It names the values on both sides when ``is_told``; VLANs and physical networks are not for everybody.
    """
    if fitting(profile, segments):
        return
    reached = _reached(profile, segments)
    if not reached:
        theirs, ours = either(profile.physical_networks), either({segment.physical_network for segment in segments})
        raise Conflict(
            f"port profile {profile.name} is of {theirs}, and network {network} is on {ours}"
            if is_told
            else _untold(profile, network, "physical network"),
            code="PortProfilePhysicalNetworkMismatch",
            hint="use a port profile of the network's own physical network, or one for any",
        )
    vlans = either(_vlan_words(segment) for segment in reached)
    raise Conflict(
        f"port profile {profile.name} puts ports on VLAN {profile.vlans[0]}, and network {network} is {vlans}"
        if is_told
        else _untold(profile, network, "VLAN"),
        code="PortProfileVlanMismatch",
        hint="use a port profile for the network's own VLAN, or another network",
    )


def _untold(profile: PortProfile, network: str, what: str) -> str:
    return f"port profile {profile.name} is for another {what} than that of network {network}"


def _vlan_words(segment: Segment) -> str:
    return "untagged" if segment.segmentation_id is None else f"on VLAN {segment.segmentation_id}"
