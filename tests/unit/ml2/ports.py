"""Ports, networks and hosts to bind, for the tests of the mechanism drivers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mooring.ml2.agents import agents_of
from mooring.ml2.context import AgentDict, PortContext
from mooring.model.host import Host, Liveness
from mooring.model.network import Network, NetworkType, Segment
from mooring.model.port import Binding, FixedIp, Port, VnicType

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NETWORK = Network("n1", "p1", "blue", NOW, NOW)
VLAN_100 = Segment("s1", "n1", NetworkType.VLAN, "physnet1", 100)
VLAN_200 = Segment("s2", "n1", NetworkType.VLAN, "physnet2", 200)
FLAT_2 = Segment("s3", "n1", NetworkType.FLAT, "physnet2", None)
HOST = Host(
    "h",
    "h1",
    NOW,
    NOW,
    "",
    device_mappings={"physnet1": ("ens1f0",)},
    bridge_mappings={"physnet1": "br-phys"},
)
AGENTS = agents_of(HOST, Liveness.ALIVE)


def port(vnic_type: VnicType = VnicType.DIRECT, profile: Mapping[str, object] | None = None) -> Port:
    return Port(
        "port1",
        "n1",
        "p1",
        "",
        "fa:16:3e:00:00:01",
        NOW,
        NOW,
        fixed_ips=(FixedIp("sub1", "10.0.0.5"),),
        binding=Binding(vnic_type=vnic_type, profile=profile or {}),
    )


def context(
    of: Port | None = None,
    segments: Sequence[Segment] = (VLAN_100,),
    agents: Sequence[AgentDict] = AGENTS,
    host: str = "h1",
) -> PortContext:
    return PortContext.of(of or port(), NETWORK, segments, host, agents)


def bound_to(segment: Segment, agents: Sequence[AgentDict] = AGENTS) -> PortContext:
    """The context of a port that is bound to ``segment`` of a network with all of the segments."""
    bare = port()
    bound = replace(bare, binding=replace(bare.binding, segment_id=segment.id))
    return context(bound, [VLAN_100, VLAN_200, FLAT_2], agents)
