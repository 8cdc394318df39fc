"""What an attribute's value may be: one converter for each kind, in the words of neutron-lib's validators.

A converter takes the attribute's name and the decoded JSON, and gives what the stories take. It raises Invalid.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mooring.api.schemas import described, or_null, schema_of
from mooring.core.addressing import parse_cidr, parse_ip
from mooring.core.macs import canonical_mac
from mooring.core.profiles import check_profile
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.model.network import HostRoute, IpRange
from mooring.model.port import VnicType
from mooring.service.networks import SegmentWish
from mooring.service.port_addresses import FixedIpWish

Convert = Callable[[str, Any], Any]

NAME_CHARS_MAX = 255
TAG_CHARS_MAX = 255
TAGS_MAX = 50
NAMESERVERS_MAX = 5
HOST_ROUTES_MAX = 20
SERVICE_TYPES_MAX = 20
_ITEMS_MAX = 1024

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_SERVICE_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,31}:[\w.:-]{0,200}", re.ASCII)
_YES = frozenset({"1", "t", "true", "on", "y", "yes"})
_NO = frozenset({"0", "f", "false", "off", "n", "no"})


def wrong(name: str, reason: str, hint: str = "") -> Invalid:
    return Invalid(f"Invalid input for {name}. Reason: {reason}.", code="HTTPBadRequest", hint=hint)


def text(chars_max: int = NAME_CHARS_MAX) -> Convert:
    @described(type="string", maxLength=chars_max)
    def convert(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong(name, f"'{shown(value)}' is not a valid string")
        if len(value) > chars_max:
            raise wrong(name, f"'{shown(value)}' exceeds maximum length of {chars_max}")
        return value

    return convert


def text_or_none(chars_max: int = NAME_CHARS_MAX) -> Convert:
    return or_none(text(chars_max))


def or_none(convert: Convert) -> Convert:
    """The same, or null."""

    @described(**or_null(schema_of(convert)))
    def check(name: str, value: Any) -> Any:
        return None if value is None else convert(name, value)

    return check


@described(type="boolean")
def boolean(name: str, value: Any) -> bool:
    """True and false, 1 and 0, and the words for them."""
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word in _YES or word in _NO:
        return word in _YES
    raise Invalid(
        f"Invalid input for operation: '{shown(value)}' cannot be converted to boolean.",
        hint=f"{name} is true or false",
    )


@described(type="integer")
def integer(name: str, value: Any) -> int:
    """A number, or the text of one. ``true`` is neither, though Python and older Neutrons take it for 1."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise Invalid(f"Invalid input for operation: '{shown(value)}' is not an integer.", hint=f"{name} is a whole number")


@described(type="integer", minimum=0)
def natural(name: str, value: Any) -> int:
    number = integer(name, value)
    if number < 0:
        raise wrong(name, f"'{number}' should be non-negative")
    return number


def between(low: int, high: int) -> Convert:
    """A number from ``low`` to ``high``, both included."""

    def convert(name: str, value: Any) -> int:
        number = integer(name, value)
        if number < low:
            raise wrong(name, f"'{number}' is too small - must be at least '{low}'")
        if number > high:
            raise wrong(name, f"'{shown(number)}' is too large - must be no larger than '{high}'")
        return number

    return convert


@described(type="string", format="uuid")
def uuid(name: str, value: Any) -> str:
    lowered = value.lower() if isinstance(value, str) else ""
    if _UUID.fullmatch(lowered) is None:
        raise wrong(name, f"'{shown(value)}' is not a valid UUID")
    return lowered


def one_of(values: Iterable[Any], convert: Convert | None = None) -> Convert:
    allowed = tuple(values)

    @described(enum=list(allowed))
    def check(name: str, value: Any) -> Any:
        found = value if convert is None else convert(name, value)
        if isinstance(found, list | dict | bool) or found not in allowed:
            choices = ", ".join("null" if choice is None else str(choice) for choice in allowed)
            raise wrong(name, f"{shown(value)} is not in valid_values", hint=f"valid are {choices}")
        return found

    return check


@described(enum=[kind.value for kind in VnicType])
def vnic_type(name: str, value: Any) -> VnicType:
    return VnicType(_VNIC_TYPES(name, value))


_VNIC_TYPES = one_of(kind.value for kind in VnicType)


def nothing(name: str, value: Any) -> Any:
    """For what this backend cannot do: only the empty value is taken, so that nothing is accepted and ignored."""
    if value not in (None, "", [], {}, False) or (value == 0 and not isinstance(value, bool)):
        raise wrong(name, f"'{shown(value)}' cannot be enforced here", hint=f"leave {name} out")
    return value


@described(type=["string", "null"], pattern="^([0-9a-f]{2}:){5}[0-9a-f]{2}$")
def mac_or_fresh(name: str, value: Any) -> str | None:
    return None if value is None else canonical_mac(value, name)


@described(type=["object", "null"])
def profile(name: str, value: Any) -> dict[str, object]:
    del name
    return check_profile(value)


@described(type=["string", "null"], maxLength=NAME_CHARS_MAX)
def host(name: str, value: Any) -> str:
    """A host's name; null is no host."""
    return "" if value is None else str(_HOST(name, value))


_HOST = text()


@described(anyOf=[{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}, {"type": "null"}])
def ip_or_none(name: str, value: Any) -> str | None:
    return None if value is None else str(parse_ip(value, name))


