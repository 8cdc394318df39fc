"""MAC addresses of ports: one canonical form, and only addresses that one station may have."""

import re

from mooring.core.words import shown
from mooring.errors import Invalid

# re.ASCII would not be enough: only an explicit class keeps other scripts' digits and full-width letters out.
_FORMS = (
    re.compile(r"([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2})"),
    re.compile(r"([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})"),
    re.compile(r"([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})"),
    re.compile(r"([0-9a-f]{2})" * 6),
)
_GROUP_BIT = 0x01


def canonical_mac(text: object, attribute: str = "mac_address") -> str:
    """Six lower-case pairs with colons; dashes, Cisco's dots and twelve bare digits are read as well.

    Raises Invalid, in Neutron's words, for anything else, and for zero, multicast and broadcast addresses: a VF with
    one of those sends with what it likes. Neutron takes multicast addresses and a trailing newline; we do not.
    """
    lowered = text.lower() if isinstance(text, str) and text.isascii() else ""
    for form in _FORMS:
        pairs = form.fullmatch(lowered)
        if pairs is not None and _is_station_address([int(pair, 16) for pair in pairs.groups()]):
            return ":".join(pairs.groups())
    raise Invalid(
        f"Invalid input for {attribute}. Reason: '{shown(text)}' is not a valid MAC address.",
        code="HTTPBadRequest",
        hint="a unicast address other than zero, as in fa:16:3e:00:00:01",
    )


def _is_station_address(octets: list[int]) -> bool:
    return any(octets) and not octets[0] & _GROUP_BIT
