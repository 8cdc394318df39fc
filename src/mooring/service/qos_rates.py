"""Which policy a port goes by, and what of it reaches the function."""

from typing import Any

from mooring.core.function_wish import read_wish
from mooring.core.rates import Rates, rates
from mooring.model.network import Network
from mooring.model.pci import FunctionKind
from mooring.model.port import FUNCTION_VNIC_TYPES, VF_VNIC_TYPES, Port
from mooring.model.qos import Direction, QosRule, RuleType
from mooring.model.vf import TxRate
from mooring.store import qos
from mooring.store.networks import NETWORKS
from mooring.store.tx import Tx

#: Ports of these owners are the network's own, and a network's policy is for its users.
_NETWORK_DEVICES = ("network:", "neutron:")


def effective_policy(port: Port, network: Network | None) -> str | None:
    """The id of the policy that a port goes by: its own, else its network's."""
    if port.qos_policy_id is not None:
        return port.qos_policy_id
    if network is None or port.device_owner.startswith(_NETWORK_DEVICES):
        return None
    return network.qos_policy_id


def effective_rules(tx: Tx, port: Port, network: Network | None = None) -> list[QosRule]:
    """The rules of that policy; without ``network``, it is read when it is asked for."""
    if network is None and port.qos_policy_id is None:
        network = NETWORKS.get(tx, port.network_id)
    policy_id = effective_policy(port, network)
    return [] if policy_id is None else qos.rules_of(tx, [policy_id]).get(policy_id, [])


def rates_of(tx: Tx, port: Port, network: Network | None = None) -> Rates:
    """The rates of the port's VF: its policy's, and what its profile wishes of a minimum (``pci_min_rate_mbps``)."""
    return rates(effective_rules(tx, port, network), read_wish(port.binding.profile).min_rate_mbps)


def rate_for(tx: Tx, port: Port, kind: FunctionKind) -> TxRate:
    """The same for a claim; a whole PF is its guest's, and nobody holds it to a rate."""
    return rates_of(tx, port).tx if kind is FunctionKind.VF else TxRate()


def qos_view(tx: Tx, port: Port, network: Network) -> dict[str, Any] | None:
    """The port attribute ``mooring:qos``: what its VF is held to, in Mbit/s; ``None`` where nothing is."""
    if port.binding.vnic_type not in VF_VNIC_TYPES:
        return None
    found = rates_of(tx, port, network)
    if found == Rates():
        return None
    return {"max_mbps": found.tx.max_mbps, "min_mbps": found.tx.min_mbps, "rounded": found.rounded}


def not_enforced(tx: Tx, port: Port, network: Network) -> list[dict[str, str]]:
    """For ``mooring:not_enforced``: each thing that the port's policy says and nothing holds, with the reason."""
    return [
        {"attribute": attribute, "reason": reason}
        for rule in effective_rules(tx, port, network)
        for attribute, reason in _unheld(port, rule)
    ]


def _unheld(port: Port, rule: QosRule) -> list[tuple[str, str]]:
    name = f"qos_policy:{rule.type}"
    if port.binding.vnic_type not in FUNCTION_VNIC_TYPES:
        return [(name, f"a port of vnic type {port.binding.vnic_type} has no VF that a rate could be set on")]
    if port.binding.vnic_type not in VF_VNIC_TYPES:
        return [(name, "a whole PF is its guest's: nobody outside the guest holds it to a rate")]
    if rule.type not in (RuleType.BANDWIDTH_LIMIT, RuleType.MINIMUM_BANDWIDTH):
        return [(name, "a PF cannot set it on a VF")]
    if rule.direction is not Direction.EGRESS:
        return [(name, f"a PF sets rates for what a VF sends, not for {rule.direction}")]
    if rule.values.get("max_burst_kbps"):
        return [(f"{name}:max_burst_kbps", "a PF sets a rate on a VF, and no burst")]
    return []
