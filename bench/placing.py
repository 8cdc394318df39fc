"""``make bench-placing``: a server with two SR-IOV ports among many hosts, beside Nova's own filter over the same ones.

Each host has two PFs of 64 VFs on two NUMA nodes. At each fill the VFs that are free are drawn by chance, the same of
both PFs, and CPUs and memory are used to match. Ours is the engine's best answer, exact devices included; Nova's is
``PciDeviceStats.support_requests`` once for every host, which only says which hosts would do (bench/nova_filter.py).
Both are medians of rounds in one run, of processor time, so that what else runs on the machine counts for
little; and both have to find the same number of hosts. Nova comes from PyPI into a venv of
its own (``mooring/testing/peers.py``).
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mooring.core.explain import fault_details, fault_message
from mooring.core.nearest import nearest_miss
from mooring.core.numa import Cells, CellUse
from mooring.core.placing import HostView, Wish, answers
from mooring.core.pools import IN_USE, Pool
from mooring.core.stock import Stock
from mooring.errors import Unreachable
from mooring.model.host import Liveness, NumaCell
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import PciRequest, Placement, Shortage
from mooring.testing.peers import venv_of

NOVA = "nova==34.0.0"
NOVA_FILTER = Path(__file__).with_name("nova_filter.py")
NOVA_RUN_LIMIT_S = 1800
ROUNDS = 5
ROUND_S = 0.2
SIZES = (100, 1_000, 10_000)
FILLS = (0.30, 0.90, 0.999)
VFS_EACH = 64
SEED = 20260601
PLACING_LIMIT_US = 1000.0
EXPLAIN_LIMIT_MS = 300.0
AGAINST_NOVA = 200.0
AGAINST_NOVA_NUMA = 2000.0

PFS = (PciAddress.parse("0000:3b:00.0"), PciAddress.parse("0000:81:00.0"))
NODES = (NumaCell(0, tuple(range(32)), 262_144, 0), NumaCell(1, tuple(range(32, 64)), 262_144, 1))
VCPUS, MEMORY_MIB, DISK_GIB = 2, 4096, 20


@dataclass(frozen=True, slots=True)
class Cloud:
    """So many hosts, and of each how many VFs each of its PFs has left."""

    hosts: int
    fill: float
    free: Sequence[Sequence[int]]

    @property
    def willing(self) -> int:
        """Hosts that have a VF left on both PFs, and so would do."""
        return sum(left[0] > 0 for left in self.free)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one cloud and one wish."""

    place_us: float
    change_us: float
    explain_ms: float


def clouds() -> list[Cloud]:
    chance = random.Random(SEED)  # noqa: S311 - a draw that can be repeated
    return [Cloud(hosts, fill, drawn(chance, hosts, fill)) for hosts in SIZES for fill in FILLS]


