"""One emulated host: starting it, working in it, taking its power away."""

import base64
import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lab import qemu
from lab.channel import Channel
from lab.errors import CommandFailed, LabError
from lab.qmp import Monitor
from lab.wire import Wire

BOOT_LIMIT_S = 240
COMMAND_LIMIT_S = 120
LIBVIRT_LIMIT_S = 120

_FILE_LIMIT_S = 60
_STOP_LIMIT_S = 20
_LOOK_AGAIN_S = 0.1
_TAIL_CHARACTERS = 3000

# The kernel kills a host's QEMU when the *thread* that started it ends, so one thread that outlives them starts all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab starter")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command inside a host ended. A negative ``code`` is the signal that ended it; 124: over its time."""

    code: int
    out: str
    err: str


class LabHost:
    """A host of a lab. ``name`` is ``n0``, ``n1``...; NICs are named as in ``qemu.NICS``."""

    def __init__(self, plan: qemu.Plan, command: Sequence[str], env: Mapping[str, str], wires: Mapping[str, Wire]):
        self.name = plan.name
        self.boot_id = ""
        self._plan = plan
        self._command = list(command)
        self._env = dict(env)
        self._wires = wires
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._monitor: Monitor | None = None

    # -- what it is

    @property
    def pid(self) -> int | None:
        """QEMU's process here, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def mac(self, nic: str) -> str:
        return self._plan.mac(_nic(nic))

    def address(self, nic: str) -> str:
        """The PCI address, inside, of a ``pf*``."""
        return _nic(nic).address

    def port(self, nic: str) -> str:
        """The name, on its wire, of the port that the NIC is plugged into."""
        return f"{self.name}.{nic}"

    def wire(self, nic: str) -> Wire:
        return self._wires[_nic(nic).physnet]

    def netdev(self, nic: str) -> str:
        """The name, inside, of the NIC's network device now."""
        if not (address := self.address(nic)):
            return nic
        return self.sh(f"ls /sys/bus/pci/devices/{address}/net").strip()

    # -- power

    def start(self) -> None:
        """Power on. Returns at once; ``wait`` waits for the boot."""
        if self.pid:
            raise LabError(f"{self.name} is on already")
        for line in ("own", "guest", "qmp"):
            self._plan.socket(line).unlink(missing_ok=True)
        for _, own in self._plan.sockets.values():
            own.unlink(missing_ok=True)
        self._plan.console.unlink(missing_ok=True)
        self._process = _starter.submit(self._spawn_qemu).result()
        (self._plan.folder / f"{self.name}.pid").write_text(f"{self._process.pid}\n")

    def wait(self, limit_s: float = BOOT_LIMIT_S) -> None:
        """Wait until the host takes commands. Raises ``LabError`` with the end of its console when it does not."""
        deadline = time.monotonic() + limit_s
        try:
            self._monitor = Monitor(self._plan.socket("qmp"))
            self._channel = Channel(self._plan.socket("own"))
        except LabError as fault:
            raise LabError(f"{self.name}: QEMU did not start: {self._last_words()}") from fault
        # The links of a machine that starts are up, whatever was pulled before.
        for nic in qemu.NICS:
            if self.wire(nic.name).is_cut(self.port(nic.name)):
                self._monitor.set_link(nic.name, False)
        while not self._channel.greeted.wait(_LOOK_AGAIN_S):
            if self.pid is None:
                raise LabError(f"{self.name} went off while it booted: {self._last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} was not up after {limit_s:.0f} s: {self._last_words()}")
        self.boot_id = self._channel.boot_id

    def kill(self) -> None:
        """Take the power away: what the host had not written to its disk is lost."""
        if self._process:
            self._process.kill()
            self._process.wait(_STOP_LIMIT_S)
        self._hang_up()

    def power_cycle(self, limit_s: float = BOOT_LIMIT_S) -> None:
        """Take the power away and boot again: another boot id, the same state disk, VFs and processes gone."""
        self.kill()
        self.start()
        self.wait(limit_s)

    def stop(self) -> None:
        """Shut down, or take the power away if that does not work."""
        if self._process is None:
            return
        try:
            if self.pid and self._channel:
                self._channel.ask({"off": True}, 1)
                self._process.wait(_STOP_LIMIT_S)
        except (LabError, subprocess.TimeoutExpired):
            pass  # it was not listening: killed below like any other
        self.kill()

    def monitor(self) -> Monitor:
        """QEMU's monitor, for what the methods here do not do."""
        if self._monitor is None:
            raise LabError(f"{self.name} is off")
        return self._monitor

    # -- cables

    def cut(self, nic: str) -> None:
        """Pull the cable of the NIC: no frames, no carrier."""
        self.wire(nic).cut(self.port(nic))

    def mend(self, nic: str) -> None:
        """Put the cable back."""
        self.wire(nic).mend(self.port(nic))

    def carrier(self, nic: str, up: bool) -> None:
        """What the wire calls when a cable is pulled or put back."""
        if self.pid and self._monitor:
            self._monitor.set_link(nic, up)

    # -- work inside

    def run(
        self,
        argv: Sequence[str],
        *,
        limit_s: float = COMMAND_LIMIT_S,
        check: bool = True,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """Run a program inside, as root. Raises ``CommandFailed`` when it fails, unless ``check`` is off."""
        request = {"argv": list(argv), "limit_s": limit_s, "stdin": _encoded(stdin), "env": dict(env or {})}
        answer = self._ask(request, limit_s)
        done = Done(answer["code"], _decoded(answer["out"]), _decoded(answer["err"]))
        if check and done.code:
            raise CommandFailed(f"{self.name}: {shlex.join(argv)}: exit {done.code}\n{done.out}{done.err}")
        return done

    def sh(self, script: str, *, limit_s: float = COMMAND_LIMIT_S, check: bool = True) -> str:
        """Standard output of a shell script run inside."""
        return self.run(["sh", "-ec", script], limit_s=limit_s, check=check).out

    def spawn(self, argv: Sequence[str], *, log: str, env: Mapping[str, str] | None = None) -> int:
        """Start a program inside in the background, in a session of its own; its process id.

        ``log`` is the path, inside, of the file that takes its output.
        """
        return int(self._ask({"spawn": list(argv), "log": log, "env": dict(env or {})}, _FILE_LIMIT_S)["pid"])

    def put_file(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """Write a file inside; its folder is made."""
        content = data.encode() if isinstance(data, str) else data
        self._ask({"put": path, "data": _encoded(content), "mode": mode}, _FILE_LIMIT_S)

    def read_file(self, path: str) -> bytes:
        """A file from inside. Raises ``LabError`` when it cannot be read."""
        return base64.b64decode(self._ask({"get": path}, _FILE_LIMIT_S)["data"])

    def console(self) -> str:
        """What the host wrote to its serial line since it was started: the kernel's complaints, mostly."""
        path = self._plan.console
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_libvirt(self, limit_s: float = LIBVIRT_LIMIT_S) -> None:
        """Wait until libvirt answers. It starts with the host, in the background."""
        script = "until virsh -q uri >/dev/null 2>&1; do sleep 0.3; done"
        self.run(["sh", "-c", script], limit_s=limit_s)

    # -- within

    def _spawn_qemu(self) -> subprocess.Popen[bytes]:
        with (self._plan.folder / f"{self.name}.qemu.log").open("wb") as log:
            argv = ["setpriv", "--pdeathsig", "KILL", *self._command]
            return subprocess.Popen(
                argv,
                env={**os.environ, **self._env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # ctrl-C is for the lab, which shuts its hosts down in its own order.
                start_new_session=True,
            )

    def _ask(self, request: dict[str, object], limit_s: float) -> dict[str, Any]:
        if self._channel is None:
            raise LabError(f"{self.name} is off")
        try:
            return self._channel.ask(request, limit_s)
        except LabError as fault:
            raise LabError(f"{self.name}: {fault.message}") from fault

    def _hang_up(self) -> None:
        for line in (self._channel, self._monitor):
            if line:
                line.close()
        self._channel = self._monitor = None

    def _last_words(self) -> str:
        log = self._plan.folder / f"{self.name}.qemu.log"
        said = log.read_text(errors="replace") if log.exists() else ""
        return f"\n{said}{self.console()}"[-_TAIL_CHARACTERS:]


def _nic(name: str) -> qemu.Nic:
    for nic in qemu.NICS:
        if nic.name == name:
            return nic
    raise LabError(f"no NIC {name} in a host", f"there are: {', '.join(nic.name for nic in qemu.NICS)}")


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(data: object) -> str:
    return base64.b64decode(str(data)).decode(errors="replace")
