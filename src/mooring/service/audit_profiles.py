"""What the auditor compares of port profiles (``audit.py`` has the numbers of the invariants)."""

from collections.abc import Iterator, Mapping

from mooring.errors import Conflict
from mooring.model.network import Network
from mooring.model.port import Port, VifType
from mooring.model.port_profile import PortProfile
from mooring.service.port_profiles import check_for
from mooring.store.networks import NETWORKS, SEGMENTS
from mooring.store.port_profiles import PROFILES
from mooring.store.tx import Tx


def profiles_of_networks(tx: Tx, ports: Mapping[str, Port]) -> Iterator[str]:
    """The VLANs of port profiles against those of the networks whose default they are, and of ports bound with them.

    A bound port keeps the profile that it was bound with when its network's default changes.
    """
    profiles = {profile.name: profile for profile in PROFILES.where(tx)}
    by_id = {profile.id: profile for profile in profiles.values()}
    networks = {network.id: network for network in NETWORKS.where(tx)}
    for network in networks.values():
        if network.port_profile_id is not None:
            yield from _clash(tx, f"network {network.id}", by_id[network.port_profile_id], network)
    for port in ports.values():
        own, on = by_id.get(port.port_profile_id or ""), networks.get(port.network_id)
        bound_with = port.binding.vif_details.get("profileid") if port.binding.vif_type == VifType.QBH else None
        if on is None or (own is None and bound_with is None):
            continue
        if bound_with is not None and bound_with not in profiles:
            yield f"port {port.id} is bound with port profile {bound_with}, which does not exist"
        elif own is not None and bound_with not in (None, own.name):
            yield f"port {port.id} is bound with port profile {bound_with}, and names {own.name}"
        yield from _clash(tx, f"port {port.id}", own or profiles.get(str(bound_with)), on)


def _clash(tx: Tx, whose: str, profile: PortProfile | None, network: Network) -> Iterator[str]:
    if profile is not None:
        try:
            check_for(profile, network, SEGMENTS.where(tx, network_id=network.id))
        except Conflict as clash:
            yield f"{whose}: {clash.message}"
