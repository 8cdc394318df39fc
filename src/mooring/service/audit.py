"""The auditor: the invariants, checked on what is committed. It changes nothing; an empty answer is good news.

The numbers are those of ``docs/explanation/invariants.md``. What a database constraint forbids is checked all the
same: the auditor trusts nothing, least of all the schema of a restored backup.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mooring.core.lifecycle import OWNED_STATES
from mooring.core.reconcile import differing
from mooring.core.vlans import VLAN_ID_MAX, VLAN_ID_MIN
from mooring.model.pci import FunctionKind
from mooring.model.port import FUNCTION_VNIC_TYPES, Port, PortStatus
from mooring.model.request import Claim, Device
from mooring.model.server import GroupPolicy, Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.aggregates import zone_of
from mooring.service.audit_network import (
    counts_of_quotas,
    free_vlans,
    marks_of_sharing,
    rates_of_claims,
)
from mooring.service.audit_profiles import profiles_of_networks
from mooring.service.world import World
from mooring.store.addresses import all_allocations
from mooring.store.aggregates import AGGREGATES
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS
from mooring.store.networks import SEGMENTS
from mooring.store.ports import PORTS
from mooring.store.server_groups import SERVER_GROUPS
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx

#: What was set on a port may take this long to be read back on its function.
RETUNE_MAX_S = 30
#: A server may take this long to be built, to be deleted, and a function to be given back, on a host that is alive.
BUILD_MAX_S = 300
DELETE_MAX_S = 120
RELEASE_MAX_S = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant, with the values."""

    invariant: str
    text: str


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that the checks look at, read in one snapshot."""

    tx: Tx
    world: World
    devices: Mapping[str, Device]
    claims: Sequence[Claim]
    servers: Mapping[str, Server]
    ports: Mapping[str, Port]


Check = Callable[[Books], Iterable[str]]


def audit(tx: Tx, world: World) -> list[Finding]:
    """Every finding of every check, in the order of the invariants."""
    books = Books(
        tx, world,
        {device.id: device for device in DEVICES.where(tx)},
        CLAIMS.where(tx),
        {server.id: server for server in SERVERS.where(tx)},
        {port.id: port for port in PORTS.where(tx)},
    )  # fmt: skip
    return [Finding(name, text) for name, check in CHECKS.items() for text in check(books)]


def _one_owner(books: Books) -> Iterator[str]:
    for device_id, count in Counter(claim.device_id for claim in books.claims).items():
        if count > 1:
            yield f"device {device_id} has {count} claims"
    slots = Counter(
        (port.binding.host, str(port.binding.profile.get("pci_slot")))
        for port in books.ports.values()
        if port.binding.is_bound and port.binding.profile.get("pci_slot")
    )
    for (host, slot), count in slots.items():
        if count > 1:
            yield f"{count} ports are bound to {slot} of {host}"
    owned = {claim.device_id for claim in books.claims}
    for device in books.devices.values():
        if device.state in OWNED_STATES and device.id not in owned:
            yield f"{device.host} {device.address} is {device.state} and has no claim"
        if device.state in (VfState.AVAILABLE, VfState.GONE) and device.id in owned:
            yield f"{device.host} {device.address} is {device.state} and has a claim"


def _pf_or_vfs(books: Books) -> Iterator[str]:
    owned = {claim.device_id for claim in books.claims}
    taken_pfs = {
        (device.host, device.address)
        for device in books.devices.values()
        if device.id in owned and device.kind is FunctionKind.PF
    }
    for device in books.devices.values():
        if device.id in owned and (device.host, device.pf) in taken_pfs:
            yield f"{device.host} {device.address} and its PF {device.pf} are both owned"


def _claims_have_owners(books: Books) -> Iterator[str]:
    claimed_ports = {claim.port_id for claim in books.claims}
    for claim in books.claims:
        server, port = books.servers.get(claim.server_id), books.ports.get(claim.port_id or "")
        if server is None:
            yield f"claim of {claim.host} {claim.address} is of server {claim.server_id}, which does not exist"
        elif server.host != claim.host:
            yield f"server {server.id} is on {server.host} and claims {claim.address} of {claim.host}"
        if claim.device_id not in books.devices:
            yield f"claim of {claim.host} {claim.address} is of device {claim.device_id}, which does not exist"
        if claim.port_id is None and not claim.request_id:
            yield f"claim of {claim.host} {claim.address} is for no port and for no PCI group"
        if claim.port_id is not None and (port is None or port.device_id != claim.server_id):
            yield f"claim of {claim.host} {claim.address} is for port {claim.port_id}, which is not that server's"
    for port in books.ports.values():
        server = books.servers.get(port.device_id)
        if server is None or server.status is ServerStatus.DELETING or port.id in claimed_ports:
            continue
        if port.binding.is_bound and port.binding.vnic_type in FUNCTION_VNIC_TYPES:
            yield f"port {port.id} of server {port.device_id} is bound and claims nothing"


def _reaches_its_network(books: Books) -> Iterator[str]:
    physnets: defaultdict[str, set[str]] = defaultdict(set)
    for segment in SEGMENTS.where(books.tx):
        physnets[segment.network_id].add(segment.physical_network)
    for claim in books.claims:
        device, port = books.devices.get(claim.device_id), books.ports.get(claim.port_id or "")
        if device is not None and port is not None and device.physical_network not in physnets[port.network_id]:
            yield f"port {port.id} has {device.address} on {device.physical_network}, which its network is not on"


def _within_capacity(books: Books) -> Iterator[str]:
    used: defaultdict[str, list[Server]] = defaultdict(list)
    for server in books.servers.values():
        if server.host is not None:
            used[server.host].append(server)
    config = books.world.config
    for host in HOSTS.where(books.tx):
        servers = used[host.name]
        for what, total, ratio, taken in (
            ("vCPUs", host.vcpus, config.cpu_allocation_ratio, sum(s.flavor.vcpus for s in servers)),
            ("MiB", host.memory_mib, config.ram_allocation_ratio, sum(s.flavor.ram_mib for s in servers)),
        ):
            if host.epoch and taken > total * ratio:
                yield f"host {host.name} has {taken} {what} in use of {total * ratio:g}"


def _clean_between_owners(books: Books) -> Iterator[str]:
    for device in books.devices.values():
        if device.state is VfState.AVAILABLE and device.verified_at is None:
            yield f"{device.host} {device.address} is available and was never read back"


def _one_network_per_vlan(books: Books) -> Iterator[str]:
    vlans = Counter(
        (segment.physical_network, segment.segmentation_id)
        for segment in SEGMENTS.where(books.tx)
        if segment.segmentation_id is not None
    )
    for (physnet, vlan), count in vlans.items():
        if count > 1:
            yield f"VLAN {vlan} of {physnet} belongs to {count} networks"
        if not VLAN_ID_MIN <= vlan <= VLAN_ID_MAX:
            yield f"VLAN {vlan} of {physnet} is not from 1 to 4094"
    yield from free_vlans(books.tx)
    yield from profiles_of_networks(books.tx, books.ports)


def _macs_apart(books: Books) -> Iterator[str]:
    in_use: Counter[tuple[str, object, object, int]] = Counter()
    live_macs = {port.mac_address for port in books.ports.values() if port.status is PortStatus.ACTIVE}
    claims = {claim.device_id: claim for claim in books.claims}
    for device in books.devices.values():
        claim = claims.get(device.id)
        if claim is not None and device.state is VfState.IN_USE and claim.desired.mac is not None:
            vlan = claim.desired.vlan.id if claim.desired.vlan else 0
            in_use[device.host, device.pf, claim.desired.mac, vlan] += 1
        if device.state is VfState.AVAILABLE and device.observed and device.observed.mac in live_macs:
            yield f"free {device.host} {device.address} carries {device.observed.mac}, a live port's MAC"
    for (host, pf, mac, vlan), count in in_use.items():
        if count > 1:
            yield f"{count} VFs of {host} {pf} share MAC {mac} on VLAN {vlan}"


def _observed_as_desired(books: Books) -> Iterator[str]:
    """A function that is known not to be as wanted says so itself; its port is ``_active_is_proved``'s business."""
    yield from rates_of_claims(books.tx, books.claims, books.devices, books.ports)
    claims = {claim.device_id: claim for claim in books.claims}
    for device in books.devices.values():
        claim = claims.get(device.id)
        if device.state is not VfState.IN_USE or claim is None or device.reason:
            continue
        if device.verified_at is None:
            if books.tx.now - device.updated_at > timedelta(seconds=RETUNE_MAX_S):
                yield f"{device.host} {device.address} was not read back for {RETUNE_MAX_S} s after its port changed"
        elif device.observed is not None:
            for field in differing(claim.desired, device.observed):
                wanted, seen = getattr(claim.desired, field.value), getattr(device.observed, field.value)
                yield f"{device.host} {device.address} is in use with {field} {seen}, wanted {wanted}"


