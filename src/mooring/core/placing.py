"""Whether one host takes a server, and exactly which functions it gets there; or why not, constraint by constraint.

Which host is asked first, ``core/stock.py`` says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mooring.core.assigning import STEPS_MAX, Search, Shares, Unassigned, addresses
from mooring.core.host_properties import why_not
from mooring.core.numa import Cells, GuestNodes
from mooring.core.pools import Pool
from mooring.core.shortages import lacks_of
from mooring.core.ways import Budget
from mooring.model.host import DEFAULT_ZONE, Aggregate, Liveness
from mooring.model.request import Lack, PciRequest, Placement, Shortage, Spread
from mooring.model.server import GroupPolicy

_STEPS_MAX = 4 * STEPS_MAX
"""For one wish on all hosts together: about a second. Hosts of one shape are searched once."""

LivenessOf = Callable[[str], Liveness]
"""By the host's name."""


@dataclass(frozen=True, slots=True)
class HostView:
    """A host as placing sees it: what it has, what of that is given away, and its functions in pools."""

    name: str
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
    pools: tuple[Pool, ...] = ()
    cells: Cells = field(default_factory=Cells)
    aggregates: tuple[Aggregate, ...] = ()
    """Those that it is in."""
    shape: int | None = None
    """Hosts of one shape have pools that differ in addresses only; ``None``: nobody compared."""

    @property
    def spare_memory_mib(self) -> int:
        return int(self.memory_mib * self.memory_ratio) - self.used_memory_mib


@dataclass(frozen=True, slots=True)
class Company:
    """What a server's group asks of its host: Nova's server group policies."""

    policy: GroupPolicy
    members: Mapping[str, int] = field(default_factory=dict)
    """Host to how many servers of the group it has."""
    max_server_per_host: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What a server needs of a host."""

    requests: tuple[PciRequest, ...] = ()
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    availability_zone: str | None = None
    forced_host: str | None = None
    spread: Spread = Spread.PF
    guest_cells: int = 0
    """The guest's NUMA cells, which share its vCPUs and its memory evenly."""
    numa_nodes: tuple[int, ...] = ()
    """Where they are, if that is decided already."""
    host_properties: Mapping[str, str] = field(default_factory=dict)
    """What an aggregate of the host has to have, as ``aggregate_instance_extra_specs`` of a flavor says it."""
    company: Company | None = None
    beside: frozenset[str] | None = None
    """The hosts of the servers that it is to be beside; ``None``: it is beside anybody."""
    apart: frozenset[str] = frozenset()
    """The hosts of the servers that it is not to be beside."""


class Clerk:
    """Answers one wish for one host after another; what hosts of one shape have in common is worked out once."""

    def __init__(self, wish: Wish, liveness_of: LivenessOf):
        self._wish = wish
        self._liveness_of = liveness_of
        self._known: dict[tuple[int, tuple[int, ...]], Shares | tuple[Lack, ...]] = {}
        self._budget = Budget(_STEPS_MAX)
        self._groups = frozenset(request.group for request in wish.requests if request.group is not None)

    def answer(self, host: HostView) -> Placement | Shortage:
        """A placement, or everything that stands against it."""
        lacks = tuple(self._host_lacks(host))
        if not self._wish.requests and not self._wish.guest_cells:
            return Shortage(host.name, lacks) if lacks else Placement(host.name)
        found = self._devices(host)
        if isinstance(found, Placement) and not lacks:
            return found
        return Shortage(host.name, lacks if isinstance(found, Placement) else (*lacks, *found))

    def would_do(self, host: HostView) -> Placement | None:
        """The same, for whoever does not ask for reasons."""
        if next(self._host_lacks(host), None) is not None:
            return None
        if not self._wish.requests and not self._wish.guest_cells:
            return Placement(host.name)
        found = self._devices(host)
        return found if isinstance(found, Placement) else None

    def _host_lacks(self, host: HostView) -> Iterator[Lack]:
        yield from _unfit(self._wish, host, self._liveness_of(host.name))
        ruled_out = why_not(host.aggregates, self._wish.host_properties, self._groups)
        if ruled_out is not None:
            yield Lack("aggregate", ruled_out.text, ruled_out.summary)
        yield from _too_small(self._wish, host)

    def _devices(self, host: HostView) -> Placement | tuple[Lack, ...]:
        if self._wish.guest_cells:
            return self._in_cells(host)
        found = self._search(host, self._wish.numa_nodes)
        if isinstance(found, tuple):
            return found
        return Placement(host.name, addresses(found, host.pools), self._wish.numa_nodes)

    def _search(self, host: HostView, layout: tuple[int, ...]) -> Shares | tuple[Lack, ...]:
        """With the guest's cells on these nodes."""
        if host.shape is None:
            return self._searched(host, layout)
        key = (host.shape, layout)
        if key not in self._known:
            self._known[key] = self._searched(host, layout)
        return self._known[key]

    def _searched(self, host: HostView, layout: tuple[int, ...]) -> Shares | tuple[Lack, ...]:
        budget = Budget(min(STEPS_MAX, self._budget.left))
        nodes = GuestNodes.of(layout, host.cells.sockets)
        search = Search(self._wish.requests, host.pools, nodes, self._wish.spread, budget)
        given = budget.left
        found = search.assign()
        self._budget.take(given - max(budget.left, 0))
        return lacks_of(search, found) if isinstance(found, Unassigned) else found

    def _in_cells(self, host: HostView) -> Placement | tuple[Lack, ...]:
        """On the first layout of the guest's cells that the functions allow; those near most of them first."""
        wish = self._wish
        layouts = list(
            host.cells.layouts(wish.guest_cells, wish.vcpus, wish.memory_mib, host.vcpu_ratio, host.memory_ratio)
        )
        if not layouts:
            return (_no_layout(wish, host),)
        layouts.sort(key=lambda layout: -self._free_on(host, layout))
        refused: tuple[Lack, ...] = ()
        for layout in layouts:
            found = self._search(host, layout)
            if not isinstance(found, tuple):
                return Placement(host.name, addresses(found, host.pools), layout)
            refused = refused or found
        return refused

    def _free_on(self, host: HostView, layout: tuple[int, ...]) -> int:
        kinds = frozenset(kind for request in self._wish.requests for kind in request.kinds)
        return sum(len(pool.free) for pool in host.pools if pool.numa_node in layout and pool.kind in kinds)


