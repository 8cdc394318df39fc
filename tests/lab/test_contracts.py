"""The contracts that simulated hosts keep, kept by a real kernel.

And on netdevsim, which takes everything, what igb refuses: written by our netlink, read by the kernel's own `ip`.
"""

import json
from collections.abc import Iterator

import pytest

from lab.cloud import READY_LIMIT_S, LabCloud

pytestmark = pytest.mark.requires("lab")

VFS = 4

_SETUP = f"""\
modprobe netdevsim
echo '7 1' > /sys/bus/netdevsim/new_device
udevadm settle
pf=$(ls /sys/bus/netdevsim/devices/netdevsim7/net)
echo {VFS} > /sys/class/net/$pf/device/sriov_numvfs
ip link set $pf up
echo $pf
"""
_WRITE = """\
import sys
from mooring import wire
from mooring.host.netlink import NetlinkVfTable
from mooring.model.vf import VfField, VfSettings
wanted = wire.decode(VfSettings, sys.argv[2].encode())
NetlinkVfTable().write(sys.argv[1], 1, [field for field in VfField if getattr(wanted, field) is not None], wanted)
"""
_CONTRACT = f"""\
import json, sys
from mooring.host.netlink import NetlinkVfTable
from mooring.testing.contracts import VfTableContract, broken_promises
print(json.dumps(broken_promises(VfTableContract().on(NetlinkVfTable(), sys.argv[1], vf_count={VFS}))))
"""
_PCI_CONTRACT = """\
import json
from pathlib import Path
from mooring.host.pcibus import SysfsPciBus
from mooring.model.pci import PciAddress
from mooring.testing.contracts import broken_promises
from mooring.testing.contracts_pci import PciBusContract
pf, vf, sysfs = PciAddress.parse("0000:01:00.0"), PciAddress.parse("0000:01:10.0"), Path("/sys")
print(json.dumps(broken_promises(PciBusContract().on(SysfsPciBus(sysfs), sysfs, pf=pf, vf=vf))))
"""


@pytest.fixture(scope="module")
def pf(cloud: LabCloud) -> Iterator[str]:
    """A netdevsim PF with VFs of nobody's, on n1."""
    yield cloud.lab["n1"].sh(_SETUP).strip()
    cloud.lab["n1"].sh("echo 7 > /sys/bus/netdevsim/del_device")


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"link_state": "disable"}, "link-state disable"),
        ({"link_state": "enable"}, "link-state enable"),
        ({"rate": {"min_mbps": 5, "max_mbps": 100}}, "max_tx_rate 100Mbps, min_tx_rate 5Mbps"),
        ({"vlan": {"id": 100, "qos": 3, "protocol": "802.1ad"}}, "vlan 100, qos 3, vlan protocol 802.1ad"),
        ({"vlan": {"id": 101, "qos": 0, "protocol": "802.1q"}}, "vlan 101"),
        ({"trust": True}, "trust on"),
        ({"trust": False}, "trust off"),
        ({"spoof_check": True}, "spoof checking on"),
        ({"spoof_check": False}, "spoof checking off"),
        ({"mac": "02:00:00:00:00:77"}, "link/ether 02:00:00:00:00:77"),
    ],
)
def test_what_is_written_is_what_ip_shows(cloud: LabCloud, pf: str, settings: dict[str, object], shown: str) -> None:
    host = cloud.lab["n1"]
    host.run(["python3", "-c", _WRITE, pf, json.dumps(settings)])
    line = next(line for line in host.sh(f"ip link show {pf}").splitlines() if line.strip().startswith("vf 1 "))
    assert shown in line


def test_netlink_keeps_to_the_contract_that_the_simulated_cards_keep(cloud: LabCloud, pf: str) -> None:
    assert json.loads(cloud.lab["n1"].run(["python3", "-c", _CONTRACT, pf]).out) == {}


def test_the_pci_bus_keeps_to_the_contract_that_the_simulated_one_keeps(cloud: LabCloud) -> None:
    cloud.kill_agent("n1")  # whose VF it is else
    assert json.loads(cloud.lab["n1"].run(["python3", "-c", _PCI_CONTRACT]).out) == {}
    cloud.start_agent("n1")
    cloud.wait(lambda: cloud.rig.alive("n1"), READY_LIMIT_S, "the agent is back")
