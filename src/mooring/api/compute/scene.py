"""What server views show beside the servers themselves, read in as many statements for a thousand as for one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mooring.model.host import Host, Liveness
from mooring.model.port import Port
from mooring.model.server import Server
from mooring.service.server_ports import ports_of
from mooring.service.world import World
from mooring.store.hosts import HOSTS
from mooring.store.images import IMAGES
from mooring.store.networks import NETWORKS
from mooring.store.rows import Query, Records
from mooring.store.tx import Tx

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene:
    ports: Mapping[str, list[Port]] = field(default_factory=dict)
    """Server id to its ports."""
    network_names: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)
    liveness: Mapping[str, Liveness] = field(default_factory=dict)
    image_properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of those images that are still there."""

    def zone_of(self, server: Server) -> str:
        """The availability zone that the server is in; without a host, the one that was asked for."""
        host = self.hosts.get(server.host or "")
        return host.availability_zone if host else server.availability_zone or ""


def scene_of(tx: Tx, world: World, servers: Sequence[Server]) -> Scene:
    ports = ports_of(tx, [server.id for server in servers])
    networks = {port.network_id for found in ports.values() for port in found}
    images = {server.image_id for server in servers if server.image_id is not None}
    hosts = hosts_of(tx, servers)
    return Scene(
        ports,
        {network.id: network.name for network in _among(tx, NETWORKS, networks)},
        hosts,
        {name: world.heartbeats.of(name) for name in hosts},
        {image.id: image.properties for image in _among(tx, IMAGES, images)},
    )


def hosts_of(tx: Tx, servers: Sequence[Server]) -> Mapping[str, Host]:
    """The hosts that these servers are on, by name."""
    names = {server.host for server in servers if server.host is not None}
    return {host.name: host for host in _among(tx, HOSTS, names)}


def _among(tx: Tx, records: Records[T], keys: Collection[str]) -> list[T]:
    """The rows with these keys; for none, nothing is asked."""
    return records.find(tx, Query({records.key: sorted(keys)})) if keys else []
