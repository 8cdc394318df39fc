"""What a mechanism driver may know of a network, a subnet or a port, and where it leaves its answer.

The members are those of ``neutron_lib.plugins.ml2.api``'s contexts, so that one driver serves here and inside a real
Neutron. A context here is a value that can be thrown away: ``set_binding`` writes nothing but the context, and whoever
asked reads the answer off it. "Could this bind?" is therefore asked without binding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from mooring.errors import Unsupported
from mooring.ml2.spelling import (
    AgentDict,
    LevelDict,
    SegmentDict,
    network_dict,
    port_dict,
    segment_dict,
    subnet_dict,
)
from mooring.model.network import Network, Segment, Subnet
from mooring.model.port import Binding, BindingLevel, Port
from mooring.model.port_profile import PortProfile

__all__ = [
    "AgentDict", "BindingAnswer", "Continuation", "DynamicSegments", "LevelDict", "NetworkContext", "PortContext",
    "SegmentDict", "SubnetContext", "segment_dict",
]  # fmt: skip

#: What is kept of the reasons that one driver gives for one port: their number, and characters of each.
REASONS_MAX = 100
REASON_CHARS_MAX = 1000


@dataclass(frozen=True, slots=True)
class BindingAnswer:
    """What a driver handed to ``set_binding``, unchecked."""

    segment_id: str
    vif_type: str
    vif_details: Mapping[str, Any]
    status: str | None


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a driver handed to ``continue_binding``, unchecked."""

    segment_id: str
    next_segments: Sequence[SegmentDict]


class DynamicSegments(Protocol):
    """Who makes and removes a network's dynamic segments."""

    def allocate(self, wish: Mapping[str, Any]) -> SegmentDict:
        """The network's dynamic segment that fits ``wish``, made when there is none."""
        ...

    def release(self, segment_id: str) -> None:
        """Remove a dynamic segment of the network."""
        ...


class NetworkContext:
    """A network, with Neutron's member names. ``original`` is what it was, in update hooks; else ``None``."""

    __slots__ = ("current", "network_segments", "original")

    def __init__(
        self,
        current: dict[str, Any],
        network_segments: list[SegmentDict],
        original: dict[str, Any] | None = None,
    ) -> None:
        self.current = current
        self.original = original
        self.network_segments = network_segments
        """Its segments, static ones and dynamic ones, in their order."""

    @classmethod
    def of(cls, network: Network, segments: Sequence[Segment], original: Network | None = None) -> Self:
        """Of a network, and in an update of what it was."""
        was = None if original is None else network_dict(original, segments)
        return cls(network_dict(network, segments), [segment_dict(each, network.mtu) for each in segments], was)


class SubnetContext:
    """A subnet on its network. ``original`` is what it was, in update hooks; else ``None``."""

    __slots__ = ("current", "network", "original")

    def __init__(
        self, current: dict[str, Any], network: NetworkContext, original: dict[str, Any] | None = None
    ) -> None:
        self.current = current
        self.original = original
        self.network = network

    @classmethod
    def of(cls, subnet: Subnet, network: Network, segments: Sequence[Segment], original: Subnet | None = None) -> Self:
        """Of a subnet, and in an update of what it was."""
        was = None if original is None else subnet_dict(original)
        return cls(subnet_dict(subnet), NetworkContext.of(network, segments), was)


def at_once(act: Callable[[], Any]) -> Any:
    """Run it right here: what a context does with allocations unless it is told otherwise."""
    return act()


