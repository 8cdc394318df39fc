"""The command: ``python -m lab build|up|sh|exec|clean``."""

import argparse
import base64
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType

from lab.build import build, clean
from lab.channel import Channel
from lab.cloud import LabCloud
from lab.errors import LabError
from lab.host import LabHost
from lab.lab import Lab
from lab.leftovers import sweep
from lab.place import held, run_folder
from lab.qemu import NICS
from lab.tools import say

SHELL_LIMIT_S = 600

_CONNECT_LIMIT_S = 2
_LOOK_S = 1
_INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Carry out one command line; the exit code."""
    options = _parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        match options.verb:
            case "build":
                build()
            case "clean":
                clean()
            case "up":
                _up(options.hosts, options.forward, options.cloud)
            case "sh":
                return _sh(options.host, options.command)
            case "exec":
                return _exec(options.hosts, options.command)
    except LabError as fault:
        say(str(fault))
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Two emulated hosts with SR-IOV cards.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="make the images, or what is out of date of them")
    verbs.add_parser("clean", help="remove the images")
    up = verbs.add_parser("up", help="build, boot, and stay up until ctrl-C")
    up.add_argument("--cloud", action="store_true", help="with a controller here and an agent in each host")
    up.add_argument(
        "--forward", type=_forward, action="append", default=[], metavar="HOST:HERE:THERE",
        help="reach port THERE of host HOST at port HERE of 127.0.0.1, as in n0:8022:22",
    )  # fmt: skip
    shell = verbs.add_parser("sh", help="run a shell command in a host of a lab that is up")
    shell.add_argument("host")
    shell.add_argument("command", nargs=argparse.REMAINDER)
    once = verbs.add_parser("exec", help="boot, run a program in n0, and end")
    once.add_argument("command", nargs=argparse.REMAINDER)
    for each in (up, once):
        each.add_argument("--hosts", type=int, default=2, choices=range(1, 5))
    return parser


def _forward(text: str) -> tuple[int, int, int]:
    """n0:8022:22 as (0, 8022, 22)."""
    host, here, there = text.split(":")
    return int(host.removeprefix("n")), int(here), int(there)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _up(hosts: int, forward: Sequence[tuple[int, int, int]], with_cloud: bool) -> None:
    images, folder = build(), run_folder()
    refusal = LabError("a lab is up already", "end it with ctrl-C where it runs, or use it: python -m lab sh n0 CMD")
    with held(folder / "lock", 0, refusal):
        for pid in sweep(folder):
            say(f"ended QEMU {pid}, left by a lab that was killed")
        forwards = [[(here, there) for host, here, there in forward if host == index] for index in range(hosts)]
        with Lab(images, hosts=hosts, forward=forwards, folder=folder) as lab:
            for host in lab.hosts:
                _introduce(host)
            with _cloud(lab) if with_cloud else nullcontext():
                say("ctrl-C ends it. From another terminal: python -m lab sh n0 'ip link'")
                _watch(lab)


@contextmanager
def _cloud(lab: Lab) -> Iterator[None]:
    cloud = LabCloud(lab, lab.folder / "controller")
    try:
        say("starting the controller here and an agent in each host; their VFs are made and cleaned, a minute or two")
        cloud.start()
        say(f"a cloud is up. To use it:\n    export OS_CLIENT_CONFIG_FILE={cloud.clouds_file} OS_CLOUD=mooring")
        yield
    finally:
        cloud.close()


def _introduce(host: LabHost) -> None:
    say(f"{host.name} is up")
    for nic in NICS:
        where = f"{nic.address} " if nic.address else ""
        say(f"    {nic.name:<8} {where}{host.netdev(nic.name)} {host.mac(nic.name)} on {nic.physnet}")


def _watch(lab: Lab) -> None:
    """Stay until a host goes off or somebody interrupts."""
    over = threading.Event()
    while not over.wait(_LOOK_S):
        for host in lab.hosts:
            if host.pid is None:
                raise LabError(f"{host.name} went off; the end of its console:\n{host.console()[-2000:]}")


def _sh(host: str, command: Sequence[str]) -> int:
    path = run_folder() / f"{host}.guest"
    try:
        channel = Channel(path, _CONNECT_LIMIT_S)
    except LabError as fault:
        raise LabError(f"no lab with a host {host} is up", "start one in another terminal: make lab") from fault
    script = " ".join(command) or "ip -brief link"
    answer = channel.ask({"argv": ["sh", "-c", script], "limit_s": SHELL_LIMIT_S}, SHELL_LIMIT_S)
    channel.close()
    return _show(answer["code"], base64.b64decode(answer["out"]), base64.b64decode(answer["err"]))


def _exec(hosts: int, command: Sequence[str]) -> int:
    words = list(command[1:] if command[:1] == ["--"] else command)
    if not words:
        raise LabError("nothing to run", "as in: python -m lab exec -- ip link show")
    with Lab(build(), hosts=hosts) as lab:
        done = lab.hosts[0].run(words, limit_s=SHELL_LIMIT_S, check=False)
    return _show(done.code, done.out.encode(), done.err.encode())


def _show(code: int, out: bytes, err: bytes) -> int:
    os.write(sys.stdout.fileno(), out)
    os.write(sys.stderr.fileno(), err)
    return code
