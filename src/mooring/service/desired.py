"""The desired state of one host, derived from claims, ports and servers; nothing of it is stored."""

from collections.abc import Collection, Iterable, Mapping

from mooring.core.baselines import baseline_mac, baseline_of, has_settings
from mooring.model.desired import Desired, DesiredFunction, Purpose
from mooring.model.host import Host
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Claim, Device
from mooring.model.vf import VfSettings, VfState
from mooring.service.desired_dhcp import dhcp_of
from mooring.service.desired_servers import servers_of
from mooring.store import claims, devices
from mooring.store.events import newest_sequence
from mooring.store.tx import Tx


def desired_of(tx: Tx, host: Host) -> Desired:
    """All that ``host`` should be, as of the newest event."""
    by_address = devices.with_work(tx, host.name)
    held = claims.of_host(tx, host.name)
    functions = [*_owned(held, by_address), *_unowned(held, by_address.values())]
    # A guest is not waited for because its function went: it runs without, and gets it back when it is here again.
    gone = {device.id for device in by_address.values() if device.state is VfState.REMOVED_PENDING}
    plugged = {
        claim.port_id: claim
        for claim in held
        if claim.port_id is not None and not claim.is_releasing and claim.device_id not in gone
    }
    wanted = servers_of(tx, host, plugged, _passed_through(held, gone))
    missed = tuple(device.address for device in by_address.values() if device.id in gone)
    dhcp = tuple(dhcp_of(tx, host))
    return Desired(host.name, host.epoch, newest_sequence(tx), tuple(functions), tuple(wanted), missed, dhcp=dhcp)


def _passed_through(held: Iterable[Claim], gone: Collection[str]) -> Mapping[str, tuple[PciAddress, ...]]:
    """By server id, what its flavor asked for, by address: all of it that is there and not on its way back."""
    found: dict[str, list[PciAddress]] = {}
    for claim in held:
        if claim.port_id is None and not claim.is_releasing and claim.device_id not in gone:
            found.setdefault(claim.server_id, []).append(claim.address)
    return {server_id: tuple(sorted(addresses)) for server_id, addresses in found.items()}


def _owned(held: Iterable[Claim], by_address: dict[PciAddress, Device]) -> Iterable[DesiredFunction]:
    for claim in held:
        device = by_address[claim.address]
        if device.state is VfState.REMOVED_PENDING or not _is_whole_or_vf(device):
            continue
        if claim.is_releasing:
            yield _cleaned(device)
        else:
            yield DesiredFunction(
                device.address, device.pf, device.vf_index, claim.generation, Purpose.SERVE, claim.desired,
                claim.server_id,
            )  # fmt: skip


def _unowned(held: Iterable[Claim], known: Iterable[Device]) -> Iterable[DesiredFunction]:
    owned = {claim.device_id for claim in held}
    for device in known:
        if device.id not in owned and device.is_offered and _is_whole_or_vf(device):
            yield _cleaned(device)


def _is_whole_or_vf(device: Device) -> bool:
    """To an agent, what has no PF is a whole one: a VF whose PF is not known must never be sent as that."""
    return (device.kind is not FunctionKind.VF) == (device.pf is None) == (device.vf_index is None)


def _cleaned(device: Device) -> DesiredFunction:
    """The baseline of a NIC's VF; every other function has no settings, and is reset."""
    is_set = has_settings(device.kind, device.device_class, device.vendor_id, device.product_id)
    mac = baseline_mac(device.id, device.generation)
    settings = baseline_of(device.device_class, device.features, mac) if is_set else VfSettings()
    return DesiredFunction(device.address, device.pf, device.vf_index, device.generation, Purpose.BASELINE, settings)
