"""A cable of this kernel's: a host's end, by which DHCP is served, and a guest's end in a namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from mooring.host.dhcp import DnsmasqServers
from mooring.host.machine import Occupants
from mooring.host.occupants import KernelOccupants

_CLIENT = Path(__file__).with_name("dhcp_client.py")
_ANSWER_WAIT_S, _SILENCE_WAIT_S = 5.0, 0.7
_LIMIT_S = 20


class DhcpWire:
    """The names hold this process's id, so that test runs do not meet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        number = os.getpid() % 100_000
        self.netdev, self.far, self.guests = f"mth{number}", f"mtg{number}", f"mooring-test-{number}"

    def __enter__(self) -> Self:
        # dnsmasq reads its files as a user of its own.
        own = Path(tempfile.gettempdir())
        for folder in (self.folder.parent, *self.folder.parent.parents):
            if folder.exists() and folder.is_relative_to(own) and folder != own:
                folder.chmod(0o755)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        ip("netns", "add", self.guests)
        ip("link", "add", self.netdev, "type", "veth", "peer", "name", self.far, "netns", self.guests)
        self.inside("link", "set", "lo", "up")
        self.inside("link", "set", self.far, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for network_id in self.servers().served():
            self.servers().remove(network_id)
        for words in (("link", "del", self.netdev), ("netns", "del", self.guests)):
            with suppress(subprocess.CalledProcessError):
                ip(*words)

    def servers(self, occupants: Occupants | None = None) -> DnsmasqServers:
        """Anew each time, as after a restart of the agent."""
        path = os.environ.get("PATH", "")
        return DnsmasqServers(
            {"physnet1": self.netdev}, Path("/sys"), occupants or KernelOccupants(), lease_s=3600, folder=self.folder,
            search_path=path,
        )  # fmt: skip

    def has_vlans(self) -> bool:
        """Whether this kernel has 802.1Q at all."""
        try:
            ip("link", "add", "link", self.netdev, "name", f"{self.netdev}.9", "type", "vlan", "id", "9")
        except subprocess.CalledProcessError:
            return False
        ip("link", "del", f"{self.netdev}.9")
        return True

    def inside(self, *words: str) -> str:
        return ip("-n", self.guests, *words)

    def ask(self, mac: str, *, is_answered: bool = True) -> Any:
        """What a guest with this MAC is told: see ``dhcp_client.py``."""
        wait_s = _ANSWER_WAIT_S if is_answered else _SILENCE_WAIT_S
        command = [sys.executable, str(_CLIENT), self.far, mac, str(wait_s)]
        return json.loads(ip("netns", "exec", self.guests, *command))


def ip(*words: str) -> str:
    path = shutil.which("ip") or "ip"
    done = subprocess.run([path, *words], check=True, capture_output=True, text=True, timeout=_LIMIT_S)
    return done.stdout
