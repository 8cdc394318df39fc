"""Addresses, routes and open device files, as the kernel tells them."""

import errno
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from pyroute2 import AsyncIPRoute

from mooring.host.addresses import read_uses
from mooring.host.nlattr import attribute
from mooring.host.occupants import KernelOccupants, occupants_of
from tests.unit.host.netlink_kernel import DONE, KernelSocket, message

_NEWADDR, _GETADDR, _NEWROUTE, _GETROUTE = 20, 22, 24, 26
_REQUEST_DUMP = 0x301
NAMES = {2: "ens1f0", 3: "ens1f0v0", 4: "ens1f0v1"}


def address(index: int, ip: str, prefix: int, *, local: str | None = None) -> bytes:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    body = struct.pack("=BBBBI", family, prefix, 0, 0, index) + attribute(1, socket.inet_pton(family, ip))
    return body + (attribute(2, socket.inet_pton(family, local)) if local else b"")


def route(
    destination: str | None, prefix: int, index: int | None, *, family: int = socket.AF_INET, protocol: int = 4,
    kind: int = 1, hops: Sequence[int] = (),
) -> bytes:  # fmt: skip
    body = struct.pack("=BBBBBBBBI", family, prefix, 0, 0, 254, protocol, 0, kind, 0)
    if destination is not None:
        body += attribute(1, socket.inet_pton(family, destination))
    if index is not None:
        body += attribute(4, struct.pack("=I", index))
    if hops:
        body += attribute(9, b"".join(struct.pack("=HBBi", 8, 0, 0, hop) for hop in hops))
    return body


def told(addresses: Sequence[bytes] = (), routes: Sequence[bytes] = ()) -> dict[str, str]:
    def answer(kind: int, flags: int, body: bytes) -> list[bytes]:
        assert flags == _REQUEST_DUMP
        assert not any(body)
        asked, said = {_GETADDR: (_NEWADDR, addresses), _GETROUTE: (_NEWROUTE, routes)}[kind]
        return [*(message(asked, one) for one in said), DONE]

    def name_of(index: int) -> str:
        if index not in NAMES:
            raise OSError("no such interface")
        return NAMES[index]

    def uses() -> Mapping[int, str]:
        return read_uses(lambda: AsyncIPRoute(use_socket=KernelSocket(answer)))

    return dict(KernelOccupants(read_uses=uses, name_of=name_of).netdevs())


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([address(2, "192.0.2.4", 24)], {"ens1f0": "has address 192.0.2.4/24"}),
        ([address(3, "2001:db8::4", 64)], {"ens1f0v0": "has address 2001:db8::4/64"}),
        ([address(3, "192.0.2.1", 32, local="192.0.2.9")], {"ens1f0v0": "has address 192.0.2.9/32"}),
        ([address(3, "fe80::1", 64)], {}),
        ([address(3, "fe80::1", 64), address(3, "fd00::2", 64)], {"ens1f0v0": "has address fd00::2/64"}),
        ([address(3, "169.254.7.7", 16)], {"ens1f0v0": "has address 169.254.7.7/16"}),
        ([address(9, "192.0.2.4", 24)], {}),
        ([], {}),
    ],
)
def test_addresses_that_somebody_gave_are_told(answers: list[bytes], says: dict[str, str]) -> None:
    assert told(answers) == says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (route("203.0.113.0", 24, 4), {"ens1f0v1": "carries the route to 203.0.113.0/24"}),
        (route(None, 0, 4), {"ens1f0v1": "carries the route to 0.0.0.0/0"}),
        (route(None, 0, 4, family=socket.AF_INET6), {"ens1f0v1": "carries the route to ::/0"}),
        (route("203.0.113.0", 24, 4, protocol=2), {}),
        (route("203.0.113.0", 24, 4, kind=3), {}),
        (route("203.0.113.0", 24, None), {}),
        (
            route("203.0.113.0", 24, None, hops=[2, 3]),
            {"ens1f0": "carries the route to 203.0.113.0/24", "ens1f0v0": "carries the route to 203.0.113.0/24"},
        ),
    ],
)
def test_routes_that_somebody_set_are_told(answer: bytes, says: dict[str, str]) -> None:
    assert told(routes=[answer]) == says


def test_an_address_is_told_before_a_route() -> None:
    both = told([address(2, "192.0.2.4", 24)], [route(None, 0, 2)])
    assert both == {"ens1f0": "has address 192.0.2.4/24"}


def test_this_very_kernel_tells_the_address_of_its_loopback() -> None:
    assert KernelOccupants().netdevs().get("lo") in ("has address 127.0.0.1/8", None)


def test_this_very_process_is_seen_to_hold_what_it_has_open(tmp_path: Path) -> None:
    node = tmp_path / "node"
    with node.open("w"):
        holders = KernelOccupants().holders({str(node), str(tmp_path / "other")})
    assert holders[str(node)].startswith(f"process {os.getpid()} (")


def process(proc: Path, number: int, files: Sequence[str], comm: str = "testpmd\n") -> Path:
    folder = proc / str(number)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(comm)
    for descriptor, target in enumerate(files):
        (folder / "fd" / str(descriptor)).symlink_to(target)
    return folder


def test_holders_are_named_by_process_and_program(tmp_path: Path) -> None:
    process(tmp_path, 12, ["/dev/null", "/dev/vfio/15"])
    process(tmp_path, 13, ["/dev/vfio/16"], comm="a\tb\x1b[2J\n")
    (tmp_path / "self").mkdir()
    assert KernelOccupants(tmp_path).holders({"/dev/vfio/15", "/dev/vfio/16", "/dev/vfio/17"}) == {
        "/dev/vfio/15": "process 12 (testpmd)",
        "/dev/vfio/16": r"process 13 (a\tb\x1b[2J)",
    }


def test_a_process_that_ended_meanwhile_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "12").mkdir()
    assert KernelOccupants(tmp_path).holders({"/dev/vfio/15"}) == {}


def test_what_a_hidden_process_may_hold_is_not_taken_for_free(tmp_path: Path) -> None:
    hidden = process(tmp_path, 12, ["/dev/vfio/15"]) / "fd"
    process(tmp_path, 13, ["/dev/vfio/16"])

    def list_folder(path: Path) -> list[str]:
        if path == hidden:
            raise PermissionError(errno.EACCES, "Permission denied")
        return os.listdir(path)  # noqa: PTH208 - as the product does

    occupants = KernelOccupants(tmp_path, list_folder=list_folder)
    nodes = {"/dev/vfio/15", "/dev/vfio/16"}
    assert occupants.holders(nodes) == {
        "/dev/vfio/15": "a process that this agent may not look into (1 of them)",
        "/dev/vfio/16": "process 13 (testpmd)",
    }
    assert occupants.holders(nodes, is_seen=True) == {"/dev/vfio/16": "process 13 (testpmd)"}


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path / "sys"])
def test_nobody_says_who_uses_the_netdevs_of_a_recording(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert occupants_of(make(tmp_path)) is None
    assert isinstance(occupants_of(Path("/sys")), KernelOccupants)
