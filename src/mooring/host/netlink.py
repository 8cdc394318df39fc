"""VF settings over rtnetlink, with pyroute2: what ``ip -d link show PF`` and ``ip link set PF vf N ...`` do.

One attribute a request: the kernel applies the attributes of one request in turn and stops at the first that the
driver refuses, so that a request with several leaves a mixture and one errno for all of them
(``do_setvfinfo`` in net/core/rtnetlink.c).

The kernel fills in a default for what a driver does not report (``rtnl_fill_vfinfo``): 0xffffffff for spoof check
and trust, which is decoded as ``None`` here, and zero for the rest, which cannot be told from a true zero.
"""

import errno
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError

from mooring.errors import HostFault, Invalid, NotFound, Unsupported
from mooring.host.kernel_answers import from_errno
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol

#: A netlink message as pyroute2 decodes it: a dict, whose ``attrs`` is a list of (name, value).
Message = Mapping[str, Any]

_RTEXT_FILTER_VF = 1
_NOT_IMPLEMENTED = 0xFFFFFFFF
_ETHERTYPES = {0x8100: VlanProtocol.Q, 0x88A8: VlanProtocol.AD}
#: ``enum`` of IFLA_VF_LINK_STATE_* in include/uapi/linux/if_link.h, in order.
_LINK_STATES = (LinkState.AUTO, LinkState.ENABLE, LinkState.DISABLE)
_DUMP_TRIES_MAX = 5


class RouteSocket(Protocol):
    """The one call of ``pyroute2.IPRoute`` that is used here."""

    def link(self, command: str, **arguments: Any) -> Iterable[Message]: ...


def open_route_socket() -> AbstractContextManager[RouteSocket]:
    """A socket of the kernel's, with extended acks: the driver's own words come along with the errno."""
    socket: AbstractContextManager[RouteSocket] = IPRoute(ext_ack=True)
    return socket


class NetlinkVfTable:
    """``VfTable`` on a real kernel. Needs CAP_NET_ADMIN to write, nothing to read. One socket for each call."""

    def __init__(self, open_socket: Callable[[], AbstractContextManager[RouteSocket]] = open_route_socket):
        self._open_socket = open_socket

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        try:
            return self.read_all(pf_netdev)[vf_index]
        except KeyError as missing:
            raise NotFound("vf", f"{pf_netdev}/{vf_index}") from missing

    def read_all(self, pf_netdev: str) -> Mapping[int, VfSettings]:
        with self._open_socket() as socket:
            return decode_link(self._link(socket, pf_netdev), pf_netdev)

    def write(self, pf_netdev: str, vf_index: int, field: VfField, wanted: VfSettings) -> None:
        request = encode_field(vf_index, field, wanted)
        with self._open_socket() as socket:
            try:
                index = self._link(socket, pf_netdev, with_vfs=False)["index"]
                socket.link("set", index=index, vf=request)
            except NetlinkError as refused:
                raise from_errno(refused.code, str(refused.args[-1]), f"{pf_netdev} vf {vf_index} {field}") from refused

    def _link(self, socket: RouteSocket, pf_netdev: str, with_vfs: bool = True) -> Message:
        mask = {"ext_mask": _RTEXT_FILTER_VF} if with_vfs else {}
        try:
            return next(iter(socket.link("get", ifname=pf_netdev, **mask)))
        except NetlinkError as refused:
            if refused.code != errno.EMSGSIZE:
                raise from_errno(refused.code, str(refused.args[-1]), pf_netdev) from refused
            # The reply to a get is one buffer, too small for many VFs; a dump is split over several.
            return self._dumped(socket, pf_netdev)
        except StopIteration as nothing:
            raise NotFound("netdev", pf_netdev) from nothing

    def _dumped(self, socket: RouteSocket, pf_netdev: str) -> Message:
        for _ in range(_DUMP_TRIES_MAX):
            try:
                for message in socket.link("dump", ext_mask=_RTEXT_FILTER_VF):
                    if attribute(message, "IFLA_IFNAME") == pf_netdev:
                        return message
            except NetlinkDumpInterrupted:
                continue  # a link changed meanwhile: what was read is a mixture
            except NetlinkError as refused:
                raise from_errno(refused.code, str(refused.args[-1]), pf_netdev) from refused
            raise NotFound("netdev", pf_netdev)
        raise HostFault(f"the links changed during each of {_DUMP_TRIES_MAX} reads of {pf_netdev}")


def attribute(node: Message, name: str) -> Any:
    """The value of the first attribute of that name, or None."""
    return next((slot[1] for slot in node.get("attrs", ()) if slot[0] == name), None)


