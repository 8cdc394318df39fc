"""``make bench-neutron``: what the networking API costs, beside a real neutron-server in the same run.

Both servers run as processes of their own on SQLite that syncs each commit, with one live SR-IOV host, and start with
ten networks of a thousand bound ports each. One client asks them by turns over a kept connection, for a second or
more a round; figures are medians of the rounds. Processor time is the whole server process's, and the database's in
it. Neutron comes from PyPI into a venv of its own (``mooring.testing.peers``); its ports, all but one for each network,
are copied in SQL, because its API would take half an hour.

Then Mooring alone makes and deletes a hundred thousand ports, and its resident memory is read on the way.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from networking_sides import NETWORKS, PORTS_EACH, Caller, Side, bound_port, mooring_side, neutron_side
from run import cpu_s, memory_mb, table

from mooring.errors import Unreachable
from mooring.testing.peers import peers_folder
from mooring.testing.real_neutron import NEUTRON, neutron_venv

ROUNDS = 5
ROUND_MAX = 400
"""Requests in one round; there are VLANs for so many networks."""

MEMORY_PORTS = 100_000
MEMORY_STEP = 20_000
MEMORY_CLIENTS = 4
MEMORY_WARM = 5_000

#: The steps that have a goal.
BOUND = "port create + bind"
LISTS = ("list: 1 network's 1000", "list: page of 1000", "list: 1000 after marker")
CREATE_RATIO = 100.0
LIST_LIMIT_MS = 20.0
MEMORY_GROWTH_MB = 10.0

#: Path, and body, of one request.
Request = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of request. ``next`` gives one more of them, until there is nothing left to ask for."""

    title: str
    method: str
    status: int
    next: Callable[[Side], Iterator[Request]]
    makes: str = ""
    """The kind of what it creates."""
    must_hold: bytes = b""
    """What an answer has to contain to count."""


@dataclass(frozen=True, slots=True)
class Round:
    done: int
    took_s: float
    cpu_s: float

    @property
    def cpu_us(self) -> float:
        """Of one request."""
        return self.cpu_s / self.done * 1e6


@dataclass(frozen=True, slots=True)
class Figures:
    a_second: float
    cpu_us: float
    median_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The sides' figures for one step, ours first."""

    figures: Sequence[Figures]
    ratio: float | None
    """Neutron's processor time to ours, the median of the rounds'."""


def creates(kind: str, wish: Callable[[Side, int], dict[str, object]]) -> Callable[[Side], Iterator[Request]]:
    def following(side: Side) -> Iterator[Request]:
        number = 0
        while True:
            number += 1
            yield f"{side.prefix}/{kind}s", {kind: wish(side, number)}

    return following


def gets(path: Callable[[Side, int], str]) -> Callable[[Side], Iterator[Request]]:
    def following(side: Side) -> Iterator[Request]:
        number = 0
        while True:
            number += 1
            yield f"{side.prefix}/{path(side, number)}", None

    return following


def deletes(kind: str) -> Callable[[Side], Iterator[Request]]:
    def following(side: Side) -> Iterator[Request]:
        while side.made[kind]:
            yield f"{side.prefix}/{kind}s/{side.made[kind].pop()}", None

    return following


def subnet_of_next(side: Side, number: int) -> dict[str, object]:
    """For each network that the step before made, while they last; then another CIDR on the first."""
    networks = side.made["network"]
    cidr = f"10.{100 + number // len(networks)}.0.0/24"
    return {"network_id": networks[number % len(networks)], "ip_version": 4, "cidr": cidr}


