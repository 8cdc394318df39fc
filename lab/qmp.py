"""A small client of QEMU's monitor (QMP, docs/interop/qmp-spec)."""

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

from lab.errors import LabError

_CONNECT_LIMIT_S = 20
_ANSWER_LIMIT_S = 30
_LOOK_AGAIN_S = 0.02


def connected(path: Path, limit_s: float = _CONNECT_LIMIT_S) -> socket.socket:
    """A connection to a Unix socket that QEMU is about to open. Raises ``LabError`` when it is not there in time."""
    deadline = time.monotonic() + limit_s
    while True:
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect(str(path))
        except OSError as fault:
            end.close()
            if time.monotonic() >= deadline:
                raise LabError(f"no connection to {path} after {limit_s:.0f} s: {fault}") from fault
            time.sleep(_LOOK_AGAIN_S)
        else:
            return end


class Monitor:
    """One QEMU's monitor. Calls from several threads wait for each other."""

    def __init__(self, path: Path) -> None:
        self._socket = connected(path)
        self._socket.settimeout(_ANSWER_LIMIT_S)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lock = threading.Lock()
        self._read()
        self.call("qmp_capabilities")

    def call(self, command: str, **arguments: object) -> Any:
        """What the command returned. Raises ``LabError`` with QEMU's own words when it failed."""
        request = {"execute": command, "arguments": {name.replace("_", "-"): v for name, v in arguments.items()}}
        with self._lock:
            self._socket.sendall(json.dumps(request).encode())
            answer = self._read()
            while "event" in answer:
                answer = self._read()
        if "error" in answer:
            raise LabError(f"QEMU refused {command} {arguments}: {answer['error'].get('desc')}")
        return answer.get("return")

    def set_link(self, netdev: str, up: bool) -> None:
        """Give the NIC of this network device its carrier, or take it away."""
        self.call("set_link", name=netdev, up=up)

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError as fault:
            raise LabError(f"QEMU's monitor did not answer: {fault}") from fault
        if not line:
            raise LabError("QEMU closed its monitor: it has ended")
        parsed: dict[str, Any] = json.loads(line)
        return parsed
