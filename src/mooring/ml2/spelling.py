"""Our models in the spelling of Neutron's API: the dicts that mechanism drivers read."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from mooring.model.network import Network, Segment, Subnet
from mooring.model.port import Port, VifType
from mooring.model.port_profile import PortProfile

#: Where a port dict says which port profile counts for the port, ``None`` for none; no key of Neutron's.
PORT_PROFILE = "mooring:port_profile"


class SegmentDict(TypedDict):
    """A network segment as ML2 hands it to drivers."""

    id: str
    network_id: str
    network_type: str
    physical_network: str | None
    segmentation_id: int | None
    mtu: int


class AgentDict(TypedDict):
    """An agent as ``host_agents`` gives it; ``mooring.ml2.agents`` makes them."""

    agent_type: str
    host: str
    alive: bool
    admin_state_up: bool
    configurations: Mapping[str, Any]


class LevelDict(TypedDict):
    """One binding level; ``bound_segment`` is ``None`` when the segment is gone."""

    bound_driver: str
    bound_segment: SegmentDict | None


def segment_dict(segment: Segment, mtu: int) -> SegmentDict:
    """A segment as ML2 spells it."""
    return {
        "id": segment.id,
        "network_id": segment.network_id,
        "network_type": str(segment.network_type),
        "physical_network": segment.physical_network,
        "segmentation_id": segment.segmentation_id,
        "mtu": mtu,
    }


def network_dict(network: Network, segments: Sequence[Segment] = ()) -> dict[str, Any]:
    """A network with its static segments; ``provider:*`` for one segment, ``segments`` for several."""
    static = [segment for segment in segments if not segment.is_dynamic]
    spelled = {
        "id": network.id,
        "project_id": network.project_id,
        "tenant_id": network.project_id,
        "name": network.name,
        "description": network.description,
        "status": "ACTIVE",
        "admin_state_up": network.admin_state_up,
        "mtu": network.mtu,
        "shared": network.shared,
        "router:external": network.external,
        "port_security_enabled": network.port_security_enabled,
        "qos_policy_id": network.qos_policy_id,
        "revision_number": network.revision_number,
        "tags": list(network.tags),
    }
    if len(static) > 1:
        return spelled | {"segments": [_provider(segment) for segment in static]}
    return spelled | (_provider(static[0]) if static else dict.fromkeys(_PROVIDER))


_PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")


def _provider(segment: Segment) -> dict[str, Any]:
    values = (str(segment.network_type), segment.physical_network, segment.segmentation_id)
    return dict(zip(_PROVIDER, values, strict=True))


def subnet_dict(subnet: Subnet) -> dict[str, Any]:
    """A subnet as Neutron's API spells it."""
    return {
        "id": subnet.id,
        "network_id": subnet.network_id,
        "project_id": subnet.project_id,
        "tenant_id": subnet.project_id,
        "name": subnet.name,
        "description": subnet.description,
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "gateway_ip": subnet.gateway_ip,
        "enable_dhcp": subnet.enable_dhcp,
        "allocation_pools": [{"start": pool.start, "end": pool.end} for pool in subnet.allocation_pools],
        "dns_nameservers": list(subnet.dns_nameservers),
        "host_routes": [{"destination": each.destination, "nexthop": each.nexthop} for each in subnet.host_routes],
        "ipv6_ra_mode": subnet.ipv6_ra_mode,
        "ipv6_address_mode": subnet.ipv6_address_mode,
        "service_types": list(subnet.service_types),
        "subnetpool_id": subnet.subnetpool_id,
        "segment_id": subnet.segment_id,
        "revision_number": subnet.revision_number,
        "tags": list(subnet.tags),
    }


def port_dict(port: Port, host: str, profile: PortProfile | None = None) -> dict[str, Any]:
    """The port with ``host`` as the host that it is to be bound on, and the port profile that counts for it.

    ``mooring:port_profile`` is ``None`` or {id, name, kind, vlans, physical_networks}.
    """
    binding = port.binding
    return {
        "id": port.id,
        "network_id": port.network_id,
        "project_id": port.project_id,
        "tenant_id": port.project_id,
        "name": port.name,
        "description": port.description,
        "mac_address": port.mac_address,
        "status": str(port.status),
        "admin_state_up": port.admin_state_up,
        "fixed_ips": [{"subnet_id": ip.subnet_id, "ip_address": ip.ip_address} for ip in port.fixed_ips],
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "port_security_enabled": port.port_security_enabled,
        "security_groups": list(port.security_group_ids),
        "allowed_address_pairs": [
            {"ip_address": pair.ip_address, "mac_address": pair.mac_address} for pair in port.allowed_address_pairs
        ],
        "extra_dhcp_opts": [
            {"opt_name": option.opt_name, "opt_value": option.opt_value, "ip_version": option.ip_version}
            for option in port.extra_dhcp_opts
        ],
        "propagate_uplink_status": port.propagate_uplink_status,
        "numa_affinity_policy": port.numa_affinity_policy,
        "hardware_offload_type": port.hardware_offload_type,
        "trusted": port.trusted,
        "qos_policy_id": port.qos_policy_id,
        "revision_number": port.revision_number,
        "tags": list(port.tags),
        "binding:host_id": host,
        "binding:vnic_type": str(binding.vnic_type),
        "binding:profile": dict(binding.profile),
        "binding:vif_type": str(binding.vif_type or VifType.UNBOUND),
        "binding:vif_details": dict(binding.vif_details),
        PORT_PROFILE: None if profile is None else profile_dict(profile),
    }


def profile_dict(profile: PortProfile) -> dict[str, Any]:
    """What a driver may know of a port profile."""
    return {
        "id": profile.id,
        "name": profile.name,
        "kind": str(profile.kind),
        "vlans": list(profile.vlans),
        "physical_networks": list(profile.physical_networks),
    }
