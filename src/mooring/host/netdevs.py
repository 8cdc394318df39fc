"""The network device of a function: which of them it is, and what sysfs shows of it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mooring.host.attribute import DeviceFiles, shown
from mooring.host.vf_links import NO_NETDEV, SeenNetdev

_MTU_MAX = 65535
_LINK_SPEED_MAX_MBPS = 10_000_000
_SPEED_UNKNOWN = (-1, 2**32 - 1)
_IFNAME_MAX_BYTES = 15

_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}", re.ASCII)  # of one device: the group bit is not set
_SWITCH_ID = re.compile(r"(?:[0-9a-f]{2}){1,32}", re.ASCII)  # MAX_PHYS_ITEM_ID_LEN bytes
_IPOIB = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){19}", re.ASCII)
_INFINIBAND = "infiniband"
_LINK_TYPES = {"1": "ethernet", "32": _INFINIBAND}
"""ARPHRD_ETHER and ARPHRD_INFINIBAND (include/uapi/linux/if_arp.h)."""
_UNFIT = re.compile(r"[\s/:]")
_VIRTIO = re.compile(r"virtio[0-9]+", re.ASCII)
_UPLINK_PORT = re.compile(r"p[0-9]+", re.ASCII)
_LINK_IS_UP = {
    "up": True,
    "unknown": None,
    **dict.fromkeys(("down", "lowerlayerdown", "dormant", "notpresent", "testing"), False),
}

NetdevPaths = Sequence[str]
"""``net/NAME`` or ``virtioN/net/NAME``, below a function's folder."""


def paths_by_function(root: Path) -> Mapping[str, NetdevPaths] | None:
    """The netdevs of every function, by its address, as the links in ``class/net`` tell; ``None`` when there are none.

    A virtio function keeps its netdev one level deeper. What is deeper still, a subfunction's, is not its own. Only
    netdevs of the network namespace that this sysfs was mounted in are shown.
    """
    found: dict[str, list[str]] = {}
    try:
        folder = os.open(root / "class/net", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - an open folder
            try:
                target = os.readlink(name, dir_fd=folder)
            except OSError:  # bonding_masters is a file, and a netdev may have gone
                continue
            # While a netdev is renamed, its link has the new name and leads to the old one.
            above, _, netdev = target.rpartition("/net/")
            above, _, function = above.rpartition("/")
            path = f"net/{netdev}"
            if _VIRTIO.fullmatch(function):
                path, function = f"{function}/{path}", above.rpartition("/")[2]
            if "/" not in netdev and _is_name(netdev):
                found.setdefault(function, []).append(path)
    finally:
        os.close(folder)
    return found


def listed_paths(files: DeviceFiles) -> NetdevPaths:
    """The netdevs in a function's own folder."""
    return tuple(_listed(files))


def read_netdev(files: DeviceFiles, paths: NetdevPaths, *, is_pf: bool) -> SeenNetdev:
    """The function's own netdev. One that goes away meanwhile, as it does on the way to vfio-pci, is no fault."""
    before = len(files.faults)
    path = _own(files, paths)
    if path is None:
        return NO_NETDEV
    netdev = _read(files, path, is_pf=is_pf)
    if len(files.faults) == before or files.has(path):
        return netdev
    del files.faults[before:]
    # Gone, or under another name by now: udev gives it a new one right after it appears.
    path = _own(files, listed_paths(files))
    return NO_NETDEV if path is None else _read(files, path, is_pf=is_pf)


def _is_name(name: str) -> bool:
    is_short = len(name) <= _IFNAME_MAX_BYTES and (name.isascii() or len(os.fsencode(name)) <= _IFNAME_MAX_BYTES)
    return is_short and name.isprintable() and _UNFIT.search(name) is None


def _listed(files: DeviceFiles) -> Iterator[str]:
    parents = ["net"] if files.has("net") else [f"{name}/net" for name in files.names() if _VIRTIO.fullmatch(name)]
    for parent in parents:
        for name in files.names(parent):
            if _is_name(name):
                yield f"{parent}/{name}"
            else:
                files.fault(f"{parent} holds {shown(name)}, which is no netdev's name")


def _own(files: DeviceFiles, paths: NetdevPaths) -> str | None:
    """In switchdev mode a PF's folder holds the representors of its VFs too; its uplink is ``pN``."""
    if len(paths) > 1:
        for path in paths:
            port = files.text(f"{path}/phys_port_name", optional=True)
            if port is not None and _UPLINK_PORT.fullmatch(port):
                return path
    return paths[0] if paths else None


def _read(files: DeviceFiles, path: str, *, is_pf: bool) -> SeenNetdev:
    is_up = _link_is_up(files, f"{path}/operstate")
    speed_mbps = None
    if is_up is not False:  # there is no speed without a link, and asking for it may take the driver long
        speed_mbps = files.number(f"{path}/speed", 0, _LINK_SPEED_MAX_MBPS, optional=True, unset=_SPEED_UNKNOWN)
    return SeenNetdev(
        name=path.rpartition("/")[2],
        mac=_mac(files, path),
        link_speed_mbps=speed_mbps,
        link_is_up=is_up,
        mtu=files.number(f"{path}/mtu", 0, _MTU_MAX) if is_pf else None,
        phys_switch_id=_switch_id(files, f"{path}/phys_switch_id") if is_pf else None,
        link_type=_link_type(files, path) if is_pf else None,
    )


def _link_type(files: DeviceFiles, path: str) -> str | None:
    return _LINK_TYPES.get(files.text(f"{path}/type", optional=True) or "")


def _mac(files: DeviceFiles, path: str) -> str | None:
    """``None`` of a netdev on InfiniBand: an IPoIB address has 20 octets, and is no MAC."""
    name = f"{path}/address"
    text = files.text(name)
    if text is None:
        return None
    mac = text.lower()
    if _IPOIB.fullmatch(mac) is not None and _link_type(files, path) == _INFINIBAND:
        return None
    if _MAC.fullmatch(mac) is None:
        files.fault(f"{name} is {shown(text)}, not the MAC address of one Ethernet device")
        return None
    return mac


def _link_is_up(files: DeviceFiles, name: str) -> bool | None:
    """RFC 2863 operational state; ``unknown`` is what drivers show that do not keep it."""
    text = files.text(name)
    if text is not None and text not in _LINK_IS_UP:
        files.fault(f"{name} is {shown(text)}, which is no operational state")
    return _LINK_IS_UP.get(text or "")


def _switch_id(files: DeviceFiles, name: str) -> str | None:
    text = files.text(name, optional=True)
    if text is not None and _SWITCH_ID.fullmatch(text) is None:
        files.fault(f"{name} is {shown(text)}, not the id of a switch")
        return None
    return text
