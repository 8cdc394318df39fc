"""Security group rules: one spelling of each, what can never be one, and when two are the same.

The checks, their order and their words are Neutron's (``neutron/extensions/securitygroup.py``,
``neutron/db/securitygroups_db.py``).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network

from mooring.core.addressing import parse_ip
from mooring.errors import Conflict, Invalid
from mooring.model.security_group import SecurityGroupRule

#: Protocol names and their numbers (IANA), as many as Neutron knows.
PROTOCOLS: Mapping[str, int] = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0,
    "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136,
    "vrrp": 112,
}  # fmt: skip
ANY_PROTOCOL = "any"
ETHERTYPES = ("IPv4", "IPv6")
PORT_MAX = 65_535

_ICMP, _IPV6_ICMP = 1, 58
_WITH_PORTS = {PROTOCOLS[name]: name for name in ("dccp", "sctp", "tcp", "udp", "udplite")}
_ICMP_VALUE_MAX = 255
_PROTOCOL_MAX = 255
_ONLY_IPV6 = frozenset(word for name, number in PROTOCOLS.items() if "v6" in name for word in (name, str(number)))
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_PREFIX_LENGTH = re.compile(r"[0-9]{1,3}", re.ASCII)
_ANYWHERE = ("0.0.0.0/0", "::/0", None)
_VERSIONS = {"IPv4": 4, "IPv6": 6}


def read_protocol(value: object) -> str | None:
    """A protocol as a rule keeps it: a name in lower case, a number as text, or ``None`` for any. Raises Invalid."""
    if value is None or value == ANY_PROTOCOL:
        return None
    if isinstance(value, int | str) and not isinstance(value, bool):
        word = str(value).lower()
        if word in PROTOCOLS or (_NUMBER.fullmatch(word) and 0 <= int(word) <= _PROTOCOL_MAX):
            return word
    raise Invalid(
        f"Security group rule protocol {str(value)[:64]} not supported. Only protocol values "
        f"[None, any, {', '.join(PROTOCOLS)}] and integer representations [0 to 255] are supported.",
        code="SecurityGroupRuleInvalidProtocol",
    )


def read_ethertype(value: object) -> str:
    """``IPv4`` or ``IPv6``, whatever the case. Raises Invalid."""
    for ethertype in ETHERTYPES:
        if isinstance(value, str) and value.lower() == ethertype.lower():
            return ethertype
    raise Invalid(
        f"Security group rule for ethertype '{str(value)[:64]}' not supported. Allowed values are {list(ETHERTYPES)}.",
        code="SecurityGroupRuleInvalidEtherType",
    )


def read_port(value: object) -> int | None:
    """A port, or an ICMP type or code. Raises Invalid."""
    if value is None:
        return None
    if isinstance(value, int | str) and not isinstance(value, bool):
        word = str(value)
        if _NUMBER.fullmatch(word) and 0 <= int(word) <= PORT_MAX:
            return int(word)
    raise Invalid(f"Invalid value for port {str(value)[:64]}", code="SecurityGroupInvalidPortValue")


def read_prefix(value: object) -> str | None:
    """An address with its prefix length, which is that of one address if none is given; host bits stay.

    Empty is none. Raises Invalid.
    """
    if value is None or value == "":
        return None
    address, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    try:
        found = parse_ip(address)
        if slash and (_PREFIX_LENGTH.fullmatch(length) is None or int(length) > found.max_prefixlen):
            raise ValueError(length)
    except (Invalid, ValueError) as cause:
        raise Invalid(f"Invalid CIDR {str(value)[:64]} given as IP prefix.", code="InvalidCIDR") from cause
    return f"{found}/{int(length) if slash else found.max_prefixlen}"


def normalized_cidr(prefix: str | None) -> str | None:
    """The same without host bits."""
    return None if prefix is None else str(ip_network(prefix, strict=False))


def settled(rule: SecurityGroupRule) -> SecurityGroupRule:
    """The rule in the one spelling that is kept. Raises Invalid for one that can never be."""
    rule = _with_canonical_icmp(rule)
    if (rule.port_range_min, rule.port_range_max) == (1, PORT_MAX):
        rule = replace(rule, port_range_min=None, port_range_max=None)
    _check_ports(rule)
    if rule.remote_ip_prefix is not None:
        version = ip_network(rule.remote_ip_prefix, strict=False).version
        if version != _VERSIONS[rule.ethertype]:
            raise Invalid(
                f"Conflicting value ethertype {rule.ethertype} for CIDR {rule.remote_ip_prefix}",
                code="SecurityGroupRuleParameterConflict",
            )
        if rule.remote_group_id is not None:
            raise Invalid(
                "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
                code="SecurityGroupMultipleRemoteEntites",
            )
    if rule.ethertype == "IPv4" and rule.protocol in _ONLY_IPV6:
        raise Invalid(
            f"Invalid ethertype {rule.ethertype} for protocol {rule.protocol}.",
            code="SecurityGroupEthertypeConflictWithProtocol",
        )
    return rule


def _with_canonical_icmp(rule: SecurityGroupRule) -> SecurityGroupRule:
    """Neutron's older spellings of ICMP for IPv6 are taken and changed into the one."""
    if rule.ethertype == "IPv6" and rule.protocol in ("icmp", "icmpv6"):
        return replace(rule, protocol="ipv6-icmp")
    if rule.ethertype == "IPv6" and rule.protocol == str(_ICMP):
        return replace(rule, protocol=str(_IPV6_ICMP))
    return rule


