"""The forms of what only ports have: address pairs, DHCP options, groups, hints (``neutron_lib.api.validators``)."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from mooring.api.network.values import items, one_of, text, uuid, wrong
from mooring.api.schemas import described, or_null, schema_of
from mooring.core.addressing import parse_ip
from mooring.core.dhcp_options import BLANK_OPTIONS, OptionWish
from mooring.core.macs import canonical_mac
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.model.port import AddressPair

#: Neutron's ``max_allowed_address_pair``.
PAIRS_MAX = 10
GROUPS_MAX = 64
_OPTIONS_MAX = 256
_OPTION_NAME_CHARS_MAX = 64
_OPTION_VALUE_CHARS_MAX = 255
_PREFIX_LENGTH = re.compile(r"[0-9]{1,3}", re.ASCII)
_IP_VERSIONS = {4: 4, 6: 6, "4": 4, "6": 6}


def _bad(message: str) -> Invalid:
    return Invalid(message, code="HTTPBadRequest")


def _objects(count_max: int, required: list[str], **properties: object) -> dict[str, object]:
    """The schema of a list of objects, or null."""
    one = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": ["array", "null"], "items": one, "maxItems": count_max}


@described(**_objects(PAIRS_MAX, ["ip_address"], ip_address={"type": "string"}, mac_address={"type": "string"}))
def address_pairs(name: str, value: Any) -> tuple[AddressPair, ...]:
    """Null is none. A pair without a MAC has an empty one, which stands for the port's."""
    given = [] if value is None else value
    if not isinstance(given, list):
        raise _bad("Allowed address pairs must be a list.")
    if len(given) > PAIRS_MAX:
        raise Invalid(
            f"The number of allowed address pair exceeds the maximum {PAIRS_MAX}.", code="AllowedAddressPairExhausted"
        )
    pairs = [_pair(name, item) for item in given]
    for pair in pairs:
        if pairs.count(pair) > 1:
            raise Invalid(
                f"Request contains duplicate address pair: mac_address {pair.mac_address or None} ip_address "
                f"{pair.ip_address}.",
                code="DuplicateAddressPairInRequest",
            )
    return tuple(pairs)


def _pair(name: str, item: Any) -> AddressPair:
    if not isinstance(item, dict):
        raise wrong(name, f"'{shown(item)}' is not a dictionary")
    mac = canonical_mac(item["mac_address"]) if item.get("mac_address") is not None else ""
    if "ip_address" not in item:
        raise Invalid("AllowedAddressPair must contain ip_address", code="AllowedAddressPairsMissingIP")
    unknown = item.keys() - {"mac_address", "ip_address"}
    if unknown:
        raise _bad(f"Unrecognized attribute(s) '{', '.join(sorted(unknown))}'")
    return AddressPair(_address_or_cidr(item["ip_address"]), mac)


def _address_or_cidr(value: Any) -> str:
    """One address, or a range as ``address/prefix length``, whose host bits stay as Neutron keeps them."""
    address, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    what = "IP subnet" if slash else "IP address"
    try:
        found = parse_ip(address)
        if slash and (_PREFIX_LENGTH.fullmatch(length) is None or int(length) > found.max_prefixlen):
            raise ValueError(length)
    except (Invalid, ValueError) as cause:
        raise _bad(f"'{shown(value)}' is not a valid {what}") from cause
    if ip_network(f"{found}/{int(length) if slash else found.max_prefixlen}", strict=False).is_multicast:
        raise _bad(f"'{shown(value)}' is a multicast address, which is not supported.")
    return f"{found}/{int(length)}" if slash else str(found)


@described(
    **_objects(
        _OPTIONS_MAX, ["opt_name", "opt_value"],
        opt_name={"type": "string", "minLength": 1, "maxLength": _OPTION_NAME_CHARS_MAX},
        opt_value={"type": ["string", "null"], "maxLength": _OPTION_VALUE_CHARS_MAX},
        ip_version={"enum": [4, 6, "4", "6"]},
    )
)  # fmt: skip
def dhcp_options(name: str, value: Any) -> tuple[OptionWish, ...]:
    """Null is none, and takes none away."""
    return tuple(_option(name, item) for item in items(name, [] if value is None else value, _OPTIONS_MAX))


def _option(name: str, item: Any) -> OptionWish:
    if not isinstance(item, dict):
        raise wrong(name, f"'{shown(item)}' is not a dictionary")
    unknown = item.keys() - {"opt_name", "opt_value", "ip_version"}
    missing = {"opt_name", "opt_value"} - item.keys()
    if unknown or missing:
        raise wrong(name, f"'{shown(item)}' has not the keys opt_name and opt_value, and perhaps ip_version")
    opt_name = text(_OPTION_NAME_CHARS_MAX)(name, item["opt_name"])
    _check_line(name, opt_name)
    opt_value = item["opt_value"]
    if opt_value is not None:
        opt_value = text(_OPTION_VALUE_CHARS_MAX)(name, opt_value)
        if opt_value or opt_name not in BLANK_OPTIONS:
            _check_line(name, opt_value)
    version = item.get("ip_version", 4)
    if isinstance(version, bool) or not isinstance(version, int | str) or version not in _IP_VERSIONS:
        raise wrong(name, f"{shown(version)} is not in [4, 6]")
    return OptionWish(opt_name, opt_value, _IP_VERSIONS[version])


def _check_line(name: str, word: str) -> None:
    """A line break would be a line of its own in the DHCP server's files (OSSA-2021-005)."""
    if not word.strip():
        raise wrong(name, "'' is an empty string")
    if not word.isprintable():
        raise wrong(name, f"'{shown(word)}' is not a single line of printable characters")


@described(type=["array", "null"], items=schema_of(uuid), maxItems=GROUPS_MAX, uniqueItems=True)
def group_ids(name: str, value: Any) -> tuple[str, ...]:
    """Null is none."""
    found = tuple(uuid(name, item) for item in items(name, [] if value is None else value, GROUPS_MAX))
    if len(set(found)) < len(found):
        raise wrong(name, f"Duplicate items in the list: '{', '.join(found)}'")
    return found


@described(type=["object", "null"])
def hints(name: str, value: Any) -> Mapping[str, Any] | None:
    """Null, or the one hint that Neutron knows."""
    if value is None:
        return None
    inner, path = value, ["openvswitch", "other_config"]
    for key in path:
        if not isinstance(inner, dict) or inner.keys() - {key}:
            raise wrong(name, f"'{shown(value)}' is not a hint", _HINT)
        inner = inner.get(key, {})
    if not isinstance(inner, dict) or inner.keys() - {"tx-steering"}:
        raise wrong(name, f"'{shown(value)}' is not a hint", _HINT)
    if "tx-steering" in inner:
        one_of(("thread", "hash"))(name, inner["tx-steering"])
    found: Mapping[str, Any] = value
    return found


_HINT = '{"openvswitch": {"other_config": {"tx-steering": "hash"}}}, or thread in the place of hash'


@described(**or_null(schema_of(uuid)))
def uuid_or_none(name: str, value: Any) -> str | None:
    return None if value is None else uuid(name, value)
