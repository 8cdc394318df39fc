"""Hosts as Neutron's agents: a host shows a NIC switch agent for its VFs, one for each sort of bridge, one for DHCP."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mooring.errors import Conflict, NotFound
from mooring.ml2.agents import configurations_of
from mooring.model.host import AgentType, Host, Liveness
from mooring.model.identity import Caller
from mooring.service.hosts import enable_host
from mooring.service.world import World
from mooring.store import agents, dhcp
from mooring.store.hosts import HOSTS
from mooring.store.tx import Tx

BINARY = "mooring-agent"
TOPIC = "N/A"
_MAPPINGS = ("device_mappings", "bridge_mappings", "interface_mappings")
"""An agent that maps no physical network serves nothing, and is not shown."""


def agents_of(
    host: Host, liveness: Liveness, *, devices: int = 0, networks: int = 0,
    descriptions: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The agents that a host shows, as Neutron's API spells them.

    Their ids follow from the host's, so they stay the same over restarts. ``devices`` is how many functions of the
    host have an owner, ``networks`` how many networks have a DHCP server there.
    """
    shown = [(kind, facts) for kind, facts in configurations_of(host).items() if any(map(facts.get, _MAPPINGS))]
    shown = [(kind, facts | ({"devices": devices} if kind is AgentType.NIC_SWITCH else {})) for kind, facts in shown]
    if any(not one.reason for one in host.dhcp_interfaces):
        shown.append((AgentType.DHCP, {"dhcp_driver": "dnsmasq", "networks": networks}))
    return [_agent(host, liveness, kind, facts, descriptions or {}) for kind, facts in shown]


def _agent(
    host: Host, liveness: Liveness, kind: AgentType, configurations: Mapping[str, Any], descriptions: Mapping[str, str]
) -> dict[str, Any]:
    agent_id = str(uuid.uuid5(uuid.UUID(host.id), kind.value))
    return {
        "id": agent_id,
        "agent_type": kind.value,
        "binary": BINARY,
        "topic": TOPIC,
        "host": host.name,
        "admin_state_up": host.is_enabled,
        "created_at": _when(host.created_at),
        "started_at": _when(host.started_at or host.created_at),
        "heartbeat_timestamp": _when(host.heard_at or host.created_at),
        "description": descriptions.get(agent_id),
        "resources_synced": None,
        "availability_zone": None,
        "alive": liveness is Liveness.ALIVE,
        "configurations": dict(configurations),
    }


def _when(moment: datetime) -> str:
    """Agents' times have no ``T`` and no ``Z``, unlike those of everything else."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def list_agents(tx: Tx, world: World, who: Caller) -> list[dict[str, Any]]:
    """Every agent, by host, for an admin; nothing for anybody else."""
    if not who.is_admin:
        return []
    in_use, served, descriptions = agents.devices_in_use(tx), dhcp.loads(tx), agents.descriptions(tx)
    return [
        agent
        for host in HOSTS.where(tx)
        for agent in agents_of(
            host,
            world.heartbeats.of(host.name),
            devices=in_use.get(host.name, 0),
            networks=served.get(host.name, 0),
            descriptions=descriptions,
        )
    ]


def get_agent(tx: Tx, world: World, who: Caller, agent_id: str) -> dict[str, Any]:
    """Raises NotFound, in the words for a thing that has no name, for anybody but an admin."""
    for agent in list_agents(tx, world, who):
        if agent["id"] == agent_id:
            return agent
    missing = NotFound("agent", agent_id)
    if not who.is_admin:
        missing.code = "HTTPNotFound"
    raise missing


def update_agent(tx: Tx, world: World, who: Caller, agent_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Set ``description``, or ``admin_state_up``: that is the host's, so both of its agents have it."""
    agent = get_agent(tx, world, who, agent_id)
    if "description" in changes:
        agents.describe(tx, agent_id, changes["description"])
    if changes.get("admin_state_up", agent["admin_state_up"]) != agent["admin_state_up"]:
        reason = f"the {agent['agent_type']} was set administratively down"
        enable_host(tx, who, agent["host"], is_enabled=changes["admin_state_up"], reason=reason)
    return get_agent(tx, world, who, agent_id)


def delete_agent(tx: Tx, world: World, who: Caller, agent_id: str) -> None:
    """Raises Conflict: an agent is a face of its host, and goes with it."""
    agent = get_agent(tx, world, who, agent_id)
    raise Conflict(
        f"Agent {agent_id} is the {agent['agent_type']} of host {agent['host']}, and goes with the host.",
        code="AgentInUse",
        hint=f"mooring host remove {agent['host']}",
    )
