"""``make bench``: what Mooring costs, measured on this machine, as medians of five rounds.

A controller and simulated hosts run as processes of their own; the load comes from this process, over HTTP on
loopback. Ratios of rows of one run mean something; figures of two machines side by side do not. The peer's figures,
printed beside, were measured with a real neutron-server and MariaDB on two cores (docs/explanation/performance.md).
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from mooring.testing.client import ApiClient, wait_until
from mooring.testing.hosts import LARGE
from mooring.testing.rig import Rig

ROUNDS = 5
ROUND_S = 2.0
CLIENTS = (1, 8, 32)
HOSTS = 4
POLL_S = 0.004
"""Of one client; many ask less often each, or the asking would be what is measured."""
VFS = 50
SERVER_MAX_S = 30.0
UNLIMITED = "[controller.quotas]\nport = -1\n"
"""Settings: each round leaves its ports, thousands of them."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Round:
    done: int
    took_s: float
    cpu_s: float
    latencies_s: Sequence[float]


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} does not tell its memory")


def load(rig: Rig, clients: int, once: Callable[[ApiClient], float], seconds: float) -> Round:
    """``clients`` threads that each call ``once``, which tells how long it waited, until the time is over."""
    if rig.controller is None:
        raise ValueError("no controller runs")
    latencies: list[float] = []
    errors: list[Exception] = []
    stop_s = time.monotonic() + seconds

    def work() -> None:
        client = ApiClient(rig.url, rig.client.token)
        try:
            while time.monotonic() < stop_s:
                latencies.append(once(client))
        except (AssertionError, OSError, HTTPException) as failed:
            errors.append(failed)
        finally:
            client.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    before_s, began_s = cpu_s(rig.controller.pid), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Round(len(latencies), time.monotonic() - began_s, cpu_s(rig.controller.pid) - before_s, latencies)


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def measure(rig: Rig, title: str, once: Callable[[ApiClient], float], settle: Callable[[], None]) -> None:
    rows: list[Sequence[str]] = [("clients", "a second", "CPU us each", "median ms", "p99 ms")]
    for clients in CLIENTS:
        rounds = []
        for _ in range(ROUNDS):
            rounds.append(load(rig, clients, once, ROUND_S))
            settle()
        latencies = sorted(latency for one in rounds for latency in one.latencies_s)
        rows.append(
            (
                str(clients),
                f"{statistics.median(one.done / one.took_s for one in rounds):.0f}",
                f"{statistics.median(one.cpu_s / one.done * 1e6 for one in rounds):.0f}",
                f"{statistics.median(latencies) * 1e3:.1f}",
                f"{latencies[int(len(latencies) * 0.99)] * 1e3:.1f}",
            )
        )
        print(f"  {title}: {clients} clients done", flush=True)
    table(title, rows)


def prepare(rig: Rig) -> tuple[str, str]:
    """Hosts, a network of direct ports by default, a flavor; returns the ids of the last two."""
    rig.add_hosts({f"bench{number}": LARGE for number in range(1, HOSTS + 1)})
    for name in rig.hosts:
        rig.start_agent(name)
    rig.wait_available(HOSTS * VFS)
    return rig.make_network(100, "10.0.0.0/8", "direct"), rig.make_flavor()


def bench_ports(rig: Rig, network_id: str) -> None:
    wish = {"port": {"network_id": network_id, "binding:vnic_type": "direct", "binding:host_id": "bench1"}}

    def once(client: ApiClient) -> float:
        began_s = time.monotonic()
        made = client.want(201, "POST", "/network/v2.0/ports", wish)["port"]
        if made["binding:vif_type"] != "hw_veb":
            raise AssertionError(f"the port was not bound: {made}")
        return time.monotonic() - began_s

    measure(rig, "port create + bind (peer at 32 clients: 8 a second, 210000 us)", once, lambda: None)


def bench_servers(rig: Rig, network_id: str, flavor_id: str) -> None:
    wish = {"server": {"name": "bench", "flavorRef": flavor_id, "networks": [{"uuid": network_id}]}}

    def once(client: ApiClient) -> float:
        began_s, pause_s = time.monotonic(), POLL_S * (threading.active_count() - 1)
        server_id = client.want(202, "POST", "/compute/v2.1/servers", wish)["server"]["id"]

        def is_active() -> bool:
            server = client.want(200, "GET", f"/compute/v2.1/servers/{server_id}")["server"]
            if server["status"] == "ERROR":
                raise AssertionError(f"the server failed: {server['fault']}")
            return bool(server["status"] == "ACTIVE")

        wait_until(is_active, SERVER_MAX_S, "the server is ACTIVE", pause_s)
        took_s = time.monotonic() - began_s
        client.want(204, "DELETE", f"/compute/v2.1/servers/{server_id}")

        def is_gone() -> bool:
            return client.call("GET", f"/compute/v2.1/servers/{server_id}").status == HTTPStatus.NOT_FOUND

        wait_until(is_gone, SERVER_MAX_S, "the server is gone", pause_s)
        return took_s

    def settle() -> None:
        rig.wait_available(HOSTS * VFS)

    measure(rig, "server create, time to ACTIVE, delete, gone", once, settle)


def bench_start(folder: Path) -> None:
    starts_s, memories_mb = [], []
    for number in range(ROUNDS):
        rig = Rig(folder / f"start{number}")
        rig.folder.mkdir()
        began_s = time.monotonic()
        rig.start_controller()
        starts_s.append(time.monotonic() - began_s)
        time.sleep(1)
        if rig.controller is not None:
            memories_mb.append(memory_mb(rig.controller.pid))
        rig.close()
    table(
        "controller (peer: 2.6 s, 390 MB)",
        [
            ("start to first answer, s", "idle memory, MB"),
            (f"{statistics.median(starts_s):.2f}", f"{statistics.median(memories_mb):.0f}"),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("start", "ports", "servers"), help="measure just this")
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
        if only in (None, "start"):
            bench_start(Path(folder))
        if only == "start":
            return
        rig = Rig(Path(folder), UNLIMITED)
        try:
            rig.start_controller()
            network_id, flavor_id = prepare(rig)
            if only in (None, "ports"):
                bench_ports(rig, network_id)
            if only in (None, "servers"):
                bench_servers(rig, network_id, flavor_id)
        finally:
            rig.close()


if __name__ == "__main__":
    main()
