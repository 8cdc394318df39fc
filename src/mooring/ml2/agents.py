"""A Mooring agent seen through Neutron's eyes: it fills the roles of several Neutron agents on its host."""

from collections.abc import Mapping
from typing import Any

from mooring.ml2.context import AgentDict
from mooring.model.host import AgentType, Host, Liveness


def agents_of(host: Host, liveness: Liveness) -> tuple[AgentDict, ...]:
    """The agents of a host, in the shape that drivers read.

    A host that was not heard from yet is not alive: what is unknown is not bound to. A host that is disabled for
    new servers still serves the ports that it has, so its agents stay administratively up.
    """
    is_alive = liveness is Liveness.ALIVE
    return tuple(
        {
            "agent_type": str(agent_type),
            "host": host.name,
            "alive": is_alive,
            "admin_state_up": True,
            "configurations": configurations,
        }
        for agent_type, configurations in configurations_of(host).items()
    )


def configurations_of(host: Host) -> Mapping[AgentType, dict[str, Any]]:
    """By agent type what that agent says of itself, with Neutron's keys.

    The NIC switch agent and the Linux bridge agent are always among them, so that a refusal says what they lack. A
    bridge is the one agent's or the other's: Open vSwitch's are not the Linux bridge agent's.
    """
    ovs = {physnet: name for physnet, name in host.bridge_mappings.items() if name in host.ovs_bridges}
    own = {physnet: name for physnet, name in host.bridge_mappings.items() if name not in host.ovs_bridges}
    devices = {physnet: list(netdevs) for physnet, netdevs in host.device_mappings.items()}
    found: dict[AgentType, dict[str, Any]] = {
        AgentType.NIC_SWITCH: {"device_mappings": devices},
        AgentType.LINUX_BRIDGE: {"bridge_mappings": own},
    }
    if host.infiniband_networks:
        found[AgentType.NIC_SWITCH]["infiniband_networks"] = list(host.infiniband_networks)
    if ovs:
        found[AgentType.OPEN_VSWITCH] = {
            "bridge_mappings": ovs, "datapath_type": "system", "ovs_hybrid_plug": False, "tunnel_types": [],
        }  # fmt: skip
    if host.interface_mappings:
        found[AgentType.MACVTAP] = {"interface_mappings": dict(host.interface_mappings)}
    return found
