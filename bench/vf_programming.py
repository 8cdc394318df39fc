"""One VF programmed in full and read back, by us and by others: runs on a host that has a PF to spare, as root.

``python3 bench/vf_programming.py PF`` prints JSON: for each way the microseconds (the median of the rounds) and the
system calls of one VF, and the milliseconds of an idle pass over all of the PF's VFs. The VFs are nobody's then.
Needs Mooring to be importable; what else is not there (pyroute2, Neutron, strace) is left out.
"""

import argparse
import atexit
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mooring.host.netlink import NetlinkVfTable
from mooring.host.rtnetlink import RTM_GETLINK, RTM_SETLINK, RouteSocket
from mooring.host.vf_codec import encode_query, encode_settings
from mooring.model.vf import TxRate, VfField, VfSettings, Vlan

ROUNDS = 7
ROUND_S = 0.2
STRACED = 3
STRACE_LIMIT_S = 120
FIELDS = (VfField.MAC, VfField.VLAN, VfField.SPOOF_CHECK, VfField.TRUST, VfField.RATE)
WANTED = VfSettings("02:00:00:00:00:aa", Vlan(100, 3), True, False, TxRate(0, 100))
#: Each a command of its own, as scripts have them.
IP_WORDS = ("mac 02:00:00:00:00:aa", "vlan 100 qos 3", "spoofchk on", "trust off", "max_tx_rate 100 min_tx_rate 0")

Once = Callable[[], object]


def ways() -> Iterator[tuple[str, Callable[[str], Once]]]:
    """Each way by name: given a PF, it makes what programs its VF 0 and reads it back, once."""
    yield "mooring", mooring
    yield "bare requests, prebuilt", bare
    if shutil.which("ip"):
        yield "ip, a command for each field", lambda pf: ip_commands(pf, IP_WORDS)
        yield "ip, one command for all", lambda pf: ip_commands(pf, (" ".join(IP_WORDS),))
    if importlib.util.find_spec("pyroute2"):
        yield "pyroute2", pyroute2
    if importlib.util.find_spec("neutron"):
        yield "neutron pci_lib (spoof check and rate only)", neutron


def mooring(pf: str) -> Once:
    table = NetlinkVfTable()

    def once() -> None:
        table.write(pf, 0, FIELDS, WANTED)
        shown = table.read(pf, 0)
        if replace(shown, link_state=None) != WANTED:
            raise SystemExit(f"{pf} does not show what was written: {shown}")

    return once


def bare(pf: str) -> Once:
    route, settings, query = RouteSocket(), encode_settings(pf, 0, FIELDS, WANTED), encode_query(pf)

    def once() -> None:
        route.ask(RTM_SETLINK, settings)
        route.ask(RTM_GETLINK, query)

    return once


def bare_query(pf: str) -> Once:
    """The part of an idle pass that is the kernel's."""
    route, query = RouteSocket(), encode_query(pf)
    return lambda: route.ask(RTM_GETLINK, query)


def ip_commands(pf: str, words: tuple[str, ...]) -> Once:
    commands = [["ip", "link", "set", "dev", pf, "vf", "0", *word.split()] for word in words]
    commands.append(["ip", "-d", "link", "show", "dev", pf])

    def once() -> None:
        for command in commands:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    return once


def pyroute2(pf: str) -> Once:
    from pyroute2 import IPRoute  # noqa: PLC0415 - not on every host

    route = IPRoute()
    atexit.register(route.close)
    index = route.link_lookup(ifname=pf)[0]

    def once() -> None:
        for values in (
            {"mac": WANTED.mac}, {"vlan": {"vlan": 100, "qos": 3}}, {"spoofchk": 1}, {"trust": 0},
            {"rate": {"min_tx_rate": 0, "max_tx_rate": 100}},
        ):  # fmt: skip
            route.link("set", index=index, vf={"vf": 0, **values})
        route.link("get", index=index, ext_mask=1)[0].get_attr("IFLA_VFINFO_LIST")

    return once


def neutron(pf: str) -> Once:
    """The calls of its SR-IOV agent for one port; MAC, VLAN and trust it leaves to Nova and libvirt."""
    privileged: Any = importlib.import_module("neutron.privileged")
    pci_lib: Any = importlib.import_module("neutron.plugins.ml2.drivers.mech_sriov.agent.pci_lib")
    privileged.default.set_client_mode(False)  # without its daemon, which would cost a hop more a call
    card = pci_lib.PciDeviceIPWrapper(pf)

    def once() -> None:
        card.set_vf_spoofcheck(0, True)
        card.set_vf_rate(0, "max_tx_rate", 100)
        card.get_assigned_macs([0])

    return once


def idle_pass(pf: str) -> tuple[int, Once]:
    """How many VFs, and one look at all of them that finds nothing changed."""
    table = NetlinkVfTable()
    proven = dict(table.look(pf).vfs)

    def once() -> None:
        seen = table.look(pf).vfs
        if any(seen.get(index) != settings for index, settings in proven.items()):
            raise SystemExit(f"the VFs of {pf} changed meanwhile")

    return len(proven), once


def mean_us(once: Once) -> float:
    """Microseconds of one call, over as many calls as fit a round's time."""
    once()  # an emulator has forgotten this code since its last turn, and translates it anew
    calls, began_s = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - began_s < ROUND_S:
        once()
        calls += 1
    return (time.perf_counter() - began_s) / calls * 1e6


def medians_us(each: Mapping[str, Once]) -> Mapping[str, float]:
    """Of one call of each, in rounds that take turns, so that what slows the machine down slows all of them."""
    rounds = [{name: mean_us(once) for name, once in each.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(one[name] for one in rounds) for name in each}


def system_calls(pf: str, name: str) -> float | None:
    """Of one call, children's included: a run with some calls less a run with none, as strace counts them."""
    if not shutil.which("strace"):
        return None
    counts = []
    for calls in (0, STRACED):
        with tempfile.NamedTemporaryFile() as counted:
            command = [sys.executable, __file__, pf, "--only", name, "--calls", str(calls)]
            traced = ["strace", "-f", "-c", "-o", counted.name, *command]
            subprocess.run(traced, check=True, timeout=STRACE_LIMIT_S, stdout=subprocess.DEVNULL)
            total = Path(counted.name).read_text().splitlines()[-1].split()
            counts.append(int(total[3]))
    return (counts[1] - counts[0]) / STRACED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pf", help="the PF's netdev; VF 0 of it is reprogrammed")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--calls", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        once = dict(ways())[options.only](options.pf)
        for _ in range(1 + options.calls):
            once()
        return
    vf_count, look = idle_pass(options.pf)
    idle = medians_us({"idle_pass_us": look, "kernel_us": bare_query(options.pf)})
    us = medians_us({name: make(options.pf) for name, make in ways()})
    rows = [{"way": name, "us": us[name], "system_calls": system_calls(options.pf, name)} for name in us]
    print(json.dumps({"pf": options.pf, "vfs": vf_count, **idle, "ways": rows}))


if __name__ == "__main__":
    main()