def items(name: str, value: Any, count_max: int) -> list[Any]:
    """A list of at most ``count_max``."""
    if not isinstance(value, list):
        raise wrong(name, f"'{shown(value)}' is not a list")
    if len(value) > count_max:
        raise wrong(name, f"{len(value)} entries exceed the limit of {count_max}")
    return value


def or_empty(convert: Convert) -> Convert:
    """The same; null is an empty list."""
    return lambda name, value: convert(name, [] if value is None else value)


def texts(count_max: int, chars_max: int) -> Convert:
    as_text = text(chars_max)

    def convert(name: str, value: Any) -> tuple[str, ...]:
        return tuple(dict.fromkeys(as_text(name, item) for item in items(name, value, count_max)))

    return convert


tags = texts(TAGS_MAX, TAG_CHARS_MAX)


@described(
    type="array",
    items={"type": "object", "properties": {"subnet_id": {"type": "string"}, "ip_address": {"type": "string"}}},
)
def fixed_ips(name: str, value: Any) -> tuple[FixedIpWish, ...]:
    """``[]``, ``[{"subnet_id"}]``, ``[{"ip_address"}]`` or both in one."""
    wishes = []
    for item in items(name, value, _ITEMS_MAX):
        if not isinstance(item, dict) or not item or item.keys() - {"subnet_id", "ip_address"}:
            raise wrong(name, f"Invalid data format for fixed IP: '{shown(item)}'")
        subnet_id = uuid(name, item["subnet_id"]) if "subnet_id" in item else None
        address = str(parse_ip(item["ip_address"], name)) if "ip_address" in item else None
        wishes.append(FixedIpWish(subnet_id, address))
    named = [wish.ip_address for wish in wishes if wish.ip_address is not None]
    twice = next((address for address in named if named.count(address) > 1), None)
    if twice is not None:
        raise wrong(name, f"Duplicate IP address '{twice}'")
    return tuple(wishes)


@described(
    type="array", items={"type": "object", "properties": {"start": {"type": "string"}, "end": {"type": "string"}}}
)
def ip_pools(name: str, value: Any) -> tuple[IpRange, ...]:
    """Start and end of each pool; whether they fit the subnet is the subnet's question."""
    pools = []
    for item in items(name, value, _ITEMS_MAX):
        if not isinstance(item, dict) or item.keys() != {"start", "end"}:
            raise wrong(name, f"Invalid data format for IP pool: '{shown(item)}'")
        pools.append(IpRange(str(parse_ip(item["start"], name)), str(parse_ip(item["end"], name))))
    return tuple(pools)


@described(type="array", items={"type": "string"}, maxItems=NAMESERVERS_MAX)
def nameservers(name: str, value: Any) -> tuple[str, ...]:
    servers = [str(parse_ip(item, name)) for item in items(name, value, NAMESERVERS_MAX)]
    twice = next((server for server in servers if servers.count(server) > 1), None)
    if twice is not None:
        raise wrong(name, f"Duplicate nameserver '{twice}'")
    return tuple(servers)


@described(
    type="array",
    items={"type": "object", "properties": {"destination": {"type": "string"}, "nexthop": {"type": "string"}}},
)
def host_routes(name: str, value: Any) -> tuple[HostRoute, ...]:
    routes: dict[HostRoute, None] = {}
    for item in items(name, value, HOST_ROUTES_MAX):
        if not isinstance(item, dict) or item.keys() != {"destination", "nexthop"}:
            raise wrong(name, f"Invalid data format for hostroute: '{shown(item)}'")
        try:
            route = HostRoute(str(parse_cidr(item["destination"])), str(parse_ip(item["nexthop"], name)))
        except Invalid as cause:
            raise wrong(name, f"Invalid data format for hostroute: '{shown(item)}'") from cause
        if route in routes:
            raise wrong(name, f"Duplicate hostroute '{shown(item)}'")
        routes[route] = None
    return tuple(routes)


@described(type="array", items={"type": "string"})
def service_types(name: str, value: Any) -> tuple[str, ...]:
    """Device owners, or prefixes of them, that a subnet is kept for."""
    kinds = items(name, value, SERVICE_TYPES_MAX)
    for kind in kinds:
        if not isinstance(kind, str) or _SERVICE_TYPE.fullmatch(kind) is None:
            raise wrong(name, f"'{shown(kind)}' is not a device owner, such as compute:nova")
    return tuple(dict.fromkeys(kinds))


@described(type="array", items={"type": "object"})
def segments(name: str, value: Any) -> tuple[SegmentWish, ...]:
    """The segments of a multi-segment network, each with its three ``provider:`` attributes."""
    wishes: list[SegmentWish] = []
    for item in items(name, value, _ITEMS_MAX):
        wish = _segment(name, item)
        if wish in wishes and wish.segmentation_id is not None:
            raise Invalid("Duplicate segment entry in request.", code="SegmentsContainDuplicateEntry")
        wishes.append(wish)
    return tuple(wishes)


def _segment(name: str, item: Any) -> SegmentWish:
    if not isinstance(item, Mapping) or item.keys() - _PROVIDER.keys():
        raise wrong(name, f"'{shown(item)}' is not a segment: it has the keys {', '.join(_PROVIDER)}")
    parts = {field: convert(key, item[key]) for key, (field, convert) in _PROVIDER.items() if item.get(key) is not None}
    return SegmentWish(**parts)


#: The attributes of a segment, with their field and their form.
_PROVIDER: Mapping[str, tuple[str, Convert]] = {
    "provider:network_type": ("network_type", text(32)),
    "provider:physical_network": ("physical_network", text(64)),
    "provider:segmentation_id": ("segmentation_id", integer),
}
