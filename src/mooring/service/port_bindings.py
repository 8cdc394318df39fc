"""Several bindings of one port (Neutron's ``binding-extended``): one is active, the others wait on other hosts.

An inactive binding is bound for real: the mechanism drivers were asked, and its levels are kept. Whoever moves a guest
to another host makes one there, activates it when the guest is, and deletes the old one. The active binding is the
port's own and stays in the port's row; what waits is in a table of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mooring.errors import Conflict, Forbidden, Invalid, NotFound
from mooring.ml2.binding import Unbound
from mooring.model.identity import Caller
from mooring.model.port import Binding, Port, PortBinding, PortStatus, VnicType
from mooring.service.bindings import ask, bound, check_slot, settle_profile, unbound
from mooring.service.ml2_hooks import port_changed
from mooring.service.port_addresses import exchange
from mooring.service.port_macs import with_device_mac
from mooring.service.port_rules import server_of
from mooring.service.ports import get_port, leave_segments, update_port
from mooring.service.world import World
from mooring.store import claims, networks, port_bindings, ports
from mooring.store.networks import SEGMENTS
from mooring.store.port_bindings import PORT_BINDINGS
from mooring.store.tx import Event, Tx

BINDINGS_MAX = 16
#: Owners whose ports move between hosts: Nova's servers, and Manila's shares.
_MOVING = ("compute:", "manila:")
_SEERS = frozenset({"admin", "service"})
_MAKERS = frozenset({"service"})


@dataclass(frozen=True, slots=True)
class BindingWish:
    """What ``POST /ports/P/bindings`` asks for, checked for form by the API."""

    host: str
    vnic_type: VnicType = VnicType.NORMAL
    profile: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One binding of a port, as the view of it needs."""

    port: Port
    binding: Binding
    is_active: bool


def list_bindings(tx: Tx, who: Caller, port_id: str) -> list[Shown]:
    """All of a port, by host. A port that nobody bound has an active one without a host, as in Neutron."""
    port = _port(tx, who, port_id, "get_port_binding", _SEERS)
    found = [Shown(port, port.binding, True)]
    found += [Shown(port, each.binding, False) for each in port_bindings.of_port(tx, port.id)]
    return sorted(found, key=lambda shown: shown.binding.host)


def get_binding(tx: Tx, who: Caller, port_id: str, host: str) -> Shown:
    """Raises NotFound for a host on which the port has none."""
    port = _port(tx, who, port_id, "get_port_binding", _SEERS)
    if host == port.binding.host:
        return Shown(port, port.binding, True)
    return Shown(port, _inactive(tx, port, host).binding, False)


def create_binding(tx: Tx, world: World, who: Caller, port_id: str, wish: BindingWish) -> Shown:
    """Bind the port on one more host, inactively. Raises Conflict when it is bound there, or nobody binds it there."""
    port = _port(tx, who, port_id, "create_port_binding", _MAKERS)
    if not wish.host:
        raise Invalid("Invalid input for host. Reason: '' is not a host.", code="HTTPBadRequest")
    if wish.host == port.binding.host or port_bindings.on_host(tx, port.id, wish.host) is not None:
        raise Conflict(
            f"Binding for port {port.id} on host {wish.host} already exists.", code="PortBindingAlreadyExists"
        )
    if len(port_bindings.of_port(tx, port.id)) >= BINDINGS_MAX:
        raise Conflict(f"port {port.id} has {BINDINGS_MAX} inactive bindings, the most that it may", hint="delete some")
    wanted = Binding(wish.host, wish.vnic_type, wish.profile or {})
    made = PortBinding(world.ids.uuid(), port.id, tx.now, _bound(tx, world, port, wanted))
    PORT_BINDINGS.insert(tx, made)
    _tell(tx, who, "port_binding.created", port, wish.host)
    return Shown(port, made.binding, False)


def update_binding(tx: Tx, world: World, who: Caller, port_id: str, host: str, changes: Mapping[str, Any]) -> Shown:
    """Bind anew with another ``vnic_type`` or ``profile``. The active binding changes as the port's own does.

    Raises Conflict, and changes nothing, when nobody binds it that way.
    """
    port = _port(tx, who, port_id, "update_port_binding", _MAKERS)
    if host == port.binding.host:
        after = update_port(tx, world, who, port.id, dict(changes))
        if not after.binding.is_bound and after.binding.host:
            raise _unbindable(after.id, host, after.binding)
        return Shown(after, after.binding, True)
    waiting = _inactive(tx, port, host)
    wanted = replace(waiting.binding, **changes)
    if wanted == waiting.binding and wanted.is_bound:
        return Shown(port, waiting.binding, False)
    leave_segments(tx, world, waiting.binding)
    waiting = replace(waiting, binding=_bound(tx, world, port, wanted))
    PORT_BINDINGS.update(tx, waiting)
    _tell(tx, who, "port_binding.updated", port, host)
    return Shown(port, waiting.binding, False)


