"""What stories may ask besides their transaction: chance, configuration, drivers, and who is alive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mooring.config import ControllerConfig
from mooring.ml2.manager import Manager
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment
from mooring.model.outside import Ids
from mooring.service.liveness import Heartbeats
from mooring.service.stock import Stockroom
from mooring.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Driven:
    """Stories that mechanism drivers set off. The root names them: their modules tell the drivers in turn."""

    allocate: Callable[[Tx, "World", Network, Mapping[str, Any]], Segment]
    """The network's dynamic segment that fits a wish in ML2's words, made when there is none."""
    release: Callable[[Tx, str], None]
    """Forget a dynamic segment, by id, that no port is bound through."""
    unmake: Callable[[Tx, "World", Caller, str, str], None]
    """Delete a ``network``, ``subnet`` or ``port`` (by id) whose making a driver refused after its commit."""


@dataclass(frozen=True, slots=True)
class World:
    ids: Ids
    config: ControllerConfig
    ml2: Manager
    """The mechanism drivers: ``ml2.drivers``, ``ml2.bind``."""
    heartbeats: Heartbeats
    stock: Stockroom
    driven: Driven
