"""Which host takes a server, and exactly which functions its ports get there; or why none does, host by host.

Every host of the cloud gives one answer: a ``Placement`` or a ``Shortage``. Candidates come best first. Servers
without SR-IOV ports stay off hosts with SR-IOV hardware as long as others will do, and spread; servers with SR-IOV
ports pack, so that large requests still find a host.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mooring.core.assigning import Unassigned, assign, fits, free_devices
from mooring.core.tallies import shortfall_sentence, tally
from mooring.model.host import DEFAULT_ZONE, Liveness
from mooring.model.request import Device, PciRequest, Placement, Shortage


@dataclass(frozen=True, slots=True)
class HostView:
    """A host as placing sees it: what it has, what of that is given away, and its functions with their states."""

    name: str
    liveness: Liveness
    is_enabled: bool = True
    disabled_reason: str | None = None
    availability_zone: str = DEFAULT_ZONE
    vcpus: int = 0
    used_vcpus: int = 0
    memory_mib: int = 0
    used_memory_mib: int = 0
    disk_gib: int = 0
    used_disk_gib: int = 0
    vcpu_ratio: float = 4.0
    """How many vCPUs may be given away for each that there is; Nova's ``initial_cpu_allocation_ratio``."""
    memory_ratio: float = 1.0
    disk_ratio: float = 1.0
    devices: tuple[Device, ...] = ()
    """All that its device specs name, whatever their state."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a server needs of a host."""

    requests: tuple[PciRequest, ...] = ()
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    availability_zone: str | None = None
    forced_host: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The best placement, and the better hosts that would not do."""

    placement: Placement
    passed_over: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class Unplaced:
    """No host will do; one shortage for each."""

    shortages: tuple[Shortage, ...]


def place(wish: Wish, hosts: Iterable[HostView]) -> Placed | Unplaced:
    """The first candidate, for whoever has no binding to ask for."""
    shortages: list[Shortage] = []
    for answer in candidates(wish, hosts):
        if isinstance(answer, Placement):
            return Placed(answer, tuple(shortages))
        shortages.append(answer)
    return Unplaced(tuple(shortages))


def candidates(wish: Wish, hosts: Iterable[HostView]) -> Iterator[Placement | Shortage]:
    """One answer for each host, best host first, worked out as it is asked for.

    The caller tries to bind at each ``Placement``, takes the first that binds, and turns a refusal into one more
    ``Shortage`` with ``binding_refused``. With a forced host only that one answers. The order does not depend on
    the order of ``hosts``.
    """
    eligible = [host for host in hosts if wish.forced_host in (None, host.name)]
    if wish.forced_host is not None and not eligible:
        yield Shortage(wish.forced_host, "agent", "there is no host of this name", "no such host")
    for host in sorted(eligible, key=lambda host: _rank(wish, host)):
        yield _answer(wish, host)


def binding_refused(host: str, port_id: str, reasons: str) -> Shortage:
    """The shortage of a host on which no mechanism driver would bind a port; ``reasons`` are the drivers'."""
    return Shortage(
        host, "binding", f"port {port_id} cannot be bound: {reasons}", "no mechanism driver that binds the port"
    )


def _rank(wish: Wish, host: HostView) -> tuple[int, int, str]:
    """Lowest first: with SR-IOV the fullest host that may still do, without it the emptiest of the plain hosts."""
    if wish.requests:
        useful = sum(any(fits(request, d) for request in wish.requests) for d in free_devices(host.devices))
        return int(useful < len(wish.requests)), useful, host.name
    return int(bool(host.devices)), host.used_memory_mib - int(host.memory_mib * host.memory_ratio), host.name


def _answer(wish: Wish, host: HostView) -> Placement | Shortage:
    shortage = _why_not_host(wish, host) or _why_not_resources(wish, host)
    if shortage is not None:
        return shortage
    assigned = assign(wish.requests, host.devices)
    if isinstance(assigned, Unassigned):
        return _why_not_devices(assigned, host)
    return Placement(host.name, {request_id: device.id for request_id, device in assigned.items()})


def _why_not_host(wish: Wish, host: HostView) -> Shortage | None:
    if not host.is_enabled:
        because = f": {host.disabled_reason}" if host.disabled_reason else ""
        return Shortage(host.name, "agent", f"the host is disabled{because}", "been disabled")
    if host.liveness is Liveness.DEAD:
        return Shortage(host.name, "agent", "the agent does not answer", "an agent that does not answer")
    if host.liveness is Liveness.UNKNOWN:
        text = "the agent has not been heard from since the controller started"
        return Shortage(host.name, "agent", text, "an agent not heard from yet")
    if wish.availability_zone not in (None, host.availability_zone):
        text = f"the host is in availability zone {host.availability_zone}, not {wish.availability_zone}"
        return Shortage(host.name, "zone", text, "another availability zone")
    return None


def _why_not_resources(wish: Wish, host: HostView) -> Shortage | None:
    amounts = (
        ("cpu", "vCPUs", wish.vcpus, host.vcpus, host.used_vcpus, host.vcpu_ratio),
        ("memory", "MiB of memory", wish.memory_mib, host.memory_mib, host.used_memory_mib, host.memory_ratio),
        ("disk", "GiB of disk", wish.disk_gib, host.disk_gib, host.used_disk_gib, host.disk_ratio),
    )
    for constraint, unit, wanted, total, used, ratio in amounts:
        capacity = int(total * ratio)
        # Even an overcommitted host gives one server no more than it has (Placement's max_unit).
        if wanted > min(capacity - used, total):
            text = f"{wanted} {unit} wanted, {max(capacity - used, 0)} of {capacity} free, {total} physical"
            return Shortage(host.name, constraint, text, f"fewer free {unit} than the {wanted} wanted")
    return None


def _why_not_devices(unassigned: Unassigned, host: HostView) -> Shortage:
    tallies = [tally(host.devices, each.physical_networks, each.kind) for each in unassigned.shortfalls]
    reasons = sorted({reason for counted in tallies for reason in counted.quarantine_reasons})
    summary = shortfall_sentence(unassigned.shortfalls, host.devices)
    text = f"{summary}; quarantined because {'; '.join(reasons)}" if reasons else summary
    constraint = "devices" if all(counted.total for counted in tallies) else "physical_network"
    return Shortage(host.name, constraint, text, summary)