def drawn(chance: random.Random, hosts: int, fill: float) -> list[list[int]]:
    left = [0] * hosts
    for place in chance.sample(range(hosts * VFS_EACH), round(hosts * VFS_EACH * (1 - fill))):
        left[place // VFS_EACH] += 1
    return [[count] * len(PFS) for count in left]


def view(number: int, left: Sequence[int]) -> HostView:
    """A host as the controller's stock has it, with a server of two ports for each two VFs that are gone."""
    servers = VFS_EACH - left[0]
    use = CellUse(servers * VCPUS // len(NODES), servers * MEMORY_MIB // len(NODES))
    return HostView(
        f"host-{number:05}", vcpus=64, used_vcpus=servers * VCPUS, memory_mib=524_288,
        used_memory_mib=servers * MEMORY_MIB, disk_gib=8_000, used_disk_gib=servers * DISK_GIB,
        pools=tuple(pool(node, pf, count) for node, (pf, count) in enumerate(zip(PFS, left, strict=True))),
        cells=Cells(NODES, {cell.id: use for cell in NODES}),
    )  # fmt: skip


def pool(node: int, pf: PciAddress, free: int) -> Pool:
    vfs = tuple(pf.virtual_function(16, 1, index) for index in range(VFS_EACH))
    used = VFS_EACH - free
    return Pool(
        FunctionKind.VF, pf, "physnet1", node, link_speed_mbps=10_000, free=vfs[used:], held=vfs[:used],
        others=((IN_USE, used),) if used else (),
    )  # fmt: skip


def wish(guest_cells: int) -> Wish:
    kinds, networks = frozenset({FunctionKind.VF}), frozenset({"physnet1"})
    ports = tuple(PciRequest(f"port-{number}", kinds, networks) for number in range(2))
    return Wish(ports, VCPUS, MEMORY_MIB, DISK_GIB, guest_cells=guest_cells)


def alive(_: str) -> Liveness:
    return Liveness.ALIVE


def claimed(host: HostView, placement: Placement) -> HostView:
    """The host once these functions are somebody's."""
    gone = {address for addresses in placement.devices.values() for address in addresses}

    def without(pool: Pool) -> Pool:
        free = tuple(address for address in pool.free if address not in gone)
        held = tuple(sorted({*pool.held, *pool.free} - set(free)))
        return replace(pool, free=free, held=held, others=((IN_USE, len(held)),))

    return replace(
        host, used_vcpus=host.used_vcpus + VCPUS, used_memory_mib=host.used_memory_mib + MEMORY_MIB,
        used_disk_gib=host.used_disk_gib + DISK_GIB, pools=tuple(map(without, host.pools)),
    )  # fmt: skip


def measure(cloud: Cloud, asked: Wish) -> Figures:
    """A server is placed, its host changes and changes back, over and over."""
    stock = Stock()
    for number, left in enumerate(cloud.free):
        stock.put(view(number, left))
    found = sum(1 for _ in stock.candidates(asked, alive))
    if found != cloud.willing:
        raise SystemExit(f"{found} of {cloud.hosts} hosts would do, and {cloud.willing} have the VFs")
    placing_us, changing_us = [], []
    for _ in range(ROUNDS):
        placed, place_s, change_s, began_s = 0, 0.0, 0.0, time.process_time()
        while placed == 0 or time.process_time() - began_s < ROUND_S:
            asking_s = time.process_time()
            placement = next(stock.candidates(asked, alive))
            place_s += time.process_time() - asking_s
            before = stock.get(placement.host)
            if before is None:
                raise SystemExit(f"{placement.host} is no host")
            after, changing_s = claimed(before, placement), time.process_time()
            stock.put(after)
            stock.put(before)
            change_s += time.process_time() - changing_s
            placed += 1
        placing_us.append(place_s / placed * 1e6)
        changing_us.append(change_s / placed / 2 * 1e6)
    hosts = stock.hosts()
    explain_ms = max(median_ms(partial(explained, one, hosts)) for one in (asked, hopeless(asked)))
    return Figures(statistics.median(placing_us), statistics.median(changing_us), explain_ms)


def hopeless(asked: Wish) -> Wish:
    """A wish that no host can fulfil, so that the nearest miss is looked for, too."""
    return replace(asked, requests=tuple(replace(each, trusted=True) for each in asked.requests))


def explained(asked: Wish, hosts: Sequence[HostView]) -> object:
    """What an explanation tells: an answer for every host, the nearest miss if none will do, and the texts."""
    given = list(answers(asked, hosts, alive))
    shortages = [answer for answer in given if isinstance(answer, Shortage)]
    miss = None
    if len(shortages) == len(given):
        miss = nearest_miss(asked, {host.name: host for host in hosts}, shortages, alive)
    texts = [shortage.text for shortage in shortages]
    if not shortages:
        return given
    return texts, fault_message(shortages, miss.summary if miss else ""), fault_details(shortages, "")


def median_ms(once: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        once()
        rounds.append(time.process_time() - began_s)
    return statistics.median(rounds) * 1e3


def nova_python() -> Path | None:
    """The interpreter of a venv that has Nova, made on first use; ``None``, with a word, where that fails."""
    try:
        return venv_of([NOVA]) / "bin/python"
    except Unreachable as failed:
        print(f"without Nova: {failed.message}", file=sys.stderr)
        return None


def nova_figures(wanted: Sequence[Cloud], *, has_numa: bool) -> list[float] | None:
    """Seconds over all hosts of each cloud. Nova has to find the same hosts."""
    python = nova_python()
    if python is None:
        return None
    print("Nova goes over the same hosts, which takes it minutes with NUMA", file=sys.stderr)
    told = {"rounds": ROUNDS, "clouds": [{"free": cloud.free, "has_numa": has_numa} for cloud in wanted]}
    done = subprocess.run(
        [str(python), "-W", "ignore", str(NOVA_FILTER)], input=json.dumps(told), capture_output=True, text=True,
        check=True, timeout=NOVA_RUN_LIMIT_S,
    )  # fmt: skip
    answered: dict[str, Any] = json.loads(done.stdout)
    for cloud, figures in zip(wanted, answered["clouds"], strict=True):
        if figures["passed"] != cloud.willing:
            raise SystemExit(f"Nova finds {figures['passed']} of {cloud.hosts} hosts, and we {cloud.willing}")
    return [figures["s"] for figures in answered["clouds"]]


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)), flush=True)