def _active_is_proved(books: Books) -> Iterator[str]:
    for claim in books.claims:
        device, port = books.devices.get(claim.device_id), books.ports.get(claim.port_id or "")
        if device is None or port is None or claim.is_releasing:
            continue
        what = f"port {port.id} is {port.status}, and {device.host} {device.address} is {device.state}"
        is_proved = device.state is VfState.IN_USE and not device.reason
        if port.status is PortStatus.ACTIVE and not is_proved:
            yield f"{what}: {device.reason or 'it is not proved'}"
        if port.status is PortStatus.ERROR and port.fault is None:
            yield f"{what}, and nothing says why"
    for claim in books.claims:
        device, server = books.devices.get(claim.device_id), books.servers.get(claim.server_id)
        is_lost = device is not None and device.state in (VfState.QUARANTINED, VfState.REMOVED_PENDING)
        if is_lost and claim.port_id is None and server is not None and server.status is ServerStatus.ACTIVE:
            yield f"server {server.id} is ACTIVE, and {claim.address} of PCI group {claim.request_id} is lost to it"
    for server in books.servers.values():
        if server.status is ServerStatus.ERROR and server.fault is None:
            yield f"server {server.id} is in ERROR, and nothing says why"


def _always_growing(books: Books) -> Iterator[str]:
    generations = {device.id: device.generation for device in books.devices.values()}
    for claim in books.claims:
        if claim.generation > generations.get(claim.device_id, claim.generation):
            yield f"claim of {claim.host} {claim.address} has generation {claim.generation}, its device an older one"


