"""Ports as each kind of caller sees them, many at once: what hangs on their networks is read once for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mooring.api.network.filters import stamp
from mooring.core.enforcement import Mark
from mooring.model.identity import Caller
from mooring.model.network import Network
from mooring.model.port import Binding, Port, VifType
from mooring.service import qos
from mooring.service.port_marks import not_enforced
from mooring.service.port_rules import profile_seen_by
from mooring.store import networks
from mooring.store.ports import network_policies
from mooring.store.tx import Tx

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Around:
    """What of a port is not in its row."""

    qos_network_policy_id: str | None = None
    port_profile: str | None = None
    marks: Sequence[Mark] = ()
    qos: Mapping[str, Any] | None = None
    resource_request: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Networks:
    """The networks of a page of ports, with the little that most ports need of theirs."""

    tx: Tx
    policies: Mapping[str, str]
    """Network id to its QoS policy."""
    profiles: Mapping[str, str]
    """Port profile id to its name."""
    read: dict[str, Network | None] = field(default_factory=dict)

    def network(self, network_id: str) -> Network | None:
        """The whole row, for the few ports that need it."""
        if network_id not in self.read:
            self.read[network_id] = networks.NETWORKS.get(self.tx, network_id)
        return self.read[network_id]


_NOTHING = _Around()


def views(tx: Tx, who: Caller, rows: Sequence[Port]) -> list[View]:
    """In the order of the rows. A port that asks for nothing out of the ordinary costs no read of its own."""
    known = _Networks(
        tx,
        network_policies(tx, {port.network_id for port in rows}),
        networks.profile_names(tx, named) if (named := {p.port_profile_id for p in rows if p.port_profile_id}) else {},
    )
    is_privileged, is_admin = who.is_privileged, who.is_admin
    return [_view(who, port, _around(port, known, is_admin), is_privileged, is_admin) for port in rows]


def _around(port: Port, known: _Networks, is_admin: bool) -> _Around:
    policy_id = known.policies.get(port.network_id)
    if policy_id is None and not _is_out_of_the_ordinary(port):
        return _NOTHING
    network = known.network(port.network_id)
    has_policy = network is not None and qos.effective_policy(port, network) is not None
    rates = qos.qos_view(known.tx, port, network) if has_policy and network is not None else None
    request = None
    if has_policy and is_admin and network is not None:
        segments = networks.segments_of(known.tx, [network.id]).get(network.id, ())
        request = qos.resource_request(known.tx, port, network, segments)
    return _Around(
        policy_id, known.profiles.get(port.port_profile_id or ""), not_enforced(known.tx, port, network), rates, request
    )


def _is_out_of_the_ordinary(port: Port) -> bool:
    return bool(
        port.security_group_ids or port.allowed_address_pairs or port.extra_dhcp_opts or port.qos_policy_id
        or port.port_profile_id or port.hints or port.device_profile
    )  # fmt: skip


def _view(who: Caller, port: Port, around: _Around, is_privileged: bool, is_admin: bool) -> dict[str, Any]:
    """A port as its owner sees it; for the privileged also where and how it is bound."""
    binding, created = port.binding, stamp(port.created_at)
    shown: dict[str, Any] = {
        "id": port.id,
        "name": port.name,
        "network_id": port.network_id,
        "tenant_id": port.project_id,
        "project_id": port.project_id,
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "fixed_ips": port.fixed_ips,
        "ip_allocation": "immediate" if port.fixed_ips else "none",
        "allowed_address_pairs": port.allowed_address_pairs,
        "extra_dhcp_opts": port.extra_dhcp_opts,
        "security_groups": port.security_group_ids,
        "description": port.description,
        "binding:vnic_type": binding.vnic_type,
        "port_security_enabled": port.port_security_enabled,
        "qos_policy_id": port.qos_policy_id,
        "qos_network_policy_id": around.qos_network_policy_id,
        "propagate_uplink_status": port.propagate_uplink_status,
        "data_plane_status": port.data_plane_status,
        "numa_affinity_policy": port.numa_affinity_policy,
        "device_profile": port.device_profile,
        "hardware_offload_type": port.hardware_offload_type,
        "tags": port.tags,
        "created_at": created,
        "updated_at": created if port.updated_at == port.created_at else stamp(port.updated_at),
        "revision_number": port.revision_number,
    }
    if is_privileged:
        shown["binding:host_id"] = binding.host
        shown["binding:profile"] = profile_seen_by(who, port)
        shown["binding:vif_type"] = binding.vif_type
        shown["binding:vif_details"] = _vif_details(binding)
    elif binding.profile and (asked := profile_seen_by(who, port)):
        shown["binding:profile"] = asked
    if is_admin:
        shown["trusted"] = port.trusted
        shown["hints"] = port.hints
        shown["resource_request"] = around.resource_request
    if around.port_profile is not None:
        shown["mooring:port_profile"] = around.port_profile
    if around.qos is not None:
        shown["mooring:qos"] = around.qos
    if port.fault is not None or around.marks:
        _tell(shown, who, port, around.marks)
    return shown


def _tell(shown: dict[str, Any], who: Caller, port: Port, marks: Sequence[Mark]) -> None:
    """What is wrong, and what nobody holds: as attributes of ours, and where the ``openstack`` command shows it."""
    details = dict(shown.get("binding:vif_details", {}))
    if port.fault is not None:
        details["fault"] = port.fault.details if who.is_privileged else port.fault.message
        shown["mooring:fault"] = details["fault"]
    if marks:
        shown["mooring:not_enforced"] = marks
        details["not_enforced"] = "; ".join(f"{mark['attribute']}: {mark['reason']}" for mark in marks)
    shown["binding:vif_details"] = details


def _vif_details(binding: Binding) -> Mapping[str, Any]:
    if binding.vif_type == VifType.BINDING_FAILED:
        reasons = [": ".join(filter(None, (refusal.driver, refusal.reason))) for refusal in binding.refusals]
        return {"binding_failed": "; ".join(reasons)}
    if len(binding.levels) > 1:
        return {**binding.vif_details, "bound_drivers": {str(n): each.driver for n, each in enumerate(binding.levels)}}
    driver = binding.levels[0].driver if binding.levels else binding.driver
    return {**binding.vif_details, "bound_drivers": {"0": driver}} if driver else binding.vif_details
