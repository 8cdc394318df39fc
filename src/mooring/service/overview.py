"""The whole cloud at a glance: hosts, their functions, and who owns them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.model.host import Host, Liveness
from mooring.model.pci import FunctionKind
from mooring.service.hosts import get_host
from mooring.service.world import World
from mooring.store import claims, devices, port_profiles, servers
from mooring.store.groups import aggregates_of_hosts
from mooring.store.hosts import HOSTS
from mooring.store.servers import Usage
from mooring.store.tx import Tx

Gauge = Sequence[tuple[Mapping[str, object], float]]
States = Mapping[str, Mapping[str, int]]
"""Physical network, empty for none, to state to how many functions."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """How much may be given away for each that there is."""

    vcpu: float
    memory: float
    disk: float


@dataclass(frozen=True, slots=True)
class HostRow:
    host: Host
    liveness: Liveness
    usage: Usage
    aggregates: Sequence[str]
    """By name."""
    ratios: Ratios
    vfs: States
    pfs: States
    """Of the PFs that are handed out whole."""
    others: States
    """Of what is neither PF nor VF."""


def overview(tx: Tx, world: World, name: str | None = None) -> list[HostRow]:
    """Every host, or one. Raises NotFound for an unknown one."""
    hosts = HOSTS.where(tx) if name is None else [get_host(tx, name)]
    used = servers.usage(tx) if name is None else servers.usage_of(tx, name)
    aggregates = aggregates_of_hosts(tx)
    config = world.config
    ratios = Ratios(config.cpu_allocation_ratio, config.ram_allocation_ratio, config.disk_allocation_ratio)
    counts: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for host_name, kind, physnet, state, number in devices.host_counts(tx, name):
        counts.setdefault((host_name, kind), {}).setdefault(physnet, {})[state] = number
    return [
        HostRow(
            host, world.heartbeats.of(host.name), used.get(host.name, Usage()),
            sorted(aggregates.get(host.name, ())), ratios,
            *(counts.get((host.name, kind), {}) for kind in (FunctionKind.VF, FunctionKind.PF, FunctionKind.PCI)),
        )
        for host in hosts
    ]  # fmt: skip


def gauges(tx: Tx, world: World) -> Mapping[str, Gauge]:
    """What ``/metrics`` shows of the store."""
    alive = Counter(world.heartbeats.of(host.name) for host in HOSTS.where(tx))
    return {
        "mooring_devices": [
            ({"kind": k, "physical_network": p, "state": s}, float(n)) for k, p, s, n in devices.counts(tx)
        ],
        "mooring_devices_degraded": [({"physical_network": p}, float(n)) for p, n in devices.degraded(tx)],
        "mooring_claims": [({}, float(claims.count(tx)))],
        "mooring_servers": [({"status": status}, float(n)) for status, n in servers.statuses(tx)],
        "mooring_hosts": [({"liveness": liveness}, float(n)) for liveness, n in alive.items()],
        "mooring_port_profiles": [
            ({"upstream": state}, float(n)) for state, n in port_profiles.upstream_states(tx).items()
        ],
    }
