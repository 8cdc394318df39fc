"""Decoding rtnetlink messages, encoding requests, and errnos as errors; no card needed.

The messages are packed and unpacked by pyroute2 itself, so that the shapes are what it hands out; their values are
those of an 82576 with four VFs under Linux 6.12 (``ip -d link show``).
"""

import errno
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from mooring.errors import Conflict, HostFault, Invalid, MooringError, NotFound, Unsupported
from mooring.host.kernel_answers import from_errno
from mooring.host.netlink import Message, NetlinkVfTable, RouteSocket, decode_link, encode_field
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol

MACS = ("aa:21:de:4b:6b:93", "7a:fc:88:39:28:a3", "c6:6c:80:8b:30:00", "76:74:bb:9c:6d:49")


def vf_info(index: int, **other: Any) -> tuple[str, Any]:
    """One IFLA_VF_INFO; ``other`` attributes replace or, with None, take away the usual ones."""
    attributes: dict[str, Any] = {
        "IFLA_VF_MAC": {"vf": index, "mac": MACS[index % 4]},
        "IFLA_VF_VLAN": {"vf": index, "vlan": 0, "qos": 0},
        "IFLA_VF_RATE": {"vf": index, "min_tx_rate": 0, "max_tx_rate": 0},
        "IFLA_VF_TX_RATE": {"vf": index, "tx_rate": 0},
        "IFLA_VF_SPOOFCHK": {"vf": index, "spoofchk": 1},
        "IFLA_VF_LINK_STATE": {"vf": index, "link_state": 0},
        "IFLA_VF_RSS_QUERY_EN": {"vf": index, "rss_query_en": 0xFFFFFFFF},
        "IFLA_VF_TRUST": {"vf": index, "trust": 0},
        "IFLA_VF_STATS": {"attrs": [("IFLA_VF_STATS_RX_PACKETS", 0)]},
    } | {name: {"vf": index, **value} if value else None for name, value in other.items()}
    return "IFLA_VF_INFO", {"attrs": [(name, value) for name, value in attributes.items() if value]}


def link(*infos: tuple[str, Any], count: int | None = None, with_list: bool = True) -> Message:
    """An RTM_NEWLINK, through pyroute2's encoder and decoder."""
    message = ifinfmsg()
    message["index"] = 2
    message["attrs"] = [("IFLA_IFNAME", "enp1s0"), ("IFLA_NUM_VF", len(infos) if count is None else count)]
    if with_list:
        message["attrs"].append(("IFLA_VFINFO_LIST", {"attrs": list(infos)}))
    message.encode()
    seen = ifinfmsg(bytes(message.data))
    seen.decode()
    decoded: Message = seen
    return decoded


def one(**other: Any) -> VfSettings:
    return decode_link(link(vf_info(0, **other)), "enp1s0")[0]


def test_an_82576s_vfs_are_read_by_index() -> None:
    shown = decode_link(link(*(vf_info(index) for index in range(4))), "enp1s0")
    assert shown == {
        index: VfSettings(MACS[index], Vlan(), True, False, TxRate(), LinkState.AUTO) for index in range(4)
    }


@pytest.mark.parametrize(
    ("attribute", "value", "wanted"),
    [
        ("IFLA_VF_VLAN", {"vlan": 100, "qos": 3}, VfSettings(vlan=Vlan(100, 3))),
        ("IFLA_VF_RATE", {"min_tx_rate": 5, "max_tx_rate": 100}, VfSettings(rate=TxRate(5, 100))),
        ("IFLA_VF_SPOOFCHK", {"spoofchk": 0}, VfSettings(spoof_check=False)),
        ("IFLA_VF_TRUST", {"trust": 1}, VfSettings(trust=True)),
        ("IFLA_VF_LINK_STATE", {"link_state": 1}, VfSettings(link_state=LinkState.ENABLE)),
        ("IFLA_VF_LINK_STATE", {"link_state": 2}, VfSettings(link_state=LinkState.DISABLE)),
    ],
)
def test_each_field_is_read_from_its_own_attribute(attribute: str, value: dict[str, int], wanted: VfSettings) -> None:
    shown = one(**{attribute: value})
    fields = {field: getattr(wanted, field) for field in VfField if getattr(wanted, field) is not None}
    assert {field: getattr(shown, field) for field in fields} == fields


