"""VLANs for networks that name none: the lowest free one, in the order of the configuration.

What is free is kept as ranges in a table, changed in the transaction that takes or gives back a VLAN. So the millionth
network costs what the first did, and no two transactions get the same VLAN.
"""

from mooring.core.vlans import without
from mooring.errors import Exhausted
from mooring.service.network_settings import NetworkSettings, keep, settings_of
from mooring.store import vlans
from mooring.store.tx import Tx


def sync(tx: Tx, settings: NetworkSettings) -> bool:
    """Make these the settings, and what is free follow from them; True when anything changed.

    VLANs that networks have stay theirs, inside the new ranges or not; one that is given back outside of them is free
    for nobody. Only physical networks whose ranges or places changed are looked at. Raises Invalid for ranges that are
    malformed, and then changes nothing.
    """
    before, ranges = settings_of(tx), settings.ranges
    if settings == before:
        return False
    for physnet in sorted({*before.ranges.physical_networks, *ranges.physical_networks}):
        place = ranges.position(physnet)
        if place == before.ranges.position(physnet) and ranges.spans(physnet) == before.ranges.spans(physnet):
            continue
        free = without(ranges.spans(physnet), vlans.vlans_in_use(tx, physnet))
        vlans.set_free(tx, physnet, place or 0, free)
    keep(tx, settings)
    return True


def take(tx: Tx, physical_network: str | None = None) -> tuple[str, int]:
    """Take the lowest free VLAN, of ``physical_network`` if one is given, as (physical network, VLAN).

    Raises Exhausted, ``NoNetworkAvailable`` (503 in Neutron), when none is left.
    """
    found = vlans.take_lowest(tx, physical_network)
    if found is None:
        raise _none_left(settings_of(tx), physical_network)
    return found


def _none_left(settings: NetworkSettings, physical_network: str | None) -> Exhausted:
    configured = settings.ranges.physical_networks
    if not configured:
        hint = "network_vlan_ranges is empty: fill it, or have an admin name provider:segmentation_id"
    elif physical_network is not None and physical_network not in configured:
        hint = f"network_vlan_ranges has no range of {physical_network}: name provider:segmentation_id"
    else:
        hint = f"every VLAN of {physical_network or ', '.join(configured)} is in use; widen network_vlan_ranges"
    return Exhausted(
        "Unable to create the network. No tenant network is available for allocation.",
        code="NoNetworkAvailable",
        hint=hint,
    )


def take_this(tx: Tx, physical_network: str, vlan_id: int) -> None:
    """The VLAN is somebody's now, in a range or not. That it was nobody else's is the segments' to say."""
    vlans.take(tx, physical_network, vlan_id)


def give_back(tx: Tx, physical_network: str, vlan_id: int) -> None:
    """The VLAN is nobody's any more, and free if the ranges have it."""
    ranges = settings_of(tx).ranges
    place = ranges.position(physical_network)
    if place is not None and ranges.holds(physical_network, vlan_id):
        vlans.give_back(tx, physical_network, place, vlan_id)


def is_known(tx: Tx, physical_network: str) -> bool:
    """Whether the configuration or a host knows this physical network."""
    is_configured = settings_of(tx).ranges.position(physical_network) is not None
    return is_configured or vlans.is_on_a_host(tx, physical_network)
