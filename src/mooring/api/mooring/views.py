"""How ``/mooring/v1`` shows hosts and functions."""

from collections.abc import Callable, Collection, Mapping

from mooring.model.request import Claim
from mooring.service.device_list import DeviceRow
from mooring.service.overview import HostRow
from mooring.store.device_list import OwnedDevice

View = Mapping[str, object]


def host_view(row: HostRow) -> View:
    host, used = row.host, row.usage
    return {
        "name": host.name,
        "liveness": row.liveness,
        "is_enabled": host.is_enabled,
        "disabled_reason": host.disabled_reason,
        "availability_zone": host.availability_zone,
        "aggregates": row.aggregates,
        "epoch": host.epoch,
        "boot_id": host.boot_id,
        "started_at": host.started_at,
        "heard_at": host.heard_at,
        "hypervisor_type": host.hypervisor_type,
        "hypervisor_version": host.hypervisor_version,
        "servers": used.servers,
        "vcpus": host.vcpus,
        "used_vcpus": used.vcpus,
        "vcpu_ratio": row.ratios.vcpu,
        "memory_mib": host.memory_mib,
        "used_memory_mib": used.memory_mib,
        "memory_ratio": row.ratios.memory,
        "disk_gib": host.disk_gib,
        "used_disk_gib": used.disk_gib,
        "disk_ratio": row.ratios.disk,
        "numa_cells": host.numa_cells,
        "bridge_mappings": host.bridge_mappings,
        "ovs_bridges": host.ovs_bridges,
        "interface_mappings": host.interface_mappings,
        "infiniband_networks": host.infiniband_networks,
        "device_mappings": host.device_mappings,
        "dhcp_interfaces": host.dhcp_interfaces,
        "vfs": row.vfs,
        "pfs": row.pfs,
        "others": row.others,
    }


#: Name to where it is found, for what a function itself says.
_OWN = (
    "id", "host", "address", "kind", "vendor_id", "product_id", "device_class", "pf", "pf_netdev", "vf_index",
    "vf_total", "vf_count", "driver", "netdev", "mac", "numa_node", "iommu_group", "link_speed_mbps",
    "physical_network", "trusted", "tags", "features", "is_offered", "state", "reason", "generation", "observed",
    "updated_at", "verified_at",
)  # fmt: skip
_ADDRESSES = frozenset({"address", "pf"})
_MORE: Mapping[str, Callable[[DeviceRow], object]] = {
    "desired": lambda row: _wanted(row.owned.claim),
    "groups": lambda row: row.groups,
    "owner": lambda row: _owner(row.owned),
}
DEVICE_FIELDS = (*_OWN, *_MORE)


def device_view(row: DeviceRow, fields: Collection[str] = ()) -> View:
    """All of it, or these fields."""
    device = row.owned.device
    view: dict[str, object] = {
        name: _address(getattr(device, name)) if name in _ADDRESSES else getattr(device, name)
        for name in _OWN
        if not fields or name in fields
    }
    return view | {name: read(row) for name, read in _MORE.items() if not fields or name in fields}


def _address(address: object) -> str | None:
    return None if address is None else str(address)


def _wanted(claim: Claim | None) -> object:
    return claim.desired if claim and not claim.is_releasing else None


def _owner(owned: OwnedDevice) -> View | None:
    claim = owned.claim
    if claim is None:
        return None
    return {
        "server_id": claim.server_id,
        "server_name": owned.server_name,
        "project_id": owned.project_id,
        "port_id": claim.port_id,
        "request": claim.request_id if claim.port_id is None else None,
    }
