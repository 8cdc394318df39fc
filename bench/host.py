"""``make bench-host``: what a host costs the agent, as medians of rounds on this machine.

Discovery and decoding are measured here, on a generated sysfs tree and generated RTM_NEWLINK answers. Programming VFs
takes a real kernel with VFs: netdevsim, here where the kernel has it, and else in an emulated host of the lab, where
everything is some ten times slower; so it is the ratios that count.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mooring.host.sysfs import read_functions
from mooring.host.vf_codec import decode_pf
from mooring.model.pci import PciAddress
from mooring.model.vf import LinkState, TxRate, VfSettings, Vlan
from mooring.testing.cards import INTEL_E810
from mooring.testing.rtnetlink import link_message, vf_entry
from mooring.testing.sysfs_tree import SimulatedPf, build

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAMMING = Path(__file__).with_name("vf_programming.py")
ROUNDS = 7
DISCOVERY_LIMIT_MS = 60.0
IDLE_LIMIT_MS = 2.0
AGAINST_IP = 100.0
AGAINST_BARE = 3.0
PFS = 8
VFS_EACH = 128
NETDEVSIM_VFS = 128
LAB_LIMIT_S = 600
HERE = "netdevsim here"

#: A netdevsim with so many VFs, as a shell script that prints its PF's netdev.
NETDEVSIM = f"""
modprobe netdevsim
[ -d /sys/bus/netdevsim/devices/netdevsim7 ] || echo "7 1" > /sys/bus/netdevsim/new_device
cd /sys/bus/netdevsim/devices/netdevsim7
[ -d /sys/kernel/debug/netdevsim ] || mount -t debugfs debugfs /sys/kernel/debug
echo 0 > sriov_numvfs
echo {NETDEVSIM_VFS} > /sys/kernel/debug/netdevsim/netdevsim7/max_vfs
echo {NETDEVSIM_VFS} > sriov_numvfs
udevadm settle 2>/dev/null || true
pf=$(ls net)
ip link set "$pf" up
echo "$pf"
"""


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]))


def median_ms(once: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        once()
        rounds.append(time.perf_counter() - began_s)
    return statistics.median(rounds) * 1e3


def verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def discovery() -> Sequence[str]:
    """Eight ports of an E810 with 128 VFs each, in a tree as the kernel lays it out."""
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
        root = Path(folder) / "sys"
        ports = [
            SimulatedPf(
                INTEL_E810, PciAddress.parse(f"0000:{0x10 * (card + 1):02x}:00.{port}"), f"ens{card + 1}f{port}",
                f"52:54:00:00:{card:02x}:{port:02x}", VFS_EACH,
            )
            for card in range(PFS // 2) for port in range(2)
        ]  # fmt: skip
        build(root, ports)
        found = len(read_functions(root))
        took_ms = median_ms(lambda: read_functions(root))
    if found != PFS * (VFS_EACH + 1):
        raise SystemExit(f"the reader found {found} functions, there are {PFS * (VFS_EACH + 1)}")
    title = f"discovery of {found} functions (Nova: 1400 ms)"
    return (title, f"{took_ms:.1f}", f"{DISCOVERY_LIMIT_MS:.0f}", verdict(took_ms < DISCOVERY_LIMIT_MS))


def answer(rate_mbps: int) -> tuple[Mapping[int, VfSettings], bytes]:
    """128 VFs with that rate limit, and the RTM_NEWLINK that shows them."""
    settings = {
        index: VfSettings(
            f"02:00:00:00:00:{index:02x}", Vlan(100 + index, 3), True, False, TxRate(0, rate_mbps), LinkState.AUTO
        )
        for index in range(VFS_EACH)
    }
    return settings, link_message("enp1s0", [vf_entry(index, one) for index, one in settings.items()])


def idle_pass() -> Sequence[Sequence[str]]:
    """128 VFs in one answer: what of an idle pass is not the kernel's."""

    def look(proven: Mapping[int, VfSettings], message: bytes) -> None:
        seen = decode_pf(message, "enp1s0").vfs
        if any(seen.get(index) != one for index, one in proven.items()):
            raise SystemExit("the answer does not decode to what it was made of")

    still, moving = answer(100), iter([answer(1000 + number) for number in range(ROUNDS)])
    look(*still)
    rows = []
    for title, once in (("nothing new", lambda: look(*still)), ("everything new", lambda: look(*next(moving)))):
        took_ms = median_ms(once)
        name = f"idle pass over {VFS_EACH} VFs, without the kernel, {title}"
        rows.append((name, f"{took_ms:.2f}", f"{IDLE_LIMIT_MS:.0f}", verdict(took_ms < IDLE_LIMIT_MS)))
    return rows


