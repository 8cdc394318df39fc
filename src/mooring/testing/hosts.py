"""The simulated hosts that ``mooring up --simulate``, the demo and the tests use, by name and number."""

from itertools import cycle, islice

from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_82576, INTEL_N6001, INTEL_X710, NVIDIA_V100, SAMSUNG_PM9A3, Card
from mooring.testing.host import Plan, Spec
from mooring.testing.sysfs_tree import SimulatedPf


def port(card: Card, address: str, netdev: str, mac_end: int, vfs: int, numa_node: int = 0) -> SimulatedPf:
    """One port of a card; ``mac_end`` is the last octet of its MAC."""
    return SimulatedPf(card, PciAddress.parse(address), netdev, f"52:54:00:00:00:{mac_end:02x}", vfs, numa_node)


def device(card: Card, address: str, vfs: int = 0, numa_node: int = 0) -> SimulatedPf:
    """A card that is no NIC."""
    return SimulatedPf(card, PciAddress.parse(address), num_vfs=vfs, numa_node=numa_node)


#: Case 1 of the 2013 thread: SR-IOV only, one upstream switch.
SRIOV_ONLY = Plan(
    ports=(
        port(INTEL_82576, "0000:81:00.0", "ens1f0", 1, 7),
        port(INTEL_82576, "0000:81:00.1", "ens1f1", 2, 7),
    ),
    specs=(Spec("ens1f0", "physnet1"), Spec("ens1f1", "physnet1")),
    bridge_mappings={},
)
#: Case 2: SR-IOV and ordinary ports on one physical network.
MIXED = Plan(
    ports=(port(INTEL_X710, "0000:3b:00.0", "ens2f0", 3, 16),),
    specs=(Spec("ens2f0", "physnet1"),),
    bridge_mappings={"physnet1": "br-physnet1"},
)
#: Case 3: NICs on different upstream switches, and VFs that the host keeps for itself. A real kernel's recording.
RECORDED = Plan(
    ports=(),
    specs=(
        Spec("enp1s0", "physnet1"),
        Spec("ens99f0", "physnet2", vfs="0-1"),
        Spec("ens99f0", "", vfs="2-3", exclude=True),
        Spec("ens99f1", "", exclude=True),
    ),
    bridge_mappings={"physnet2": "br-physnet2"},
)
#: Many VFs on one port, for load.
LARGE = Plan(
    ports=(port(INTEL_X710, "0000:5e:00.0", "ens3f0", 4, 50),),
    specs=(Spec("ens3f0", "physnet1"),),
    bridge_mappings={"physnet1": "br-physnet1"},
)

#: What is no NIC: two GPUs, an NVMe drive, and an FPGA whose VFs and itself are handed out; beside them a NIC.
DEVICES = Plan(
    ports=(
        device(NVIDIA_V100, "0000:17:00.0"),
        device(NVIDIA_V100, "0000:b3:00.0", numa_node=1),
        device(SAMSUNG_PM9A3, "0000:65:00.0"),
        device(INTEL_N6001, "0000:af:00.0", vfs=3, numa_node=1),
        port(INTEL_X710, "0000:3b:00.0", "ens2f0", 3, 4),
    ),
    specs=(
        Spec(vendor_id="10de", product_id="1db4", tags=("gpu",)),
        Spec(device_class="0108"),
        Spec("0000:af:00.0", whole=True),
        Spec("ens2f0", "physnet1"),
    ),
    bridge_mappings={"physnet1": "br-physnet1"},
)


def named_plans(count: int) -> dict[str, Plan]:
    """``count`` hosts named ``sim1``, ``sim2``, ...: the three cases, over and over."""
    plans = islice(cycle((SRIOV_ONLY, MIXED, RECORDED)), count)
    return {f"sim{number}": plan for number, plan in enumerate(plans, 1)}
