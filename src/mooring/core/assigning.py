"""Exactly which function of one host each request gets.

A matching, not a greedy choice: an assignment is found whenever one exists. Devices are offered to the matching one
by one, best first, and each is kept if the requests can be rearranged to use it (augmenting paths from the device's
side). Sets of devices that can be matched together form a matroid, so what this greedy order keeps is the best of
all largest sets, not just one of them: the requests of a server are spread over as many PFs as can be, then take the
lowest addresses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mooring.core.lifecycle import OWNED_STATES
from mooring.errors import Unsupported
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.port import FUNCTION_VNIC_TYPES
from mooring.model.request import Device, PciRequest
from mooring.model.vf import VfState

#: A function in one of these states keeps its whole IOMMU group from others.
HOLDING_STATES = OWNED_STATES | {VfState.QUARANTINED}


@dataclass(frozen=True, slots=True)
class Shortfall:
    """These requests, all of one kind, together could use ``free`` functions only, and are more than that."""

    request_ids: tuple[str, ...]
    physical_networks: frozenset[str]
    free: int
    kind: FunctionKind = FunctionKind.VF

    @property
    def wanted(self) -> int:
        """How many functions the requests need."""
        return len(self.request_ids)


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Why no assignment exists: for each shortfall, fewer functions than requests (Hall's condition fails)."""

    shortfalls: tuple[Shortfall, ...]


def fits(request: PciRequest, device: Device) -> bool:
    """Whether this function is of the request's kind and reaches a physical network of it."""
    return device.kind is request.kind and device.physical_network in request.physical_networks


def free_devices(devices: Iterable[Device]) -> tuple[Device, ...]:
    """The functions of one host that may be handed out now, by address.

    Offered, AVAILABLE, and no other function of their IOMMU group is owned, or quarantined and so perhaps owned: the
    group is what the IOMMU keeps apart, so it has one owner. A PF goes whole, while it has no VFs, or by its VFs.
    """
    known = tuple(devices)
    owned_groups = {d.iommu_group for d in known if d.state in HOLDING_STATES and d.iommu_group is not None}
    free = [d for d in known if d.is_offered and d.state is VfState.AVAILABLE and d.iommu_group not in owned_groups]
    divided, taken = divided_pfs(known), taken_pfs(known)
    free = [d for d in free if d.pf not in taken and (d.kind is not FunctionKind.PF or d.address not in divided)]
    return tuple(sorted(free, key=lambda d: d.address))


def divided_pfs(devices: Iterable[Device]) -> set[PciAddress]:
    """The PFs of one host that have VFs, and so cannot go whole."""
    found = set()
    for device in devices:
        if device.pf is not None and device.state is not VfState.GONE:
            found.add(device.pf)
        elif device.vf_count:
            found.add(device.address)
    return found


def taken_pfs(devices: Iterable[Device]) -> set[PciAddress]:
    """The PFs of one host that are somebody's, or perhaps so, and whose VFs cannot be handed out."""
    return {d.address for d in devices if d.kind is FunctionKind.PF and d.state in HOLDING_STATES}


def assign(requests: Sequence[PciRequest], devices: Iterable[Device]) -> Mapping[str, Device] | Unassigned:
    """Request id to device, or why not. ``devices`` are all of one host's; only free ones are used.

    The answer depends on what is given, not on its order. Raises Unsupported for a vnic type that no function serves.
    """
    wishes = sorted(requests, key=lambda request: request.id)
    for wish in wishes:
        if wish.vnic_type not in FUNCTION_VNIC_TYPES:
            raise Unsupported(f"a port of vnic type {wish.vnic_type} cannot be given a function")
    matching = _Matching(wishes)
    for device in _best_first(wishes, free_devices(devices)):
        if len(matching.device_of) == len(wishes):
            break
        matching.offer(device)
    if len(matching.device_of) == len(wishes):
        return {wish.id: matching.device_of[wish.id] for wish in wishes}
    return Unassigned(matching.shortfalls())


def _best_first(wishes: Sequence[PciRequest], free: Sequence[Device]) -> list[Device]:
    """Every PF's first useful function before any PF's second, and so on; addresses break ties."""
    ranked: list[tuple[int, PciAddress, Device]] = []
    used_of_pf: dict[PciAddress, int] = {}
    for device in free:
        if any(fits(wish, device) for wish in wishes):
            pf = device.pf or device.address
            rank = used_of_pf.get(pf, 0)
            used_of_pf[pf] = rank + 1
            ranked.append((rank, device.address, device))
    return [device for _, _, device in sorted(ranked, key=lambda entry: entry[:2])]


@dataclass(slots=True)
class _Matching:
    """Requests and the devices that they hold so far."""

    wishes: Sequence[PciRequest]
    device_of: dict[str, Device] = field(default_factory=dict)

    def offer(self, device: Device) -> None:
        """Keep ``device`` if some rearrangement lets one request more be served."""
        self._place(device, set())

    def _place(self, device: Device, visited: set[str]) -> bool:
        """Find a request for ``device``, moving held devices on where needed; no deeper than there are requests."""
        for wish in self.wishes:
            if wish.id in visited or not fits(wish, device):
                continue
            visited.add(wish.id)
            held = self.device_of.get(wish.id)
            if held is None or self._place(held, visited):
                self.device_of[wish.id] = device
                return True
        return False

    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Once everything was offered: each request that got nothing, with those that compete with it."""
        found: list[Shortfall] = []
        explained: set[str] = set()
        for wish in self.wishes:
            if wish.id not in self.device_of and wish.id not in explained:
                rivals = self._rivals_of(wish)
                explained.update(rival.id for rival in rivals)
                found.append(self._shortfall(rivals))
        return tuple(found)

    def _shortfall(self, rivals: Sequence[PciRequest]) -> Shortfall:
        # Whatever the rivals could use, one of them holds: were one device left, it would have been placed.
        return Shortfall(
            request_ids=tuple(rival.id for rival in rivals),
            physical_networks=frozenset().union(*(rival.physical_networks for rival in rivals)),
            free=sum(rival.id in self.device_of for rival in rivals),
            kind=rivals[0].kind,
        )

    def _rivals_of(self, unserved: PciRequest) -> list[PciRequest]:
        """``unserved``, the holders of what it could use, the holders of what those could use, and so on.

        Other requests of its kind that got nothing on the same physical networks belong to the same shortfall.
        """
        rivals = [unserved]
        for rival in rivals:
            for wish in self.wishes:
                if wish not in rivals and self._competes(wish, rival):
                    rivals.append(wish)
        return sorted(rivals, key=lambda rival: rival.id)

    def _competes(self, wish: PciRequest, rival: PciRequest) -> bool:
        held = self.device_of.get(wish.id)
        if held is None:
            return wish.kind is rival.kind and bool(wish.physical_networks & rival.physical_networks)
        return fits(rival, held)
