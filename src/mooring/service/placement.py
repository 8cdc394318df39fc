"""Where a server could go: the placing engine asked with this moment's hosts, and the drivers with its candidates.

One engine for the real thing and for ``explain``; neither changes anything here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.core.placing import HostView, Wish, binding_refused, candidates
from mooring.core.profiles import DEVICE_MAC, device_profile
from mooring.ml2.binding import Bound, Unbound
from mooring.model.request import Device, Placement, Shortage
from mooring.model.server import Flavor
from mooring.service.bindings import ask
from mooring.service.server_ports import Nic
from mooring.service.world import World
from mooring.store import devices, ports, servers
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS
from mooring.store.servers import Usage
from mooring.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Choice:
    """A host, and for each nic by port id: the function it would get, and how its port would be bound."""

    host: str
    devices: Mapping[str, Device]
    bindings: Mapping[str, Bound]
    profiles: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What every host that was asked said, the chosen one last."""

    choices: tuple[Choice, ...]
    shortages: tuple[Shortage, ...]


def choose(
    tx: Tx, world: World, flavor: Flavor, nics: Sequence[Nic], zone: str | None, forced_host: str | None, *,
    is_first_enough: bool = True,
) -> Answers:  # fmt: skip
    """Ask the hosts, best first, until one would do; or all of them, for an explanation."""
    requests = tuple(request for nic in nics if (request := nic.request) is not None)
    wish = Wish(requests, flavor.vcpus, flavor.ram_mib, flavor.disk_gib, zone, forced_host)
    choices: list[Choice] = []
    shortages: list[Shortage] = []
    for answer in candidates(wish, host_views(tx, world)):
        outcome = _bindable(tx, world, nics, answer) if isinstance(answer, Placement) else answer
        if isinstance(outcome, Shortage):
            shortages.append(outcome)
            continue
        choices.append(outcome)
        if is_first_enough:
            break
    return Answers(tuple(choices), tuple(shortages))


def host_views(tx: Tx, world: World) -> list[HostView]:
    """Every host as placing sees it."""
    by_host = devices.for_placing(tx)
    used = servers.usage(tx)
    config = world.config
    views = []
    for host in HOSTS.where(tx):
        taken = used.get(host.name, Usage())
        views.append(
            HostView(
                host.name,
                world.heartbeats.of(host.name),
                host.is_enabled,
                host.disabled_reason,
                host.availability_zone,
                host.vcpus,
                taken.vcpus,
                host.memory_mib,
                taken.memory_mib,
                host.disk_gib,
                taken.disk_gib,
                config.cpu_allocation_ratio,
                config.ram_allocation_ratio,
                config.disk_allocation_ratio,
                tuple(by_host.get(host.name, ())),
            )
        )
    return views


def _bindable(tx: Tx, world: World, nics: Sequence[Nic], placement: Placement) -> Choice | Shortage:
    """The placement with every port's binding, or the first refusal."""
    given: dict[str, Device] = {}
    bindings: dict[str, Bound] = {}
    profiles: dict[str, Mapping[str, object]] = {}
    for nic in nics:
        profile = dict(nic.port.binding.profile)
        device_id = placement.devices.get(nic.port.id)
        if device_id is not None:
            device = DEVICES.get(tx, device_id)
            if device is None:
                return Shortage(placement.host, "devices", f"device {device_id} went", "no free function")
            given[nic.port.id] = device
            profile |= device_profile(device)
        taken_by = _holder_of_mac(tx, nic, profile)
        if taken_by is not None:
            return binding_refused(placement.host, nic.port.id, f"port {taken_by} has the MAC of the PF")
        answer = ask(tx, world, nic.port, placement.host, profile)
        if isinstance(answer, Unbound):
            return binding_refused(placement.host, nic.port.id, answer.reasons)
        bindings[nic.port.id] = answer
        profiles[nic.port.id] = profile
    return Choice(placement.host, given, bindings, profiles)


def _holder_of_mac(tx: Tx, nic: Nic, profile: Mapping[str, object]) -> str | None:
    """The other port of the network that has the MAC which a whole PF would bring to this one."""
    mac = profile.get(DEVICE_MAC)
    holder = None if mac is None else ports.holder_of_mac(tx, nic.port.network_id, str(mac))
    return None if holder == nic.port.id else holder
