"""How ``/mooring/v1`` shows hosts, functions and events."""

from collections.abc import Mapping

from mooring.service.overview import DeviceRow, HostRow


def host_view(row: HostRow) -> Mapping[str, object]:
    host, used = row.host, row.usage
    return {
        "name": host.name,
        "liveness": row.liveness,
        "is_enabled": host.is_enabled,
        "disabled_reason": host.disabled_reason,
        "availability_zone": host.availability_zone,
        "epoch": host.epoch,
        "boot_id": host.boot_id,
        "heard_at": host.heard_at,
        "servers": used.servers,
        "vcpus": host.vcpus,
        "used_vcpus": used.vcpus,
        "memory_mib": host.memory_mib,
        "used_memory_mib": used.memory_mib,
        "disk_gib": host.disk_gib,
        "used_disk_gib": used.disk_gib,
        "bridge_mappings": host.bridge_mappings,
        "device_mappings": host.device_mappings,
        "vfs": row.vfs,
        "pfs": row.pfs,
    }


def device_view(row: DeviceRow) -> Mapping[str, object]:
    device, claim, server = row.device, row.claim, row.server
    return {
        "host": device.host,
        "address": str(device.address),
        "kind": device.kind,
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "pf": str(device.pf) if device.pf else None,
        "pf_netdev": device.pf_netdev,
        "vf_index": device.vf_index,
        "vf_total": device.vf_total,
        "vf_count": device.vf_count,
        "driver": device.driver,
        "netdev": device.netdev,
        "mac": device.mac,
        "numa_node": device.numa_node,
        "iommu_group": device.iommu_group,
        "link_speed_mbps": device.link_speed_mbps,
        "physical_network": device.physical_network,
        "is_offered": device.is_offered,
        "state": device.state,
        "reason": device.reason,
        "generation": device.generation,
        "observed": device.observed,
        "desired": claim.desired if claim and not claim.is_releasing else None,
        "verified_at": device.verified_at,
        "owner": None
        if claim is None
        else {
            "server_id": claim.server_id,
            "server_name": server.name if server else None,
            "port_id": claim.port_id,
            "project_id": server.project_id if server else None,
        },
    }