def _check_ports(rule: SecurityGroupRule) -> None:
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and high is None:
        return
    if rule.protocol is None:
        raise Invalid(
            "Must also specify protocol if port range is given.", code="SecurityGroupProtocolRequiredWithPorts"
        )
    number = _number(rule.protocol)
    if number in (_ICMP, _IPV6_ICMP):
        _check_icmp(low, high)
    elif number not in _WITH_PORTS:
        raise Invalid(
            f"Ports cannot be specified for protocol {number}. Ports are only supported for "
            f"{', '.join(name.upper() for name in _WITH_PORTS.values())}.",
            code="SecurityGroupInvalidProtocolForPort",
        )
    elif 0 in (low, high):
        raise Invalid("Invalid value for port 0", code="SecurityGroupInvalidPortValue")
    elif low is None or high is None or low > high:
        raise Invalid(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max", code="SecurityGroupInvalidPortRange"
        )


def _check_icmp(kind: int | None, icmp_code: int | None) -> None:
    """For ICMP the two ports are type and code."""
    for attribute, what, value in (("port_range_min", "type", kind), ("port_range_max", "code", icmp_code)):
        if value is not None and value > _ICMP_VALUE_MAX:
            raise Invalid(
                f"Invalid value for ICMP {what} ({attribute}) {value}. It must be 0 to {_ICMP_VALUE_MAX}.",
                code="SecurityGroupInvalidIcmpValue",
            )
    if kind is None:
        raise Invalid(
            f"ICMP code (port-range-max) {icmp_code} is provided but ICMP type (port-range-min) is missing.",
            code="SecurityGroupMissingIcmpType",
        )


def _number(protocol: str) -> int:
    return PROTOCOLS[protocol] if protocol in PROTOCOLS else int(protocol)


def check_new(rules: Iterable[SecurityGroupRule], there: Iterable[SecurityGroupRule]) -> None:
    """Raise Conflict when two of the settled ``rules`` are the same, or one is the same as one that is there."""
    new: set[tuple[object, ...]] = set()
    for rule in rules:
        if _meaning(rule) in new:
            raise Conflict("Duplicate Security Group Rule in POST.", code="DuplicateSecurityGroupRuleInPost")
        new.add(_meaning(rule))
    for rule in there:
        if _meaning(rule) in new:
            raise Conflict(f"Security group rule already exists. Rule id is {rule.id}.", code="SecurityGroupRuleExists")


def _meaning(rule: SecurityGroupRule) -> tuple[object, ...]:
    """What makes two rules of one group the same."""
    return (
        rule.direction, rule.ethertype, None if rule.protocol is None else _number(rule.protocol),
        rule.port_range_min, rule.port_range_max, rule.remote_group_id,
        None if rule.remote_ip_prefix in _ANYWHERE else rule.remote_ip_prefix,
    )  # fmt: skip
