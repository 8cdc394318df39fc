"""Who may choose what of a port, and what cannot change while something depends on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.core.function_wish import OWNERS_KEYS, wish_part
from mooring.core.words import both
from mooring.errors import Conflict
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.model.port import VF_VNIC_TYPES, Port, VnicType
from mooring.model.request import Claim
from mooring.service.ownership import denied_attribute, is_mine
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx

FREE_PROFILE = f"you may set {both(OWNERS_KEYS)}, and nothing else of it"
#: What a server's host was told of the port when the server started: field, and the API's name for it.
_HELD = {
    "mac_address": "mac_address",
    "admin_state_up": "admin_state_up",
    "port_security_enabled": "port_security_enabled",
    "propagate_uplink_status": "propagate_uplink_status",
    "trusted": "trusted",
    "numa_affinity_policy": "numa_affinity_policy",
    "device_id": "device_id",
    "device_owner": "device_owner",
    "host": "binding:host_id",
    "vnic_type": "binding:vnic_type",
    "profile": "binding:profile",
    "port_profile_id": "mooring:port_profile",
}
#: What of that reaches a VF while its guest runs.
_LIVE = frozenset({"mac_address", "admin_state_up", "port_security_enabled", "propagate_uplink_status", "trusted"})
#: Of a macvtap port the guest has no VF, but a netdev on it, whose MAC is in its domain.
_NOT_OF_MACVTAP = frozenset({"mac_address"})
_DEVICE = frozenset({"device_id", "device_owner"})
#: Device owners of this kind pass every filter on the network, so only its owner hands them out.
_NETWORK_DEVICES = "network:"


def check_network_owner(
    who: Caller, network: Network, rule: str, chosen: Mapping[str, Any], had: Sequence[str]
) -> None:
    """Raise Forbidden when ``chosen`` holds what only the network's owner may choose.

    ``had`` are the addresses that the port has already: naming one of them again is no choice.
    """
    if who.is_privileged or network.project_id == who.project_id:
        return
    for name in ("mac_address", "port_security_enabled", "allowed_address_pairs"):
        if name in chosen:
            raise denied_attribute(rule, name)
    if str(chosen.get("device_owner", "")).startswith(_NETWORK_DEVICES):
        raise denied_attribute(rule, "device_owner")
    if any(fixed.ip_address not in (None, *had) for fixed in chosen.get("fixed_ips") or ()):
        raise denied_attribute(rule, "fixed_ips:ip_address")


def said_by(who: Caller, port: Port, profile: Mapping[str, object]) -> dict[str, object]:
    """The profile that a port gets from ``profile``.

    Only the service role says all of it. What others say of what the port asks of its function goes in the place of
    what was asked before, and the rest stays: clients send back what they were shown of it. Raises Forbidden for
    anything else.
    """
    if "service" in who.roles:
        return dict(profile)
    seen = profile_seen_by(who, port)
    is_asked = bool(OWNERS_KEYS & (profile.keys() | port.binding.profile.keys()))
    others = {key: value for key, value in profile.items() if key not in OWNERS_KEYS}
    if not is_asked or any(key not in seen or seen[key] != value for key, value in others.items()):
        raise denied_attribute("update_port", "binding:profile", FREE_PROFILE)
    kept = {key: value for key, value in port.binding.profile.items() if key not in OWNERS_KEYS}
    return {**kept, **{key: value for key, value in profile.items() if key in OWNERS_KEYS}}


def profile_seen_by(who: Caller, port: Port) -> Mapping[str, object]:
    """The ``binding:profile`` that is shown: to an owner, what the port asks of its function."""
    if not who.is_privileged:
        return wish_part(port.binding.profile)
    # Nova reads the trust off the profile, so it stands there too.
    return port.binding.profile if port.trusted is None else {**port.binding.profile, "trusted": port.trusted}


def check_device(tx: Tx, who: Caller, device_id: str) -> None:
    """A port becomes a server's through the server only: one that merely says so would be nobody's to program.

    Raises Conflict for the id of any server.
    """
    server = SERVERS.get(tx, device_id) if device_id else None
    if server is None:
        return
    if is_mine(who, server.project_id):
        raise Conflict(
            f"device_id {device_id} is a server, which takes ports through its interfaces.",
            code="PortInUse",
            hint="openstack server add port",
        )
    raise Conflict(
        f"The following device_id {device_id} is not owned by your tenant or matches another tenants router.",
        code="DeviceIDNotOwnedByTenant",
    )


def server_of(tx: Tx, port: Port, held: Claim | None) -> str | None:
    """The server that runs on a port, or that has not let go of its function, which is ``held``, yet."""
    if held is not None:
        return held.server_id
    server = SERVERS.get(tx, port.device_id) if port.device_id else None
    return None if server is None else server.id


def check_changes(tx: Tx, who: Caller, port: Port, held: Claim | None, changes: Mapping[str, Any]) -> None:
    """Raise Conflict for changes to what a server's host was told, and for a new MAC or owner of a bound port.

    Setting a field to the value that it has is no change. What its PF can set on a VF may change under its server.
    """
    changed = [name for name in _HELD if name in changes and changes[name] != _value(port, name)]
    if held is not None and not held.is_releasing and port.binding.vnic_type in VF_VNIC_TYPES:
        live = _LIVE - _NOT_OF_MACVTAP if port.binding.vnic_type is VnicType.MACVTAP else _LIVE
        changed = [name for name in changed if name not in live]
    if not changed:
        return
    server_id = server_of(tx, port, held)
    if server_id is not None:
        raise Conflict(
            f"Unable to complete operation on port {port.id} for network {port.network_id}. "
            f"{', '.join(_HELD[name] for name in changed)} cannot change: the port is in use by server {server_id}.",
            code="PortInUse",
            hint="openstack server remove port takes the port off the server",
        )
    if port.binding.is_bound and _DEVICE.intersection(changed) and not who.is_privileged:
        raise in_use(port)
    if port.binding.is_bound and "mac_address" in changed:
        raise Conflict(
            f"Unable to complete operation on port {port.id}, port is already bound, port type: "
            f"{port.binding.vif_type}, old_mac {port.mac_address}, new_mac {changes['mac_address']}.",
            code="PortBound",
        )
    if port.binding.is_bound and "numa_affinity_policy" in changed:
        raise Conflict(
            f"Unable to complete operation on port {port.id}, port is already bound to host {port.binding.host}, "
            f"numa_affinity_policy value given {changes['numa_affinity_policy']}.",
            code="PortBoundNUMAAffinityPolicy",
        )
    if "device_id" in changed:
        check_device(tx, who, changes["device_id"])


def _value(port: Port, name: str) -> object:
    value: object = getattr(port.binding if name in ("host", "vnic_type", "profile") else port, name)
    return value


def in_use(port: Port) -> Conflict:
    why = f"Port already has an attached device {port.device_id}." if port.device_id else "The port is bound."
    return Conflict(
        f"Unable to complete operation on port {port.id} for network {port.network_id}. {why}", code="PortInUse"
    )
