"""Telling the mechanism drivers of changes: precommit inside the story, postcommit after its commit.

A story about networks, subnets or ports calls one of the three functions below once for each row that it creates,
updates or deletes: after the row and what belongs to it were written, and before a row that goes is deleted. Where no
driver has a hook for it, nothing is read and nothing is kept.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from mooring.errors import MechanismDriverError, MooringError
from mooring.ml2.agents import agents_of
from mooring.ml2.calling import sentence
from mooring.ml2.context import DynamicSegments, NetworkContext, PortContext, SubnetContext
from mooring.model.identity import Caller
from mooring.model.network import Network, Subnet
from mooring.model.port import Binding, Port, PortStatus
from mooring.service.dynamic_segments import AfterCommit, InStory, release_at_end
from mooring.service.port_profiles import profile_of
from mooring.service.world import World
from mooring.store.hosts import HOSTS
from mooring.store.networks import NETWORKS, every_segment_of
from mooring.store.tx import Event, Tx, Write

_log = logging.getLogger(__name__)

MakeContext = Callable[[DynamicSegments | None], object]


def network_changed(tx: Tx, world: World, who: Caller, before: Network | None, after: Network | None) -> None:
    """``before`` is ``None`` for a create, ``after`` for a delete. Raises MechanismDriverError: the story fails."""
    network = after or before
    verb = _verb(before, after)
    if network is None or not _is_heard(world, f"{verb}_network"):
        return
    segments = every_segment_of(tx, network.id)
    original = before if after is not None else None
    _change(
        tx, _Change(world, who, verb, "network", network.id), lambda _: NetworkContext.of(network, segments, original)
    )


def subnet_changed(tx: Tx, world: World, who: Caller, before: Subnet | None, after: Subnet | None) -> None:
    """The same for a subnet."""
    subnet = after or before
    verb = _verb(before, after)
    network = None
    if subnet is not None and _is_heard(world, f"{verb}_subnet"):
        network = NETWORKS.get(tx, subnet.network_id)
    if subnet is None or network is None:
        return
    segments = every_segment_of(tx, network.id)
    original = before if after is not None else None
    _change(
        tx,
        _Change(world, who, verb, "subnet", subnet.id),
        lambda _: SubnetContext.of(subnet, network, segments, original),
    )


def port_changed(tx: Tx, world: World, who: Caller, before: Port | None, after: Port | None) -> None:
    """The same for a port.

    As Neutron does it, a port is created and then bound, and unbound before it is bound elsewhere: what is one change
    here are two for the drivers. Dynamic segments that the port leaves go with the last port on them.
    """
    _leave_segments(tx, world, before, after)
    if not world.ml2.hears_of("port"):
        return
    for was, now in _steps(before, after):
        _port_changed(tx, world, who, was, now)


def ports_followed(tx: Tx, world: World, who: Caller) -> None:
    """At the end of a story: tell of the ports that changed with something else, as with what their host reported.

    What is so on a host is so, whatever a driver says of it: an error is kept, and the story goes on.
    """
    if not world.ml2.hears_of("port"):
        return
    for before, after in tx.followed:
        try:
            _port_changed(tx, world, who, before, after)
        except MechanismDriverError as failed:
            _keep(tx, _Change(world, who, "update", "port", after.id), failed)


def _leave_segments(tx: Tx, world: World, before: Port | None, after: Port | None) -> None:
    """Only what is below the top can be a dynamic segment."""
    had = set() if before is None else {level.segment_id for level in before.binding.levels[1:]}
    if had and before is not None:
        has = set() if after is None else {level.segment_id for level in after.binding.levels}
        release_at_end(tx, world, sorted(had - has))


def _steps(before: Port | None, after: Port | None) -> Iterator[tuple[Port | None, Port | None]]:
    if after is None or not after.binding.is_bound or before == after:
        yield before, after
        return
    bare = _unbound(after)
    if before is None or (before.binding.is_bound and _asked(before.binding) != _asked(after.binding)):
        yield before, bare
        yield bare, after
    else:
        yield before, after


def _asked(binding: Binding) -> object:
    """What a binding depends on: a change of it unbinds first."""
    return binding.host, binding.vnic_type, binding.profile


def _unbound(port: Port) -> Port:
    """The port with a host, and not bound there yet."""
    binding = port.binding
    return replace(port, binding=Binding(binding.host, binding.vnic_type, binding.profile), status=PortStatus.DOWN)


def _port_changed(tx: Tx, world: World, who: Caller, before: Port | None, after: Port | None) -> None:
    port = after or before
    verb = _verb(before, after)
    network = None
    if port is not None and _is_heard(world, f"{verb}_port"):
        network = NETWORKS.get(tx, port.network_id)
    if port is None or network is None:
        return
    segments = every_segment_of(tx, network.id)
    host = HOSTS.get(tx, port.binding.host) if port.binding.host else None
    agents = () if host is None else agents_of(host, world.heartbeats.of(host.name))
    profile = profile_of(tx, port, network)
    original = before if after is not None else None

    def make_context(dynamic: DynamicSegments | None) -> PortContext:
        return PortContext.of_change(
            port, network, segments, agents, original=original, profile=profile, dynamic=dynamic
        )

    _change(tx, _Change(world, who, verb, "port", port.id, network), make_context)


def _verb(before: object | None, after: object | None) -> str:
    if before is None:
        return "create"
    return "delete" if after is None else "update"


def _is_heard(world: World, method: str) -> bool:
    return world.ml2.hears(f"{method}_precommit") or world.ml2.hears(f"{method}_postcommit")


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of one thing, and who made it."""

    world: World
    who: Caller
    verb: str
    kind: str
    ident: str
    network: Network | None = None
    """The port's, whose dynamic segments the hooks may make and remove."""

    def tell(self, moment: str, make_context: MakeContext, dynamic: DynamicSegments | None) -> None:
        self.world.ml2.tell(f"{self.verb}_{self.kind}_{moment}", lambda: make_context(dynamic))