class PortContext:
    """One port on one host, for one driver to look at.

    ``current`` is the port in the spelling of Neutron's API. The ``original`` members say what the port was; they are
    ``None`` outside the update hooks. ``segments_to_bind`` is empty outside ``bind_port``.
    """

    def __init__(
        self,
        current: dict[str, Any],
        network: NetworkContext,
        host: str,
        agents: Sequence[AgentDict] = (),
        levels: Sequence[BindingLevel] = (),
        original: dict[str, Any] | None = None,
        original_levels: Sequence[BindingLevel] = (),
        dynamic: DynamicSegments | None = None,
    ) -> None:
        self.current = current
        self.original = original
        self.network = network
        self.host = host
        self.refusals: list[str] = []
        """The reasons given to ``refuse``, in order."""
        self.answer: BindingAnswer | None = None
        """What was given to ``set_binding``; ``None`` until then."""
        self.continuation: Continuation | None = None
        """What was given to ``continue_binding``; ``None`` until then."""
        self.times_answered = 0
        self.allocated: list[SegmentDict] = []
        """The dynamic segments that the driver was given, in order."""
        self.segments_to_bind: list[SegmentDict] = []
        """The segments on offer, in the network's order: its static ones, or what the level above left."""
        self._agents = tuple(agents)
        self._levels = self._expanded(levels)
        self._original_levels = None if original is None else self._expanded(original_levels)
        self._dynamic = dynamic
        self._run: Callable[[Callable[[], Any]], Any] = at_once

    @classmethod
    def of(
        cls, port: Port, network: Network, segments: Sequence[Segment], host: str, agents: Sequence[AgentDict] = (), *,
        profile: PortProfile | None = None, offered: Sequence[Segment] | None = None,
        dynamic: DynamicSegments | None = None,
    ) -> Self:  # fmt: skip
        """The context of binding ``port`` on ``host``; ``agents`` may hold those of other hosts as well.

        ``profile`` is the port profile that counts for the port. ``offered`` are the segments that it may be bound
        to, by default the static ones of ``segments``, which are all of the network's.
        """
        context = cls(
            port_dict(port, host, profile),
            NetworkContext.of(network, segments),
            host,
            agents,
            levels_of(port.binding),
            dynamic=dynamic,
        )
        on_offer = [s for s in segments if not s.is_dynamic] if offered is None else offered
        context.segments_to_bind = [segment_dict(segment, network.mtu) for segment in on_offer]
        return context

    @classmethod
    def of_change(
        cls, port: Port, network: Network, segments: Sequence[Segment], agents: Sequence[AgentDict] = (), *,
        original: Port | None = None, profile: PortProfile | None = None, dynamic: DynamicSegments | None = None,
    ) -> Self:  # fmt: skip
        """The context of a hook: the port as it is now, and in an update what it was before."""
        host = port.binding.host
        return cls(
            port_dict(port, host, profile),
            NetworkContext.of(network, segments),
            host,
            agents,
            levels_of(port.binding),
            None if original is None else port_dict(original, original.binding.host, profile),
            () if original is None else levels_of(original.binding),
            dynamic,
        )

    def prepare(self, segments: Sequence[SegmentDict], levels: Sequence[LevelDict]) -> None:
        """For whoever asks: offer ``segments`` below ``levels``."""
        self.segments_to_bind = [segment.copy() for segment in segments]
        self._levels = [level.copy() for level in levels]

    def allocate_through(self, run: Callable[[Callable[[], Any]], Any]) -> None:
        """For whoever asks: dynamic segments are made and removed through ``run``, whichever thread wants them."""
        self._run = run

    @property
    def status(self) -> str:
        return str(self.current["status"])

    @property
    def original_status(self) -> str | None:
        return None if self.original is None else str(self.original["status"])

    @property
    def original_host(self) -> str | None:
        return None if self.original is None else str(self.original["binding:host_id"])

    @property
    def vif_type(self) -> str:
        return str(self.current["binding:vif_type"])

    @property
    def original_vif_type(self) -> str | None:
        return None if self.original is None else str(self.original["binding:vif_type"])

    @property
    def vif_details(self) -> Mapping[str, Any]:
        details: Mapping[str, Any] = self.current["binding:vif_details"]
        return details

    @property
    def original_vif_details(self) -> Mapping[str, Any] | None:
        return None if self.original is None else self.original["binding:vif_details"]

    @property
    def binding_levels(self) -> list[LevelDict] | None:
        """Top first; ``None`` when the port is not bound. Inside ``bind_port``, the levels above this one."""
        return self._levels or None

    @property
    def original_binding_levels(self) -> list[LevelDict] | None:
        return self._original_levels or None

    @property
    def top_bound_segment(self) -> SegmentDict | None:
        """The segment nearest to the fabric, one of the network's static ones."""
        return _bound_segment(self._levels, 0)

    @property
    def original_top_bound_segment(self) -> SegmentDict | None:
        return _bound_segment(self._original_levels, 0)

    @property
    def bottom_bound_segment(self) -> SegmentDict | None:
        """The segment nearest to the host, which the ``vif_details`` are about."""
        return _bound_segment(self._levels, -1)

    @property
    def original_bottom_bound_segment(self) -> SegmentDict | None:
        return _bound_segment(self._original_levels, -1)

    def host_agents(self, agent_type: str) -> list[AgentDict]:
        """The agents of this type on the port's host, dead ones included."""
        return [a for a in self._agents if a["agent_type"] == agent_type and a["host"] == self.host]

    def set_binding(
        self, segment_id: str, vif_type: str, vif_details: Mapping[str, Any], status: str | None = None
    ) -> None:
        """Leave the answer "bound", once. Nothing in the world changes."""
        self.answer = BindingAnswer(segment_id, vif_type, dict(vif_details), status)
        self.times_answered += 1

    def continue_binding(self, segment_id: str, next_segments_to_bind: Sequence[SegmentDict]) -> None:
        """Leave the answer "bound as far as this segment; the next level is one of these segments", once."""
        self.continuation = Continuation(segment_id, tuple(next_segments_to_bind))
        self.times_answered += 1

    def refuse(self, reason: str) -> None:
        """Leave a reason why this driver does not bind the port; ours, Neutron has no such thing."""
        if len(self.refusals) < REASONS_MAX:
            self.refusals.append(str(reason)[:REASON_CHARS_MAX])

    def allocate_dynamic_segment(self, segment: Mapping[str, Any]) -> SegmentDict:
        """A segment of the network that fits ``segment``: a ``network_type``, and what else is said of it.

        The one that is there already, or a new one, which is kept when a port is bound through it. Raises Unsupported
        where there are no dynamic segments, Conflict for a VLAN that is taken or when none is left.
        """
        if self._dynamic is None:
            raise Unsupported(f"dynamic segments are not offered here, asked for {dict(segment)}")
        dynamic, wish = self._dynamic, dict(segment)
        made: SegmentDict = self._run(lambda: dynamic.allocate(wish))
        self.allocated.append(made)
        return made.copy()

    def release_dynamic_segment(self, segment_id: str) -> None:
        """Remove a dynamic segment, unless a port is still bound through it. One that is gone already is no error."""
        if self._dynamic is None:
            raise Unsupported(f"dynamic segments are not offered here, asked to release {segment_id}")
        dynamic = self._dynamic
        self._run(lambda: dynamic.release(segment_id))

    def _expanded(self, levels: Sequence[BindingLevel]) -> list[LevelDict]:
        segments = {segment["id"]: segment for segment in self.network.network_segments}
        return [{"bound_driver": level.driver, "bound_segment": segments.get(level.segment_id)} for level in levels]


def levels_of(binding: Binding) -> tuple[BindingLevel, ...]:
    """The levels of a binding; one that names only its segment has that one level."""
    if binding.levels or binding.segment_id is None:
        return binding.levels
    return (BindingLevel(binding.driver or "", binding.segment_id),)


def _bound_segment(levels: Sequence[LevelDict] | None, index: int) -> SegmentDict | None:
    return levels[index]["bound_segment"] if levels else None
