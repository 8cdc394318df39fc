"""What stories may ask besides their transaction: chance, configuration, drivers, and who is alive."""

from collections.abc import Sequence
from dataclasses import dataclass

from mooring.config import ControllerConfig
from mooring.ml2.driver import MechanismDriver
from mooring.model.outside import Ids
from mooring.service.liveness import Heartbeats
from mooring.service.stock import Stockroom


@dataclass(frozen=True, slots=True)
class World:
    ids: Ids
    config: ControllerConfig
    drivers: Sequence[MechanismDriver]
    heartbeats: Heartbeats
    stock: Stockroom
