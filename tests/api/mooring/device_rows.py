"""Two hosts with functions of every kind, put into the database as agents and servers would have left them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mooring.api.mooring.devices import DEVICES as DEVICE_ROUTES
from mooring.api.mooring.hosts import HOSTS as HOST_ROUTES
from mooring.model.group import PciGroup, PciSelector
from mooring.model.host import Host
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Claim, Device
from mooring.model.server import Flavor, Server
from mooring.model.vf import VfSettings, VfState, Vlan
from mooring.store import servers
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.groups import GROUPS
from mooring.store.hosts import HOSTS
from mooring.store.tx import Tx
from mooring.testing.in_process import InProcessClient, serving
from mooring.testing.outside import SeededIds, SteppedClock

PATH = "/mooring/v1/pci-devices"
PF, WHOLE = "0000:3b:00.0", "0000:5e:00.0"
SERVED = VfSettings(mac="fa:16:3e:00:00:01", vlan=Vlan(100), spoof_check=True, trust=False)


def device(tx: Tx, ident: str, host: str, address: str, kind: FunctionKind, **more: Any) -> Device:
    base = Device(
        ident, host, PciAddress.parse(address), kind, "8086", "154c", VfState.AVAILABLE, tx.now, is_offered=True,
        physical_network="physnet1", numa_node=0, driver="iavf", iommu_group=7, device_class="020000",
    )  # fmt: skip
    return DEVICES.insert(tx, replace(base, **more))


def _server(tx: Tx, ident: str, name: str, project: str) -> None:
    flavor = Flavor("1", "small", 64, 1, 1, tx.now)
    servers.insert(tx, Server(ident, project, "u1", name, flavor, None, tx.now, tx.now, host="h1"))


def fill(tx: Tx) -> None:
    """On h1 a PF of six VFs and two GPUs, of which servers have one each; on h2 a PF that goes whole."""
    for name in ("h2", "h1"):
        HOSTS.insert(tx, Host(f"id-{name}", name, tx.now, tx.now, f"key-{name}"))
    pf = {"product_id": "1572", "driver": "i40e", "netdev": "ens2f0"}
    divided = {"state": VfState.UNAVAILABLE, "is_offered": False, "reason": "it serves by its VFs", "vf_count": 6}
    device(tx, "pf", "h1", PF, FunctionKind.PF, **pf, **divided)
    for index in range(6):
        of = {"pf": PciAddress.parse(PF), "pf_netdev": "ens2f0", "vf_index": index}
        device(tx, f"vf{index}", "h1", f"0000:3b:02.{index}", FunctionKind.VF, **of, **_OF_VF.get(index, {}))
    gpu = {"vendor_id": "10de", "product_id": "20f1", "physical_network": None, "driver": "vfio-pci", "tags": ("ml",)}
    gpu |= {"device_class": "030200"}
    device(tx, "gpu0", "h1", "0000:af:00.0", FunctionKind.PCI, **gpu, numa_node=1, state=VfState.IN_USE)
    device(tx, "gpu1", "h1", "10000:01:00.0", FunctionKind.PCI, **gpu | {"numa_node": None, "driver": None})
    whole = {**pf, "netdev": "ens5f0", "physical_network": "physnet2", "features": ("rx", "tso")}
    device(tx, "whole", "h2", WHOLE, FunctionKind.PF, **whole, vf_count=0)
    _server(tx, "s1", "web1", "p1")
    _server(tx, "s2", "train", "p2")
    at = {ident: DEVICES.get(tx, ident) for ident in ("vf0", "gpu0")}
    for ident, server, port, wanted, request in (
        ("vf0", "s1", "port1", SERVED, "port1"), ("gpu0", "s2", None, VfSettings(), "gpu"),
    ):  # fmt: skip
        owned = at[ident]
        assert owned is not None
        CLAIMS.insert(
            tx,
            Claim(ident, "h1", owned.address, server, port, 1, tx.now, wanted, is_releasing=False, request_id=request),
        )
    for number, (name, selector) in enumerate(
        {
            "gpu": PciSelector(vendor_id="10de"), "fast": PciSelector(physical_networks=("physnet1",), tags=("gold",)),
            "intel": PciSelector(vendor_id="8086"), "empty": PciSelector(vendor_id="ffff"),
        }.items()
    ):  # fmt: skip
        GROUPS.insert(tx, PciGroup(f"g{number}", name, tx.now, tx.now, selectors=(selector,)))


_OF_VF: dict[int, dict[str, Any]] = {
    0: {"state": VfState.IN_USE, "observed": SERVED},
    4: {"trusted": True, "tags": ("gold", "rack1"), "features": ("rx",), "numa_node": 1},
    5: {"state": VfState.QUARANTINED, "reason": "MAC did not read back", "tags": ("gold",), "iommu_group": None},
}


@contextmanager
def filled(folder: Path) -> Iterator[InProcessClient]:
    """An admin's client of a controller over these rows."""
    with serving(folder, (*DEVICE_ROUTES, *HOST_ROUTES), clock=SteppedClock(), ids=SeededIds()) as nobody:
        nobody.controller.store.write_now(fill)
        yield nobody.admin()
