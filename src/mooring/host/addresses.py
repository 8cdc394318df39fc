"""Which netdevs have an address or carry a route, through rtnetlink.

Loads pyroute2: to be imported with the first question.
"""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.rtnl import RTM_GETADDR, RTM_GETROUTE
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from mooring.host.netlink_answers import answered, dump

ROUTES_MAX = 2_000
"""A router with a full table is known by its addresses; what comes behind these is not looked at."""
_HOPS_MAX = 256
_RTPROT_KERNEL = 2
_RTN_UNICAST = 1


def open_route() -> Any:
    """A socket for rtnetlink. Strict (NETLINK_GET_STRICT_CHK): the kernel then leaves out routes that it cached."""
    return AsyncIPRoute(strict_check=True)


def read_uses(open_socket: Callable[[], Any] = open_route) -> Mapping[int, str]:
    """By interface index: ``has address 192.0.2.4/24``, or without one, ``carries the route to 203.0.113.0/24``.

    Raises as ``netlink_answers.answered`` does.
    """

    async def question() -> Mapping[int, str]:
        uses: dict[int, str] = {}
        async with open_socket() as route_socket:
            for index, cidr in _addresses(await dump(route_socket, ifaddrmsg, RTM_GETADDR)):
                uses.setdefault(index, f"has address {cidr}")
        async with open_socket() as route_socket:
            for index, destination in _routes(
                await dump(route_socket, _any_route, RTM_GETROUTE, answers_max=ROUTES_MAX)
            ):
                uses.setdefault(index, f"carries the route to {destination}")
        return uses

    return answered(question, "addresses and routes")


def _any_route() -> Any:
    request = rtmsg()
    request["family"] = socket.AF_UNSPEC  # pyroute2's default is IPv4 alone
    return request


def _addresses(answers: Iterable[Any]) -> Iterator[tuple[int, str]]:
    """Interface and CIDR; without link-local IPv6, which the kernel itself gives to every netdev that is up."""
    for answer in answers:
        told = answer.get_attr("IFA_LOCAL") or answer.get_attr("IFA_ADDRESS")
        address = ip_address(told) if told else None
        if address is not None and not (address.version == 6 and address.is_link_local):  # noqa: PLR2004 - of IPv6
            yield answer["index"], f"{address}/{answer['prefixlen']}"


def _routes(answers: Iterable[Any]) -> Iterator[tuple[int, str]]:
    """Interface and destination of the routes that somebody has set; what follows from addresses is not told again."""
    for answer in answers:
        if answer["type"] != _RTN_UNICAST or answer["proto"] == _RTPROT_KERNEL:
            continue
        told = answer.get_attr("RTA_DST")
        anywhere = "::" if answer["family"] == socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - a route
        destination = f"{told if isinstance(told, str) else anywhere}/{answer['dst_len']}"
        hops = (answer.get_attr("RTA_MULTIPATH") or ())[:_HOPS_MAX]
        for index in (answer.get_attr("RTA_OIF"), *(hop["oif"] for hop in hops)):
            if isinstance(index, int):
                yield index, destination
