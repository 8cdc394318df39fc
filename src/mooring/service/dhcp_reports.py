"""What a host read back of its DHCP servers: the only way for their ports to become ACTIVE."""

from mooring.core.disclosure import for_owner
from mooring.core.explain import FAULT_DETAILS_CHARS_MAX, FAULT_MESSAGE_CHARS_MAX
from mooring.model.desired import DhcpOutcome, DhcpReport
from mooring.model.host import Host
from mooring.model.identity import Caller
from mooring.model.port import Port, PortFault, PortStatus
from mooring.service.desired_dhcp import addresses_of
from mooring.service.port_faults import show, words_of
from mooring.store import devices, dhcp
from mooring.store.networks import subnets_of
from mooring.store.ports import PORTS
from mooring.store.tx import Tx


def take_dhcp(tx: Tx, agent: Caller, host: Host, said: DhcpReport) -> None:
    """Believe it of a port of this host's; what it says of another's, or of one that has moved, is passed over."""
    port = PORTS.get(tx, said.port_id)
    if port is None or port.binding.driver != dhcp.DRIVER or port.binding.host != host.name:
        return
    reason = said.reason
    if said.outcome is DhcpOutcome.SERVING and not _is_as_wanted(tx, port, said):
        reason = f"it has {said.mac} and {', '.join(said.addresses) or 'no address'}, which is not what is wanted"
    elif said.outcome is DhcpOutcome.SERVING:
        show(tx, agent.user_id, port, PortStatus.ACTIVE, _fault(tx, host, port, said.reason))
        return
    show(tx, agent.user_id, port, PortStatus.DOWN, _fault(tx, host, port, reason or "its host does not say why"))


def _is_as_wanted(tx: Tx, port: Port, said: DhcpReport) -> bool:
    served = {subnet.id: subnet for subnet in subnets_of(tx, port.network_id) if subnet.enable_dhcp}
    return said.mac == port.mac_address and set(addresses_of(port, served)) <= set(said.addresses)


def _fault(tx: Tx, host: Host, port: Port, reason: str) -> PortFault | None:
    if not reason:
        return None
    names = {host.name, *devices.netdevs(tx, host.name), *(one.netdev for one in host.dhcp_interfaces)}
    told = for_owner(reason, words_of(port.device_id, port), names)
    return PortFault(told[:FAULT_MESSAGE_CHARS_MAX], reason[:FAULT_DETAILS_CHARS_MAX])
