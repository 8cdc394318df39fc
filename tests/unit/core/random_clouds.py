"""Random hosts and wishes, and the search that tries everything, which the engine is held against."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from mooring.core.assigning import Search, Unassigned, addresses
from mooring.core.numa import GuestNodes
from mooring.core.pools import HOLDING_STATES, pools_of
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device, NumaPolicy, PciRequest, Spread
from mooring.model.vf import VfState
from tests.unit.core.clouds import PCI, PF, VF, vf, whole_pf

SOCKETS = {0: 0, 1: 0, 2: 1, 3: 1}
_FREE = VfState.AVAILABLE


@dataclass(frozen=True)
class Cloud:
    """One host, and what a server asks of it."""

    requests: list[PciRequest]
    devices: list[Device]
    groups: Mapping[PciAddress, frozenset[str]]
    guest_nodes: tuple[int, ...]

    def assign(self, spread: Spread = Spread.PF) -> dict[str, tuple[PciAddress, ...]] | Unassigned:
        pools = pools_of(self.devices, lambda device: self.groups[device.address])
        search = Search(self.requests, pools, GuestNodes.of(self.guest_nodes, SOCKETS), spread)
        found = search.assign()
        return found if isinstance(found, Unassigned) else addresses(found, pools)


def random_cloud(chance: Random) -> Cloud:
    devices: list[Device] = []
    for bus in range(0x81, 0x81 + chance.randint(1, 3)):
        pf = f"0000:{bus:02x}:00.0"
        facts = {"numa_node": chance.choice([None, 0, 1, 2]), "link_speed_mbps": chance.choice([None, 1000, 10_000])}
        physnet = chance.choice(["physnet1", "physnet1", "physnet2", None])
        if chance.random() < 0.7:
            state = chance.choice([_FREE, _FREE, _FREE, VfState.IN_USE])
            devices.append(whole_pf(pf, physnet, state, is_offered=chance.random() < 0.8, **facts))
        devices += [
            vf(
                f"0000:{bus:02x}:10.{slot}", physnet,
                chance.choice([_FREE] * 6 + [VfState.IN_USE, VfState.QUARANTINED]),
                pf=pf, iommu_group=chance.choice([None, None, 7, 8]), trusted=chance.random() < 0.3,
                features=chance.choice([(), (), ("rx",), ("rx", "tso")]), numa_node=facts["numa_node"],
            )
            for slot in range(chance.randint(0, 3))
        ]  # fmt: skip
    for slot in range(chance.randint(0, 1)):
        gpu = vf(f"0000:05:00.{slot}", None, numa_node=chance.choice([None, 0, 3]))
        devices.append(replace(gpu, kind=FunctionKind.PCI, pf=None))
    chance.shuffle(devices)
    groups = {d.address: frozenset(chance.sample(["fast", "near"], chance.randint(0, 2))) for d in devices}
    requests = [_random_request(chance, f"r{n}") for n in range(chance.randint(1, 3))]
    return Cloud(requests, devices, groups, chance.choice([(), (0,), (0, 2), (3,)]))


def _random_request(chance: Random, name: str) -> PciRequest:
    return PciRequest(
        name,
        chance.choice([VF, VF, VF, PF, PCI, VF | PCI, VF | PF]),
        chance.choice([None, frozenset({"physnet1"}), frozenset({"physnet1"}), frozenset({"physnet1", "physnet2"})]),
        count=chance.choice([1, 1, 1, 2]),
        group=chance.choice([None, None, "fast"]),
        trusted=chance.choice([None, None, None, True, False]),
        features=chance.choice([frozenset(), frozenset(), frozenset({"rx"})]),
        numa_policy=chance.choice([None, *NumaPolicy]),
        min_rate_mbps=chance.choice([0, 0, 0, 600, 5000]),
    )


def is_free(device: Device, known: Sequence[Device]) -> bool:
    """Each rule in a line, of the device alone."""
    mates = [d for d in known if d.iommu_group is not None and d.iommu_group == device.iommu_group]
    vfs_of_it = [d for d in known if d.pf == device.address]
    return (
        device.state is _FREE
        and device.is_offered
        and not any(d.state in HOLDING_STATES for d in mates)
        and not any(d.address == device.pf and d.state in HOLDING_STATES for d in known)
        and all(d.state is _FREE and d.is_offered for d in vfs_of_it)
    )


def will_do(request: PciRequest, device: Device, cloud: Cloud) -> bool:
    """Each constraint in a line, in the words of nova.md 2.3."""
    pf = next((d for d in cloud.devices if d.address == device.pf), device)
    same_socket = {SOCKETS[node] for node in cloud.guest_nodes}
    is_local = not cloud.guest_nodes or device.numa_node in cloud.guest_nodes
    policies = {
        NumaPolicy.REQUIRED: is_local,
        NumaPolicy.SOCKET: is_local or SOCKETS.get(-1 if device.numa_node is None else device.numa_node) in same_socket,
        NumaPolicy.LEGACY: is_local or device.numa_node is None,
        NumaPolicy.PREFERRED: True,
    }
    return (
        device.kind in request.kinds
        and (request.physical_networks is None or device.physical_network in request.physical_networks)
        and (request.group is None or request.group in cloud.groups[device.address])
        and (request.trusted is None or device.trusted == request.trusted)
        and request.features <= set(device.features)
        and policies[request.numa_policy or NumaPolicy.LEGACY]
        and (pf.link_speed_mbps or 0) >= request.min_rate_mbps
    )


def every_assignment(cloud: Cloud) -> Iterator[tuple[Device, ...]]:
    """By trying everything."""
    units = [request for request in cloud.requests for _ in range(request.count)]
    free = [device for device in cloud.devices if is_free(device, cloud.devices)]

    def more(chosen: tuple[Device, ...]) -> Iterator[tuple[Device, ...]]:
        if len(chosen) == len(units):
            yield chosen
            return
        for device in free:
            if device not in chosen and will_do(units[len(chosen)], device, cloud):
                following = (*chosen, device)
                if shares_well(units, following, cloud):
                    yield from more(following)

    return more(())


def shares_well(units: Sequence[PciRequest], chosen: Sequence[Device], cloud: Cloud) -> bool:
    """No PF goes both ways, and no link is promised more than it carries."""
    speeds = {d.address: d.link_speed_mbps or 0 for d in cloud.devices if d.kind is FunctionKind.PF}
    promised: Counter[PciAddress | None] = Counter()
    for unit, device in zip(units, chosen, strict=False):
        promised[device.pf or device.address] += unit.min_rate_mbps
    whole = {device.address for device in chosen if device.kind is FunctionKind.PF}
    return not any(device.pf in whole for device in chosen) and all(
        rate <= speeds.get(pf, 0) for pf, rate in promised.items() if pf and rate
    )