def programming() -> tuple[str, Mapping[str, Any]] | None:
    """Where it ran, and what vf_programming.py said; ``None`` where neither netdevsim nor the lab can be had."""
    if os.geteuid() != 0:
        print("\nprogramming VFs takes root: netdevsim, or the lab, which boots hosts", file=sys.stderr)
        return None
    here = subprocess.run(["/bin/sh", "-ec", NETDEVSIM], capture_output=True, text=True, check=False)
    if here.returncode == 0:
        command = [sys.executable, str(PROGRAMMING), here.stdout.strip()]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LAB_LIMIT_S)
        return HERE, json.loads(said.stdout)
    sys.path.insert(0, str(REPOSITORY))
    from lab.build import build as build_lab  # noqa: PLC0415 - only where this machine's own kernel does not do
    from lab.lab import Lab  # noqa: PLC0415 - as above

    with Lab(build_lab(), hosts=1) as lab:
        host, script = lab["n0"], f"/run/{PROGRAMMING.name}"
        host.put_file(script, PROGRAMMING.read_bytes())
        pf = host.sh(NETDEVSIM).strip()
        return "netdevsim in the lab", json.loads(host.run(["python3", script, pf], limit_s=LAB_LIMIT_S).out)


def show_programming(where: str, measured: Mapping[str, Any]) -> None:
    us = {way["way"]: way["us"] for way in measured["ways"]}
    ours, bare = us["mooring"], us["bare requests, prebuilt"]
    rows: list[Sequence[str]] = [("", "us", "system calls", "times ours")]
    for way in measured["ways"]:
        calls = "-" if way["system_calls"] is None else f"{way['system_calls']:.0f}"
        rows.append((way["way"], f"{way['us']:.0f}", calls, f"{way['us'] / ours:.1f}"))
    table(f"one VF of {measured['vfs']} programmed in full and read back ({where})", rows)
    ip = max((cost for name, cost in us.items() if name.startswith("ip,")), default=0.0)
    goals = [
        ("goal", "is", "wanted", ""),
        ("ip / mooring", f"{ip / ours:.0f}", f">= {AGAINST_IP:.0f}", verdict(ip / ours >= AGAINST_IP)),
        ("mooring / bare", f"{ours / bare:.1f}", f"<= {AGAINST_BARE:.0f}", verdict(ours / bare <= AGAINST_BARE)),
    ]
    table("and the goals", goals)
    idle_ms, kernel_ms = measured["idle_pass_us"] / 1e3, measured["kernel_us"] / 1e3
    judged = (
        f"limit {IDLE_LIMIT_MS:.0f}: {verdict(idle_ms < IDLE_LIMIT_MS)}" if where == HERE else "emulated: no verdict"
    )
    print(f"\n  idle pass over {measured['vfs']} VFs, ms: {idle_ms:.2f}, the kernel's part {kernel_ms:.2f}; {judged}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("here", "programming"), help="measure just what needs no VFs, or just that")
    only = parser.parse_args().only
    if only != "programming":
        table("on this machine", [("", "ms", "limit", ""), discovery(), *idle_pass()])
    if only != "here" and (measured := programming()):
        show_programming(*measured)


if __name__ == "__main__":
    main()