STEPS = (
    Step("network create", "POST", 201, creates("network", lambda _, number: {"name": f"net-{number}"}), "network"),
    Step("subnet create", "POST", 201, creates("subnet", subnet_of_next), "subnet"),
    Step(
        "port create",
        "POST",
        201,
        creates("port", lambda side, _: {"network_id": side.work}),
        "port",
    ),
    Step(
        "port create + bind", "POST", 201, creates("port", lambda side, _: bound_port(side.work)), "port", b'"hw_veb"'
    ),
    Step("port show", "GET", 200, gets(lambda side, n: f"ports/{side.made['port'][n % len(side.made['port'])]}")),
    Step("list: 1 server's ports", "GET", 200, gets(lambda _, n: f"ports?device_id=server-{n % NETWORKS}-{n % 400}")),
    Step(
        "list: 1 network's 1000",
        "GET",
        200,
        gets(lambda side, n: f"ports?network_id={side.filled[n % NETWORKS]}"),
    ),
    Step("list: page of 1000", "GET", 200, gets(lambda *_: "ports?limit=1000")),
    Step("list: 1000 after marker", "GET", 200, gets(lambda side, _: f"ports?limit=1000&marker={side.marker}")),
    Step("port delete", "DELETE", 204, deletes("port")),
    Step("subnet delete", "DELETE", 204, deletes("subnet")),
    Step("network delete", "DELETE", 204, deletes("network")),
)


def measure(sides: Sequence[Side], step: Step) -> Compared:
    """Rounds of one step, the sides by turns, so that what else the machine does is done to both.

    An answer of another status, or without what it must hold, ends the run.
    """
    asking = [(side, step.next(side), list[Round](), list[float]()) for side in sides]
    for _ in range(ROUNDS):
        for side, requests, rounds, latencies in asking:
            if done := measure_once(side, step, requests, latencies):
                rounds.append(done)
    for side, _, rounds, _ in asking:
        if len(rounds) < ROUNDS:
            print(f"  {side.name}, {step.title}: {len(rounds)} rounds of {ROUNDS}, nothing was left", flush=True)
    figures = [
        Figures(
            statistics.median(each.done / each.took_s for each in rounds),
            statistics.median(each.cpu_us for each in rounds),
            statistics.median(latencies) * 1e3,
            len(latencies),
        )
        for _, _, rounds, latencies in asking
    ]
    ratios = [
        theirs.cpu_us / ours.cpu_us
        for (_, _, first, _), (_, _, second, _) in pairwise(asking)
        for ours, theirs in zip(first, second, strict=False)
    ]
    return Compared(figures, statistics.median(ratios) if ratios else None)


def measure_once(side: Side, step: Step, requests: Iterator[Request], latencies: list[float]) -> Round | None:
    """One round, ``None`` when nothing is left to ask; each answer's time is added to ``latencies``."""
    side.caller.close()  # it was idle while the other side was asked, and servers close such connections
    done, before_s, began_s = 0, cpu_s(side.pid), time.monotonic()
    while time.monotonic() - began_s < side.round_s and done < ROUND_MAX:
        request = next(requests, None)
        if request is None:
            break
        status, text, took_s = side.caller.send(step.method, *request)
        if status != step.status or step.must_hold not in text:
            raise SystemExit(f"{side.name}: {step.method} {request[0]} answered {status}: {text.decode()[:500]}")
        latencies.append(took_s)
        done += 1
        if step.makes:
            side.made[step.makes].append(json.loads(text)[step.makes]["id"])
    return Round(done, time.monotonic() - began_s, cpu_s(side.pid) - before_s) if done else None


def memory(side: Side) -> list[tuple[int, float]]:
    """Resident MB after so many ports were made and deleted; the first is after the warm-up."""
    churn(side, MEMORY_WARM)
    found = [(0, memory_mb(side.pid))]
    for done in range(MEMORY_STEP, MEMORY_PORTS + 1, MEMORY_STEP):
        churn(side, MEMORY_STEP)
        found.append((done, memory_mb(side.pid)))
        print(f"  {done} ports made and deleted: {found[-1][1]:.0f} MB", flush=True)
    return found


