"""A simulated host's sysfs: a tree on disk, laid out as the kernel lays it out, that the real reader reads.

Everything is where Linux 6.12 has it: ``bus/pci/devices`` and ``bus/pci/drivers`` hold links into ``devices``, a PF
has ``virtfnN``, a VF has ``physfn``, a netdev is below its function and linked from ``class/net``. The recording of a
real kernel with three ports of 82576 cards is shipped too: ``unpack_recording``.
"""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import count
from pathlib import Path

from mooring.errors import Invalid, NotFound
from mooring.host.sysfs import find_root
from mooring.model.pci import PciAddress
from mooring.testing.cards import Card

RECORDING = "host-82576"
_SECOND_SOCKET_BUS = 0x80
_PASSTHROUGH_DRIVERS = frozenset({"vfio-pci", "pci-stub", "uio_pci_generic"})


@dataclass(frozen=True, slots=True)
class SimulatedPf:
    """One port of a card, with the VFs that it has."""

    card: Card
    address: PciAddress
    netdev: str
    mac: str
    num_vfs: int
    numa_node: int | None = None
    speed_mbps: int | None = None
    """``None``: the card's own speed."""
    link_is_up: bool = True
    mtu: int = 1500

    def vf_address(self, vf_index: int) -> PciAddress:
        offset = self.card.offset_of_port(self.address.function)
        return self.address.virtual_function(offset, self.card.vf_stride, vf_index)

    def vf_netdev(self, vf_index: int) -> str:
        """As udev names them: the PF's name, ``v``, and the index."""
        return f"{self.netdev}v{vf_index}"

    def vf_mac(self, vf_index: int) -> str:
        """What the VF's driver would have drawn at random; the same each time."""
        return _drawn_mac(self.mac, vf_index)


def build(root: Path, ports: Sequence[SimulatedPf]) -> None:
    """Write the tree of a host with these ports below ``root``, which then is what ``/sys`` is to a live host.

    Raises Invalid for more VFs than the card has, and for two functions at one address.
    """
    tree = _Tree(root)
    for name in ("bus/pci/devices", "bus/pci/drivers/vfio-pci", "class/net", "kernel/iommu_groups"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for pf in ports:
        if not 0 <= pf.num_vfs <= pf.card.vf_total:
            raise Invalid(
                f"{pf.netdev} with {pf.num_vfs} VFs: a {pf.card.name} has {pf.card.vf_total} at most",
                hint=f"give num_vfs from 0 to {pf.card.vf_total}",
            )
        _add_pf(tree, pf)
        for vf_index in range(pf.num_vfs):
            _add_vf(tree, pf, vf_index)


def unpack_recording(root: Path) -> None:
    """Write the recorded tree of a real kernel below ``root``: three ports of 82576 cards with four VFs each.

    The reader takes ``root`` itself; the tree is in ``root/sys``.
    """
    root.mkdir(parents=True, exist_ok=True)
    recording = resources.files("mooring.testing") / "data" / f"{RECORDING}.tar.gz"
    with recording.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:gz") as archive:
        # Python 3.11.2, Debian 12's, has no extraction filters yet; the archive is our own.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(root)  # noqa: S202 - our own archive, from our own package


def rebind(root: Path, vf_address: PciAddress, driver: str | None, *, mac: str | None = None) -> None:
    """What the kernel shows after a VF changed its driver: another ``driver`` link, its netdev gone or there again.

    ``driver`` ``None`` leaves it without one. ``mac`` is what a new netdev gets: the administrative MAC, where the PF
    holds one. Raises NotFound for an address that is not there, and Invalid for one that is not a VF's.
    """
    root = find_root(root)
    folder = Path(os.path.realpath(root / "bus/pci/devices" / str(vf_address)))
    if not folder.is_dir():
        raise NotFound("PCI function", str(vf_address))
    if not (folder / "physfn").is_symlink():
        raise Invalid(f"{vf_address} has no physfn: it is not a VF", hint="only VFs change their driver here")
    tree = _Tree(root)
    for netdev in folder.glob("net/*"):
        (root / "class/net" / netdev.name).unlink(missing_ok=True)
    shutil.rmtree(folder / "net", ignore_errors=True)
    tree.bind(folder, driver)
    if driver is not None and driver not in _PASSTHROUGH_DRIVERS:
        pf_netdev, pf_mac, vf_index = _parent(folder)
        tree.add_netdev(
            folder, f"{pf_netdev}v{vf_index}", mac or _drawn_mac(pf_mac, vf_index), speed_mbps=None, mtu=1500
        )


def _add_pf(tree: "_Tree", pf: SimulatedPf) -> None:
    card, offset = pf.card, pf.card.offset_of_port(pf.address.function)
    folder = tree.add_function(_bridge_path(pf.address), pf.address, card.vendor_id, card.product_id, pf.numa_node)
    sriov = {
        "sriov_totalvfs": card.vf_total,
        "sriov_numvfs": pf.num_vfs,
        "sriov_offset": offset,
        "sriov_stride": card.vf_stride,
        "sriov_vf_device": card.vf_product_id,
        "sriov_drivers_autoprobe": 1,
    }
    _write(folder, sriov)
    for vf_index in range(pf.num_vfs):
        (folder / f"virtfn{vf_index}").symlink_to(f"../{pf.vf_address(vf_index)}")
    tree.bind(folder, card.driver)
    speed_mbps = (pf.speed_mbps or card.speed_mbps) if pf.link_is_up else None
    tree.add_netdev(folder, pf.netdev, pf.mac, speed_mbps=speed_mbps, mtu=pf.mtu)


def _add_vf(tree: "_Tree", pf: SimulatedPf, vf_index: int) -> None:
    address, card = pf.vf_address(vf_index), pf.card
    folder = tree.add_function(_bridge_path(pf.address), address, card.vendor_id, card.vf_product_id, pf.numa_node)
    (folder / "physfn").symlink_to(f"../{pf.address}")
    tree.bind(folder, card.vf_driver)
    tree.add_netdev(folder, pf.vf_netdev(vf_index), pf.vf_mac(vf_index), speed_mbps=None, mtu=1500)


def _bridge_path(address: PciAddress) -> str:
    """The root port above a bus, below one of two host bridges, as on a machine with two sockets."""
    host_bridge = address.bus & _SECOND_SOCKET_BUS
    line = address.bus - host_bridge
    port = PciAddress(address.domain, host_bridge, 0x10 | line >> 3, line & 7)
    return f"devices/pci{address.domain:04x}:{host_bridge:02x}/{port}"


def _parent(folder: Path) -> tuple[str, str, int]:
    """Netdev and MAC of a VF's PF, and the VF's index there."""
    pf = folder.parent / (folder / "physfn").readlink().name
    netdev = min((pf / "net").iterdir())
    for link in sorted(pf.glob("virtfn*")):
        if link.readlink().name == folder.name:
            return netdev.name, (netdev / "address").read_text().strip(), int(link.name.removeprefix("virtfn"))
    raise NotFound("virtfn link to", folder.name)


def _drawn_mac(pf_mac: str, vf_index: int) -> str:
    digest = hashlib.blake2b(f"{pf_mac.lower()}/{vf_index}".encode(), digest_size=5).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest))


