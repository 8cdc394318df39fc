"""A socket that answers pyroute2 as the kernel does: what is sent to it is answered into it at once."""

import socket
import struct
from collections.abc import Callable, Sequence

NLMSG_ERROR, NLMSG_DONE = 2, 3
MULTI, CHANGED_MEANWHILE = 0x2, 0x10

#: Message type, flags and body of a question, and the datagrams that answer it.
Answer = Callable[[int, int, bytes], Sequence[bytes | OSError]]


def message(kind: int, body: bytes, flags: int = MULTI) -> bytes:
    """The sequence number is the socket's to put in."""
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body + bytes(-len(body) % 4)


DONE = message(NLMSG_DONE, bytes(4))


def refusal(code: int, kind: int = NLMSG_ERROR) -> bytes:
    """An errno, and the header of the request that it answers."""
    return message(kind, struct.pack("=i", -code) + bytes(16 if kind == NLMSG_ERROR else 0), 0)


class KernelSocket(socket.socket):
    def __init__(self, answer: Answer) -> None:
        ours, self._kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        super().__init__(fileno=ours.detach())
        self._answer = answer
        self._failure: OSError | None = None

    def send(self, data: bytes, _flags: int = 0, /) -> int:  # type: ignore[override]  # as pyroute2 calls it
        _, kind, request_flags, sequence, _ = struct.unpack_from("=IHHII", data)
        for said in self._answer(kind, request_flags, bytes(data[16:])):
            if isinstance(said, OSError):
                self._failure = said
            self._kernel.send(b"woken" if isinstance(said, OSError) else _numbered(said, sequence))
        return len(data)

    def sendto(self, data: bytes, _address: object, /) -> int:  # type: ignore[override]  # as pyroute2 calls it
        return self.send(data)

    def recvfrom(self, size: int, flags: int = 0, /) -> tuple[bytes, object]:
        received = super().recvfrom(size, flags)
        if self._failure is not None:
            raise self._failure
        return received

    def bind(self, address: object, /) -> None:
        """Netlink's addresses mean nothing to this kind of socket."""

    def close(self) -> None:
        self._kernel.close()
        super().close()


def _numbered(datagram: bytes, sequence: int) -> bytes:
    numbered, start = bytearray(datagram), 0
    while start + 16 <= len(numbered):
        struct.pack_into("=I", numbered, start + 8, sequence)
        start += max(struct.unpack_from("=I", numbered, start)[0] + 3 & ~3, 16)
    return bytes(numbered)
