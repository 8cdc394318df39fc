"""A cloud in which much is in use, in trouble or kept for somebody, so that explanations have something to tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mooring.cli.client import Client
from mooring.cli.login import find_login
from mooring.model.vf import VfState
from mooring.store.devices import DEVICES
from mooring.store.tx import Tx
from mooring.testing.cloud import Cloud
from mooring.testing.controller import token_for
from mooring.testing.hosts import DEVICES as PCI_DEVICES
from mooring.testing.hosts import MIXED, named_plans
from mooring.testing.outside import SeededIds, SteppedClock
from tests.cli.stage import Mooring, Served, serving

PLANS = {**named_plans(3), "gpus1": PCI_DEVICES, "gpus2": PCI_DEVICES, "silent1": MIXED, "off1": MIXED, "big1": MIXED}
RATE_MBPS = 4000
"""What one server was promised of a link of 10 Gb/s."""
QUARANTINED = ("0000:3b:02.0", "0000:3b:02.1")
"""Of host big1."""


@contextmanager
def busy_cloud(folder: Path) -> Iterator[Served]:
    """Its clock stands still, so that the silent stay silent and the others alive."""
    clock = SteppedClock()
    cloud = Cloud(folder, PLANS, clock=clock, ids=SeededIds())
    try:
        with serving(cloud.controller) as url:
            token = token_for(cloud.controller, "admin", ("admin", "service"), "admin")
            environment = {"OS_AUTH_URL": f"{url}/identity/v3", "OS_TOKEN": token}
            client = Client(find_login(None, environment))
            _Furnisher(client).furnish()
            cloud.settle()
            cloud.controller.store.write_now(_bring_trouble)
            clock.advance(cloud.controller.world.config.agent_down_s + 1)
            for name in PLANS.keys() - {"silent1"}:
                cloud.controller.world.heartbeats.hear(name)
            yield Served(cloud, url, client, Mooring(environment))
    finally:
        cloud.close()


class _Furnisher:
    def __init__(self, client: Client):
        self._client = client

    def furnish(self) -> None:
        compute, mooring = "/compute/v2.1", "/mooring/v1"
        for name, selector in (("gpu", {"vendor_id": "10de"}), ("cards", {"vendor_id": "8086", "kind": "VF"})):
            self._post(f"{mooring}/pci-groups", "pci_group", name=name, selectors=[selector])
        self._flavor("small")
        self._flavor("roomy", ram=300_000)
        self._flavor("one-gpu", **{"pci_passthrough:alias": "gpu"})
        self._flavor("near-gpu", **{"pci_passthrough:alias": "gpu", "hw:numa_nodes": "1"})
        self._flavor("two-gpus", **{"pci_passthrough:alias": "gpu:2"})
        self._flavor("wants-ssd", **{"aggregate_instance_extra_specs:ssd": "true"})
        blue, green = self._network("blue", "physnet1", 100), self._network("green", "physnet2", 200)
        rated = self._port(blue, "rated", **{"binding:profile": {"pci_min_rate_mbps": RATE_MBPS}})
        direct = {name: {"uuid": ident, "vnic-type": "direct"} for name, ident in (("blue", blue), ("green", green))}
        for nics in ([{"port": rated}], [direct["green"]], [direct["blue"]] * 3):
            self._post(f"{compute}/servers", "server", name="busy", flavorRef="small", networks=nics)
        self._post(f"{compute}/servers", "server", name="busy", flavorRef="one-gpu", networks=[{"uuid": blue}])
        for name, properties in (("kept", {"pci:groups": "gpu"}), ("fast", {"ssd": "true"})):
            self._aggregate(name, properties, ["gpus1", "gpus2"] if name == "kept" else ["sim1", "gpus2"])
        self._aggregate("east", {}, ["big1"], availability_zone="east")
        self._port(blue, "trusted", trusted=True)
        self._port(blue, "quick", **{"binding:profile": {"pci_min_rate_mbps": 8000}})
        self._port(blue, "whole", **{"binding:vnic_type": "direct-physical"})
        off = {"host": "off1", "binary": "nova-compute", "disabled_reason": "new memory"}
        self._client.put(f"{compute}/os-services/disable-log-reason", off)

    def _post(self, path: str, kind: str, **fields: object) -> Any:
        return self._client.post(path, {kind: fields})[kind]

    def _flavor(self, name: str, ram: int = 1024, **specs: str) -> None:
        self._post("/compute/v2.1/flavors", "flavor", name=name, id=name, ram=ram, vcpus=2, disk=10)
        if specs:
            self._client.post(f"/compute/v2.1/flavors/{name}/os-extra_specs", {"extra_specs": specs})

    def _network(self, name: str, physnet: str, vlan: int) -> str:
        segment = {"network_type": "vlan", "physical_network": physnet, "segmentation_id": vlan}
        provider = {f"provider:{key}": value for key, value in segment.items()}
        return str(self._post("/network/v2.0/networks", "network", name=name, **provider)["id"])

    def _port(self, network: str, name: str, **fields: object) -> str:
        given = {"binding:vnic_type": "direct", **fields}
        return str(self._post("/network/v2.0/ports", "port", network_id=network, name=name, **given)["id"])

    def _aggregate(self, name: str, properties: dict[str, str], hosts: list[str], **fields: str) -> None:
        path = "/compute/v2.1/os-aggregates"
        ident = self._post(path, "aggregate", name=name, **fields)["id"]
        for host in hosts:
            self._client.post(f"{path}/{ident}/action", {"add_host": {"host": host}})
        if properties:
            self._client.post(f"{path}/{ident}/action", {"set_metadata": {"metadata": properties}})


def _bring_trouble(tx: Tx) -> None:
    for address in QUARANTINED:
        _change(tx, "big1", address, state=VfState.QUARANTINED, reason="its MAC did not read back")
    _change(tx, "sim2", "0000:3b:03.0", state=VfState.QUARANTINED, reason="x" * 9000)
    _change(tx, "sim2", "0000:3b:03.1", vendor_id="", product_id="")
    _change(tx, "sim3", "0000:81:00.1", state=VfState.GONE)
    _change(tx, "sim3", "0000:81:10.5", state=VfState.GONE)
    _change(tx, "sim3", "0000:81:10.7", pf=None)


def _change(tx: Tx, host: str, address: str, **facts: object) -> None:
    device = DEVICES.first(tx, host=host, address=address)
    assert device is not None, address
    DEVICES.update(tx, replace(device, **facts))  # type: ignore[arg-type]  # fields of a device