def activate_binding(tx: Tx, world: World, who: Caller, port_id: str, host: str) -> Shown:
    """Make the binding on ``host`` the port's; the one that was waits there unbound, and the port is DOWN.

    Raises Conflict for the active one, and while a server of ours runs on the port: it would stay on its host, with
    the function that it has, and the port would say otherwise.
    """
    port = _port(tx, who, port_id, "activate", _MAKERS)
    if host == port.binding.host:
        raise Conflict(f"Binding for port {port.id} on host {host} is already active.", code="PortBindingAlreadyActive")
    waiting = _inactive(tx, port, host)
    _check_no_server(tx, port, f"its binding cannot move to host {host}")
    # One that was active before is unbound: Neutron leaves it so until an agent asks, and here nobody would.
    binding = waiting.binding if waiting.binding.is_bound else _bound(tx, world, port, waiting.binding)
    PORT_BINDINGS.delete(tx, waiting.id)
    old = Binding(port.binding.host, port.binding.vnic_type, port.binding.profile)
    PORT_BINDINGS.insert(tx, PortBinding(world.ids.uuid(), port.id, tx.now, old))
    after = replace(port, binding=binding, status=PortStatus.DOWN, fault=None)
    after = _store(tx, world, who, port, after)
    _tell(tx, who, "port_binding.activated", after, host)
    return Shown(after, after.binding, True)


def delete_binding(tx: Tx, world: World, who: Caller, port_id: str, host: str) -> None:
    """Forget a binding; without its active one a port is unbound. Raises Conflict while a server of ours runs on it."""
    port = _port(tx, who, port_id, "delete_port_binding", _MAKERS)
    if host == port.binding.host:
        _check_no_server(tx, port, "its active binding cannot go")
        _store(tx, world, who, port, unbound(port))
    else:
        waiting = _inactive(tx, port, host)
        PORT_BINDINGS.delete(tx, waiting.id)
        leave_segments(tx, world, waiting.binding)
    _tell(tx, who, "port_binding.deleted", port, host)


def _port(tx: Tx, who: Caller, port_id: str, rule: str, roles: frozenset[str]) -> Port:
    """The port, for one who may do this to bindings: others' ports do not exist, one's own is refused by rule."""
    port = get_port(tx, who, port_id)
    if not roles & who.roles:
        raise Forbidden(f"(rule:{rule}) is disallowed by policy")
    if not port.device_owner.startswith(_MOVING):
        raise Invalid(
            f"Bad port request: Invalid port {port.id}. Operation only valid on compute and shared filesystem ports.",
            code="BadRequest",
        )
    return port


def _inactive(tx: Tx, port: Port, host: str) -> PortBinding:
    found = port_bindings.on_host(tx, port.id, host)
    if found is None:
        raise NotFound("port binding", host, words=f"Binding for port {port.id} for host {host} could not be found.")
    return found


def _bound(tx: Tx, world: World, port: Port, wanted: Binding) -> Binding:
    """The binding that the drivers make of what is wanted. Raises Conflict, with each one's reason, for none."""
    profile = settle_profile(SEGMENTS.where(tx, network_id=port.network_id), wanted.profile)
    check_slot(tx, port.id, wanted.host, profile)
    candidate = replace(port, binding=Binding(vnic_type=wanted.vnic_type, profile=profile))
    answer = ask(tx, world, candidate, wanted.host, profile)
    binding = bound(candidate, wanted.host, profile, answer).binding
    if isinstance(answer, Unbound):
        raise _unbindable(port.id, wanted.host, binding)
    return binding


def _unbindable(port_id: str, host: str, binding: Binding) -> Conflict:
    """Neutron answers 500 and says nothing more; here it is no fault of the server's, and the drivers are heard."""
    reasons = "; ".join(": ".join(filter(None, (refusal.driver, refusal.reason))) for refusal in binding.refusals)
    return Conflict(
        f"Binding for port {port_id} on host {host} could not be created or updated: {reasons}",
        code="PortBindingError",
    )


def _check_no_server(tx: Tx, port: Port, what: str) -> None:
    server_id = server_of(tx, port, claims.of_port(tx, port.id))
    if server_id is not None:
        raise Conflict(
            f"Port {port.id} is in use by server {server_id}, and {what}.",
            code="PortInUse",
            hint="take the port off the server with openstack server remove port, or delete the server",
        )


def _store(tx: Tx, world: World, who: Caller, before: Port, after: Port) -> Port:
    """Write a port that has another active binding, with the MAC that may follow from it."""
    subnets = networks.subnets_of(tx, before.network_id)
    after = with_device_mac(tx, world, subnets, before, after)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    ports.update(tx, after)
    exchange(tx, subnets, before, after)
    port_changed(tx, world, who, before, after)
    return after


def _tell(tx: Tx, who: Caller, kind: str, port: Port, host: str) -> None:
    tx.tell(Event(kind, port.id, port.project_id, None, who.user_id, who.request_id, {"host": host}))