@pytest.mark.parametrize(
    ("attribute", "value", "field"),
    [
        ("IFLA_VF_SPOOFCHK", {"spoofchk": 0xFFFFFFFF}, VfField.SPOOF_CHECK),
        ("IFLA_VF_SPOOFCHK", None, VfField.SPOOF_CHECK),
        ("IFLA_VF_TRUST", {"trust": 0xFFFFFFFF}, VfField.TRUST),
        ("IFLA_VF_TRUST", None, VfField.TRUST),
        ("IFLA_VF_LINK_STATE", None, VfField.LINK_STATE),
        ("IFLA_VF_LINK_STATE", {"link_state": 9}, VfField.LINK_STATE),
        ("IFLA_VF_VLAN", None, VfField.VLAN),
    ],
)
def test_what_a_driver_does_not_implement_is_none_and_never_off(attribute: str, value: Any, field: VfField) -> None:
    assert getattr(one(**{attribute: value}), field) is None


def test_the_old_rate_attribute_serves_where_the_new_one_is_missing() -> None:
    assert one(IFLA_VF_RATE=None, IFLA_VF_TX_RATE={"tx_rate": 40}).rate == TxRate(0, 40)
    assert one(IFLA_VF_RATE=None, IFLA_VF_TX_RATE=None).rate is None


def test_a_service_tag_is_read_from_the_vlan_list() -> None:
    name, info = vf_info(0)
    tag = {"vf": 0, "vlan": 100, "qos": 3, "proto": 0x88A8}
    info["attrs"].append(("IFLA_VF_VLAN_LIST", {"attrs": [("IFLA_VF_VLAN_INFO", tag)]}))
    assert decode_link(link((name, info)), "enp1s0")[0].vlan == Vlan(100, 3, VlanProtocol.AD)


@pytest.mark.parametrize(
    ("indices", "count"),
    [((0, 1, 2), 4), ((0, 1, 3), 3), ((0, 1, 1), 3), ((), 2), ((0, 1), 1)],
    ids=["short", "gap", "twice", "empty", "long"],
)
def test_a_list_that_is_not_one_entry_for_each_vf_is_a_fault(indices: tuple[int, ...], count: int) -> None:
    with pytest.raises(HostFault, match=f"the kernel counts {count} VFs"):
        decode_link(link(*(vf_info(index) for index in indices), count=count), "enp1s0")


def test_an_entry_that_does_not_name_its_vf_is_a_fault() -> None:
    with pytest.raises(HostFault, match="IFLA_VF_MAC"):
        one(IFLA_VF_MAC=None)


def test_a_pf_without_vfs_shows_none() -> None:
    assert decode_link(link(count=0, with_list=False), "enp1s0") == {}


def test_a_driver_that_does_not_administer_its_vfs_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="does not administer its 2 VFs"):
        decode_link(link(count=2, with_list=False), "enp1s0")


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        (VfField.MAC, {"vf": 3, "mac": "02:00:00:00:00:01"}),
        (VfField.VLAN, {"vf": 3, "vlan": {"vlan": 100, "qos": 3}}),
        (VfField.SPOOF_CHECK, {"vf": 3, "spoofchk": 1}),
        (VfField.TRUST, {"vf": 3, "trust": 0}),
        (VfField.RATE, {"vf": 3, "rate": {"min_tx_rate": 1, "max_tx_rate": 2}}),
        (VfField.LINK_STATE, {"vf": 3, "link_state": 2}),
    ],
)
def test_a_request_carries_one_attribute(field: VfField, request_: dict[str, Any]) -> None:
    wanted = VfSettings("02:00:00:00:00:01", Vlan(100, 3), True, False, TxRate(1, 2), LinkState.DISABLE)
    assert encode_field(3, field, wanted) == request_


