"""The hosts as placing sees them, kept in memory beside the database and brought up to date before each use.

Only what changed is read again, in the transaction that asks, its own changes included; what is rolled back is
forgotten again. Used in the writer's thread alone; what it hands out does not change any more.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from mooring.config import ControllerConfig
from mooring.core.grouping import Grouping
from mooring.core.numa import Cells, CellUse
from mooring.core.placing import HostView
from mooring.core.pools import pools_of
from mooring.core.regrouping import Shared, touched
from mooring.core.spare_rates import with_spare_rates
from mooring.core.stock import Stock
from mooring.model.host import Host
from mooring.store import servers
from mooring.store import stock as rows
from mooring.store.aggregates import AGGREGATES
from mooring.store.groups import GROUPS
from mooring.store.hosts import HOSTS
from mooring.store.servers import Usage
from mooring.store.tx import Tx

_ONE_BY_ONE_MAX = 16
_ONE_BY_ONE_SHARE = 0.25
"""When more hosts than this, and more than this part of all, changed, all are read in one go."""


class Stockroom:
    """Keeps one ``Stock``."""

    def __init__(self, config: ControllerConfig):
        self._config = config
        self._stock = Stock()
        self._seen = 0
        self._stale: set[str] = set()
        self._grouping = Grouping(())
        self._shared = Shared()
        self._is_new = True

    def of(self, tx: Tx) -> Stock:
        """The stock as of this moment of ``tx``, which has to be one that writes."""
        changed = rows.changes(tx, self._seen)
        names = {name for _, name in changed} | self._stale
        is_shared = self._is_new or rows.SHARED in names
        if names or self._is_new:
            names = self._with_shared(tx, names) if is_shared else names
            tx.on_undo(partial(self._forget, self._seen, frozenset(names), is_new=self._is_new, is_shared=is_shared))
            self._read(tx, names)
        self._seen = changed[-1][0] if changed else self._seen
        self._stale.clear()
        self._is_new = False
        return self._stock

    def _forget(self, seen: int, names: frozenset[str], *, is_new: bool, is_shared: bool) -> None:
        """What was read was rolled back: the numbers will be given again, to other changes."""
        self._seen = min(self._seen, seen)
        self._stale |= names | ({rows.SHARED} if is_shared else frozenset())
        self._is_new = self._is_new or is_new

    def _with_shared(self, tx: Tx, names: set[str]) -> set[str]:
        """With the hosts that see a difference in what they share."""
        now = Shared.of(AGGREGATES.where(tx), GROUPS.where(tx))
        more = None if self._is_new else touched(self._shared, now)
        if more is None:
            more = frozenset(host.name for host in HOSTS.where(tx))
            more |= {view.name for view in self._stock.hosts()}
        self._shared, self._grouping = now, Grouping(now.groups.values())
        return names - {rows.SHARED} | more

    def _read(self, tx: Tx, names: Iterable[str]) -> None:
        wanted = sorted(names)
        is_many = len(wanted) > max(_ONE_BY_ONE_MAX, len(self._stock) * _ONE_BY_ONE_SHARE)
        for part in [None] if is_many else wanted:
            books = _Books(tx, part)
            for host in books.hosts:
                if part is not None or host.name in names:
                    self._stock.put(self._view(host, books))
            for name in wanted if part is None else [part]:
                if name not in books.names:
                    self._stock.drop(name)

    def _view(self, host: Host, books: "_Books") -> HostView:
        used, config = books.usage.get(host.name, Usage()), self._config
        mine = tuple(aggregate for aggregate in self._shared.aggregates.values() if host.name in aggregate.hosts)
        groups_of = self._grouping.on(host.name, [aggregate.name for aggregate in mine])
        return HostView(
            host.name, host.is_enabled, host.disabled_reason, host.availability_zone, host.vcpus, used.vcpus,
            host.memory_mib, used.memory_mib, host.disk_gib, used.disk_gib, config.cpu_allocation_ratio,
            config.ram_allocation_ratio, config.disk_allocation_ratio,
            pools_of(with_spare_rates(books.devices.get(host.name, ()), books.promised.get(host.name, {})), groups_of),
            Cells(host.numa_cells, _cell_use(books.in_cells.get(host.name, ()))), mine,
        )  # fmt: skip


class _Books:
    """What the database says of one host, or of all."""

    def __init__(self, tx: Tx, host: str | None):
        self.hosts = HOSTS.where(tx) if host is None else HOSTS.where(tx, name=host)
        self.names = {host.name for host in self.hosts}
        self.usage: Mapping[str, Usage] = servers.usage(tx) if host is None else servers.usage_of(tx, host)
        self.devices = rows.devices(tx, host)
        self.in_cells = rows.servers_in_cells(tx, host)
        self.promised = rows.promised_mbps(tx, host)


def _cell_use(mine: Iterable[rows.InCells]) -> Mapping[int, CellUse]:
    """By node; a guest's cells share its vCPUs and its memory evenly."""
    used: dict[int, CellUse] = {}
    for server in mine:
        for node in server.nodes:
            before, count = used.get(node, CellUse()), len(server.nodes)
            used[node] = CellUse(before.vcpus + server.vcpus // count, before.memory_mib + server.memory_mib // count)
    return used
