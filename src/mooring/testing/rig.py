"""A controller and one host's agent as processes, for tests that kill them and for benches that load them."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mooring.main import CLOUDS, listen
from mooring.testing.client import ApiClient, wait_until
from mooring.testing.host import Plan, SimulatedHost

START_MAX_S = 20.0


class Process:
    """One of our processes: its command, its log, and whether it lives."""

    def __init__(self, command: list[str], log: Path):
        self.log = log
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *command], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_dead(self) -> bool:
        return self._popen.poll() is not None

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()

    def stop(self) -> int:
        self._popen.terminate()
        return self._popen.wait(START_MAX_S)


class Rig:
    """``folder`` outlives the processes, as a disk does."""

    def __init__(self, folder: Path):
        self.folder = folder
        with listen("127.0.0.1:0") as probe:
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self.hosts: dict[str, SimulatedHost] = {}
        self.agents: dict[str, Process] = {}
        self.controller: Process | None = None
        self.client = ApiClient(self.url)

    @property
    def state(self) -> Path:
        return self.folder / "controller"

    def start_controller(self, *appointment: str) -> None:
        """With ``(step, times)``, one that will kill itself there."""
        plain = ["mooring", "controller", "--state", str(self.state), "--listen", self.address]
        faulty = ["mooring.testing.faulty", "controller", str(self.state), self.address, *appointment]
        self.controller = Process(faulty if appointment else plain, self.folder / "controller.log")
        wait_until(self._answers, START_MAX_S, f"the controller answers; see {self.controller.log}")
        self.client = ApiClient.of_clouds_file(self.state / CLOUDS)

    def _answers(self) -> bool:
        if self.controller is None or self.controller.is_dead():
            raise AssertionError(f"the controller ended: {(self.folder / 'controller.log').read_text()}")
        try:
            return ApiClient(self.url).call("GET", "/healthz").status == 200
        except OSError:
            return False

    def add_hosts(self, plans: Mapping[str, Plan]) -> None:
        for name, plan in plans.items():
            key = self.client.want(201, "POST", "/mooring/v1/hosts", {"host": {"name": name}})["host"]["key"]
            self.hosts[name] = SimulatedHost.create(self.folder / name, plan, controller=self.url, key=key)

    def start_agent(self, name: str, *appointment: str) -> None:
        file = str(self.hosts[name].folder / "agent.toml")
        plain = ["mooring", "agent", "--config", file]
        command = ["mooring.testing.faulty", "agent", file, *appointment] if appointment else plain
        self.agents[name] = Process(command, self.folder / f"{name}.log")

    def devices(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.client.want(200, "GET", "/mooring/v1/pci-devices")["pci_devices"]
        return found

    def vfs_in(self, *states: str) -> int:
        """How many offered VFs are in one of these states."""
        return sum(1 for device in self.devices() if device["is_offered"] and device["state"] in states)

    def wait_available(self, count: int) -> None:
        wait_until(lambda: self.vfs_in("available") >= count, START_MAX_S, f"{count} VFs are available")

    def findings(self) -> list[object]:
        found: list[object] = self.client.want(200, "GET", "/mooring/v1/audit")["findings"]
        return found

    def close(self) -> None:
        for process in (*self.agents.values(), self.controller):
            if process is not None and not process.is_dead():
                process.kill()
