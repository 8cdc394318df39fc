#!/usr/bin/python3
"""The lab's hand inside a host: takes one JSON request a line from a virtio-serial port, answers with one line.

    {"id": 1, "argv": [...], "stdin": base64, "limit_s": 60, "env": {...}}   run it: code, out, err (base64)
    {"id": 2, "spawn": [...], "log": "/path", "env": {...}}                  start it in the background: pid
    {"id": 3, "put": "/path", "data": base64, "mode": 420}                   write a file, whole
    {"id": 4, "get": "/path"}                                                read a file: data (base64)
    {"id": 5, "off": true}                                                   power off

``lab.own`` is the port of the process that started the host, ``lab.guest`` of anyone who looks in. The answer to a
request that could not be carried out has ``error``. Unasked, once: {"id": 0, "boot_id": ...}.
"""

import base64
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

PORTS = ("lab.own", "lab.guest")
PORT_WAIT_S = 20
TIMED_OUT = 124


def device(port: str) -> Path:
    """The device of the virtio-serial port of that name."""
    deadline = time.monotonic() + PORT_WAIT_S
    while time.monotonic() < deadline:
        for name in Path("/sys/class/virtio-ports").glob("*/name"):
            path = Path("/dev") / name.parent.name
            if name.read_text().strip() == port and path.exists():
                return path
        time.sleep(0.05)
    raise TimeoutError(f"no virtio-serial port {port} after {PORT_WAIT_S} s")


def run(request: dict[str, Any]) -> dict[str, Any]:
    process = subprocess.Popen(
        request["argv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
        env={**os.environ, **request.get("env", {})}, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(base64.b64decode(request.get("stdin", "")), timeout=request["limit_s"])
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code, err = TIMED_OUT, err + b"\nkilled by the lab: over its time\n"
    return {"code": code, "out": base64.b64encode(out).decode(), "err": base64.b64encode(err).decode()}


def spawn(request: dict[str, Any]) -> dict[str, Any]:
    Path(request["log"]).parent.mkdir(parents=True, exist_ok=True)
    with Path(request["log"]).open("ab") as log:
        process = subprocess.Popen(
            request["spawn"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            env={**os.environ, **request.get("env", {})}, start_new_session=True,
        )  # fmt: skip
    # Waited for, so that a child that ended is gone from /proc and not a zombie that looks alive.
    threading.Thread(target=process.wait, daemon=True).start()
    return {"pid": process.pid}


def put(request: dict[str, Any]) -> dict[str, Any]:
    path = Path(request["put"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(request["data"]))
    path.chmod(request["mode"])
    return {}


def carry_out(request: dict[str, Any]) -> dict[str, Any]:
    try:
        if "argv" in request:
            return run(request)
        if "spawn" in request:
            return spawn(request)
        if "put" in request:
            return put(request)
        if "get" in request:
            return {"data": base64.b64encode(Path(request["get"]).read_bytes()).decode()}
        if "off" in request:
            Path("/run/lab-off").touch()
            return {}
        return {"error": f"no such request: {sorted(request)}"}
    except OSError as fault:
        return {"error": str(fault)}


class Port:
    """One virtio-serial port; requests on it run side by side, answers leave it one at a time."""

    def __init__(self, name: str) -> None:
        self.file = os.open(device(name), os.O_RDWR)
        self.lock = threading.Lock()

    def send(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode() + b"\n"
        with self.lock:
            while data:
                data = data[os.write(self.file, data) :]

    def work(self, request: dict[str, Any]) -> None:
        self.send({"id": request["id"], **carry_out(request)})
        if "off" in request:
            os._exit(0)

    def serve(self) -> None:
        rest = b""
        while True:
            chunk = os.read(self.file, 65536)
            if not chunk:
                time.sleep(0.05)  # nobody is connected: the port reads as ended, not as empty
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                try:
                    request = json.loads(line)
                except ValueError:
                    continue  # half a line of somebody who was killed while writing
                threading.Thread(target=self.work, args=(request,), daemon=True).start()


def main() -> None:
    own, guest = (Port(name) for name in PORTS)
    threading.Thread(target=guest.serve, daemon=True).start()
    own.send({"id": 0, "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip()})
    # After the greeting, so that libvirt's start delays nobody who does not wait for it.
    threading.Thread(target=subprocess.run, args=(["/usr/local/sbin/lab-services"],), daemon=True).start()
    own.serve()


main()
