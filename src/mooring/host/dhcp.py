"""DHCP servers on a real kernel: a network namespace, a VLAN of a netdev, and a dnsmasq for each network.

Nothing is kept in memory: what runs is found again by its folder and its namespace, so that a new agent goes on with
the servers of the old one. Hosts that come and go cost a file and a SIGHUP.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from mooring.errors import HostFault, Invalid, MooringError, NotFound
from mooring.host.dhcp_files import DhcpFolder, Told
from mooring.host.dnsmasq import DNSMASQ, DnsmasqFiles, dnsmasq_files
from mooring.host.machine import DhcpSeen, DhcpServers, Occupants
from mooring.host.netns import IP, Namespace, Seen, Wish, bring_up
from mooring.host.programs import SEARCH_PATH, ask
from mooring.model.desired import DesiredDhcp
from mooring.model.host import DhcpInterface

FOLDER = Path("/run/mooring-dhcp")
_NAME_CHARS = 11
_START_LIMIT_S = 10.0
_TEST_LIMIT_S = 5.0
_OPTIONS_KEPT = 4096
_TRIAL_FILE = "trial.conf"
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_NET_RAW": 13}
"""linux/capability.h."""


class DnsmasqServers(DhcpServers):
    """``interfaces``: physical network to the netdev by which it is served."""

    def __init__(
        self, interfaces: Mapping[str, str], sysfs_root: Path, occupants: Occupants, *, lease_s: int,
        folder: Path = FOLDER, search_path: str = SEARCH_PATH,
    ):  # fmt: skip
        self._interfaces = interfaces
        self._netdevs = sysfs_root / "class/net"
        self._occupants = occupants
        self._lease_s = lease_s
        self._folder = folder
        self._search_path = search_path
        self._is_taken = lru_cache(_OPTIONS_KEPT)(self._takes_option)

    def interfaces(self) -> Sequence[DhcpInterface]:
        fault = self._fault()
        return tuple(self._interface(physnet, netdev, fault) for physnet, netdev in sorted(self._interfaces.items()))

    def served(self) -> Sequence[str]:
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return ()
        return tuple(name for name in names if _is_id(name))

    def is_alive(self, network_id: str) -> bool:
        return self._of(network_id).pid() is not None

    def serve(self, wanted: DesiredDhcp) -> DhcpSeen:
        netdev = self._interfaces.get(wanted.physical_network)
        if netdev is None:
            raise NotFound("DHCP interface", wanted.physical_network, hint="see dhcp_interfaces in agent.toml")
        if not wanted.vlan_id:
            self._require_untagged(netdev, wanted.mac)
        folder, namespace = self._of(wanted.network_id), _namespace(wanted.network_id)
        wish = Wish(netdev, wanted.vlan_id, wanted.mac, wanted.mtu, wanted.addresses)
        is_new = self._plug(folder, namespace, wish)
        files = dnsmasq_files(wanted, folder.path, namespace.interface, self._lease_s, self._is_taken)
        self._run(folder, namespace, files, is_new=is_new)
        return self._read_back(folder, namespace, wish, files)

    def remove(self, network_id: str) -> None:
        folder = self._of(network_id)
        folder.end()
        _namespace(network_id).remove()
        folder.discard()

    def _of(self, network_id: str) -> DhcpFolder:
        if not _is_id(network_id):
            raise Invalid(f"{network_id!r} is not the id of a network")
        return DhcpFolder(self._folder / network_id)

    def _plug(self, folder: DhcpFolder, namespace: Namespace, wish: Wish) -> bool:
        """The interface as wished; whether it is a new one, on which the process does not listen yet."""
        pid, seen = folder.pid(), namespace.look()
        if seen is None and pid is not None:
            namespace.attach(pid)
            seen = namespace.look()
        is_new = seen is None or not self._fits(seen, wish)
        self._bring_up(wish.parent)
        if is_new:
            folder.end()
            namespace.make(wish)
            seen = namespace.look()
        if seen is None:
            raise HostFault(f"{namespace.interface} on {wish.parent} is not there after it was made")
        namespace.set_addresses(wish.addresses, seen)
        return is_new or set(seen.addresses) != set(wish.addresses)

    def _fits(self, seen: Seen, wish: Wish) -> bool:
        is_same = (seen.vlan_id, seen.mtu, seen.mac) == (wish.vlan_id, wish.mtu, wish.mac)
        return is_same and seen.is_up and seen.parent_index == int(self._read(wish.parent, "ifindex") or -1)

    def _bring_up(self, netdev: str) -> None:
        """A VF has no link while its PF is down."""
        for pf in sorted(path.name for path in (self._netdevs / netdev / "device/physfn/net").glob("*")):
            bring_up(pf)
        bring_up(netdev)

    def _run(self, folder: DhcpFolder, namespace: Namespace, files: DnsmasqFiles, *, is_new: bool) -> None:
        told, config, tables = folder.told(), _digest(files.config), _digest(files.hosts + files.options)
        folder.write(files)
        # dnsmasq gives no address to a host while it remembers that another has it.
        is_moved = any(told.leased.get(address, mac) != mac for address, mac in files.addresses.items())
        if is_new or is_moved or told.config != config:
            folder.end()
        if folder.pid() is None:
            told = Told(leased=dict(files.addresses))
            folder.keep_told(told)
            namespace.run([DNSMASQ.find(self._search_path), f"--conf-file={folder.config}"], _START_LIMIT_S)
        elif told.tables != tables:
            # It may hand out the new addresses before we can say that it read them.
            told = Told(config, "", {**told.leased, **files.addresses})
            folder.keep_told(told)
            folder.hang_up()
        else:
            return
        folder.keep_told(Told(config, tables, told.leased))

    def _read_back(self, folder: DhcpFolder, namespace: Namespace, wish: Wish, files: DnsmasqFiles) -> DhcpSeen:
        seen = namespace.look()
        if seen is None:
            raise HostFault(f"{namespace.interface} on {wish.parent} is gone again")
        if not seen.is_up or not seen.has_carrier:
            raise HostFault(f"{wish.parent} has no carrier" if seen.is_up else f"{namespace.interface} is not up")
        if folder.pid() is None:
            raise HostFault("dnsmasq does not run after its start", hint="journalctl -t dnsmasq says why")
        return DhcpSeen(seen.mac, seen.addresses, files.notes)

    def _fault(self) -> str:
        """Why no physical network at all can be served."""
        try:
            DNSMASQ.find(self._search_path)
            IP.find(self._search_path)
        except MooringError as missing:
            return f"{missing.message}: {missing.hint}"
        lacking = sorted(name for name, bit in _CAPABILITIES.items() if not _effective() >> bit & 1)
        return f"this agent has no {', '.join(lacking)}" if lacking else ""

    def _interface(self, physnet: str, netdev: str, fault: str) -> DhcpInterface:
        mac = self._read(netdev, "address")
        return DhcpInterface(physnet, netdev, mac, fault or ("" if mac else f"{netdev} is not there"))

    def _require_untagged(self, netdev: str, mac: str) -> None:
        """Raises HostFault: without a tag, all that comes in by the netdev is the server's, under the netdev's MAC."""
        use = self._occupants.netdevs().get(netdev)
        if use is not None:
            raise HostFault(f"{netdev} {use}, and untagged DHCP needs a netdev of its own")
        own = self._read(netdev, "address")
        if own != mac:
            raise HostFault(f"{netdev} has MAC {own}, and its DHCP port {mac}")

    def _read(self, netdev: str, name: str) -> str:
        try:
            return (self._netdevs / netdev / name).read_text().strip()
        except OSError:
            return ""

    def _takes_option(self, text: str) -> bool:
        """Asked by way of a file, for in files quotes and comments count."""
        trial = self._folder / _TRIAL_FILE
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            trial.write_text(f"port=0\ndhcp-option={text}\n")
        except OSError as failed:
            raise HostFault(f"{trial}: {failed.strerror}") from failed
        command = [DNSMASQ.find(self._search_path), "--test", f"--conf-file={trial}"]
        return ask(command, time_max_s=_TEST_LIMIT_S).exit_code == 0


def _namespace(network_id: str) -> Namespace:
    start = network_id.replace("-", "")[:_NAME_CHARS]
    return Namespace(f"mooring-dhcp-{start}", f"md{start}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _effective() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
