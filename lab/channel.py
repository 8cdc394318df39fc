"""The line to the hand inside a host (inside/hand.py): JSON lines over a virtio-serial port's socket."""

import json
import secrets
import threading
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.qmp import connected

#: What the hand and the line may take on top of the command's own limit.
GRACE_S = 30


class _Waiting:
    """The place where an answer is put down for the thread that asked."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: dict[str, Any] | None = None


class Channel:
    """Requests and their answers, matched by number; any thread may ask."""

    def __init__(self, path: Path, limit_s: float = 20) -> None:
        self._socket = connected(path, limit_s)
        self._send_lock = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._ended = threading.Event()
        #: Set when the hand has greeted; ``boot_id`` is then the kernel's.
        self.greeted = threading.Event()
        self.boot_id = ""
        threading.Thread(target=self._listen, name=f"channel {path.name}", daemon=True).start()

    def ask(self, request: dict[str, object], limit_s: float) -> dict[str, Any]:
        """The hand's answer. Raises ``LabError`` when there is none within ``limit_s`` and a grace, or an error."""
        # Random, because an answer to somebody who went away may still be under way to the next on this line.
        number = secrets.randbits(48)
        waiting = self._waiting[number] = _Waiting()
        try:
            with self._send_lock:
                self._socket.sendall(json.dumps({"id": number, **request}).encode() + b"\n")
        except OSError as fault:
            self._waiting.pop(number, None)
            raise LabError(f"the host went away: {fault}") from fault
        if self._ended.is_set():
            waiting.done.set()
        if not waiting.done.wait(limit_s + GRACE_S):
            self._waiting.pop(number, None)
            raise LabError(f"the host gave no answer in {limit_s + GRACE_S:.0f} s")
        if waiting.answer is None:
            raise LabError("the host went away before it answered")
        if "error" in waiting.answer:
            raise LabError(f"inside the host: {waiting.answer['error']}")
        return waiting.answer

    def close(self) -> None:
        self._socket.close()

    def _listen(self) -> None:
        try:
            for line in self._socket.makefile("r", encoding="utf-8", errors="replace"):
                self._take(line)
        except OSError:
            pass  # the socket was closed here, or QEMU was killed: both end the conversation
        self._ended.set()
        for waiting in list(self._waiting.values()):
            waiting.done.set()

    def _take(self, line: str) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            return  # the end of an answer that began before this connection
        if answer.get("id") == 0:
            self.boot_id = answer["boot_id"]
            self.greeted.set()
        elif waiting := self._waiting.pop(answer.get("id"), None):
            waiting.answer = answer
            waiting.done.set()
