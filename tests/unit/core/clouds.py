"""Small hosts full of functions, for the tests of assigning, placing and explaining."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from mooring.core.placing import HostView
from mooring.core.pools import pools_of
from mooring.model.host import Liveness
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device, PciRequest
from mooring.model.vf import VfState

NOW = datetime(2026, 11, 20, tzinfo=UTC)
VF, PF, PCI = frozenset({FunctionKind.VF}), frozenset({FunctionKind.PF}), frozenset({FunctionKind.PCI})


def vf(  # one VF; its id says where it is
    address: str,
    physical_network: str | None = "physnet1",
    state: VfState = VfState.AVAILABLE,
    *,
    host: str = "h1",
    pf: str = "0000:81:00.0",
    is_offered: bool = True,
    **facts: object,
) -> Device:
    device = Device(
        id=f"{host}/{address}",
        host=host,
        address=PciAddress.parse(address),
        kind=FunctionKind.VF,
        vendor_id="8086",
        product_id="10ca",
        state=state,
        updated_at=NOW,
        pf=PciAddress.parse(pf),
        physical_network=physical_network,
        is_offered=is_offered,
    )
    return replace(device, **facts)  # type: ignore[arg-type]  # fields of Device


def whole_pf(
    address: str = "0000:81:00.0",
    physical_network: str | None = "physnet1",
    state: VfState = VfState.AVAILABLE,
    *,
    is_offered: bool = True,
    **facts: object,
) -> Device:
    """A whole PF; unless it is said otherwise, one that is free."""
    device = vf(address, physical_network, state, is_offered=is_offered)
    return replace(device, kind=FunctionKind.PF, pf=None, **facts)  # type: ignore[arg-type]  # fields of Device


def vfs(
    count: int, physical_network: str = "physnet1", state: VfState = VfState.AVAILABLE, *, bus: int = 0x81,
    **facts: object,
) -> tuple[Device, ...]:  # fmt: skip
    """That many VFs of one PF, which has a bus of its own."""
    return tuple(
        vf(f"0000:{bus:02x}:{0x10 + n // 8:02x}.{n % 8}", physical_network, state, pf=f"0000:{bus:02x}:00.0", **facts)  # type: ignore[arg-type]  # fields of Device
        for n in range(count)
    )


def request(name: str, *physical_networks: str, **asked: object) -> PciRequest:
    """For one VF, on physnet1 if nothing is said."""
    made = PciRequest(name, VF, frozenset(physical_networks or ("physnet1",)))
    return replace(made, **asked)  # type: ignore[arg-type]  # fields of PciRequest


def host(name: str, *devices: Device, **facts: object) -> HostView:
    """A big, empty host with these functions."""
    view = HostView(name, vcpus=32, memory_mib=65536, disk_gib=1000, pools=pools_of(devices))
    return replace(view, **facts)  # type: ignore[arg-type]  # fields of HostView


def alive(_: str) -> Liveness:
    return Liveness.ALIVE


def chance_of(seed: int) -> Random:
    """Chance that is the same for the same seed, which Hypothesis chooses."""
    return Random(seed)  # noqa: S311 - nothing here is secret
