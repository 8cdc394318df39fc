"""Who owns a function: claimed in the scheduling transaction, released when the host proved it clean."""

from dataclasses import replace

from mooring.core.baselines import as_bound, baseline_mac, baseline_of, has_settings
from mooring.core.lifecycle import check
from mooring.errors import Conflict
from mooring.model.outside import ControllerStep
from mooring.model.pci import FunctionKind
from mooring.model.port import Port
from mooring.model.request import Claim, Device
from mooring.model.vf import LinkState, VfSettings, VfState, Vlan
from mooring.service.qos_rates import rates_of
from mooring.store import devices
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.tx import Taken, Tx


def desired_settings(tx: Tx, port: Port, kind: FunctionKind, vlan_id: int) -> VfSettings:
    """Every setting of a port's VF; nothing is left to what an earlier owner had. A whole PF has none: it is a guest's.

    What a guest does with a PF nobody holds it to: no VLAN, no rate, no spoof check, no link state.
    """
    if kind is not FunctionKind.VF:
        return VfSettings()
    settings = VfSettings(
        mac=port.mac_address,
        vlan=Vlan(vlan_id),
        spoof_check=port.port_security_enabled,
        trust=bool(port.trusted),
        rate=rates_of(tx, port).tx,
        link_state=_link_state(port),
    )
    return as_bound(settings, port.binding.vif_type)


def portless_settings(device: Device) -> VfSettings:
    """Every setting of a function that a flavor asked for, of ``device`` as it is claimed: at the claim's generation.

    A NIC's VF without a tag, with a MAC of its own that nobody else has, and trusted if its device spec says so.
    """
    if not has_settings(device.kind, device.device_class, device.vendor_id, device.product_id):
        return VfSettings()
    settings = baseline_of(device.device_class, device.features, baseline_mac(device.id, device.generation))
    return settings if settings.trust is None else replace(settings, trust=device.trusted)


def _link_state(port: Port) -> LinkState:
    """Neutron's own order: admin down first, then whether the VF follows its PF's link (bugs 2078789, 1888487)."""
    if not port.admin_state_up:
        return LinkState.DISABLE
    return LinkState.AUTO if port.propagate_uplink_status else LinkState.ENABLE


def change_state(tx: Tx, device: Device, new: VfState, *, is_new_owner: bool = False, reason: str = "") -> Device:
    """Move a device along its life; a change of owner makes a new generation. Raises Conflict for a wrong move."""
    check(device.state, new)
    return devices.move(tx, device, new, generation=device.generation + int(is_new_owner), reason=reason)


def claim(tx: Tx, device_id: str, server_id: str, port: Port, desired: VfSettings) -> Claim:
    """Give an AVAILABLE device to a server's port. Raises Conflict when somebody has it."""
    device = _take(tx, device_id)
    made = Claim(device.id, device.host, device.address, server_id, port.id, device.generation, tx.now, desired)
    return _store(tx, device, made)


def claim_portless(tx: Tx, device: Device, server_id: str, group: str) -> Claim:
    """Give an AVAILABLE device of a PCI group to a server whose flavor asked for it. Raises Conflict as ``claim``."""
    device = _take(tx, device.id)
    made = Claim(
        device.id, device.host, device.address, server_id, None, device.generation, tx.now, portless_settings(device),
        request_id=group,
    )  # fmt: skip
    return _store(tx, device, made)


def _take(tx: Tx, device_id: str) -> Device:
    device = DEVICES.get(tx, device_id)
    if device is None or device.state is not VfState.AVAILABLE:
        raise Conflict(f"device {device_id} is not available", code="DeviceInUse")
    return change_state(tx, device, VfState.CLAIMED, is_new_owner=True)


def _store(tx: Tx, device: Device, made: Claim) -> Claim:
    try:
        CLAIMS.insert(tx, made)
    except Taken as taken:
        raise Conflict(f"{device.host} {device.address} has an owner", code="DeviceInUse") from taken
    tx.reach(ControllerStep.DEVICE_CLAIMED)
    return made


def retune(tx: Tx, held: Claim, after: Port) -> bool:
    """Let the function of a claim follow its port, or the policy it goes by; whether there was anything to follow.

    The generation stays, for the owner does; what was read back before is no proof of the new settings.
    """
    device = DEVICES.get(tx, held.device_id)
    if device is None or held.is_releasing:
        return False
    # The VLAN is the segment's, and stays while the port is bound.
    new = replace(desired_settings(tx, after, device.kind, 0), vlan=held.desired.vlan)
    if new == held.desired:
        return False
    CLAIMS.update(tx, replace(held, desired=new))
    DEVICES.update(tx, replace(device, verified_at=None, updated_at=tx.now))
    return True


def begin_release(tx: Tx, held: Claim) -> bool:
    """The owner wants no more of it: the host is to take it from the guest and baseline it.

    False for a function that its host does not show any more: there is nothing to wait for, and it is nobody's now.
    """
    device = DEVICES.get(tx, held.device_id)
    if device is None or held.is_releasing:
        return True
    if device.state is VfState.REMOVED_PENDING:
        forget(tx, device)
        return False
    device = change_state(tx, device, VfState.RELEASING, is_new_owner=True)
    CLAIMS.update(tx, replace(held, is_releasing=True, generation=device.generation))
    return True


def forget(tx: Tx, device: Device) -> None:
    """A function that is gone from its host, and whose owner does not want it back, is nobody's."""
    change_state(tx, device, VfState.GONE, is_new_owner=True, reason="gone from the host")
    CLAIMS.delete(tx, device.id)


def come_back(tx: Tx, device: Device, held: Claim, reason: str) -> Device:
    """What was gone while owned is here again: its owner's still, and to be proved as if it were new."""
    device = change_state(tx, device, VfState.CLAIMED, is_new_owner=True, reason=reason)
    CLAIMS.update(tx, replace(held, generation=device.generation))
    return device


def end_release(tx: Tx, device: Device, held: Claim | None) -> Device:
    """The host read the baseline back: nobody's, and free."""
    if device.state is not VfState.BASELINING:
        device = change_state(tx, device, VfState.BASELINING)
    device = change_state(tx, device, VfState.AVAILABLE)
    if held is not None:
        CLAIMS.delete(tx, held.device_id)
        tx.reach(ControllerStep.CLAIM_RELEASED)
    return device
