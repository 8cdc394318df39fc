"""Small hosts full of functions, for the tests of assigning, placing and explaining."""

from dataclasses import replace
from datetime import UTC, datetime

from mooring.core.placing import HostView
from mooring.model.host import Liveness
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device, PciRequest
from mooring.model.vf import VfState

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def vf(  # one VF; its id says where it is
    address: str,
    physical_network: str | None = "physnet1",
    state: VfState = VfState.AVAILABLE,
    *,
    host: str = "h1",
    pf: str = "0000:81:00.0",
    iommu_group: int | None = None,
    is_offered: bool = True,
    reason: str = "",
) -> Device:
    return Device(
        id=f"{host}/{address}",
        host=host,
        address=PciAddress.parse(address),
        kind=FunctionKind.VF,
        vendor_id="8086",
        product_id="10ca",
        state=state,
        updated_at=NOW,
        pf=PciAddress.parse(pf),
        iommu_group=iommu_group,
        physical_network=physical_network,
        is_offered=is_offered,
        reason=reason,
    )


def whole_pf(
    address: str = "0000:81:00.0",
    physical_network: str | None = "physnet1",
    state: VfState = VfState.AVAILABLE,
    *,
    vf_count: int = 0,
    is_offered: bool = True,
) -> Device:
    """A whole PF; unless it is said otherwise, one that is free."""
    device = vf(address, physical_network, state, is_offered=is_offered)
    return replace(device, kind=FunctionKind.PF, pf=None, vf_count=vf_count)


def vfs(
    count: int, physical_network: str = "physnet1", state: VfState = VfState.AVAILABLE, *, bus: int = 0x81
) -> tuple[Device, ...]:
    """That many VFs of one PF, which has a bus of its own."""
    return tuple(
        vf(f"0000:{bus:02x}:{0x10 + n // 8:02x}.{n % 8}", physical_network, state, pf=f"0000:{bus:02x}:00.0")
        for n in range(count)
    )


def request(name: str, *physical_networks: str, vnic_type: str = "direct") -> PciRequest:
    kind = FunctionKind.PF if vnic_type == "direct-physical" else FunctionKind.VF
    return PciRequest(name, frozenset(physical_networks or ("physnet1",)), vnic_type, kind=kind)


def host(name: str, *devices: Device, liveness: Liveness = Liveness.ALIVE) -> HostView:
    """A big, empty, live host with these functions."""
    return HostView(
        name,
        liveness,
        vcpus=32,
        memory_mib=65536,
        disk_gib=1000,
        devices=tuple(replace(device, host=name, id=f"{name}/{device.address}") for device in devices),
    )