@pytest.mark.parametrize("field", VfField)
def test_a_request_for_what_is_not_wanted_is_invalid(field: VfField) -> None:
    with pytest.raises(Invalid, match=f"nothing is wanted for {field}"):
        encode_field(3, field, VfSettings())


def test_a_service_tag_is_refused_before_the_kernel_is_asked() -> None:
    with pytest.raises(Unsupported, match=r"802\.1ad"):
        encode_field(3, VfField.VLAN, VfSettings(vlan=Vlan(1, 0, VlanProtocol.AD)))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EOPNOTSUPP, Unsupported),
        (errno.EPROTONOSUPPORT, Unsupported),
        (errno.EINVAL, Invalid),
        (errno.ERANGE, Invalid),
        (errno.ENODEV, NotFound),
        (errno.EBUSY, Conflict),
        (errno.EAGAIN, Conflict),
        (errno.EPERM, HostFault),
        (errno.EIO, HostFault),
        (12345, HostFault),
    ],
)
def test_every_errno_has_its_error(code: int, kind: type[MooringError]) -> None:
    assert type(from_errno(code, "text", "enp1s0 vf 0 mac")) is kind


def test_the_drivers_own_words_and_the_errno_are_in_the_message() -> None:
    refused = from_errno(errno.EOPNOTSUPP, "VF is in legacy mode", "enp1s0 vf 0 trust")
    assert refused.message == "enp1s0 vf 0 trust: VF is in legacy mode (EOPNOTSUPP)"


class ScriptedKernel:
    """Answers ``link`` by a script: a list of messages, or an error, for each command in turn."""

    def __init__(self, *answers: tuple[str, Any]) -> None:
        self._answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    def open(self) -> AbstractContextManager[RouteSocket]:
        return nullcontext(self)

    def link(self, command: str, **arguments: Any) -> Iterable[Message]:
        expected, answer = self._answers.pop(0)
        assert command == expected
        self.sent.append(arguments)
        if isinstance(answer, Exception):
            raise answer
        messages: list[Message] = answer
        return messages


def test_a_get_that_does_not_fit_is_read_from_a_dump_instead() -> None:
    kernel = ScriptedKernel(
        ("get", NetlinkError(errno.EMSGSIZE)),
        ("dump", NetlinkDumpInterrupted()),
        ("dump", [link(vf_info(0))]),
    )
    assert NetlinkVfTable(kernel.open).read("enp1s0", 0).mac == MACS[0]


def test_a_dump_that_never_holds_still_is_a_fault() -> None:
    dumps = [("dump", NetlinkDumpInterrupted())] * 5
    kernel = ScriptedKernel(("get", NetlinkError(errno.EMSGSIZE)), *dumps)
    with pytest.raises(HostFault, match="the links changed"):
        NetlinkVfTable(kernel.open).read_all("enp1s0")


def test_a_write_names_the_pf_by_index_and_asks_for_no_vf_list() -> None:
    kernel = ScriptedKernel(("get", [link()]), ("set", []))
    NetlinkVfTable(kernel.open).write("enp1s0", 1, VfField.TRUST, VfSettings(trust=True))
    assert kernel.sent == [{"ifname": "enp1s0"}, {"index": 2, "vf": {"vf": 1, "trust": 1}}]


def test_the_real_kernel_is_asked_and_a_missing_pf_is_not_found() -> None:
    with pytest.raises(NotFound):
        NetlinkVfTable().read_all("nosuchpf0")


def test_the_real_kernel_shows_no_vfs_on_the_loopback() -> None:
    assert NetlinkVfTable().read_all("lo") == {}
