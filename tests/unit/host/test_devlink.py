"""Eswitch modes out of the kernel's answers, which are built here as the kernel builds them."""

import errno
import struct
from collections.abc import Sequence

import pytest
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket

from mooring.host.devlink import read_eswitch_mode
from mooring.host.nlattr import attribute, attributes
from mooring.model.pci import PciAddress
from tests.unit.host.netlink_kernel import KernelSocket, message, refusal

PF = PciAddress.parse("0000:81:00.0")
FAMILY = 22
_CTRL, _GETFAMILY, _ESWITCH_GET = 0x10, 3, 29


def answer(family: int, command: int, *parts: bytes) -> bytes:
    return message(family, struct.pack("=BBH", command, 1, 0) + b"".join(parts), 0)


def mode_of(datagrams: Sequence[bytes | OSError], *, family: Sequence[bytes] | None = None) -> str | None:
    found = answer(_CTRL, _GETFAMILY, attribute(2, b"devlink\0"), attribute(1, struct.pack("=H", FAMILY)))

    def says(kind: int, flags: int, body: bytes) -> Sequence[bytes | OSError]:
        told = dict(attributes(body, 4, len(body)))
        if kind == _CTRL:
            assert told == {2: b"devlink\0"}
            return [found] if family is None else family
        assert (kind, flags, body[0]) == (FAMILY, 0x5, _ESWITCH_GET)
        assert told == {1: b"pci\0", 2: b"0000:81:00.0\0"}
        return datagrams

    wire = KernelSocket(says)
    try:
        return read_eswitch_mode(PF, lambda: AsyncGenericNetlinkSocket(use_socket=wire))
    finally:
        assert wire.fileno() == -1


@pytest.mark.parametrize(
    ("number", "mode"), [(0, "legacy"), (1, "switchdev"), (2, "switchdev_inactive"), (3, None), (0xFFFF, None)]
)
def test_an_eswitch_mode_is_told_by_its_name(number: int, mode: str | None) -> None:
    assert mode_of([answer(FAMILY, _ESWITCH_GET, attribute(25, struct.pack("=H", number)))]) == mode


@pytest.mark.parametrize(
    "datagrams",
    [
        [refusal(errno.EOPNOTSUPP)],
        [refusal(errno.ENODEV)],
        [refusal(errno.EPERM)],
        [refusal(0)],
        [answer(FAMILY, _ESWITCH_GET)],
        [answer(FAMILY, _ESWITCH_GET, attribute(25, b""))],
    ],
)
def test_a_driver_without_an_eswitch_has_no_mode(datagrams: Sequence[bytes]) -> None:
    assert mode_of(datagrams) is None


def test_a_kernel_without_devlink_has_no_mode() -> None:
    assert mode_of([], family=[refusal(errno.ENOENT)]) is None


def test_this_very_kernel_has_no_mode_for_a_card_that_is_not_there() -> None:
    assert read_eswitch_mode(PciAddress.parse("ffff:ff:1f.7")) is None