def churn(side: Side, count: int) -> None:
    """Make and delete ``count`` bound ports, one by one, by several clients."""
    errors: list[str] = []

    def work() -> None:
        caller = Caller(side.url, side.headers)
        for _ in range(count // MEMORY_CLIENTS):
            try:
                made = caller.want("POST", f"{side.prefix}/ports", {"port": bound_port(side.work)})["port"]["id"]
                caller.want("DELETE", f"{side.prefix}/ports/{made}")
            except (SystemExit, OSError, http.client.HTTPException) as failed:
                errors.append(str(failed))
                return
        caller.close()

    clients = [threading.Thread(target=work) for _ in range(MEMORY_CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if errors:
        raise SystemExit(errors[0])


def show(sides: Sequence[Side], found: Mapping[str, Compared]) -> None:
    """A row for each step, the peer's columns beside ours."""
    titles = ["request"]
    for side in sides:
        titles += [f"{side.name}: a second", "CPU us", "median ms", "asked"]
    rows: list[Sequence[str]] = [[*titles, "CPU ratio"]]
    for title, compared in found.items():
        cells = [title]
        for each in compared.figures:
            cells += [f"{each.a_second:.0f}", f"{each.cpu_us:.0f}", f"{each.median_ms:.1f}", str(each.count)]
        rows.append([*cells, "-" if compared.ratio is None else f"{compared.ratio:.0f}"])
    table(f"{NETWORKS * PORTS_EACH} ports, one client, {ROUNDS} rounds", rows)


def goals(found: Mapping[str, Compared], resident: Sequence[tuple[int, float]]) -> None:
    rows: list[Sequence[str]] = [("goal", "is", "wanted", "")]
    if BOUND in found and (ratio := found[BOUND].ratio) is not None:
        is_met = ratio >= CREATE_RATIO
        rows.append((f"{BOUND}, Neutron's CPU / ours", f"{ratio:.0f}", f">= {CREATE_RATIO:.0f}", verdict(is_met)))
    for title in LISTS:
        if title in found:
            took_ms = found[title].figures[0].median_ms
            rows.append((f"{title}, ms", f"{took_ms:.1f}", f"< {LIST_LIMIT_MS:.0f}", verdict(took_ms < LIST_LIMIT_MS)))
    if resident:
        grown_mb = resident[-1][1] - resident[0][1]
        wanted = f"< {MEMORY_GROWTH_MB:.0f}"
        title = f"memory grown over {resident[-1][0]} ports, MB (from {resident[0][1]:.0f})"
        rows.append((title, f"{grown_mb:.1f}", wanted, verdict(grown_mb < MEMORY_GROWTH_MB)))
    table("and the goals", rows)


def verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def peer(wish: str) -> Path | None:
    """Neutron's venv, installed if need be; a failure is told, and the run goes on without."""
    is_installed = (peers_folder() / NEUTRON.replace("==", "-") / "whole").exists()
    if wish == "never" or (wish == "installed" and not is_installed):
        return None
    try:
        return neutron_venv()
    except Unreachable as failed:
        print(f"{NEUTRON} does not install: without Neutron\n{failed}", file=sys.stderr)
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--neutron",
        choices=("always", "installed", "never"),
        default="always",
        help="whether Neutron is measured; installed: only if its venv is there already",
    )
    parser.add_argument("--only", default="", metavar="WORDS", help="just the requests whose title has these words")
    parser.add_argument("--no-memory", action="store_true", help="leave out the hundred thousand ports")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder, ExitStack() as stack:
        ours, theirs = Path(folder, "mooring"), Path(folder, "neutron")
        ours.mkdir()
        theirs.mkdir()
        sides = [mooring_side(ours, stack)]
        venv = peer(asked.neutron)
        if venv is not None:
            sides.append(neutron_side(venv, theirs, stack))
        found = {}
        for step in STEPS:
            if asked.only in step.title:
                found[step.title] = measure(sides, step)
                print(f"  {step.title} done", flush=True)
        resident = [] if asked.no_memory else memory(sides[0])
        show(sides, found)
        goals(found, resident)


if __name__ == "__main__":
    main()
