"""The two servers of bench/networking.py, each with ten networks of a thousand bound ports, and how they are called."""

import http.client
import json
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from neutron_rows import copy_port

from mooring.testing.hosts import LARGE
from mooring.testing.real_neutron import RealNeutron
from mooring.testing.rig import Rig

NETWORKS = 10
PORTS_EACH = 1_000
BULK = 100
HOST = "live"
ANSWER_WAIT_S = 60.0
ROUND_S = 1.0
PEER_ROUND_S = 2.0

SETTINGS = """
[controller]
mechanism_drivers = ["sriovnicswitch"]
network_vlan_ranges = ["physnet1:100:3999"]
[controller.quotas]
network = -1
subnet = -1
port = -1
"""


class Caller:
    """One kept connection. Answers are read whole and not decoded, so that our own JSON is not in the figures."""

    def __init__(self, url: str, headers: dict[str, str]):
        parts = urlsplit(url)
        self._headers = {"Content-Type": "application/json", **headers}
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_WAIT_S)

    def send(self, method: str, path: str, body: object = None) -> tuple[int, bytes, float]:
        """Status, text, and the seconds until the last byte."""
        content = None if body is None else json.dumps(body).encode()
        began_s = time.perf_counter()
        self._http.request(method, path, content, self._headers)
        answer = self._http.getresponse()
        text = answer.read()
        return answer.status, text, time.perf_counter() - began_s

    def want(self, method: str, path: str, body: object = None) -> Any:
        status, text, _ = self.send(method, path, body)
        if status >= http.client.BAD_REQUEST:
            raise SystemExit(f"{method} {path} answered {status}: {text.decode()[:500]}")
        return json.loads(text) if text else None

    def close(self) -> None:
        self._http.close()


@dataclass(slots=True)
class Side:
    """A server, and what was made on it so far."""

    name: str
    url: str
    prefix: str
    headers: dict[str, str]
    pid: int
    round_s: float
    caller: Caller = field(init=False)
    filled: list[str] = field(default_factory=list)
    """The networks of a thousand ports each."""
    work: str = ""
    """The network on which ports are made and deleted."""
    marker: str = ""
    """The last port of the first page."""
    made: dict[str, deque[str]] = field(default_factory=dict)
    """Ids, by kind, for later steps to use and to delete."""

    def __post_init__(self) -> None:
        self.caller = Caller(self.url, self.headers)
        self.made = {"network": deque(), "subnet": deque(), "port": deque()}

    def create(self, kind: str, **wish: object) -> Any:
        return self.caller.want("POST", f"{self.prefix}/{kind}s", {kind: wish})[kind]


def bound_port(network_id: str) -> dict[str, object]:
    return {
        "network_id": network_id,
        "binding:host_id": HOST,
        "binding:vnic_type": "direct",
        "device_owner": "compute:nova",
    }


def mooring_side(folder: Path, stack: ExitStack) -> Side:
    rig = Rig(folder, SETTINGS)
    stack.callback(rig.close)
    rig.start_controller()
    rig.add_hosts({HOST: LARGE})
    rig.start_agent(HOST)
    rig.wait_available(1)
    if rig.controller is None:
        raise SystemExit("no controller runs")
    side = Side("Mooring", rig.url, "/network/v2.0", {"X-Auth-Token": rig.client.token}, rig.controller.pid, ROUND_S)
    for number in range(NETWORKS):
        fill_network(side, number)
        for first in range(1, PORTS_EACH, BULK):
            wishes = [filled_port(side, number, index) for index in range(first, min(first + BULK, PORTS_EACH))]
            side.caller.want("POST", f"{side.prefix}/ports", {"ports": wishes})
    return ready(side)


def neutron_side(venv: Path, folder: Path, stack: ExitStack) -> Side:
    server = RealNeutron(venv, folder, ("sriovnicswitch",), {HOST: True})
    stack.callback(server.close)
    server.wait()
    side = Side("Neutron", server.client.url, "/v2.0", {}, server.pid, PEER_ROUND_S)
    for number in range(NETWORKS):
        port = fill_network(side, number)
        copy_port(server.database, port, PORTS_EACH - 1, number)
    return ready(side)


def ready(side: Side) -> Side:
    """With a network to work on. Ends the run unless all ports are there."""
    side.work = side.create("network", name="work")["id"]
    side.create("subnet", network_id=side.work, ip_version=4, cidr="10.64.0.0/12")
    count = len(side.caller.want("GET", f"{side.prefix}/ports?fields=id")["ports"])
    if count != NETWORKS * PORTS_EACH:
        raise SystemExit(f"{side.name} starts with {count} ports")
    side.marker = side.caller.want("GET", f"{side.prefix}/ports?limit=1000&fields=id")["ports"][-1]["id"]
    return side


def fill_network(side: Side, number: int) -> str:
    """One more network, its subnet, and the first of its ports; returns the port's id."""
    side.filled.append(side.create("network", name=f"filled-{number}")["id"])
    side.create("subnet", network_id=side.filled[-1], ip_version=4, cidr=f"10.{number}.0.0/16")
    return str(side.create("port", **filled_port(side, number, 0))["id"])


def filled_port(side: Side, number: int, index: int) -> dict[str, object]:
    return {**bound_port(side.filled[number]), "device_id": f"server-{number}-{index // 2}"}
