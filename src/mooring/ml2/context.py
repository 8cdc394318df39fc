"""What a mechanism driver may know of a port, and where it leaves its answer.

The members are those of ``neutron_lib.plugins.ml2.api.PortContext``, so that one driver serves here and inside a
real Neutron. A context here is a value that can be thrown away: ``set_binding`` writes nothing but the context, and
whoever asked reads the answer off it. "Could this bind?" is therefore asked without binding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypedDict

from mooring.errors import Unsupported
from mooring.model.network import Network, Segment
from mooring.model.port import Port


class SegmentDict(TypedDict):
    """A network segment as ML2 hands it to drivers."""

    id: str
    network_id: str
    network_type: str
    physical_network: str | None
    segmentation_id: int | None
    mtu: int


class AgentDict(TypedDict):
    """An agent as ``host_agents`` gives it; ``mooring.ml2.agents`` makes them."""

    agent_type: str
    host: str
    alive: bool
    admin_state_up: bool
    configurations: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BindingAnswer:
    """What a driver handed to ``set_binding``."""

    segment_id: str
    vif_type: str
    vif_details: Mapping[str, Any]
    status: str | None


class NetworkContext:
    """The port's network, with Neutron's member names."""

    __slots__ = ("current", "network_segments", "original")

    def __init__(self, current: dict[str, Any], network_segments: list[SegmentDict]) -> None:
        self.current = current
        self.original: dict[str, Any] | None = None
        self.network_segments = network_segments


class PortContext:
    """One port on one host, for one driver to look at.

    ``current`` is the port in the spelling of Neutron's API. The ``original`` members are ``None``: they mean
    something inside an update only, and a question is not an update.
    """

    original: None = None
    original_status: None = None
    original_host: None = None
    original_vif_type: None = None
    original_vif_details: None = None
    original_binding_levels: None = None
    original_top_bound_segment: None = None
    original_bottom_bound_segment: None = None

    def __init__(
        self,
        current: dict[str, Any],
        network: NetworkContext,
        host: str,
        agents: Sequence[AgentDict] = (),
        bound_segment_id: str | None = None,
    ) -> None:
        self.current = current
        self.network = network
        self.host = host
        self.refusals: list[str] = []
        """The reasons given to ``refuse``, in order."""
        self.answer: BindingAnswer | None = None
        """What was given to ``set_binding``; ``None`` until then."""
        self._agents = tuple(agents)
        self._bound_segment_id = bound_segment_id

    @classmethod
    def of(
        cls, port: Port, network: Network, segments: Sequence[Segment], host: str, agents: Sequence[AgentDict] = ()
    ) -> Self:
        """The context of binding ``port`` on ``host``; ``agents`` may hold those of other hosts as well."""
        segment_dicts = [segment_dict(segment, network.mtu) for segment in segments]
        return cls(
            current=port_dict(port, host),
            network=NetworkContext(network_dict(network), segment_dicts),
            host=host,
            agents=agents,
            bound_segment_id=port.binding.segment_id,
        )

    @property
    def status(self) -> str:
        return str(self.current["status"])

    @property
    def vif_type(self) -> str:
        return str(self.current["binding:vif_type"])

    @property
    def vif_details(self) -> Mapping[str, Any]:
        details: Mapping[str, Any] = self.current["binding:vif_details"]
        return details

    @property
    def segments_to_bind(self) -> list[SegmentDict]:
        """The segments on offer, in the network's order."""
        return self.network.network_segments

    @property
    def top_bound_segment(self) -> SegmentDict | None:
        """The segment that the port is bound to; there is one binding level, so it is the bottom one as well."""
        return next((s for s in self.network.network_segments if s["id"] == self._bound_segment_id), None)

    @property
    def bottom_bound_segment(self) -> SegmentDict | None:
        return self.top_bound_segment

    @property
    def binding_levels(self) -> list[dict[str, Any]]:
        bound = self.top_bound_segment
        return [] if bound is None else [{"bound_segment": bound}]

    def host_agents(self, agent_type: str) -> list[AgentDict]:
        """The agents of this type on the port's host, dead ones included."""
        return [a for a in self._agents if a["agent_type"] == agent_type and a["host"] == self.host]

    def set_binding(
        self, segment_id: str, vif_type: str, vif_details: Mapping[str, Any], status: str | None = None
    ) -> None:
        """Leave the answer "bound". Nothing in the world changes."""
        self.answer = BindingAnswer(segment_id, vif_type, dict(vif_details), status)

    def refuse(self, reason: str) -> None:
        """Leave a reason why this driver does not bind the port; ours, Neutron has no such thing."""
        self.refusals.append(reason)

    def continue_binding(self, segment_id: str, next_segments_to_bind: Sequence[SegmentDict]) -> None:
        """Raises Unsupported: ports are bound at one level."""
        del next_segments_to_bind
        raise Unsupported(f"hierarchical binding below segment {segment_id} is not offered here")

    def allocate_dynamic_segment(self, segment: Mapping[str, Any]) -> SegmentDict:
        """Raises Unsupported: a network has the segments that it was made with."""
        raise Unsupported(f"dynamic segments are not offered here, asked for {dict(segment)}")

    def release_dynamic_segment(self, segment_id: str) -> None:
        """Raises Unsupported, as ``allocate_dynamic_segment`` does."""
        raise Unsupported(f"dynamic segments are not offered here, asked to release {segment_id}")


def segment_dict(segment: Segment, mtu: int) -> SegmentDict:
    """A segment as ML2 spells it."""
    return {
        "id": segment.id,
        "network_id": segment.network_id,
        "network_type": str(segment.network_type),
        "physical_network": segment.physical_network,
        "segmentation_id": segment.segmentation_id,
        "mtu": mtu,
    }


def network_dict(network: Network) -> dict[str, Any]:
    """A network as Neutron's API spells it, as far as drivers ask."""
    return {
        "id": network.id,
        "project_id": network.project_id,
        "name": network.name,
        "admin_state_up": network.admin_state_up,
        "mtu": network.mtu,
        "shared": network.shared,
        "router:external": network.external,
        "port_security_enabled": network.port_security_enabled,
    }


def port_dict(port: Port, host: str) -> dict[str, Any]:
    """The port as Neutron's API spells it, with ``host`` as the host that it is to be bound on."""
    return {
        "id": port.id,
        "network_id": port.network_id,
        "project_id": port.project_id,
        "name": port.name,
        "mac_address": port.mac_address,
        "status": str(port.status),
        "admin_state_up": port.admin_state_up,
        "fixed_ips": [{"subnet_id": ip.subnet_id, "ip_address": ip.ip_address} for ip in port.fixed_ips],
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "port_security_enabled": port.port_security_enabled,
        "propagate_uplink_status": port.propagate_uplink_status,
        "binding:host_id": host,
        "binding:vnic_type": str(port.binding.vnic_type),
        "binding:profile": dict(port.binding.profile),
        "binding:vif_type": str(port.binding.vif_type),
        "binding:vif_details": dict(port.binding.vif_details),
    }
