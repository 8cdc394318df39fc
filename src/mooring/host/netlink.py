"""VF settings over rtnetlink: what ``ip -d link show PF`` and ``ip link set PF vf N ...`` do, without the process.

One request writes any number of fields and carries one errno for all of them, so the fields of one that is refused
are sent again, one by one: the first that is refused then is the one.
"""

import errno
from collections.abc import Sequence

from mooring.errors import MooringError, NotFound
from mooring.host.kernel_answers import from_errno
from mooring.host.machine import PfView
from mooring.host.rtnetlink import RTM_GETLINK, RTM_SETLINK, Refused, RouteSocket
from mooring.host.vf_codec import blamed, decode_one, decode_pf, encode_query, encode_settings, encode_up
from mooring.model.vf import VfField, VfSettings

_GONE = frozenset({errno.ENODEV, errno.ENXIO})


class NetlinkVfTable:
    """``VfTable`` on a real kernel. Needs CAP_NET_ADMIN to write, nothing to read. Any thread may call it."""

    def __init__(self, route: RouteSocket | None = None):
        self._route = route or RouteSocket()

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        found = decode_one(self._query(pf_netdev), pf_netdev, vf_index)
        if found is None:
            raise NotFound("vf", f"{pf_netdev}/{vf_index}")
        return found

    def look(self, pf_netdev: str) -> PfView:
        return decode_pf(self._query(pf_netdev), pf_netdev)

    def bring_up(self, pf_netdev: str) -> None:
        try:
            self._route.ask(RTM_SETLINK, encode_up(pf_netdev))
        except Refused as refused:
            raise _answer(refused, pf_netdev, f"{pf_netdev} up") from refused

    def write(self, pf_netdev: str, vf_index: int, fields: Sequence[VfField], wanted: VfSettings) -> None:
        if not fields:
            return
        body = encode_settings(pf_netdev, vf_index, fields, wanted)
        try:
            self._route.ask(RTM_SETLINK, body)
        except Refused as refused:
            if len(fields) > 1 and refused.code not in _GONE:
                for field in fields:
                    self.write(pf_netdev, vf_index, (field,), wanted)
                return
            facts: dict[str, object] = {"field": fields[0]}
            if refused.offset is not None:
                facts["attribute"] = blamed(body, refused.offset)
            raise _answer(refused, pf_netdev, f"{pf_netdev} vf {vf_index} {fields[0]}", **facts) from refused

    def _query(self, pf_netdev: str) -> bytes:
        try:
            return self._route.ask(RTM_GETLINK, encode_query(pf_netdev))
        except Refused as refused:
            raise _answer(refused, pf_netdev, pf_netdev) from refused

    def close(self) -> None:
        """A call after this one opens its socket anew."""
        self._route.close()


def _answer(refused: Refused, pf_netdev: str, what: str, **facts: object) -> MooringError:
    return from_errno(refused.code, refused.text, pf_netdev if refused.code in _GONE else what, **facts)
