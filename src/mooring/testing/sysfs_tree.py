"""A simulated host's sysfs: a tree on disk, laid out as the kernel lays it out, that the real reader reads.

Everything is where Linux 6.12 has it: ``bus/pci/devices`` and ``bus/pci/drivers`` hold links into ``devices``, a PF
has ``virtfnN``, a VF has ``physfn``, a netdev is below its function and linked from ``class/net``. The recording of a
real kernel with three ports of 82576 cards is shipped too: ``unpack_recording``.
"""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import count
from pathlib import Path

from mooring.core.endpoints import is_passthrough
from mooring.errors import Invalid, NotFound
from mooring.host.sysfs import find_root
from mooring.model.infiniband import guid_of
from mooring.model.pci import PciAddress
from mooring.testing.cards import Card
from mooring.testing.disk_tree import add_disk, remove_disks

RECORDING = "host-82576"
_SECOND_SOCKET_BUS = 0x80
_INFINIBAND_CLASS = "0x0207"
_ARPHRD_INFINIBAND = 32
_IPOIB_PREFIX = "00:00:10:29:fe:80:00:00:00:00:00:00"
"""Of a 20-octet address: flags and queue pair, then the subnet's prefix; the port's GUID follows."""


@dataclass(frozen=True, slots=True)
class SimulatedPf:
    """One port of a card with the VFs that it has, or a card that is no NIC, whose ``netdev`` and ``mac`` are empty."""

    card: Card
    address: PciAddress
    netdev: str = ""
    mac: str = ""
    num_vfs: int = 0
    numa_node: int | None = None
    speed_mbps: int | None = None
    """``None``: the card's own speed."""
    link_is_up: bool = True
    mtu: int = 1500
    is_switchdev: bool = False
    """Its embedded switch is in switchdev mode, so that each VF has a representor."""

    def vf_address(self, vf_index: int) -> PciAddress:
        offset = self.card.offset_of_port(self.address.function)
        return self.address.virtual_function(offset, self.card.vf_stride, vf_index)

    def vf_netdev(self, vf_index: int) -> str:
        """As udev names them: the PF's name, ``v``, and the index."""
        return f"{self.netdev}v{vf_index}"

    def representor(self, vf_index: int) -> str:
        return f"{self.netdev}_{vf_index}"

    def vf_mac(self, vf_index: int) -> str:
        """What the VF's driver would have drawn at random; the same each time."""
        return _drawn_mac(self.mac, vf_index)


