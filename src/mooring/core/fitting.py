"""Whether a pool of functions is what a request asks for, constraint by constraint."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mooring.core.baselines import PORT_PROFILE, SWITCHDEV
from mooring.core.numa import GuestNodes
from mooring.core.pools import Pool
from mooring.model.request import PciRequest

Meets = Callable[[PciRequest, Pool, GuestNodes], bool]


def _is_of_kind(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return pool.kind in request.kinds


def _reaches(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.physical_networks is None or pool.physical_network in request.physical_networks


def _is_in_group(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.group is None or request.group in pool.groups


def _is_trusted_as_asked(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.trusted is None or pool.trusted is request.trusted


def _has_features(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.features <= pool.features


def _is_switched_as_asked(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.is_switchdev in (None, SWITCHDEV in pool.features)


def _is_held_as_asked(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.has_port_profile in (None, PORT_PROFILE in pool.features)


def _is_near_enough(request: PciRequest, pool: Pool, nodes: GuestNodes) -> bool:
    return nodes.allows(request.numa_policy, pool.numa_node)


def _is_fast_enough(request: PciRequest, pool: Pool, _: GuestNodes) -> bool:
    return request.min_rate_mbps <= (pool.link_speed_mbps or 0)


#: The constraint of ``Lack`` to what it asks, in the order in which they are told.
CONSTRAINTS: Mapping[str, Meets] = MappingProxyType(
    {
        "type": _is_of_kind,
        "physical_network": _reaches,
        "group": _is_in_group,
        "trusted": _is_trusted_as_asked,
        "features": _has_features,
        "eswitch_mode": _is_switched_as_asked,
        "port_profile": _is_held_as_asked,
        "numa_policy": _is_near_enough,
        "min_rate": _is_fast_enough,
    }
)


def fits(request: PciRequest, pool: Pool, nodes: GuestNodes) -> bool:
    """Whether a function of the pool will do for the request, were it free."""
    return all(meets(request, pool, nodes) for meets in CONSTRAINTS.values())


def fails_only(constraint: str, request: PciRequest, pool: Pool, nodes: GuestNodes) -> bool:
    """Whether it is just this constraint because of which a function of the pool will not do."""
    return all(meets(request, pool, nodes) is (name != constraint) for name, meets in CONSTRAINTS.items())
