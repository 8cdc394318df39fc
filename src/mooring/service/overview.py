"""The whole cloud at a glance: hosts, their functions, and who owns them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mooring.model.host import Host, Liveness
from mooring.model.pci import FunctionKind
from mooring.model.request import Claim, Device
from mooring.model.server import Server
from mooring.model.vf import VfState
from mooring.service.hosts import get_host
from mooring.service.world import World
from mooring.store import claims, devices, servers
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS
from mooring.store.servers import SERVERS, Usage
from mooring.store.tx import Tx

Gauge = Sequence[tuple[Mapping[str, object], float]]


@dataclass(frozen=True, slots=True)
class HostRow:
    host: Host
    liveness: Liveness
    usage: Usage
    vfs: Mapping[str, Mapping[str, int]]
    """Physical network, empty for none, to state to how many VFs."""
    pfs: Mapping[str, Mapping[str, int]]
    """The same of the PFs that are handed out whole."""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    device: Device
    claim: Claim | None
    server: Server | None


def overview(tx: Tx, world: World, name: str | None = None) -> list[HostRow]:
    """Every host, or one. Raises NotFound for an unknown one."""
    hosts = HOSTS.where(tx) if name is None else [get_host(tx, name)]
    used = servers.usage(tx)
    rows = []
    for host in hosts:
        known = DEVICES.where(tx, host=host.name)
        vfs = _by_physnet(device for device in known if device.kind is FunctionKind.VF)
        pfs = _by_physnet(
            device
            for device in known
            if device.kind is FunctionKind.PF and device.state not in (VfState.UNAVAILABLE, VfState.GONE)
        )
        rows.append(HostRow(host, world.heartbeats.of(host.name), used.get(host.name, Usage()), vfs, pfs))
    return rows


def _by_physnet(functions: Iterable[Device]) -> Mapping[str, Mapping[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for device in functions:
        counts.setdefault(device.physical_network or "", Counter())[device.state.value] += 1
    return dict(sorted(counts.items()))


def inventory_of(tx: Tx, name: str | None = None) -> list[DeviceRow]:
    """Every function of every host, or of one, by host and address, with its owner."""
    if name is not None:
        get_host(tx, name)
    of_host = {} if name is None else {"host": name}
    held = {claim.device_id: claim for claim in claims.CLAIMS.where(tx, **of_host)}
    owners = {server.id: server for server in SERVERS.where(tx, **of_host)} if held else {}
    rows = []
    for device in sorted(DEVICES.where(tx, **of_host), key=lambda device: (device.host, device.address)):
        claim = held.get(device.id)
        rows.append(DeviceRow(device, claim, owners.get(claim.server_id) if claim else None))
    return rows


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
    }