def show(title: str, wanted: Sequence[Cloud], ours: Sequence[Figures], nova_s: Sequence[float] | None) -> None:
    rows: list[Sequence[str]] = [
        (
            "hosts",
            "full",
            "would do",
            "place, us",
            "a host changes, us",
            "explain, ms",
            "Nova's filter, ms",
            "Nova/ours",
        )
    ]
    for number, (cloud, figures) in enumerate(zip(wanted, ours, strict=True)):
        theirs = ("-", "-")
        if nova_s is not None:
            theirs = (f"{nova_s[number] * 1e3:.1f}", f"{nova_s[number] * 1e6 / figures.place_us:.0f}")
        rows.append(
            (
                str(cloud.hosts), f"{cloud.fill:.1%}", str(cloud.willing), f"{figures.place_us:.1f}",
                f"{figures.change_us:.1f}", f"{figures.explain_ms:.1f}", *theirs,
            )
        )  # fmt: skip
    table(title, rows)


def verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


@dataclass(frozen=True, slots=True)
class Run:
    """All figures of one wish over all clouds."""

    clouds: Sequence[Cloud]
    ours: Sequence[Figures]
    nova_s: Sequence[float] | None

    def slowest_us(self, hosts: int) -> float:
        return max(f.place_us for c, f in zip(self.clouds, self.ours, strict=True) if c.hosts == hosts)

    def growth(self) -> float:
        """From the fewest to the most hosts, at the fill where it is worst."""
        each = [[f.place_us for c, f in zip(self.clouds, self.ours, strict=True) if c.fill == fill] for fill in FILLS]
        return max(took[-1] / took[0] for took in each)

    def ratio(self, hosts: int) -> float | None:
        """Nova's time to ours, at the fill where it is least."""
        if self.nova_s is None:
            return None
        pairs = zip(self.clouds, self.ours, self.nova_s, strict=True)
        return min(took_s * 1e6 / f.place_us for c, f, took_s in pairs if c.hosts == hosts)


def show_goals(plain: Run, cells: Run) -> None:
    most, growth_max = SIZES[-1], math.log(SIZES[-1]) / math.log(SIZES[0])
    rows = [("goal, at the worst fill", "is", "wanted", "")]
    for name, run, against in (("", plain, AGAINST_NOVA), (", guest NUMA cells", cells, AGAINST_NOVA_NUMA)):
        place_us, growth, ratio = run.slowest_us(most), run.growth(), run.ratio(1_000)
        explain_ms = max(figures.explain_ms for figures in run.ours)
        goals = [
            (
                f"placing among {most} hosts, us",
                f"{place_us:.0f}",
                f"< {PLACING_LIMIT_US:.0f}",
                place_us < PLACING_LIMIT_US,
            ),
            (f"growth from {SIZES[0]} hosts to {most}", f"{growth:.2f}", f"<= {growth_max:.2f}", growth <= growth_max),
            (
                f"explain over {most} hosts, ms",
                f"{explain_ms:.0f}",
                f"< {EXPLAIN_LIMIT_MS:.0f}",
                explain_ms < EXPLAIN_LIMIT_MS,
            ),
        ]
        if ratio is not None:
            goals.append(("Nova / ours, 1000 hosts", f"{ratio:.0f}", f">= {against:.0f}", ratio >= against))
        rows += [(title + name, measured, limit, verdict(is_met)) for title, measured, limit, is_met in goals]
    table("and the goals", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-nova", action="store_true", help="measure only our side")
    has_nova = not parser.parse_args().no_nova
    wanted, runs = clouds(), []
    for title, guest_cells in (("a server with two ports", 0), ("the same, whose guest has two NUMA cells", 2)):
        ours = [measure(cloud, wish(guest_cells)) for cloud in wanted]
        nova_s = nova_figures(wanted, has_numa=bool(guest_cells)) if has_nova else None
        show(title, wanted, ours, nova_s)
        runs.append(Run(wanted, ours, nova_s))
    show_goals(*runs)


if __name__ == "__main__":
    main()
