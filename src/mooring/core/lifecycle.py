"""The life of a VF as one table, and a server's state in the words that Nova's clients know."""

from dataclasses import dataclass
from types import MappingProxyType

from mooring.errors import Conflict
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfState

_S = VfState

#: The states that may follow a state. Only BASELINING leads to AVAILABLE: nothing is free that was not read back
#: clean. A report may skip PROGRAMMED, because programming and starting the domain can be one turn of the agent; and
#: a host that rebooted has lost its settings, so that a function in use goes back to CLAIMED, to be programmed anew.
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
        # What comes back while owned is unknown, hence never free. It is gone for good when its owner is.
        _S.REMOVED_PENDING: frozenset({_S.QUARANTINED, _S.GONE}),
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


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server's state as Nova shows it: ``status`` and the three ``OS-EXT-STS`` attributes."""

    status: str
    vm_state: str
    task_state: str | None
    power_state: int
    """0 is NOSTATE, 1 is RUNNING (``nova.compute.power_state``)."""


_BUILDING = ServerView("BUILD", "building", "scheduling", 0)
_SPAWNING = ServerView("BUILD", "building", "spawning", 0)
_ACTIVE = ServerView("ACTIVE", "active", None, 1)
_ERROR = ServerView("ERROR", "error", None, 0)


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
    return _BUILDING if server.host is None else _SPAWNING
