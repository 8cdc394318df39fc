"""Simulated hosts in a folder, each with an agent in a process of its own."""

import logging
import subprocess
import sys
from pathlib import Path

from mooring.errors import HostFault
from mooring.testing.host import Plan, SimulatedHost

_log = logging.getLogger("mooring.fleet")
_STOP_WAIT_S = 5.0


class Fleet:
    """``folder`` holds one folder for each host; what an earlier fleet left there is found again."""

    def __init__(self, folder: Path, controller_url: str):
        # The agents' files name what is in it, and a hypervisor takes no path that is not absolute.
        self._folder = folder.absolute()
        self._url = controller_url
        self._hosts: dict[str, SimulatedHost] = {}
        self._agents: dict[str, subprocess.Popen[bytes]] = {}

    def is_built(self, name: str) -> bool:
        return (self._folder / name / "boot_id").exists()

    def open(self, name: str) -> SimulatedHost:
        """A host that was built before."""
        host = self._hosts[name] = SimulatedHost(self._folder / name)
        return host

    def build(self, name: str, plan: Plan, key: str) -> SimulatedHost:
        host = SimulatedHost.create(self._folder / name, plan, controller=self._url, key=key)
        self._hosts[name] = host
        return host

    def start(self) -> None:
        """An agent for each host; its log goes into the host's folder."""
        for name, host in self._hosts.items():
            self.start_agent(name, host)

    def start_agent(self, name: str, host: SimulatedHost) -> None:
        command = [sys.executable, "-m", "mooring", "agent", "--config", str(host.folder / "agent.toml")]
        with (host.folder / "agent.log").open("ab") as log:
            agent = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603 - our own
            self._agents[name] = agent
        _log.info("agent-started host=%s pid=%d", name, self._agents[name].pid)

    def check(self) -> None:
        """Raises HostFault when an agent has ended by itself."""
        for name, agent in self._agents.items():
            if agent.poll() is not None:
                log = self._hosts[name].folder / "agent.log"
                raise HostFault(f"the agent of {name} ended with {agent.returncode}", hint=f"see {log}")

    def stop(self) -> None:
        for agent in self._agents.values():
            agent.terminate()
        for agent in self._agents.values():
            try:
                agent.wait(_STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                agent.kill()
                agent.wait()
        self._agents.clear()
