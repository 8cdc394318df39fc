"""The MAC of a port: the one that was asked for, a fresh one, or the one that a whole PF brings with it."""

from collections.abc import Sequence
from dataclasses import replace

from mooring.core.macs import canonical_mac
from mooring.core.profiles import DEVICE_MAC
from mooring.errors import Exhausted
from mooring.model.network import Subnet
from mooring.model.port import Binding, Port, VnicType
from mooring.service.port_addresses import follow_mac
from mooring.service.world import World
from mooring.store import ports
from mooring.store.tx import Tx

#: Fresh addresses are drawn from 24 bits; a network would have to be nearly full for so many to be taken.
_MAC_TRIES = 16


def choose_mac(tx: Tx, world: World, network_id: str, given: str | None) -> str:
    """The MAC that was asked for, or a fresh one. Raises Conflict when it is taken, Exhausted when all tries are."""
    if given is not None:
        mac = canonical_mac(given)
        if ports.is_mac_taken(tx, network_id, mac):
            raise ports.mac_in_use(network_id, mac)
        return mac
    for _ in range(_MAC_TRIES):
        mac = world.ids.mac()
        if not ports.is_mac_taken(tx, network_id, mac):
            return mac
    raise Exhausted(f"Unable to generate unique mac on network {network_id}.", code="MacAddressGenerationFailure")


def with_device_mac(tx: Tx, world: World, subnets: Sequence[Subnet], before: Port, after: Port) -> Port:
    """The port with the MAC of the whole PF that it got, or with a fresh one instead of the PF's that it had.

    As Neutron does (``neutron/plugins/ml2/plugin.py``): the PF's own MAC is that of its guest, whatever the port said,
    and has to be free for the next port that gets the PF. Addresses that follow from the MAC follow it.
    """
    had, has = _device_mac(before.binding), _device_mac(after.binding)
    if had == has:
        return after
    after = replace(after, mac_address=has or choose_mac(tx, world, after.network_id, None))
    return replace(after, fixed_ips=follow_mac(tx, after.network_id, subnets, before, after))


def _device_mac(binding: Binding) -> str | None:
    mac = binding.profile.get(DEVICE_MAC)
    is_whole_pf = binding.is_bound and binding.vnic_type is VnicType.DIRECT_PHYSICAL
    return canonical_mac(mac) if is_whole_pf and mac is not None else None
