"""A wire: a learning switch in this process, whose ports are the far ends of QEMU's NICs.

It learns (MAC, VLAN) like a switch with all VLANs on all ports, keeps every frame that came in, and can be told to
pull a cable or to put in a frame of the test's own.
"""

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from lab.frames import Frame, parse

#: Frames that a wire remembers; the oldest go first.
FRAMES_KEPT = 20_000

_LONGEST = 65_536
_RECEIVE_BUFFER_BYTES = 4 << 20
_CLOSE_LIMIT_S = 5
_LOOK_S = 0.5


class Any(Enum):
    """Stands for "whatever it is", where None already means "no tag"."""

    ANY = "any"


ANY: Final = Any.ANY


def _no_carrier(up: bool) -> None:
    """A port whose far end has no carrier to switch."""


@dataclass(slots=True)
class _Port:
    socket: socket.socket
    far: str
    carrier: Callable[[bool], None]
    cut: bool = False
    allowed: AbstractSet[int | None] | None = None

    def passes(self, frame: Frame) -> bool:
        return not self.cut and (self.allowed is None or frame.vlan in self.allowed)


class Wire:
    """One physical network. Port names are free; the lab's are ``n0.pf0`` and so on."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._ports: dict[str, _Port] = {}
        self._frames: deque[Frame] = deque(maxlen=FRAMES_KEPT)
        self._learned: dict[tuple[str, int | None], str] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"wire {name}", daemon=True)
        self._thread.start()

    def add(self, port: str, carrier: Callable[[bool], None] = _no_carrier) -> tuple[Path, Path]:
        """A new port: the path of the wire's socket, and the one that the far end has to bind.

        ``carrier`` is told when the port's cable is pulled (False) or put back (True).
        """
        near, far = self._folder / f"{port}.wire", self._folder / f"{port}.nic"
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        end.setblocking(False)
        end.bind(str(near))
        with self._lock:
            self._ports[port] = _Port(end, str(far), carrier)
        self._selector.register(end, selectors.EVENT_READ, port)
        return near, far

    @property
    def ports(self) -> list[str]:
        return list(self._ports)

    def seen(
        self,
        *,
        src: str | None = None,
        dst: str | None = None,
        vlan: int | Any | None = ANY,
        port: str | None = None,
        ethertype: int | None = None,
    ) -> list[Frame]:
        """The frames since ``clear``, oldest first, that are all of what is asked. ``vlan=None``: without a tag."""
        with self._lock:
            frames = list(self._frames)
        return [
            frame
            for frame in frames
            if src in (None, frame.src)
            and dst in (None, frame.dst)
            and port in (None, frame.port)
            and ethertype in (None, frame.ethertype)
            and vlan in (ANY, frame.vlan)
        ]

    def vlans(self, src: str) -> set[int | None]:
        """The VLANs that a MAC was seen sending on; None for frames without a tag."""
        return {frame.vlan for frame in self.seen(src=src)}

    def clear(self) -> None:
        """Forget the frames that were seen. What the switch learned stays."""
        with self._lock:
            self._frames.clear()

    def inject(self, port: str, data: bytes) -> None:
        """Send a frame out of ``port`` to the NIC behind it, whatever is cut or allowed there."""
        self._send(self._ports[port], data)

    def allow(self, port: str, vlans: AbstractSet[int | None] | None) -> None:
        """Let only these VLANs through (None among them: frames without a tag); None: all, as at first."""
        with self._lock:
            self._ports[port].allowed = vlans

    def cut(self, port: str) -> None:
        """Pull the cable: no frame passes, and the NIC loses its carrier."""
        self._set_cut(port, True)

    def mend(self, port: str) -> None:
        """Put the cable back."""
        self._set_cut(port, False)

    def is_cut(self, port: str) -> bool:
        return self._ports[port].cut

    def close(self) -> None:
        self._closed.set()
        self._thread.join(_CLOSE_LIMIT_S)
        for port in self._ports.values():
            port.socket.close()
        self._selector.close()

    def _set_cut(self, name: str, cut: bool) -> None:
        with self._lock:
            port = self._ports[name]
            port.cut = cut
            self._learned = {key: at for key, at in self._learned.items() if at != name}
        port.carrier(not cut)

    def _serve(self) -> None:
        while not self._closed.is_set():
            for key, _ in self._selector.select(_LOOK_S):
                self._receive(str(key.data))

    def _receive(self, name: str) -> None:
        try:
            data = self._ports[name].socket.recv(_LONGEST)
        except (BlockingIOError, ConnectionError):
            return
        frame = parse(name, time.monotonic(), data)
        if frame is None:
            return
        for port in self._route(frame):
            self._send(port, data)

    def _route(self, frame: Frame) -> list[_Port]:
        """Keep the frame, learn where it came from, and say where it goes."""
        with self._lock:
            if self._ports[frame.port].cut:
                return []
            self._frames.append(frame)
            if not self._ports[frame.port].passes(frame):
                return []
            self._learned[frame.src, frame.vlan] = frame.port
            known = self._learned.get((frame.dst, frame.vlan))
            targets = [known] if known else list(self._ports)
            return [self._ports[name] for name in targets if name != frame.port and self._ports[name].passes(frame)]

    @staticmethod
    def _send(port: _Port, data: bytes) -> None:
        try:
            port.socket.sendto(data, port.far)
        except (FileNotFoundError, ConnectionError, BlockingIOError):
            return  # its host is off, or slow: a wire may lose frames