def decode_link(message: Message, pf_netdev: str) -> Mapping[int, VfSettings]:
    """All VFs of one RTM_NEWLINK, by index.

    Raises HostFault unless there is exactly one entry for each of IFLA_NUM_VF: IFLA_VFINFO_LIST is one attribute
    with a 16-bit length, which kernels have overrun. Raises Unsupported for a PF whose driver has VFs and no
    ``ndo_get_vf_config``.
    """
    count = attribute(message, "IFLA_NUM_VF") or 0
    listing = attribute(message, "IFLA_VFINFO_LIST")
    if listing is None and count:
        raise Unsupported(
            f"the driver of {pf_netdev} does not administer its {count} VFs",
            hint="its VFs can be passed through as plain PCI devices only",
        )
    found: dict[int, VfSettings] = {}
    for name, entry in (listing or {}).get("attrs", ()):
        if name == "IFLA_VF_INFO":
            index, settings = decode_vf(entry)
            found[index] = settings
    if sorted(found) != list(range(count)):
        raise HostFault(
            f"the VF list of {pf_netdev} has {len(found)} entries, the kernel counts {count} VFs",
            hint="a truncated list proves nothing; fewer VFs on this PF make it fit",
        )
    return found


def decode_vf(entry: Message) -> tuple[int, VfSettings]:
    """One IFLA_VF_INFO: the VF's index and its settings. Raises HostFault when it does not say which VF it is."""
    mac = attribute(entry, "IFLA_VF_MAC")
    if mac is None:
        raise HostFault("a VF list entry has no IFLA_VF_MAC, which names its VF")
    return mac["vf"], VfSettings(
        mac=mac["mac"].lower(),
        vlan=_vlan(entry),
        spoof_check=_flag(attribute(entry, "IFLA_VF_SPOOFCHK"), "spoofchk"),
        trust=_flag(attribute(entry, "IFLA_VF_TRUST"), "trust"),
        rate=_rate(entry),
        link_state=_link_state(attribute(entry, "IFLA_VF_LINK_STATE")),
    )


def _vlan(entry: Message) -> Vlan | None:
    tags = attribute(entry, "IFLA_VF_VLAN_LIST")
    tag = attribute(tags, "IFLA_VF_VLAN_INFO") if tags else None
    if tag is not None:
        protocol = _ETHERTYPES.get(tag["proto"] or 0x8100)
        if protocol is None:
            raise HostFault(f"VF {tag['vf']} has a VLAN of unknown ethertype {tag['proto']:#06x}")
        return Vlan(tag["vlan"], tag["qos"], protocol)
    tag = attribute(entry, "IFLA_VF_VLAN")
    return Vlan(tag["vlan"], tag["qos"]) if tag is not None else None


def _flag(node: Message | None, name: str) -> bool | None:
    if node is None or node[name] == _NOT_IMPLEMENTED:
        return None
    return bool(node[name])


def _rate(entry: Message) -> TxRate | None:
    both = attribute(entry, "IFLA_VF_RATE")
    if both is not None:
        return TxRate(both["min_tx_rate"], both["max_tx_rate"])
    one = attribute(entry, "IFLA_VF_TX_RATE")
    return TxRate(0, one["tx_rate"]) if one is not None else None


def _link_state(node: Message | None) -> LinkState | None:
    if node is None or node["link_state"] >= len(_LINK_STATES):
        return None
    return _LINK_STATES[node["link_state"]]


def encode_field(vf_index: int, field: VfField, wanted: VfSettings) -> dict[str, Any]:
    """``vf=`` of ``IPRoute.link("set")`` for that one field. Raises Invalid when ``wanted`` does not say it."""
    match field, getattr(wanted, field.value):
        case VfField.MAC, str(mac):
            return {"vf": vf_index, "mac": mac}
        case VfField.VLAN, Vlan(id=vlan_id, qos=qos, protocol=VlanProtocol.Q):
            return {"vf": vf_index, "vlan": {"vlan": vlan_id, "qos": qos}}
        case VfField.VLAN, Vlan(protocol=VlanProtocol.AD):
            # pyroute2 0.9 packs struct ifla_vf_vlan_info in 14 bytes; the kernel wants the padded 16 (EINVAL).
            raise Unsupported("802.1ad VLANs cannot be sent to this kernel", hint="use 802.1q")
        case VfField.SPOOF_CHECK, bool(on):
            return {"vf": vf_index, "spoofchk": int(on)}
        case VfField.TRUST, bool(on):
            return {"vf": vf_index, "trust": int(on)}
        case VfField.RATE, TxRate(min_mbps=low, max_mbps=high):
            return {"vf": vf_index, "rate": {"min_tx_rate": low, "max_tx_rate": high}}
        case VfField.LINK_STATE, LinkState() as state:
            return {"vf": vf_index, "link_state": _LINK_STATES.index(state)}
    raise Invalid(f"nothing is wanted for {field} of VF {vf_index}")