def _write(folder: Path, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        (folder / name).write_text(f"{value}\n")


def _link(link: Path, target: Path) -> None:
    link.symlink_to(os.path.relpath(target, link.parent))


class _Tree:
    """Writes below one root; numbers of groups and interfaces go on from what is there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._groups = count(1 + max((int(path.name) for path in root.glob("kernel/iommu_groups/*")), default=-1))
        # 1 is lo's, and lo is not in the tree.
        self._ifindices = count(
            1 + max((int(path.read_text()) for path in root.glob("class/net/*/ifindex")), default=1)
        )

    def add_function(
        self, parent: str, address: PciAddress, vendor_id: str, product_id: str, numa_node: int | None
    ) -> Path:
        entry = self.root / "bus/pci/devices" / str(address)
        if entry.is_symlink():
            raise Invalid(f"two functions at {address}", hint="put the cards on other buses")
        folder = self.root / parent / str(address)
        folder.mkdir(parents=True)
        ids = f"{vendor_id}:{product_id}".upper()
        _write(
            folder,
            {
                "class": "0x020000",
                "vendor": f"0x{vendor_id}",
                "device": f"0x{product_id}",
                "subsystem_vendor": f"0x{vendor_id}",
                "subsystem_device": "0x0000",
                "revision": "0x01",
                "numa_node": -1 if numa_node is None else numa_node,
                "driver_override": "(null)",
                "uevent": f"PCI_CLASS=20000\nPCI_ID={ids}\nPCI_SLOT_NAME={address}",
            },
        )
        _link(entry, folder)
        _link(folder / "subsystem", self.root / "bus/pci")
        group = self.root / "kernel/iommu_groups" / str(next(self._groups))
        (group / "devices").mkdir(parents=True)
        _write(group, {"type": "identity"})
        _link(folder / "iommu_group", group)
        _link(group / "devices" / str(address), folder)
        return folder

    def bind(self, folder: Path, driver: str | None) -> None:
        """Move a function to another driver, or to none."""
        if (folder / "driver").is_symlink():
            old = (folder / "driver").readlink().name
            (self.root / "bus/pci/drivers" / old / folder.name).unlink(missing_ok=True)
            (folder / "driver").unlink()
        lines = [line for line in (folder / "uevent").read_text().splitlines() if not line.startswith("DRIVER=")]
        if driver is not None:
            home = self.root / "bus/pci/drivers" / driver
            home.mkdir(parents=True, exist_ok=True)
            _link(folder / "driver", home)
            _link(home / folder.name, folder)
            lines.insert(0, f"DRIVER={driver}")
        (folder / "uevent").write_text("".join(f"{line}\n" for line in lines))

    def add_netdev(self, folder: Path, netdev: str, mac: str, *, speed_mbps: int | None, mtu: int) -> None:
        """``speed_mbps`` ``None``: no link. A real ``speed`` is EINVAL then; here, as in a recording, it is missing."""
        home = folder / "net" / netdev
        home.mkdir(parents=True)
        ifindex = next(self._ifindices)
        _write(
            home,
            {
                "address": mac.lower(),
                "addr_assign_type": 0,
                "dev_id": "0x0",
                "dev_port": 0,
                "flags": "0x1003" if speed_mbps else "0x1002",
                "ifindex": ifindex,
                "iflink": ifindex,
                "mtu": mtu,
                "operstate": "up" if speed_mbps else "down",
                "type": 1,
                "uevent": f"INTERFACE={netdev}\nIFINDEX={ifindex}",
            },
        )
        if speed_mbps:
            _write(home, {"speed": speed_mbps, "carrier": 1})
        (home / "device").symlink_to(f"../../../{folder.name}")
        _link(home / "subsystem", self.root / "class/net")
        _link(self.root / "class/net" / netdev, home)
