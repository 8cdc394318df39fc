"""Security groups and allowed address pairs of a port, and what of them port security allows: Neutron's rules."""

from collections.abc import Sequence
from dataclasses import replace

from mooring.errors import Conflict, Invalid
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.model.port import AddressPair, Port
from mooring.service.security_groups import check_for_port
from mooring.store.tx import Tx

#: Ports of such owners are the network's own: nothing is checked of what they send.
_NETWORK_DEVICES = "network:"


def is_secured(network: Network, device_owner: str, wanted: bool | None) -> bool:
    """Whether a new port has port security; ``None`` leaves it to the network."""
    if device_owner.startswith(_NETWORK_DEVICES):
        return False
    return network.port_security_enabled if wanted is None else wanted


def with_security(
    tx: Tx, who: Caller, port: Port, groups: Sequence[str] | None, pairs: Sequence[AddressPair] | None
) -> Port:
    """The port with the groups and pairs that were asked for; ``None`` leaves it those that it has.

    A pair without a MAC gets the port's. Raises NotFound for a group that its project may not use, Invalid and
    Conflict for what port security, or its absence, forbids.
    """
    if pairs is not None:
        port = replace(port, allowed_address_pairs=_settled(port, pairs))
    if not port.port_security_enabled:
        if port.allowed_address_pairs:
            raise Conflict(
                "Port Security must be enabled in order to have allowed address pairs on a port.",
                code="AddressPairAndPortSecurityRequired",
            )
        if groups:
            raise Invalid(
                "Port security must be enabled and port must have an IP address in order to use security groups.",
                code="PortSecurityAndIPRequiredForSecurityGroups",
            )
        if groups is None and port.security_group_ids:
            raise Conflict(
                "Port has security group associated. Cannot disable port security or IP address until security group "
                "is removed.",
                code="PortSecurityPortHasSecurityGroup",
                hint="openstack port set --no-security-group --disable-port-security",
            )
    if groups is None or set(groups) == set(port.security_group_ids):
        return port
    check_for_port(tx, who, port.project_id, groups)
    return replace(port, security_group_ids=tuple(groups))


def _settled(port: Port, pairs: Sequence[AddressPair]) -> tuple[AddressPair, ...]:
    settled = [pair if pair.mac_address else replace(pair, mac_address=port.mac_address) for pair in pairs]
    for pair in settled:
        if settled.count(pair) > 1:
            raise Invalid(
                f"Request contains duplicate address pair: mac_address {pair.mac_address} ip_address "
                f"{pair.ip_address}.",
                code="DuplicateAddressPairInRequest",
            )
    return tuple(settled)
