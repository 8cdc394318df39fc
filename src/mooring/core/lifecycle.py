"""The life of a function as one table, what it means for a port, and a server's state in Nova's words."""

from dataclasses import dataclass
from types import MappingProxyType

from mooring.errors import Conflict
from mooring.model.port import PortStatus
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfState

_S = VfState

#: The states that may follow a state. Only BASELINING leads to AVAILABLE: nothing is free that was not read back
#: clean. A report may skip PROGRAMMED, because programming and starting the domain can be one turn of the agent. What
#: lost its settings while owned goes back to CLAIMED, to be programmed anew and proved: a function in use whose host
#: rebooted, and one that was gone and came back, be it by a reboot, a driver that was loaded again, or new VFs.
TRANSITIONS = MappingProxyType(
    {
        _S.DISCOVERED: frozenset({_S.BASELINING, _S.QUARANTINED, _S.UNAVAILABLE, _S.GONE}),
        _S.BASELINING: frozenset({_S.AVAILABLE, _S.QUARANTINED, _S.UNAVAILABLE, _S.GONE}),
        _S.AVAILABLE: frozenset({_S.CLAIMED, _S.BASELINING, _S.QUARANTINED, _S.UNAVAILABLE, _S.GONE}),
        _S.CLAIMED: frozenset({_S.PROGRAMMED, _S.IN_USE, _S.RELEASING, _S.QUARANTINED, _S.REMOVED_PENDING}),
        _S.PROGRAMMED: frozenset({_S.IN_USE, _S.CLAIMED, _S.RELEASING, _S.QUARANTINED, _S.REMOVED_PENDING}),
        _S.IN_USE: frozenset({_S.PROGRAMMED, _S.CLAIMED, _S.RELEASING, _S.QUARANTINED, _S.REMOVED_PENDING}),
        _S.RELEASING: frozenset({_S.BASELINING, _S.QUARANTINED, _S.REMOVED_PENDING}),
        # With an owner it is programmed anew or released; without, it is baselined once more.
        _S.QUARANTINED: frozenset(
            {_S.BASELINING, _S.CLAIMED, _S.RELEASING, _S.UNAVAILABLE, _S.REMOVED_PENDING, _S.GONE}
        ),
        _S.UNAVAILABLE: frozenset({_S.DISCOVERED, _S.BASELINING, _S.QUARANTINED, _S.GONE}),
        # What comes back while owned is its owner's still, and a stranger until it is proved: CLAIMED, never IN_USE.
        # It is gone for good when its owner is.
        _S.REMOVED_PENDING: frozenset({_S.CLAIMED, _S.QUARANTINED, _S.GONE}),
        _S.GONE: frozenset({_S.DISCOVERED}),
    }
)

#: A function in one of these states belongs to a server.
OWNED_STATES = frozenset({_S.CLAIMED, _S.PROGRAMMED, _S.IN_USE, _S.RELEASING, _S.REMOVED_PENDING})


def is_allowed(old: VfState, new: VfState) -> bool:
    """Whether ``new`` may follow ``old``; staying as it is always may."""
    return old is new or new in TRANSITIONS[old]


def check(old: VfState, new: VfState) -> None:
    """Raises Conflict when ``new`` may not follow ``old``."""
    if not is_allowed(old, new):
        following = ", ".join(sorted(TRANSITIONS[old]))
        raise Conflict(f"a function that is {old} cannot become {new}", hint=f"it can become {following}")


def port_status(state: VfState, *, is_up: bool, is_flawed: bool = False, is_refused: bool = False) -> PortStatus:
    """What the state of its function means for a bound port of a server; ``is_up`` is its ``admin_state_up``.

    DOWN mends itself, or is wanted: the guest has no working link, and the host goes on trying. ERROR waits for
    somebody: the host cannot make the function what it should be (``is_refused``: the card does not take a setting).
    ACTIVE is a function in the guest's hands that was read back as wanted, and nothing else.
    """
    is_in_use = state is VfState.IN_USE
    if state is VfState.QUARANTINED or (is_in_use and is_refused):
        return PortStatus.ERROR
    if not is_up or state is VfState.REMOVED_PENDING or (is_in_use and is_flawed):
        return PortStatus.DOWN
    return PortStatus.ACTIVE if is_in_use else PortStatus.BUILD


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server's state as Nova shows it: ``status`` and the three ``OS-EXT-STS`` attributes."""

    status: str
    vm_state: str
    task_state: str | None
    power_state: int
    """0 is NOSTATE, 1 is RUNNING, 4 is SHUTDOWN (``nova.compute.power_state``)."""


_BUILDING = ServerView("BUILD", "building", "scheduling", 0)
_SPAWNING = ServerView("BUILD", "building", "spawning", 0)
_ACTIVE = ServerView("ACTIVE", "active", None, 1)
_ERROR = ServerView("ERROR", "error", None, 0)
#: What Nova shows while it starts a guest anew. Not BUILD: clients take a server that went back to that for lost.
_REBOOTING = ServerView("HARD_REBOOT", "active", "reboot_started_hard", 4)


def server_view(server: Server) -> ServerView:
    """Derive what Nova's clients read; a server that is being deleted shows what it was, with task ``deleting``."""
    if server.status is not ServerStatus.DELETING:
        return _settled(server, server.status)
    was = ServerStatus.ERROR if server.fault else ServerStatus.ACTIVE if server.launched_at else ServerStatus.BUILD
    view = _settled(server, was)
    return ServerView(view.status, view.vm_state, "deleting", view.power_state)


def _settled(server: Server, status: ServerStatus) -> ServerView:
    if status is ServerStatus.ACTIVE:
        return _ACTIVE
    if status is ServerStatus.ERROR:
        return _ERROR
    if status is ServerStatus.HARD_REBOOT:
        return _REBOOTING
    return _BUILDING if server.host is None else _SPAWNING
