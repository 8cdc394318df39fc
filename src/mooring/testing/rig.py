"""A controller and one host's agent as processes, for tests that kill them and for benches that load them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from mooring.main import CLOUDS, listen
from mooring.testing.client import ApiClient, wait_until
from mooring.testing.host import Plan, SimulatedHost

START_MAX_S = 20.0
_PAGES_MAX = 1_000


class Process:
    """One of our processes: its command, its log, and whether it lives."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str] | None = None):
        self.log = log
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={**os.environ, **(environment or {})},
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
    """``folder`` outlives the processes, as a disk does. ``settings`` is the text of a ``controller.toml``.

    ``environment`` is what the controller's has besides or instead of our own.
    """

    def __init__(self, folder: Path, settings: str = "", environment: Mapping[str, str] | None = None):
        self.folder = folder
        self._environment = environment
        self._config = folder / "controller.toml"
        self._config.write_text(settings)
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

    @property
    def armed(self) -> Path:
        """While this file is there, processes with an appointment keep it."""
        return self.folder / "armed"

    def start_controller(self, *steps: str) -> None:
        """With a step, one that will kill itself there once ``armed`` exists."""
        plain = ["mooring", "controller", "--state", str(self.state), "--listen", self.address]
        plain += ["--config", str(self._config)]
        faulty = ["mooring.testing.faulty", "controller", str(self.state), self.address, *steps, str(self.armed)]
        self.controller = Process(faulty if steps else plain, self.folder / "controller.log", self._environment)
        wait_until(self._answers, START_MAX_S, f"the controller answers; see {self.controller.log}")
        self.client.close()
        self.client = ApiClient.of_clouds_file(self.state / CLOUDS)

    def restart_controller(self) -> None:
        """Kill it and start it again."""
        if self.controller is not None:
            self.controller.kill()
        self.start_controller()

    def _answers(self) -> bool:
        if self.controller is None or self.controller.is_dead():
            raise AssertionError(f"the controller ended: {(self.folder / 'controller.log').read_text()}")
        probe = ApiClient(self.url)
        try:
            return probe.call("GET", "/healthz").status == HTTPStatus.OK
        except OSError:
            return False
        finally:
            probe.close()

    def add_hosts(self, plans: Mapping[str, Plan]) -> None:
        for name, plan in plans.items():
            key = self.client.want(201, "POST", "/mooring/v1/hosts", {"host": {"name": name}})["host"]["key"]
            self.hosts[name] = SimulatedHost.create(self.folder / name, plan, controller=self.url, key=key)

    def start_agent(self, name: str, *steps: str) -> None:
        file = str(self.hosts[name].folder / "agent.toml")
        plain = ["mooring", "agent", "--config", file]
        faulty = ["mooring.testing.faulty", "agent", file, *steps, str(self.armed)]
        self.agents[name] = Process(faulty if steps else plain, self.folder / f"{name}.log")

    def devices(self) -> list[dict[str, object]]:
        """All, page by page."""
        found: list[dict[str, object]] = []
        where = path = "/mooring/v1/pci-devices"
        for _ in range(_PAGES_MAX):
            page = self.client.want(200, "GET", where)
            found += page["pci_devices"]
            if "pci_devices_links" not in page:
                return found
            where = f"{path}?{urlsplit(page['pci_devices_links'][0]['href']).query}"
        raise AssertionError(f"over {_PAGES_MAX} pages of devices")

    def make_network(self, vlan: int, cidr: str, default_vnic_type: str = "normal") -> str:
        """A VLAN of physnet1 with one subnet; returns its id."""
        network = {
            "name": f"vlan-{vlan}", "provider:network_type": "vlan", "provider:physical_network": "physnet1",
            "provider:segmentation_id": vlan, "mooring:default_vnic_type": default_vnic_type,
        }  # fmt: skip
        made = self.client.want(201, "POST", "/network/v2.0/networks", {"network": network})["network"]
        subnet = {"network_id": made["id"], "ip_version": 4, "cidr": cidr}
        self.client.want(201, "POST", "/network/v2.0/subnets", {"subnet": subnet})
        return str(made["id"])

    def make_flavor(self) -> str:
        """The smallest; returns its id."""
        flavor = {"name": "smallest", "ram": 64, "vcpus": 1, "disk": 1}
        made = self.client.want(200, "POST", "/compute/v2.1/flavors", {"flavor": flavor})["flavor"]
        return str(made["id"])

    def alive(self, name: str) -> bool:
        """Whether the controller heard from the host since it started."""
        found = self.client.want(200, "GET", f"/mooring/v1/hosts/{name}")["host"]["liveness"]
        return bool(found == "alive")

    def vfs_in(self, *states: str) -> int:
        """How many offered VFs are in one of these states."""
        return sum(1 for device in self.devices() if device["is_offered"] and device["state"] in states)

    def wait_available(self, count: int) -> None:
        wait_until(lambda: self.vfs_in("available") >= count, START_MAX_S, f"{count} VFs are available")

    def findings(self) -> list[object]:
        found: list[object] = self.client.want(200, "GET", "/mooring/v1/audit")["findings"]
        return found

    def close(self) -> None:
        self.client.close()
        for process in (*self.agents.values(), self.controller):
            if process is not None and not process.is_dead():
                process.kill()
