"""A Mooring agent seen through Neutron's eyes: it fills the roles of two Neutron agents on its host."""

from mooring.ml2.context import AgentDict
from mooring.model.host import AgentType, Host, Liveness


def agents_of(host: Host, liveness: Liveness) -> tuple[AgentDict, ...]:
    """The NIC switch agent and the Linux bridge agent of a host, in the shape that drivers read.

    A host that was not heard from yet is not alive: what is unknown is not bound to. A host that is disabled for
    new servers still serves the ports that it has, so its agents stay administratively up.
    """
    is_alive = liveness is Liveness.ALIVE
    devices = {physnet: list(netdevs) for physnet, netdevs in host.device_mappings.items()}
    return (
        {
            "agent_type": str(AgentType.NIC_SWITCH),
            "host": host.name,
            "alive": is_alive,
            "admin_state_up": True,
            "configurations": {"device_mappings": devices},
        },
        {
            "agent_type": str(AgentType.LINUX_BRIDGE),
            "host": host.name,
            "alive": is_alive,
            "admin_state_up": True,
            "configurations": {"bridge_mappings": dict(host.bridge_mappings)},
        },
    )
