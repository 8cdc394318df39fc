"""Where a server could go: the placing engine asked with this moment's hosts, and the drivers with its candidates.

One engine for the real thing and for ``explain``; neither changes anything here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mooring.core.nearest import NearMiss, nearest_miss
from mooring.core.placing import Company, HostView, Wish, answers, binding_refused
from mooring.core.profiles import DEVICE_MAC, device_profile
from mooring.ml2.binding import Bound, Unbound
from mooring.model.pci import PciAddress
from mooring.model.request import Device, PciRequest, Placement, Shortage
from mooring.model.server import Flavor
from mooring.service.bindings import ask
from mooring.service.neighbours import Neighbours
from mooring.service.pci_requests import ServerNeeds
from mooring.service.server_ports import Nic
from mooring.service.world import World
from mooring.store import devices, ports, server_groups
from mooring.store.tx import Tx


@dataclass(frozen=True, slots=True)
class HostWish:
    """All that a new server asks of its host."""

    flavor: Flavor
    nics: Sequence[Nic]
    needs: ServerNeeds = field(default_factory=ServerNeeds)
    neighbours: Neighbours = field(default_factory=Neighbours)
    zone: str | None = None
    forced_host: str | None = None
    numa_nodes: tuple[int, ...] = ()
    """Where the cells of a server that runs already are."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A host, and for each nic by port id: the function it would get, and how its port would be bound."""

    host: str
    devices: Mapping[str, Device]
    bindings: Mapping[str, Bound]
    profiles: Mapping[str, Mapping[str, object]]
    passthrough: tuple[tuple[PciRequest, Device], ...] = ()
    """What the flavor asked for, which has no nic."""
    numa_nodes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """No host will do."""

    shortages: tuple[Shortage, ...]
    """One for each host."""
    nearest: NearMiss | None = None


def choose(tx: Tx, world: World, asked: HostWish) -> Choice | Refusal:
    """The best host on which every port can be bound; if there is none, why, of every host.

    ``tx`` has to be one that writes.
    """
    stock, wish, alive = world.stock.of(tx), wish_of(tx, asked), world.heartbeats.of
    unbindable: dict[str, Shortage] = {}
    for placement in stock.candidates(wish, alive):
        outcome = _bindable(tx, world, asked, placement)
        if isinstance(outcome, Choice):
            return outcome
        unbindable[outcome.host] = outcome
    hosts, shortages = stock.hosts(), list[Shortage]()
    for answer in answers(wish, hosts, alive):
        if isinstance(answer, Shortage):
            shortages.append(answer)
            continue
        # One that was no candidate a moment ago may have been heard from since.
        late = unbindable.get(answer.host) or _bindable(tx, world, asked, answer)
        if isinstance(late, Choice):
            return late
        shortages.append(late)
    return Refusal(tuple(shortages), _nearest(world, wish, hosts, shortages))


def each_host(tx: Tx, world: World, asked: HostWish, hosts: Sequence[HostView]) -> Iterator[Choice | Shortage]:
    """For an explanation: what each of these hosts would give, or why it would not."""
    for answer in answers(wish_of(tx, asked), hosts, world.heartbeats.of):
        yield _bindable(tx, world, asked, answer) if isinstance(answer, Placement) else answer


def nearest(
    tx: Tx, world: World, asked: HostWish, hosts: Sequence[HostView], shortages: Sequence[Shortage]
) -> NearMiss | None:
    """What would have to change for one of these hosts to do; ``shortages`` are what they answered."""
    return _nearest(world, wish_of(tx, asked), hosts, shortages)


def _nearest(world: World, wish: Wish, hosts: Sequence[HostView], shortages: Sequence[Shortage]) -> NearMiss | None:
    return nearest_miss(wish, {host.name: host for host in hosts}, shortages, world.heartbeats.of)


def wish_of(tx: Tx, asked: HostWish) -> Wish:
    """The same in the engine's words."""
    flavor, needs, neighbours = asked.flavor, asked.needs, asked.neighbours
    group = neighbours.group
    company = None
    if group is not None:
        company = Company(group.policy, server_groups.hosts_of(tx, group.id), group.max_server_per_host)
    return Wish(
        needs.requests, flavor.vcpus, flavor.ram_mib, flavor.disk_gib, asked.zone, asked.forced_host,
        needs.spread, needs.guest_cells, asked.numa_nodes, needs.host_properties, company,
        neighbours.beside, neighbours.apart,
    )  # fmt: skip


def _bindable(tx: Tx, world: World, asked: HostWish, placement: Placement) -> Choice | Shortage:
    """The placement with every port's binding, or the first refusal."""
    found = {
        name: [_device(tx, placement.host, address) for address in addresses]
        for name, addresses in placement.devices.items()
    }
    given: dict[str, Device] = {}
    bindings: dict[str, Bound] = {}
    profiles: dict[str, Mapping[str, object]] = {}
    for nic in asked.nics:
        profile = dict(nic.port.binding.profile)
        if nic.port.id in found:
            (given[nic.port.id],) = found.pop(nic.port.id)
            profile |= device_profile(given[nic.port.id])
        taken_by = _holder_of_mac(tx, nic, profile)
        if taken_by is not None:
            return binding_refused(placement.host, nic.port.id, f"port {taken_by} has the MAC of the PF")
        answer = ask(tx, world, nic.port, placement.host, profile)
        if isinstance(answer, Unbound):
            return binding_refused(placement.host, nic.port.id, answer.reasons)
        bindings[nic.port.id] = answer
        profiles[nic.port.id] = profile
    requests = {request.id: request for request in asked.needs.requests}
    passthrough = tuple((requests[name], device) for name, devices in found.items() for device in devices)
    return Choice(placement.host, given, bindings, profiles, passthrough, placement.numa_nodes)


def _device(tx: Tx, host: str, address: PciAddress) -> Device:
    """Raises LookupError when the stock knows what the database does not: that would be a defect."""
    device = devices.at(tx, host, address)
    if device is None:
        raise LookupError(f"device {address} of {host} is in stock and not in the database")
    return device


def _holder_of_mac(tx: Tx, nic: Nic, profile: Mapping[str, object]) -> str | None:
    """The other port of the network that has the MAC which a whole PF would bring to this one."""
    mac = profile.get(DEVICE_MAC)
    holder = None if mac is None else ports.holder_of_mac(tx, nic.port.network_id, str(mac))
    return None if holder == nic.port.id else holder
