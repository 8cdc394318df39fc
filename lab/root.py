"""The Debian root of a host, made once: every host reads it, and this machine takes QEMU and tools out of it."""

from pathlib import Path

from lab.debian import SUITE, preferences, sources
from lab.tools import ext4, run, size_mib

#: For the host to work with; the last four are for the build.
PACKAGES = (
    "python3", "python3-libvirt", "iproute2", "pciutils", "kmod", "udev", "ethtool", "tcpdump", "iputils-ping",
    "procps", "strace", "qemu-system-x86", "qemu-utils", "libvirt-daemon", "libvirt-daemon-driver-qemu",
    "libvirt-daemon-driver-nodedev", "libvirt-daemon-driver-network", "libvirt-daemon-driver-interface",
    "libvirt-clients", "dnsmasq-base", "openvswitch-switch", "dosfstools", "mtools", "genisoimage", "busybox-static",
    "e2fsprogs", "syslinux", "zstd",
)  # fmt: skip

_UNREAD = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
_BUILD_LIMIT_S = 1200


def make_root(folder: Path) -> None:
    """Fill ``folder`` with ``tree``, the root, and ``root.ext4``, the same as a disk."""
    tree = folder / "tree"
    (folder / "sources.list").write_text(sources())
    (folder / "preferences").write_text(preferences())
    pin = f'mkdir -p "$1/etc/apt/preferences.d" && cp "{folder}/preferences" "$1/etc/apt/preferences.d/lab"'
    run(
        [
            "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=directory",
            "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Check-Valid-Until \"false\"",
            f"--setup-hook={pin}", *(f"--dpkgopt=path-exclude={each}" for each in _UNREAD),
            f"--include={','.join(PACKAGES)}", SUITE, str(tree), str(folder / "sources.list"),
        ],
        limit_s=_BUILD_LIMIT_S,
        hint="as root, with a Debian mirror and mmdebstrap: apt-get install mmdebstrap",
    )  # fmt: skip
    for lists in (tree / "var/lib/apt/lists", tree / "var/cache/apt", tree / "boot"):
        for each in lists.iterdir():
            if each.is_file():
                each.unlink()
    ext4(tree, tree, folder / "root.ext4", size_mib=size_mib(tree), label="root")
