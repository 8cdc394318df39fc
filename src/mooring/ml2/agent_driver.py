"""Mechanism drivers that bind through an agent on the port's host: live agents are tried, dead ones warned about."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid5

from mooring.ml2.context import AgentDict, PortContext, SegmentDict
from mooring.ml2.driver import MechanismDriver

LOG = logging.getLogger(__name__)


class AgentMechanismDriver(MechanismDriver):
    """The common part: vnic types, the loop over agents and segments, and a reason for every no.

    ``vif_details`` are what every binding of the driver carries; each binding gets a copy of its own. (VM-FEX
    shared one dict between ports, and the VLAN of one showed up on the next.)
    """

    def __init__(
        self, agent_type: str | None, vif_details: Mapping[str, Any], supported_vnic_types: Iterable[str]
    ) -> None:
        self.agent_type = agent_type
        self.vif_details = dict(vif_details)
        self.supported_vnic_types = tuple(str(vnic_type) for vnic_type in supported_vnic_types)

    @property
    def connectivity(self) -> str:
        return "l2"

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        """Why this port, wherever it may be bound, is none of this driver's business; ``None`` when it is."""
        vnic_type = port["binding:vnic_type"]
        if vnic_type not in self.supported_vnic_types:
            return f"vnic type {vnic_type} is not one of {', '.join(self.supported_vnic_types)}"
        return None

    def bind_port(self, context: PortContext) -> None:
        reason = self.why_not_ours(context.current)
        if reason is None:
            self.bind_through_agents(context)
        else:
            self.refuse(context, reason)

    def bind_through_agents(self, context: PortContext) -> None:
        """Try every segment with every live agent of our type, in order, until one is bound."""
        agents = context.host_agents(self.agent_type or "")
        if not agents:
            self.refuse(context, f"host {context.host} has no {self.agent_type}")
        for agent in agents:
            if not agent["alive"]:
                LOG.warning("port %s: the %s of %s is dead", context.current["id"], self.agent_type, context.host)
                self.refuse(context, f"the {self.agent_type} of {context.host} is dead")
            elif self._bind_with(context, agent):
                return

    def _bind_with(self, context: PortContext, agent: AgentDict) -> bool:
        if not context.segments_to_bind:
            self.refuse(context, f"network {context.current['network_id']} has no segment")
        return any(self.try_to_bind_segment_for_agent(context, segment, agent) for segment in context.segments_to_bind)

    def try_to_bind_segment_for_agent(self, context: PortContext, segment: SegmentDict, agent: AgentDict) -> bool:
        """Bind the port to ``segment`` with ``context.set_binding`` and answer True, or ``refuse`` and answer False."""
        del segment, agent
        self.refuse(context, f"driver {self.name} does not bind through an agent")
        return False

    def check_segment_for_agent(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> bool:
        """Whether ``agent`` is of ``agent_type`` and can serve ``segment``."""
        return self.why_not_segment(segment, agent, agent_type) is None

    def why_not_segment(self, segment: SegmentDict, agent: AgentDict, agent_type: str) -> str | None:
        """The reason behind ``check_segment_for_agent``; ``None`` when the agent can serve the segment."""
        del segment
        if agent["agent_type"] != agent_type:
            return f"the {agent['agent_type']} of {agent['host']} is not a {agent_type}"
        return None

    def responsible_for_ports_allocation(self, context: PortContext) -> bool:
        """Whether agents of our type on the host report every resource provider that the port has an allocation of."""
        namespace = self.resource_provider_uuid5_namespace
        wanted = set((context.current["binding:profile"].get("allocation") or {}).values())
        if namespace is None or not wanted:
            return False
        reported = {
            str(uuid5(namespace, f"{agent['host']}:{device}"))
            for agent in context.host_agents(self.agent_type or "")
            for device in agent["configurations"].get("resource_provider_bandwidths", ())
        }
        return wanted <= reported

    def validate_port_binding(self, context: PortContext) -> bool:
        """Whether the binding that the port has would still be given: a live agent serves its segment.

        Without an agent type there is nobody who could have died, so it always would.
        """
        if self.agent_type is None:
            return True
        segment = context.bottom_bound_segment
        if segment is None:
            return False
        agents = context.host_agents(self.agent_type)
        return any(a["alive"] and self.check_segment_for_agent(segment, a, self.agent_type) for a in agents)


def why_no_mapping(segment: SegmentDict, mappings: Mapping[str, Any], host: str, what: str) -> str | None:
    """Why ``host`` does not reach a flat or VLAN segment through ``mappings`` (physical network to ``what``)."""
    network_type, physnet = segment["network_type"], segment["physical_network"]
    unfit = why_no_vlan(segment)
    if unfit is not None or physnet in mappings:
        return unfit
    segment_name = "flat" if network_type == "flat" else f"vlan {segment['segmentation_id']}"
    reach = f"its {what} reach {', '.join(sorted(mappings))}" if mappings else f"it has no {what}"
    return f"no {what} of {host} reach {physnet} (segment {segment_name}); {reach}"


def why_no_vlan(segment: SegmentDict) -> str | None:
    """Why a segment is none that a port of a card can be on; ``None`` for a flat or a VLAN segment."""
    if segment["network_type"] in ("flat", "vlan"):
        return None
    return f"segment {segment['id']} is of type {segment['network_type']}, and only flat and vlan will do"


def vlan_detail(segment: SegmentDict) -> str:
    """``vif_details["vlan"]``: a string, and ``"0"`` for a flat segment, as Neutron has it."""
    return "0" if segment["network_type"] == "flat" else str(segment["segmentation_id"])
