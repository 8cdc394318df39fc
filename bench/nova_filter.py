"""What Nova's PCI filter takes over the hosts of bench/placing.py. Runs with the interpreter of a venv that has nova.

Reads ``{"rounds": 5, "clouds": [{"free": [[3, 3], ...], "has_numa": false}, ...]}`` from standard input: for each host
how many VFs each of its PFs has left, PF n on NUMA node n. Prints ``{"nova": version, "clouds": [{"s": median seconds,
"passed": hosts}, ...]}``.

Each host is what the scheduler makes of it (``HostState._update_from_compute_node`` in nova/scheduler/host_manager.py):
a ``PciDeviceStats`` with a pool for each PF that has VFs left, and asked ``support_requests`` as
``PciPassthroughFilter.host_passes`` does. With NUMA it has the host's topology, as the libvirt driver tells it, and is
asked with the guest's cells, as ``numa_fit_instance_to_host`` does for the first permutation.
"""

import importlib.metadata
import json
import statistics
import sys
import time
import uuid
from typing import Any

from nova import objects
from nova.pci.stats import PciDeviceStats

CPUS_EACH = 32
CELL_MIB = 131_072


def pool(pf: int, free: int) -> Any:
    tags = {
        "dev_type": "type-VF", "physical_network": "physnet1", "address": f"0000:{0x3b + 0x46 * pf:02x}:00.0",
        "parent_ifname": f"ens{pf}f0", "remote_managed": "false",
    }  # fmt: skip
    return objects.PciDevicePool(product_id="154c", vendor_id="8086", numa_node=pf, count=free, tags=tags)


def topology() -> Any:
    def cell(node: int) -> Any:
        first = node * CPUS_EACH
        pages = [
            objects.NUMAPagesTopology(size_kb=size, total=total, used=0, reserved=0)
            for size, total in ((4, CELL_MIB * 256), (2048, 0), (1_048_576, 0))
        ]
        return objects.NUMACell(
            id=node, cpuset=set(range(first, first + CPUS_EACH)), pcpuset=set(), memory=CELL_MIB, cpu_usage=0,
            memory_usage=0, mempages=pages, pinned_cpus=set(), socket=node,
            siblings=[{first + one, first + one + CPUS_EACH // 2} for one in range(CPUS_EACH // 2)],
            network_metadata=objects.NetworkMetadata(physnets=set(), tunneled=False),
        )  # fmt: skip

    return objects.NUMATopology(cells=[cell(0), cell(1)])


def requests() -> list[Any]:
    """Those of two ports with ``vnic_type`` ``direct`` on one physical network."""
    return [
        objects.InstancePCIRequest(
            count=1, spec=[{"physical_network": "physnet1", "remote_managed": "False"}], request_id=str(uuid.uuid4()),
            requester_id=str(uuid.uuid4()), alias_name=None, numa_policy=None,
        )
        for _ in range(2)
    ]  # fmt: skip


def measure(cloud: dict[str, Any], rounds: int) -> dict[str, Any]:
    # One for all hosts, which saves memory and costs Nova nothing: it copies it for each question.
    shown = topology() if cloud["has_numa"] else None
    hosts = [
        PciDeviceStats(
            shown,
            stats=objects.PciDevicePoolList(objects=[pool(pf, left) for pf, left in enumerate(free) if left]),
        )
        for free in cloud["free"]
    ]
    cells = [
        objects.InstanceNUMACell(id=node, cpuset={2 * node, 2 * node + 1}, pcpuset=set(), memory=2048)
        for node in range(2 if cloud["has_numa"] else 0)
    ] or None
    asked, passed, took_s = requests(), 0, []
    for _ in range(rounds):
        began_s = time.process_time()
        passed = sum(host.support_requests(asked, {}, cells) for host in hosts)
        took_s.append(time.process_time() - began_s)
    return {"s": statistics.median(took_s), "passed": passed}


def main() -> None:
    objects.register_all()
    wanted = json.load(sys.stdin)
    clouds = [measure(cloud, wanted["rounds"]) for cloud in wanted["clouds"]]
    print(json.dumps({"nova": importlib.metadata.version("nova"), "clouds": clouds}))


if __name__ == "__main__":
    main()
