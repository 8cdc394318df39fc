"""The DHCP servers of one turn: what nobody wants goes first, for it may have VLANs and addresses that others want."""

from collections.abc import Callable, Sequence

from mooring.errors import MooringError
from mooring.host.machine import DhcpServers
from mooring.model.desired import DesiredDhcp, DhcpOutcome, DhcpReport


def serve_dhcp(
    servers: DhcpServers, wanted: Sequence[DesiredDhcp], note: Callable[[str], None]
) -> tuple[DhcpReport, ...]:
    """What was read back of each that is wanted. One that fails is told, and stops no other."""
    known = {one.network_id for one in wanted}
    for network_id in servers.served():
        if network_id not in known:
            try:
                servers.remove(network_id)
            except MooringError as failed:
                note(f"DHCP of network {network_id} is not wanted and still here: {failed.message}")
    return tuple(_serve(servers, one) for one in wanted)


def _serve(servers: DhcpServers, wanted: DesiredDhcp) -> DhcpReport:
    try:
        seen = servers.serve(wanted)
    except MooringError as failed:
        return DhcpReport(wanted.network_id, wanted.port_id, DhcpOutcome.FAILED, reason=failed.message)
    return DhcpReport(
        wanted.network_id, wanted.port_id, DhcpOutcome.SERVING, seen.mac, seen.addresses, "; ".join(seen.notes)
    )
