"""What the configuration says of networks, kept in the database: stories read it there, as one look by key.

So a change at run time takes hold between two transactions, and a start finds what it has to compare itself with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

import msgspec

from mooring.config import ControllerConfig
from mooring.core.mtu import MTU_DEFAULT, largest_mtu
from mooring.core.vlans import VlanRanges
from mooring.model.network import Segment
from mooring.store.settings import read_setting, write_setting
from mooring.store.tx import Tx

_NAME = "networks"
_READ_MAX = 4


@dataclass(frozen=True)
class NetworkSettings:
    """The settings of these names, of ``controller.toml``."""

    network_vlan_ranges: tuple[str, ...] = ()
    global_physnet_mtu: int = MTU_DEFAULT
    physical_network_mtus: tuple[tuple[str, int], ...] = ()

    NAMES: ClassVar[frozenset[str]] = frozenset({"network_vlan_ranges", "global_physnet_mtu", "physical_network_mtus"})

    @classmethod
    def of(cls, config: ControllerConfig) -> "NetworkSettings":
        mtus = tuple(sorted(config.physical_network_mtus.items()))
        return cls(config.network_vlan_ranges, config.global_physnet_mtu, mtus)

    def check(self) -> None:
        """Raises Invalid for a malformed entry of ``network_vlan_ranges``."""
        VlanRanges.parse(self.network_vlan_ranges)

    @cached_property
    def ranges(self) -> VlanRanges:
        """``network_vlan_ranges``, read. Raises Invalid for a malformed entry."""
        return VlanRanges.parse(self.network_vlan_ranges)

    def largest_mtu(self, segments: Sequence[Segment]) -> int:
        """What all physical networks of a network carry."""
        physnets = [segment.physical_network for segment in segments]
        return largest_mtu(self.global_physnet_mtu, dict(self.physical_network_mtus), physnets)


def settings_of(tx: Tx) -> NetworkSettings:
    """As they hold in this transaction."""
    text = read_setting(tx, _NAME)
    return NetworkSettings() if text is None else _read(text)


@lru_cache(maxsize=_READ_MAX)
def _read(text: str) -> NetworkSettings:
    return msgspec.json.decode(text, type=NetworkSettings)


def keep(tx: Tx, settings: NetworkSettings) -> None:
    write_setting(tx, _NAME, msgspec.json.encode(settings).decode())
