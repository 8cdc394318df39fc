"""Where the lives of a host's functions and servers go on when the host shows itself: new, gone, back, rebooted.

What is owned stays its owner's. What lost its settings, by a reboot or by having been away, is CLAIMED again and has
to be proved as if it were new; a boot may have given its address to another function, which is not it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mooring.model.host import OfferedFunction
from mooring.model.identity import Caller
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.port import PortStatus
from mooring.model.request import Claim, Device
from mooring.model.server import ServerStatus
from mooring.model.vf import VfState
from mooring.service.claimants import claimant
from mooring.service.claims import change_state, come_back, forget
from mooring.service.interfaces import finish_detach
from mooring.service.port_faults import follow, show
from mooring.service.server_ports import ports_of
from mooring.service.server_reports import lose_function
from mooring.service.world import World
from mooring.store.devices import DEVICES
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Tx

_LOST_BY_REBOOT = frozenset({VfState.PROGRAMMED, VfState.IN_USE})
_UNSETTLED = frozenset({VfState.DISCOVERED, VfState.UNAVAILABLE, VfState.GONE})
_REBOOTED = "the host rebooted"


def pf_places(known: Iterable[Device], shown: Mapping[PciAddress, OfferedFunction]) -> Mapping[str, PciAddress]:
    """Where the PF of each MAC stands now. One that several had, as the members of a bond do, tells nothing."""
    had = Counter(device.mac for device in known if device.kind is FunctionKind.PF)
    return {
        offered.function.mac: address
        for address, offered in shown.items()
        if offered.function.kind is FunctionKind.PF and offered.function.mac and had[offered.function.mac] <= 1
    }


def impostor(device: Device, function: PciFunction, places: Mapping[str, PciAddress], *, is_reboot: bool) -> str:
    """Why the function that a host shows at an owned device's address is not that device; empty: it is.

    A boot may number buses anew, and only its MAC tells that a PF is not the one that was there. So a device that was
    not seen since then is the one that stands below the PF that it was given from.
    """
    if (function.kind, function.pf, function.vf_index) != (device.kind, device.pf, device.vf_index):
        what = str(function.kind) if function.pf is None else f"VF {function.vf_index} of {function.pf}"
        return f"the host shows another function at its address: {what}"
    shown, known = (function.vendor_id, function.product_id), (device.vendor_id, device.product_id)
    if "" not in (*shown, *known) and shown != known:
        return f"the host shows another device at its address: {':'.join(shown)}, and it was {':'.join(known)}"
    if not is_reboot and device.state is not VfState.REMOVED_PENDING:
        return ""
    pf, mac = (device.address, device.mac) if device.pf is None else (device.pf, device.pf_mac)
    place = places.get(mac or "", pf)
    return "" if place == pf else f"the host shows another card at its address: PF {pf} is at {place} now"


@dataclass(frozen=True, slots=True)
class Settling:
    """One inventory of one host; ``owned`` are its claims by device id."""

    tx: Tx
    world: World
    host: str
    owned: Mapping[str, Claim]
    is_reboot: bool

    def settle(self, device: Device) -> None:
        """The host shows the function, perhaps again."""
        held = self.owned.get(device.id)
        if held is not None:
            self._settle_owned(device, held)
        elif not device.is_offered:
            if device.state not in (VfState.UNAVAILABLE, VfState.QUARANTINED):
                self._through_discovery(device, VfState.UNAVAILABLE, device.reason)
        elif device.state in _UNSETTLED or (self.is_reboot and device.state is VfState.AVAILABLE):
            self._through_discovery(device, VfState.BASELINING, "")

    def lose(self, device: Device, reason: str) -> None:
        """The host shows it no more. What is owned is waited for; nothing of it is given to anybody."""
        held = self.owned.get(device.id)
        if held is None:
            if device.state is not VfState.GONE:
                change_state(self.tx, device, VfState.GONE, reason=reason)
            return
        if device.state is VfState.REMOVED_PENDING:
            return
        device = change_state(self.tx, device, VfState.REMOVED_PENDING, reason=reason)
        _tell(self.tx, "device.gone", device, held)
        if held.is_releasing:
            # There is nothing left to clean, and nobody who wants it back.
            forget(self.tx, device)
            finish_detach(self.tx, self.world, self._agent, held)
        else:
            follow(self.tx, self._agent.user_id, device, held)
            if held.port_id is None:
                lose_function(self.tx, self._agent, device, held)

    def _settle_owned(self, device: Device, held: Claim) -> None:
        if device.state is VfState.REMOVED_PENDING:
            reason = "it was gone, and is verified anew"
            device = come_back(self.tx, device, held, reason)
            _tell(self.tx, "device.back", device, held)
        elif self.is_reboot and device.state in _LOST_BY_REBOOT:
            device = change_state(self.tx, device, VfState.CLAIMED, reason=_REBOOTED)
        else:
            return
        follow(self.tx, self._agent.user_id, device, held)

    def _through_discovery(self, device: Device, new: VfState, reason: str) -> None:
        if device.state is VfState.GONE:
            device = change_state(self.tx, device, VfState.DISCOVERED, is_new_owner=True)
        change_state(self.tx, device, new, is_new_owner=new is VfState.BASELINING, reason=reason)

    @property
    def _agent(self) -> Caller:
        return Caller(f"host:{self.host}", self.host, None, None, frozenset({"admin"}))


def renew_vfs(tx: Tx, pf: Device) -> None:
    """The PF is clean and free. Its VFs may have been made anew since they were clean themselves, and are not now."""
    for device in DEVICES.where(tx, host=pf.host, pf=str(pf.address)):
        if device.state is VfState.AVAILABLE:
            reason = f"its PF {pf.address} came back"
            change_state(tx, device, VfState.BASELINING, is_new_owner=True, reason=reason)


def _tell(tx: Tx, kind: str, device: Device, held: Claim) -> None:
    detail = {
        "host": device.host, "address": str(device.address), **claimant(held), "reason": device.reason,
    }  # fmt: skip
    tx.tell(Event(kind, device.id, actor=f"host:{device.host}", detail=detail))


def restart_servers(tx: Tx, host: str) -> None:
    """The guests of a host that rebooted do not run: their servers and ports are not ACTIVE until it says so again."""
    servers = [server for server in SERVERS.where(tx, host=host) if server.status is ServerStatus.ACTIVE]
    ports = ports_of(tx, [server.id for server in servers])
    actor = f"host:{host}"
    for server in servers:
        SERVERS.update(tx, replace(server, status=ServerStatus.HARD_REBOOT, updated_at=tx.now))
        detail = {"host": host, "reason": _REBOOTED}
        tx.tell(Event("server.rebooting", server.id, server.project_id, actor=actor, detail=detail))
        for port in ports.get(server.id, []):
            if port.status is PortStatus.ACTIVE:
                show(tx, actor, port, PortStatus.BUILD)
