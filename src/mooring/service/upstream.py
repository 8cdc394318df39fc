"""The port profiles of the database, on the manager of the upstream switches: brought there, kept there, taken away.

Level-triggered: each turn compares all that is wanted with all that is there, so nothing is lost that happened while
the manager, or the controller, was away. What bears this cloud's mark and is not wanted goes; what bears another's is
never touched. A failure waits longer each time, and is written on the profiles that it concerns.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.errors import MooringError, Unauthenticated, Unreachable
from mooring.model.port_profile import PortProfile, ProfileKind, UpstreamState
from mooring.store.port_profiles import PROFILES
from mooring.store.rows import Query
from mooring.store.sqlite import Store
from mooring.store.tx import Event, Tx
from mooring.upstream.port_profiles import UpstreamManager, UpstreamProfile, is_same

_log = logging.getLogger(__name__)
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 1.0, 300.0
_STOP_WAIT_S = 5.0
_ACTOR = "upstream"
_EVENTS = "port-profile."
REASON_MAX_CHARS = 300
#: These concern the manager as a whole: there is no sense in asking it for the next profile.
_NOBODY_HOME = (Unreachable, Unauthenticated)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one profile after a turn."""

    state: UpstreamState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one turn came to."""

    verdicts: Mapping[str, Verdict]
    """By profile id."""
    failures: tuple[str, ...] = ()
    """Of whatever did not work, what no profile of ours shows included."""


def reconcile(wanted: Sequence[PortProfile], manager: UpstreamManager) -> Outcome:
    """One comparison, and what has to be done for it. Raises nothing that the manager raises."""
    managed = [profile for profile in wanted if profile.kind is ProfileKind.QBH]
    verdicts = {
        profile.id: Verdict(UpstreamState.UNMANAGED, f"the manager has no profiles of kind {profile.kind}")
        for profile in wanted
        if profile.kind is not ProfileKind.QBH
    }
    failures: list[str] = []
    try:
        present = manager.profiles()
        put = _bring(managed, present, manager, verdicts)
        made = manager.profiles() if put else {}
        verdicts |= {profile.id: _read_back(profile, made.get(profile.name)) for profile in put}
        failures += _clear(managed, present, manager)
    except MooringError as away:
        verdicts |= _unseen([profile for profile in managed if profile.id not in verdicts], away)
        failures.append(away.message)
    failures += [one.reason for one in verdicts.values() if one.state is UpstreamState.FAILED]
    return Outcome(verdicts, tuple(dict.fromkeys(failures)))


def _bring(
    managed: Sequence[PortProfile], present: Mapping[str, UpstreamProfile], manager: UpstreamManager,
    verdicts: dict[str, Verdict],
) -> list[PortProfile]:  # fmt: skip
    """Put those that differ, which are the answer; of the others the verdict is known. Raises when nobody is there."""
    put = []
    for profile in managed:
        found, reason = present.get(profile.name), manager.why_not(profile)
        if reason is not None:
            verdicts[profile.id] = Verdict(UpstreamState.FAILED, reason)
        elif found is not None and found.is_ours and is_same(profile, found):
            verdicts[profile.id] = Verdict(UpstreamState.PRESENT)
        else:
            try:
                manager.put(profile)
                put.append(profile)
            except _NOBODY_HOME:
                raise
            except MooringError as refused:
                verdicts[profile.id] = Verdict(UpstreamState.FAILED, refused.message)
    return put


def _read_back(profile: PortProfile, made: UpstreamProfile | None) -> Verdict:
    if made is None or not is_same(profile, made):
        return Verdict(UpstreamState.FAILED, f"the manager took it and shows {_shown(made)}")
    _log.info("port-profile-made-upstream name=%s vlans=%s", profile.name, profile.vlans)
    return Verdict(UpstreamState.PRESENT)


def _clear(
    managed: Sequence[PortProfile], present: Mapping[str, UpstreamProfile], manager: UpstreamManager
) -> list[str]:
    """Take away what is ours and not wanted; what did not work. Raises when nobody is there."""
    names, failures = {profile.name for profile in managed}, []
    for name in sorted(one.name for one in present.values() if one.is_ours and one.name not in names):
        try:
            manager.delete(name)
            _log.info("port-profile-deleted-upstream name=%s", name)
        except _NOBODY_HOME:
            raise
        except MooringError as refused:
            failures.append(refused.message)
    return failures


def _shown(found: UpstreamProfile | None) -> str:
    if found is None:
        return "no such profile"
    return (
        f"VLANs {', '.join(map(str, found.vlans))} and {found.max_ports} ports{'' if found.is_whole else ', not whole'}"
    )


def _unseen(profiles: Sequence[PortProfile], why: MooringError) -> dict[str, Verdict]:
    """What was there when last seen may well be there still; what was not is not known to be."""
    return {
        profile.id: Verdict(UpstreamState.FAILED, why.message)
        for profile in profiles
        if profile.upstream is not UpstreamState.PRESENT
    }


def settle_unmanaged(tx: Tx, *, is_managed: bool) -> None:
    """At a start: without a manager nobody knows of any profile; with one, all that nobody knew are to be looked at."""
    for profile in PROFILES.find(tx, Query()):
        is_known = profile.upstream is not UpstreamState.UNMANAGED
        if is_managed and not is_known and profile.kind is ProfileKind.QBH:
            _write(tx, profile, Verdict(UpstreamState.PENDING))
        elif not is_managed and is_known:
            _write(tx, profile, Verdict(UpstreamState.UNMANAGED))


def record(tx: Tx, seen: Sequence[PortProfile], outcome: Outcome) -> None:
    """Write what is new of the profiles that are still as they were when the turn began."""
    for before in seen:
        verdict, now = outcome.verdicts.get(before.id), PROFILES.get(tx, before.id)
        if verdict is None or now is None or now.revision_number != before.revision_number:
            continue
        _write(tx, now, replace(verdict, reason=verdict.reason[:REASON_MAX_CHARS]))


def _write(tx: Tx, profile: PortProfile, verdict: Verdict) -> None:
    """An event for what changed; that it was looked at once more is none."""
    is_seen = verdict.state is UpstreamState.PRESENT
    after = replace(
        profile, upstream=verdict.state, upstream_reason=verdict.reason,
        upstream_at=tx.now if is_seen else profile.upstream_at,
    )  # fmt: skip
    if (after.upstream, after.upstream_reason) == (profile.upstream, profile.upstream_reason):
        return
    PROFILES.update(tx, after)
    detail = {"name": profile.name, "state": str(verdict.state), "reason": verdict.reason}
    tx.tell(Event("port-profile.upstream", profile.id, actor=_ACTOR, detail=detail))


class Reconciler:
    """Turns on a thread of its own, from ``start`` to ``stop``. One manager, and nobody else who uses it."""

    def __init__(self, store: Store, manager: UpstreamManager, interval_s: float):
        self._store = store
        self._manager = manager
        self._interval_s = interval_s
        self._wake = threading.Event()
        self._over = threading.Event()
        self._failures_in_a_row = 0
        self._thread = threading.Thread(target=self._run, name="mooring-upstream", daemon=True)

    @property
    def failed_turns(self) -> int:
        """How many turns in a row did not get everything right."""
        return self._failures_in_a_row

    def start(self) -> None:
        self._store.on_commit(self.committed)
        self._thread.start()

    def stop(self) -> None:
        """Let the turn that is on come to its end, for a while."""
        self._over.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_WAIT_S)

    def committed(self, events: list[Event]) -> None:
        """Called in the writer's thread: somebody changed a profile."""
        if any(event.kind.startswith(_EVENTS) and event.actor != _ACTOR for event in events):
            self._wake.set()

    def turn(self) -> float:
        """Compare once, write down what came of it, and answer after how many seconds to look again."""
        wanted = self._store.read_now(_wanted)
        outcome = reconcile(wanted, self._manager)
        self._store.write_now(lambda tx: record(tx, wanted, outcome))
        if not outcome.failures:
            self._failures_in_a_row = 0
            return self._interval_s
        self._failures_in_a_row += 1
        _log.warning("upstream-turn-failed times=%d reason=%r", self._failures_in_a_row, outcome.failures[0])
        doublings = min(self._failures_in_a_row - 1, 16)
        return float(min(_BACKOFF_FIRST_S * 2**doublings, _BACKOFF_MAX_S))

    def _run(self) -> None:
        wait_s = 0.0
        while not self._over.is_set():
            self._wake.wait(wait_s)
            self._wake.clear()
            if self._over.is_set():
                break
            try:
                wait_s = self.turn()
            except MooringError as away:
                # The database itself: everybody else hears of it too.
                _log.warning("upstream-turn-lost reason=%r", away.message)
                wait_s = _BACKOFF_MAX_S
        self._manager.close()


def _wanted(tx: Tx) -> list[PortProfile]:
    return PROFILES.find(tx, Query(sort=(("name", True),)))