def _acknowledged_is_there(books: Books) -> Iterator[str]:
    """The rows that one answer made together are there together, or not at all."""
    recorded = set(all_allocations(books.tx))
    shown = {(port.id, fixed.ip_address) for port in books.ports.values() for fixed in port.fixed_ips}
    for port_id, address in sorted(recorded ^ shown):
        yield f"address {address} of port {port_id} is in one book and not in the other"
    yield from counts_of_quotas(books.tx)
    yield from marks_of_sharing(books.tx)
    yield from _zones_of_aggregates(books.tx)
    yield from _groups_keep_their_policy(books)


def _zones_of_aggregates(tx: Tx) -> Iterator[str]:
    aggregates = AGGREGATES.where(tx)
    for host in HOSTS.where(tx):
        zone = zone_of(host, aggregates)
        if zone != host.availability_zone:
            yield f"host {host.name} is shown in availability zone {host.availability_zone}, and is in {zone}"


def _groups_keep_their_policy(books: Books) -> Iterator[str]:
    for group in SERVER_GROUPS.where(books.tx):
        hosts = Counter(s.host for s in books.servers.values() if s.server_group_id == group.id and s.host)
        if group.policy is GroupPolicy.AFFINITY and len(hosts) > 1:
            yield f"the servers of affinity group {group.id} are on {', '.join(sorted(hosts))}"
        for host, count in sorted(hosts.items()):
            if group.policy is GroupPolicy.ANTI_AFFINITY and count > group.max_server_per_host:
                yield f"anti-affinity group {group.id} has {count} servers on {host}, of {group.max_server_per_host}"


def _one_object_per_token(books: Books) -> Iterator[str]:
    placed = Counter((server.reservation_id, server.launch_index) for server in books.servers.values())
    for (reservation, index), count in placed.items():
        if reservation and count > 1:
            yield f"{count} servers answer the request {reservation}, number {index}"


def _nothing_stuck(books: Books) -> Iterator[str]:
    now = books.tx.now
    limits = {
        ServerStatus.BUILD: BUILD_MAX_S,
        ServerStatus.HARD_REBOOT: BUILD_MAX_S,
        ServerStatus.DELETING: DELETE_MAX_S,
    }
    for server in books.servers.values():
        limit_s = limits.get(server.status)
        if limit_s is not None and now - server.updated_at > timedelta(seconds=limit_s):
            yield f"server {server.id} is {server.status} for more than {limit_s} s"
    for device in books.devices.values():
        if device.state is VfState.RELEASING and now - device.updated_at > timedelta(seconds=RELEASE_MAX_S):
            yield f"{device.host} {device.address} is being released for more than {RELEASE_MAX_S} s"


CHECKS: Mapping[str, Check] = {
    "I1": _one_owner,
    "I2": _pf_or_vfs,
    "I3": _claims_have_owners,
    "I4": _reaches_its_network,
    "I5": _within_capacity,
    "I6": _clean_between_owners,
    "I7": _one_network_per_vlan,
    "I8": _macs_apart,
    "I9": _observed_as_desired,
    "I10": _active_is_proved,
    "I12": _always_growing,
    "I13": _acknowledged_is_there,
    "I14": _one_object_per_token,
    "I15": _nothing_stuck,
}
