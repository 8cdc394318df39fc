"""Mooring's contexts with the types and the corners of Neutron's, for drivers that were made for Neutron."""

from collections.abc import Mapping, Sequence
from typing import Any

from neutron_lib import context as neutron_context
from neutron_lib.plugins.ml2 import api

PREFIX = "neutron:"
"""What Mooring puts before the names of Neutron's drivers."""


class ForeignPlugin:
    """The few questions that drivers put to ML2's plugin while they bind; any other is an AttributeError."""

    def __init__(self, port_context: Any) -> None:
        self._port_context = port_context

    def get_network(self, plugin_context: Any, network_id: str, fields: Any = None) -> dict[str, Any]:
        """The port's network; raises LookupError for any other."""
        del plugin_context, fields
        network: dict[str, Any] = self._port_context.network.current
        if network_id != network["id"]:
            raise LookupError(f"network {network_id} is not the port's, and no other is shown to drivers")
        return dict(network)

    def get_subnet(self, plugin_context: Any, subnet_id: str, fields: Any = None) -> dict[str, Any]:
        """The subnet of one of the port's addresses, as one for all of the network: the segments on offer suit it."""
        del plugin_context, fields
        return {"id": subnet_id, "network_id": self._port_context.current["network_id"], "segment_id": None}

    def get_agents(self, plugin_context: Any, filters: Any = None, **paging: Any) -> list[dict[str, Any]]:
        """Agents of the port's host; ``filters`` maps an attribute to the values that will do."""
        del plugin_context, paging
        wanted: Mapping[str, Sequence[Any]] = filters or {}
        types = wanted.get("agent_type") or ()
        found = [agent for each in types for agent in self._port_context.host_agents(each)]
        return [
            neutron_agent(agent)
            for agent in found
            if all(neutron_agent(agent).get(key) in values for key, values in wanted.items())
        ]


def neutron_agent(agent: Mapping[str, Any]) -> dict[str, Any]:
    """An agent with every attribute that Neutron's have; drivers log some of them."""
    return {
        "id": f"{agent['agent_type']}@{agent['host']}",
        "binary": "mooring-agent",
        "topic": "N/A",
        "description": None,
        "availability_zone": None,
        **agent,
        "configurations": dict(agent["configurations"]),
    }


class _Corners:
    """The part of Neutron's contexts below the driver API that in-tree drivers use all the same."""

    def __init__(self, ours: Any) -> None:
        self._ours = ours
        self._plugin = ForeignPlugin(ours)
        self._plugin_context = neutron_context.get_admin_context()

    @property
    def plugin_context(self) -> Any:
        return self._plugin_context

    @property
    def current(self) -> dict[str, Any]:
        current: dict[str, Any] = self._ours.current
        return current

    @property
    def original(self) -> dict[str, Any] | None:
        original: dict[str, Any] | None = self._ours.original
        return original


class ForeignNetworkContext(_Corners, api.NetworkContext):  # type: ignore[misc]  # neutron-lib ships no types
    @property
    def network_segments(self) -> list[Any]:
        return list(self._ours.network_segments)


class ForeignSubnetContext(_Corners, api.SubnetContext):  # type: ignore[misc]  # neutron-lib ships no types
    @property
    def network(self) -> ForeignNetworkContext:
        """Not in the driver API, and there in Neutron all the same."""
        return ForeignNetworkContext(self._ours.network)


def _handed_on(name: str) -> property:
    return property(lambda self: getattr(self._ours, name))


def _levels(levels: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    if levels is None:
        return None
    return [{**level, "bound_driver": level["bound_driver"].removeprefix(PREFIX)} for level in levels]


class ForeignPortContext(_Corners, api.PortContext):  # type: ignore[misc]  # neutron-lib ships no types
    """Every member hands on to ours, which is where the answer is left."""

    status = _handed_on("status")
    original_status = _handed_on("original_status")
    top_bound_segment = _handed_on("top_bound_segment")
    original_top_bound_segment = _handed_on("original_top_bound_segment")
    bottom_bound_segment = _handed_on("bottom_bound_segment")
    original_bottom_bound_segment = _handed_on("original_bottom_bound_segment")
    host = _handed_on("host")
    original_host = _handed_on("original_host")
    vif_type = _handed_on("vif_type")
    original_vif_type = _handed_on("original_vif_type")
    vif_details = _handed_on("vif_details")
    original_vif_details = _handed_on("original_vif_details")
    segments_to_bind = _handed_on("segments_to_bind")

    @property
    def binding_levels(self) -> list[dict[str, Any]] | None:
        """With the drivers' names as Neutron has them, since a driver looks for its own."""
        return _levels(self._ours.binding_levels)

    @property
    def original_binding_levels(self) -> list[dict[str, Any]] | None:
        return _levels(self._ours.original_binding_levels)

    @property
    def network(self) -> ForeignNetworkContext:
        return ForeignNetworkContext(self._ours.network)

    def host_agents(self, agent_type: str) -> list[dict[str, Any]]:
        return [neutron_agent(agent) for agent in self._ours.host_agents(agent_type)]

    def set_binding(self, segment_id: str, vif_type: str, vif_details: Any, status: str | None = None) -> None:
        self._ours.set_binding(segment_id, vif_type, vif_details, status)

    def continue_binding(self, segment_id: str, next_segments_to_bind: Any) -> None:
        self._ours.continue_binding(segment_id, next_segments_to_bind)

    def allocate_dynamic_segment(self, segment: Mapping[str, Any]) -> Any:
        return self._ours.allocate_dynamic_segment(segment)

    def release_dynamic_segment(self, segment_id: str) -> None:
        self._ours.release_dynamic_segment(segment_id)