def binding_refused(host: str, port_id: str, reasons: str) -> Shortage:
    """The shortage of a host on which no mechanism driver would bind a port; ``reasons`` are the drivers'."""
    text = f"port {port_id} cannot be bound: {reasons}"
    return Shortage(host, (Lack("binding", text, "no mechanism driver that binds the port", (port_id,)),))


def no_such_host(name: str) -> Shortage:
    """The shortage of a forced host that nobody knows."""
    return Shortage(name, (Lack("host", "there is no host of this name", "a name that no host has"),))


def _unfit(wish: Wish, host: HostView, liveness: Liveness) -> Iterator[Lack]:
    if not host.is_enabled:
        because = f": {host.disabled_reason}" if host.disabled_reason else ""
        yield Lack("agent", f"the host is disabled{because}", "been disabled")
    if liveness is Liveness.DEAD:
        yield Lack("agent", "the agent does not answer", "an agent that does not answer")
    elif liveness is Liveness.UNKNOWN:
        text = "the agent has not been heard from since the controller started"
        yield Lack("agent", text, "an agent not heard from yet")
    if wish.availability_zone not in (None, host.availability_zone):
        text = f"the host is in availability zone {host.availability_zone}, not {wish.availability_zone}"
        yield Lack("zone", text, "another availability zone")
    if wish.forced_host not in (None, host.name):
        yield Lack("host", f"the server is to be on {wish.forced_host}", "another name than the host asked for")
    if wish.company is not None and (text := _bad_company(wish.company, host.name)):
        yield Lack("server_group", text, text)
    if wish.beside is not None and host.name not in wish.beside:
        text = "none of the servers that it is to be beside"
        yield Lack("same_host", text, text)
    if host.name in wish.apart:
        text = "a server that it is not to be beside"
        yield Lack("different_host", text, text)


def _bad_company(company: Company, host: str) -> str:
    mine = company.members.get(host, 0)
    if company.policy is GroupPolicy.ANTI_AFFINITY and mine >= company.max_server_per_host:
        return f"{mine} of at most {company.max_server_per_host} servers of the anti-affinity group"
    if company.policy is GroupPolicy.AFFINITY and not mine and any(company.members.values()):
        return "no server of the affinity group, which is elsewhere"
    return ""


def _too_small(wish: Wish, host: HostView) -> Iterator[Lack]:
    amounts = (
        ("cpu", "vCPUs", wish.vcpus, host.vcpus, host.used_vcpus, host.vcpu_ratio),
        ("memory", "MiB of memory", wish.memory_mib, host.memory_mib, host.used_memory_mib, host.memory_ratio),
        ("disk", "GiB of disk", wish.disk_gib, host.disk_gib, host.used_disk_gib, host.disk_ratio),
    )
    for constraint, unit, wanted, total, used, ratio in amounts:
        capacity = int(total * ratio)
        # Even an overcommitted host gives one server no more than it has (Placement's max_unit).
        have = min(capacity - used, total)
        if wanted > have:
            text = f"{wanted} {unit} wanted, {max(capacity - used, 0)} of {capacity} free, {total} physical"
            summary = f"fewer free {unit} than the {wanted} wanted"
            yield Lack(constraint, text, summary, need=wanted, have=max(have, 0))


def _no_layout(wish: Wish, host: HostView) -> Lack:
    have = len(host.cells.cells)
    cell = f"{-(-wish.vcpus // wish.guest_cells)} vCPUs and {-(-wish.memory_mib // wish.guest_cells)} MiB each"
    text = f"no {wish.guest_cells} of {have} NUMA nodes with room for {cell}"
    return Lack("numa_cells", text, text, need=wish.guest_cells, have=have)


def answers(wish: Wish, hosts: Iterable[HostView], liveness_of: LivenessOf) -> Iterator[Placement | Shortage]:
    """One for each host, in their order; a forced host answers alone."""
    clerk = Clerk(wish, liveness_of)
    is_known = wish.forced_host is None
    for host in hosts:
        if wish.forced_host in (None, host.name):
            is_known = True
            yield clerk.answer(host)
    if wish.forced_host is not None and not is_known:
        yield no_such_host(wish.forced_host)
