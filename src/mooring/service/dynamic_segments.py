"""Dynamic segments: what mechanism drivers make and remove of a network while they bind its ports."""

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from mooring.errors import Conflict, Unsupported
from mooring.ml2.spelling import SegmentDict, segment_dict
from mooring.model.network import Network, Segment
from mooring.service.world import World
from mooring.store.networks import SEGMENTS
from mooring.store.tx import Tx, Write


class InStory:
    """The ``DynamicSegments`` of a network within one story, in the thread of that story.

    A segment that no port is bound through when the story ends goes again, so that asking leaves nothing behind.
    """

    def __init__(self, tx: Tx, world: World, network: Network) -> None:
        self._tx = tx
        self._world = world
        self._network = network
        self._thread = threading.get_ident()

    def allocate(self, wish: Mapping[str, Any]) -> SegmentDict:
        """Raises Unsupported in a story that only reads and would have to make one."""
        self._check_thread()
        if not self._tx.is_writing:
            return self._found(wish)
        with self._tx.attempt():
            segment = self._world.driven.allocate(self._tx, self._world, self._network, wish)
        release_at_end(self._tx, self._world, [segment.id])
        return segment_dict(segment, self._network.mtu)

    def release(self, segment_id: str) -> None:
        """At the end of the story, when its ports are written; a segment of another network is left alone."""
        self._check_thread()
        segment = SEGMENTS.get(self._tx, str(segment_id))
        if self._tx.is_writing and segment is not None and segment.network_id == self._network.id:
            release_at_end(self._tx, self._world, [segment.id])

    def _found(self, wish: Mapping[str, Any]) -> SegmentDict:
        for segment in SEGMENTS.where(self._tx, network_id=self._network.id):
            if segment.is_dynamic and all(wish[key] in (None, getattr(segment, key)) for key in _KEYS & wish.keys()):
                return segment_dict(segment, self._network.mtu)
        raise Unsupported("a dynamic segment would be made, which a question does not do")

    def _check_thread(self) -> None:
        # A driver may have threads of its own, and SQLite's connection is the writer's alone.
        if threading.get_ident() != self._thread:
            raise Conflict("dynamic segments are made in the thread that was called to bind, and in no other")


_KEYS = frozenset({"network_type", "physical_network", "segmentation_id"})


class AfterCommit:
    """The same in what follows a commit: each change is a story of its own."""

    def __init__(self, write: Write, world: World, network: Network) -> None:
        self._write = write
        self._world = world
        self._network = network

    def allocate(self, wish: Mapping[str, Any]) -> SegmentDict:
        """Kept whether or not a port is bound through it yet: there is no story at the end of which to look."""
        world, network = self._world, self._network
        segment: Segment = self._write(lambda tx: world.driven.allocate(tx, world, network, wish))
        return segment_dict(segment, self._network.mtu)

    def release(self, segment_id: str) -> None:
        def story(tx: Tx) -> None:
            segment = SEGMENTS.get(tx, str(segment_id))
            if segment is not None and segment.network_id == self._network.id:
                self._world.driven.release(tx, segment.id)

        self._write(story)


def release_at_end(tx: Tx, world: World, segment_ids: Iterable[str]) -> None:
    """Let dynamic segments among these go at the end of the story, unless a port is bound through them then."""
    for segment_id in segment_ids:
        tx.at_end(partial(world.driven.release, tx, segment_id))