def _change(tx: Tx, change: _Change, make_context: MakeContext) -> None:
    dynamic = None if change.network is None else InStory(tx, change.world, change.network)
    change.tell("precommit", make_context, dynamic)
    if change.world.ml2.hears(f"{change.verb}_{change.kind}_postcommit"):
        tx.after_commit(_Following(change, make_context, tx.afterwards))


class _Following:
    """The postcommit hooks of one change, and what comes of their errors."""

    def __init__(self, change: _Change, make_context: MakeContext, siblings: list[Callable[[Write], None]]) -> None:
        self.change = change
        self._make_context = make_context
        self._siblings = siblings

    def __call__(self, write: Write) -> None:
        """Raises MechanismDriverError for a create, which is undone, and for an update of a network or a subnet.

        A port's update and a delete are done whatever the drivers say of it: as in Neutron, their errors are kept, and
        nobody waits for them.
        """
        change = self.change
        network = change.network
        dynamic = None if network is None else AfterCommit(write, change.world, network)
        try:
            change.tell("postcommit", self._make_context, dynamic)
        except MechanismDriverError as failed:
            write(partial(_keep, change=change, failed=failed))
            if change.verb == "create":
                self._unmake(write)
            if change.verb == "create" or (change.verb == "update" and change.kind != "port"):
                raise

    def _unmake(self, write: Write) -> None:
        """All that the story made goes again, the newest first; several networks of one request stand or fall together.

        What cannot go any more, because somebody used it meanwhile, stays, and that is told.
        """
        created = [each.change for each in self._siblings if isinstance(each, _Following)]
        for change in reversed([each for each in created if each.verb == "create"]):
            try:
                write(partial(_unmake, change=change))
            except MooringError as stays:
                _log.error("%s %s cannot be deleted again: %s", change.kind, change.ident, stays)


def _unmake(tx: Tx, change: _Change) -> None:
    change.world.driven.unmake(tx, change.world, change.who, change.kind, change.ident)


def _keep(tx: Tx, change: _Change, failed: MechanismDriverError) -> None:
    """An event of the failure, with the drivers' own words for those who see events."""
    reasons = {driver: sentence(fault) for driver, fault in failed.faults.items()}
    detail = {"hook": failed.hook, "reasons": reasons}
    tx.tell(Event("driver.failed", change.ident, None, None, change.who.user_id, change.who.request_id, detail))