def build(root: Path, ports: Sequence[SimulatedPf]) -> None:
    """Write the tree of a host with these ports below ``root``, which then is what ``/sys`` is to a live host.

    Raises Invalid for more VFs than the card has, and for two functions at one address.
    """
    tree = _Tree(root)
    for name in ("bus/pci/devices", "bus/pci/drivers/vfio-pci", "class/block", "class/net", "kernel/iommu_groups"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for pf in ports:
        if not 0 <= pf.num_vfs <= pf.card.vf_total:
            raise Invalid(
                f"{pf.netdev or pf.address} with {pf.num_vfs} VFs: a {pf.card.name} has {pf.card.vf_total} at most",
                hint=f"give num_vfs from 0 to {pf.card.vf_total}",
            )
        _add_pf(tree, pf)


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
    # Nobody can read ``reset``, so that no recording has it; the kernel shows it beside ``reset_method``.
    for method in root.glob("sys/devices/**/reset_method"):
        method.with_name("reset").touch()


def add_vfs(root: Path, pf_address: PciAddress, vf_driver: str | None) -> None:
    """What the kernel makes when ``sriov_numvfs`` is written: as many VFs as it says, by the PF's own files.

    ``vf_driver`` takes them; ``None``: nobody does. Raises NotFound for a PF that is not there.
    """
    root = find_root(root)
    tree, pf = _Tree(root), folder_of(root, pf_address)
    netdev = next((path.name for path in sorted((pf / "net").glob("*"))), "")
    pf_mac = (pf / "net" / netdev / "address").read_text().strip() if netdev else ""
    offset, stride = (int((pf / name).read_text()) for name in ("sriov_offset", "sriov_stride"))
    for vf_index in range(int((pf / "sriov_numvfs").read_text())):
        address = pf_address.virtual_function(offset, stride, vf_index)
        (pf / f"virtfn{vf_index}").symlink_to(f"../{address}")
        netdev_of_vf = _Netdev(f"{netdev}v{vf_index}", _drawn_mac(pf_mac, vf_index))
        _add_vf(tree, pf, address, vf_driver, netdev_of_vf if netdev else None)
        _add_representor(tree, pf, vf_index)


def remove_vfs(root: Path, pf_address: PciAddress) -> None:
    """All of them, as when 0 is written to ``sriov_numvfs``."""
    root = find_root(root)
    tree, pf = _Tree(root), folder_of(root, pf_address)
    for link in pf.glob("virtfn*"):
        vf = pf.parent / link.readlink().name
        link.unlink()
        if vf.is_dir():
            tree.remove_function(vf)
    for port in pf.glob("net/*/phys_port_name"):
        if "vf" in port.read_text():
            (root / "class/net" / port.parent.name).unlink()
            shutil.rmtree(port.parent)
    (pf / "sriov_numvfs").write_text("0\n")


def rebind(
    root: Path, address: PciAddress, driver: str | None, *, netdev: str | None = None, mac: str | None = None
) -> None:
    """What the kernel shows after a function changed its driver: another link, its netdev gone or there again.

    ``driver`` ``None`` leaves it without one. A VF's netdev is named after its PF's; a PF's, and any other's, is
    ``netdev``, and without it there is none. ``mac`` is what a new netdev gets: for a VF the administrative MAC, where
    the PF holds one. Raises NotFound for an address that is not there.
    """
    root = find_root(root)
    tree, folder = _Tree(root), folder_of(root, address)
    tree.remove_netdevs(folder)
    tree.bind(folder, driver)
    if driver is None or is_passthrough(driver):
        return
    if (folder / "physfn").is_symlink() and any((folder / "physfn" / "net").glob("*")):
        pf_netdev, pf_mac, vf_index = _parent(folder)
        netdev, mac = f"{pf_netdev}v{vf_index}", mac or _drawn_mac(pf_mac, vf_index)
    if netdev is not None and mac is not None:
        tree.add_netdev(folder, _Netdev(netdev, mac))


def set_link(root: Path, netdev: str, speed_mbps: int | None) -> None:
    """The link of a netdev comes up with that speed, or goes (``None``). Raises NotFound."""
    home = Path(os.path.realpath(find_root(root) / "class/net" / netdev))
    if not home.is_dir():
        raise NotFound("netdev", netdev)
    _write(home, {"operstate": "up" if speed_mbps else "down", "flags": "0x1003" if speed_mbps else "0x1002"})
    if speed_mbps:
        _write(home, {"speed": speed_mbps, "carrier": 1})
    else:
        for name in ("speed", "carrier"):
            (home / name).unlink(missing_ok=True)


def folder_of(root: Path, address: PciAddress) -> Path:
    """The device's own folder. Raises NotFound."""
    folder = Path(os.path.realpath(root / "bus/pci/devices" / str(address)))
    if not folder.is_dir():
        raise NotFound("PCI function", str(address))
    return folder


@dataclass(frozen=True, slots=True)
class _Netdev:
    name: str
    mac: str
    speed_mbps: int | None = None
    """``None``: no link."""
    mtu: int = 1500


def _add_pf(tree: "_Tree", pf: SimulatedPf) -> None:
    card, offset = pf.card, pf.card.offset_of_port(pf.address.function)
    ids = _Ids(card.vendor_id, card.product_id, "flr pm bus", card.device_class)
    folder = tree.add_function(tree.root / _bridge_path(pf.address), pf.address, ids, pf.numa_node)
    sriov = {
        "sriov_totalvfs": card.vf_total,
        "sriov_numvfs": pf.num_vfs,
        "sriov_offset": offset,
        "sriov_stride": card.vf_stride,
        "sriov_vf_device": card.vf_product_id,
        "sriov_drivers_autoprobe": 1,
    }
    if card.vf_total:
        _write(folder, sriov)
    tree.bind(folder, card.driver)
    speed_mbps = (pf.speed_mbps or card.speed_mbps) if pf.link_is_up else None
    if card.is_nic:
        tree.add_netdev(folder, _Netdev(pf.netdev, pf.mac, speed_mbps, pf.mtu))
    if pf.is_switchdev:
        _write(folder / "net" / pf.netdev, {"phys_switch_id": _switch_id(pf), "phys_port_name": "p0"})
    for vf_index in range(pf.num_vfs):
        (folder / f"virtfn{vf_index}").symlink_to(f"../{pf.vf_address(vf_index)}")
        netdev = _Netdev(pf.vf_netdev(vf_index), pf.vf_mac(vf_index)) if card.is_nic else None
        _add_vf(tree, folder, pf.vf_address(vf_index), card.vf_driver, netdev)
        _add_representor(tree, folder, vf_index)


def _switch_id(pf: SimulatedPf) -> str:
    """Of the card, as mlx5 makes it of the system image's GUID: eight octets."""
    return hashlib.blake2b(f"{pf.address.domain}/{pf.address.bus}/{pf.mac}".encode(), digest_size=8).hexdigest()


def _add_representor(tree: "_Tree", pf: Path, vf_index: int) -> None:
    """The VF's, if the PF's switch is in switchdev mode."""
    uplink = min((pf / "net").glob("*"), default=None)
    if uplink is None or not (uplink / "phys_switch_id").exists():
        return
    name, switch_id = f"{uplink.name}_{vf_index}", (uplink / "phys_switch_id").read_text().strip()
    tree.add_netdev(pf, _Netdev(name, _drawn_mac((uplink / "address").read_text().strip(), 0x100 + vf_index)))
    port_name = f"pf{PciAddress.parse(pf.name).function}vf{vf_index}"
    _write(pf / "net" / name, {"phys_switch_id": switch_id, "phys_port_name": port_name})


def _add_vf(tree: "_Tree", pf: Path, address: PciAddress, driver: str | None, netdev: "_Netdev | None") -> None:
    """``netdev`` is the one that its driver makes."""
    vendor_id = (pf / "vendor").read_text().strip().removeprefix("0x")
    numa_node = int((pf / "numa_node").read_text())
    device_class = (pf / "class").read_text().strip().removeprefix("0x")
    ids = _Ids(vendor_id, (pf / "sriov_vf_device").read_text().strip(), "flr", device_class)
    folder = tree.add_function(pf.parent, address, ids, None if numa_node < 0 else numa_node)
    (folder / "physfn").symlink_to(f"../{pf.name}")
    tree.bind(folder, driver)
    if driver is not None and netdev is not None:
        tree.add_netdev(folder, netdev)


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


@dataclass(frozen=True, slots=True)
class _Ids:
    vendor_id: str
    product_id: str
    reset_method: str
    device_class: str

    def __str__(self) -> str:
        return f"{self.vendor_id}:{self.product_id}".upper()


class _Tree:
    """Writes below one root; numbers of groups and interfaces go on from what is there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _groups(self) -> Iterator[int]:
        return count(1 + max((int(path.name) for path in self.root.glob("kernel/iommu_groups/*")), default=-1))

    @cached_property
    def _ifindices(self) -> Iterator[int]:
        """From 2 on: 1 is lo's, and lo is not in the tree."""
        return count(1 + max((int(path.read_text()) for path in self.root.glob("class/net/*/ifindex")), default=1))

    def add_function(self, parent: Path, address: PciAddress, ids: "_Ids", numa_node: int | None) -> Path:
        entry = self.root / "bus/pci/devices" / str(address)
        if entry.is_symlink():
            raise Invalid(f"two functions at {address}", hint="put the cards on other buses")
        folder = parent / str(address)
        folder.mkdir(parents=True)
        _write(
            folder,
            {
                "class": f"0x{ids.device_class}",
                "vendor": f"0x{ids.vendor_id}",
                "device": f"0x{ids.product_id}",
                "subsystem_vendor": f"0x{ids.vendor_id}",
                "subsystem_device": "0x0000",
                "revision": "0x01",
                "numa_node": -1 if numa_node is None else numa_node,
                "driver_override": "(null)",
                "uevent": f"PCI_CLASS={int(ids.device_class, 16):04X}\nPCI_ID={ids}\nPCI_SLOT_NAME={address}",
                "reset_method": ids.reset_method,
            },
        )
        (folder / "reset").touch()
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
            remove_disks(self.root, folder)
        lines = [line for line in (folder / "uevent").read_text().splitlines() if not line.startswith("DRIVER=")]
        if driver is not None:
            home = self.root / "bus/pci/drivers" / driver
            home.mkdir(parents=True, exist_ok=True)
            _link(folder / "driver", home)
            _link(home / folder.name, folder)
            lines.insert(0, f"DRIVER={driver}")
            if driver == "nvme":
                add_disk(self.root, folder)
        (folder / "uevent").write_text("".join(f"{line}\n" for line in lines))

    def remove_function(self, folder: Path) -> None:
        """Off the bus, with its netdev and its group."""
        self.remove_netdevs(folder)
        self.bind(folder, None)
        group = Path(os.path.realpath(folder / "iommu_group"))
        (group / "devices" / folder.name).unlink(missing_ok=True)
        if not any((group / "devices").iterdir()):
            shutil.rmtree(group)
        (self.root / "bus/pci/devices" / folder.name).unlink(missing_ok=True)
        shutil.rmtree(folder)

    def remove_netdevs(self, folder: Path) -> None:
        for netdev in folder.glob("net/*"):
            (self.root / "class/net" / netdev.name).unlink(missing_ok=True)
        shutil.rmtree(folder / "net", ignore_errors=True)

    def add_netdev(self, folder: Path, netdev: _Netdev) -> None:
        """A real ``speed`` is EINVAL without link; here, as in a recording, it is missing then."""
        home = folder / "net" / netdev.name
        home.mkdir(parents=True)
        ifindex = next(self._ifindices)
        is_infiniband = (folder / "class").read_text().startswith(_INFINIBAND_CLASS)
        _write(
            home,
            {
                "address": f"{_IPOIB_PREFIX}:{guid_of(netdev.mac)}" if is_infiniband else netdev.mac.lower(),
                "addr_assign_type": 0,
                "dev_id": "0x0",
                "dev_port": 0,
                "flags": "0x1003" if netdev.speed_mbps else "0x1002",
                "ifindex": ifindex,
                "iflink": ifindex,
                "mtu": netdev.mtu,
                "operstate": "up" if netdev.speed_mbps else "down",
                "type": _ARPHRD_INFINIBAND if is_infiniband else 1,
                "uevent": f"INTERFACE={netdev.name}\nIFINDEX={ifindex}",
            },
        )
        if netdev.speed_mbps:
            _write(home, {"speed": netdev.speed_mbps, "carrier": 1})
        (home / "device").symlink_to(f"../../../{folder.name}")
        _link(home / "subsystem", self.root / "class/net")
        _link(self.root / "class/net" / netdev.name, home)
