"""A kernel in miniature: RTM_GETLINK and RTM_SETLINK of a simulated card, behind the calls of a socket.

It reads our requests with pyroute2, so that what our own codec writes is understood by somebody else.
"""

import socket
import struct
from typing import Any

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from mooring.errors import HostFault, MooringError, NotFound
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol
from mooring.testing.rtnetlink import IFF_LOWER_UP, IFF_UP, attribute, link_message, vf_entry
from mooring.testing.vf_table import SimulatedVfTable

HEADER = struct.Struct("=IHHII")
RTM_NEWLINK, RTM_GETLINK, RTM_SETLINK, NLMSG_ERROR = 16, 18, 19, 2
ENODEV = 19
_PROTOCOLS = {0x8100: VlanProtocol.Q, 0x88A8: VlanProtocol.AD}


def message(kind: int, sequence: int, body: bytes, flags: int = 0) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def error(sequence: int, code: int, text: str = "", offset: int | None = None) -> bytes:
    """NLMSG_ERROR as a socket with capped and extended acks gets it; 0 is the ack."""
    said = (attribute(1, text.encode() + b"\0") if text else b"") + (
        attribute(2, struct.pack("=I", offset)) if offset is not None else b""
    )
    body = struct.pack("=i", -code) + HEADER.pack(0, RTM_SETLINK, 5, sequence, 0) + said
    return message(NLMSG_ERROR, sequence, body, 0x100 | (0x200 if said else 0))


class MiniatureKernel:
    """``Wire`` of a ``RouteSocket``. The requests are kept. ``says`` goes with each refusal: words, and an offset."""

    def __init__(self, card: SimulatedVfTable, vf_count: int, says: tuple[str, int | None] = ("", None)) -> None:
        self._card = card
        self._vf_count = vf_count
        self._says = says
        self._answers: list[bytes] = []
        self.requests: list[Any] = []

    def sendall(self, data: bytes, /) -> None:
        request = ifinfmsg(data)
        request.decode()
        self.requests.append(request)
        kind, sequence = request["header"]["type"], request["header"]["sequence_number"]
        netdev = request.get_attr("IFLA_IFNAME")
        try:
            answer = self._set(netdev, request) if kind == RTM_SETLINK else self._shown(netdev)
        except NotFound:
            self._answers.append(error(sequence, ENODEV))
        except MooringError as refused:
            code = refused.facts["errno"]
            assert isinstance(code, int)
            self._answers.append(error(sequence, code, *self._says))
        else:
            self._answers.append(message(RTM_NEWLINK, sequence, answer) if answer else error(sequence, 0))

    def recvfrom_into(self, buffer: bytearray, nbytes: int, flags: int, /) -> tuple[int, tuple[int, int]]:
        answer = self._answers.pop(0)
        assert (nbytes, flags) == (len(buffer), socket.MSG_TRUNC)
        buffer[: len(answer)] = answer
        return len(answer), (0, 0)

    def close(self) -> None: ...

    def _shown(self, netdev: str) -> bytes:
        try:
            view = self._card.look(netdev)
        except HostFault:
            return link_message(netdev, [], vf_count=self._vf_count)  # as if it were whole
        entries = [vf_entry(index, settings) for index, settings in view.vfs.items()]
        flags = (IFF_UP if view.is_up else 0) | (IFF_LOWER_UP if view.has_carrier else 0)
        return link_message(netdev, entries, flags=flags)

    def _set(self, netdev: str, request: Any) -> bytes:
        if request["change"] & IFF_UP:
            self._card.bring_up(netdev)
        for _, info in (request.get_attr("IFLA_VFINFO_LIST") or {"attrs": ()})["attrs"]:
            for name, _ in info["attrs"]:
                index, field, wanted = _understood(name, info.get_attr(name))
                self._card.write(netdev, index, (field,), wanted)
        return b""


def _understood(name: str, value: Any) -> tuple[int, VfField, VfSettings]:
    match name:
        case "IFLA_VF_MAC":
            return value["vf"], VfField.MAC, VfSettings(mac=value["mac"])
        case "IFLA_VF_VLAN":
            return value["vf"], VfField.VLAN, VfSettings(vlan=Vlan(value["vlan"], value["qos"]))
        case "IFLA_VF_VLAN_LIST":
            [(_, tag)] = value["attrs"]
            vlan = Vlan(tag["vlan"], tag["qos"], _PROTOCOLS[tag["proto"]])
            return tag["vf"], VfField.VLAN, VfSettings(vlan=vlan)
        case "IFLA_VF_SPOOFCHK":
            return value["vf"], VfField.SPOOF_CHECK, VfSettings(spoof_check=bool(value["spoofchk"]))
        case "IFLA_VF_TRUST":
            return value["vf"], VfField.TRUST, VfSettings(trust=bool(value["trust"]))
        case "IFLA_VF_RATE":
            return value["vf"], VfField.RATE, VfSettings(rate=TxRate(value["min_tx_rate"], value["max_tx_rate"]))
        case "IFLA_VF_LINK_STATE":
            return value["vf"], VfField.LINK_STATE, VfSettings(link_state=list(LinkState)[value["link_state"]])
    raise AssertionError(f"{name} is no attribute of ours")
