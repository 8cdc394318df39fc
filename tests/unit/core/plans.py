"""Files of hosts and of requests, for the tests of planning."""

import json
from collections.abc import Collection, Mapping

from mooring.model.request import Device, PciRequest
from mooring.model.vf import VfState

#: As the inventory of a user's own may have it, key for key.
HOSTS = """{"hosts":[{"name":"h1","devices":[
    {"address":"0000:0a:00.0","type":"PF","vendor_id":"8086","product_id":"1572","numa_node":0,
     "physical_network":"physnet1","groups":["fast"],"trusted":false,"features":["rx-gro"],"iommu_group":7,"owner":null},
    {"address":"0000:0a:02.0","type":"VF","parent":"0000:0a:00.0","vendor_id":"8086","product_id":"154c","numa_node":0,
     "physical_network":"physnet1","groups":["fast"],"trusted":true,"features":["rx-gro"],"iommu_group":8,
     "owner":null}],
    "numa_sockets":{"0":0,"1":0}}]}"""
REQUEST = """{"requests":[{"id":"r1","count":1,"type":"VF","physical_network":"physnet1","group":null,"trusted":null,
    "features":[],"numa_policy":null}],"numa_nodes":[0]}"""


def inventory(*devices: Mapping[str, object], **host: object) -> str:
    """A file of the host h1."""
    return json.dumps({"hosts": [{"name": "h1", "devices": devices, **host}]})


def device_object(device: Device, groups: Collection[str]) -> Mapping[str, object]:
    """As a file has it; one that is in use has an owner."""
    parent = {} if device.pf is None else {"parent": str(device.pf)}
    is_used = device.state is VfState.IN_USE
    return {
        "address": str(device.address), "type": device.kind.removeprefix("type-"), **parent,
        "numa_node": device.numa_node, "physical_network": device.physical_network, "groups": sorted(groups),
        "trusted": device.trusted, "features": device.features, "iommu_group": device.iommu_group,
        "link_speed_mbps": device.link_speed_mbps, "is_offered": device.is_offered,
        **({"owner": "srv"} if is_used else {"owner": None, "state": device.state}),
    }  # fmt: skip


def request_object(request: PciRequest) -> Mapping[str, object]:
    """As a file has it."""
    kinds, networks = sorted(kind.removeprefix("type-") for kind in request.kinds), request.physical_networks
    return {
        "id": request.id, "count": request.count, "type": kinds if len(kinds) > 1 else kinds[0],
        "physical_network": None if networks is None else sorted(networks), "group": request.group,
        "trusted": request.trusted, "features": sorted(request.features), "numa_policy": request.numa_policy,
        "min_rate_mbps": request.min_rate_mbps,
    }  # fmt: skip
