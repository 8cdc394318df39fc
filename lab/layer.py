"""What a host has beyond Debian: its kernel's modules, the programs in ``inside/``, and libvirt's settings.

A disk of its own, laid over the root by the initrd: the root is made once, this in a second or two.
"""

import shutil
from pathlib import Path

from lab.initrd import INSIDE, archive, lay_out_system
from lab.kernel import unpacked
from lab.modules import closure, index, lay_out
from lab.tools import ext4, loaded, size_mib

#: Modules that a host may load. Names as in `modprobe`.
HOST_MODULES = (
    "igb", "igbvf", "netdevsim", "vfio", "vfio-pci", "vfio_iommu_type1", "pci-stub", "kvm", "kvm-amd", "vhost_net",
    "tun", "tap", "macvlan", "macvtap", "bridge", "br_netfilter", "8021q", "veth", "dummy", "bonding", "openvswitch",
    "virtio_net", "virtio_blk", "ext4", "overlay", "loop", "sch_ingress", "sch_htb", "sch_tbf", "cls_flower",
    "cls_matchall", "act_mirred", "act_police", "act_gact", "act_vlan", "psample", "vfat", "nls_cp437", "nls_ascii",
    "isofs", "nf_tables", "nft_compat", "ip_tables", "nvme",
)  # fmt: skip

#: What it takes to mount the disks. ext4 asks for crc32c by name when it mounts, so no dependency lists it.
INITRD_MODULES = ("virtio_blk", "crc32c_generic", "ext4", "overlay")

#: Where the image of the guest is inside a host.
GUEST_IMAGE = "/usr/share/mooring-lab/guest.qcow2"

# There is no one else inside: no TLS, no polkit, no dbus, no cgroups to put a domain in.
_QEMU_CONF = (
    'user = "root"\ngroup = "root"\nsecurity_driver = "none"\nnamespaces = []\ncgroup_controllers = []\n'
    'remember_owner = 0\nstdio_handler = "logd"\n'
)
_LIBVIRTD_CONF = 'auth_unix_rw = "none"\nauth_unix_ro = "none"\nlog_outputs = "2:file:/var/log/libvirtd.log"\n'
_MOORING = "#!/usr/bin/python3\nfrom mooring.cli.main import main\n\nmain()\n"

_PROGRAMS = {"init": "lab-init", "hand.py": "lab-hand", "services": "lab-services", "ovs": "lab-ovs"}


def make_boot(folder: Path, root: Path, kernel: Path) -> None:
    """Fill ``folder`` with ``vmlinux`` and ``initrd.img``, which a host starts with."""
    tree = root / "tree"
    (folder / "vmlinux").write_bytes(unpacked((kernel / "vmlinuz").read_bytes(), loaded(tree, "usr/bin/zstd")))
    system = folder / "initrd"
    lay_out_system(system, tree, kernel, INSIDE / "initramfs-init", INITRD_MODULES)
    (folder / "initrd.img").write_bytes(archive(system))
    shutil.rmtree(system)


def make_layer(folder: Path, root: Path, kernel: Path, guest: Path) -> None:
    """Fill ``folder`` with ``layer.ext4``."""
    tree, version = folder / "tree", (kernel / "version").read_text()
    # /usr/lib, not /lib: a folder here would hide the root's symbolic link of that name.
    modules = tree / "usr/lib/modules" / version
    lay_out(closure(kernel / "modules", HOST_MODULES), kernel / "modules", modules)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(kernel / "modules" / name, modules / name)
    index(root / "tree", tree / "usr", version)
    for name, installed in _PROGRAMS.items():
        _write(tree / "usr/local/sbin" / installed, (INSIDE / name).read_text(), 0o755)
    _write(tree / "usr/local/bin/mooring", _MOORING, 0o755)
    _write(tree / "usr/lib/python3/dist-packages/mooring-lab.pth", "/opt/mooring\n/opt/deps\n")
    _write(tree / "etc/libvirt/qemu.conf", _QEMU_CONF)
    _write(tree / "etc/libvirt/libvirtd.conf", _LIBVIRTD_CONF)
    for mount in ("opt/mooring", "opt/deps", "var/lib/mooring"):
        (tree / mount).mkdir(parents=True)
    image = tree / GUEST_IMAGE.lstrip("/")
    image.parent.mkdir(parents=True)
    shutil.copy(guest / "guest.qcow2", image)
    ext4(root / "tree", tree, folder / "layer.ext4", size_mib=size_mib(tree), label="layer")
    shutil.rmtree(tree)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
