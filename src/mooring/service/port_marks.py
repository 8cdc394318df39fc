"""``mooring:not_enforced``: everything that a port says, that was accepted, and that nothing holds."""

from mooring.core.enforcement import Mark, marks
from mooring.model.network import Network
from mooring.model.port import Port
from mooring.service import qos
from mooring.store import dhcp
from mooring.store.tx import Tx


def not_enforced(tx: Tx, port: Port, network: Network | None) -> list[Mark]:
    """Each thing once, with the reason; empty for a port that says nothing out of the ordinary."""
    found = marks(port)
    if port.extra_dhcp_opts and not dhcp.ports_of(tx, port.network_id):
        reason = "no host serves DHCP on the network, and nobody tells the guest"
        found.append({"attribute": "extra_dhcp_opts", "reason": reason})
    if network is not None and qos.effective_policy(port, network) is not None:
        found += qos.not_enforced(tx, port, network)
    return found
