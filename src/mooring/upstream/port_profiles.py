"""What is asked of the manager of an upstream switch: the port profiles that are there, one more, one less."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mooring.model.port_profile import PortProfile


@dataclass(frozen=True, slots=True)
class UpstreamProfile:
    """A port profile as the manager shows it."""

    name: str
    vlans: tuple[int, ...]
    """The native one first; without a native one the first is 0. Incomplete profiles may have none."""
    max_ports: int
    is_ours: bool
    """It bears this cloud's mark: nobody else's profile is ever changed or deleted."""
    is_whole: bool = True
    """False for one of which a part is missing that its ports need."""


class UpstreamManager(Protocol):
    """The manager of one upstream switch, or of a pair of them.

    Each method waits for the manager, for a bounded time, and may be called again: what is done already is no error.
    All raise Unreachable when the manager does not answer, or not in its own words; Unauthenticated when it does not
    let us in; Unsupported, with its words, when it refuses.
    """

    def why_not(self, profile: PortProfile) -> str | None:
        """Why the manager could never have this profile; ``None``: it could. Asks nobody."""
        ...

    def profiles(self) -> Mapping[str, UpstreamProfile]:
        """All that are there, whosever they are, by name."""
        ...

    def put(self, profile: PortProfile) -> None:
        """Make the profile, or make what is there of it the same: its VLANs as well, where they are missing."""
        ...

    def delete(self, name: str) -> None:
        """Take a profile away."""
        ...

    def close(self) -> None:
        """Let go of what the manager holds for us. Raises nothing."""
        ...


def is_same(wanted: PortProfile, found: UpstreamProfile) -> bool:
    """Whether the manager has the profile as it is wanted."""
    return found.is_whole and (found.name, found.vlans, found.max_ports) == (
        wanted.name, wanted.vlans, wanted.max_ports,
    )  # fmt: skip
