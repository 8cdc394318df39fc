"""Features and eswitch modes out of the kernel's answers, which are built here as the kernel builds them."""

import errno
import struct
from collections.abc import Sequence

import pytest

from mooring.errors import HostFault, MooringError, NotFound, Unsupported
from mooring.host.generic_netlink import read_eswitch_mode, read_features
from mooring.host.nlattr import attribute, attributes
from mooring.model.pci import PciAddress

PF = PciAddress.parse("0000:81:00.0")
FAMILY = 21
NAMES = {
    0: "tx-scatter-gather",
    1: "tx-checksum-ipv4",
    5: "rx-gro",
    36: "rx-checksum",
    70: "hw-tc-offload",
    2: "highdma",
}
_GETFAMILY, _STRSET_GET, _FEATURES_GET, _ESWITCH_GET = 3, 1, 11, 29


def answer(command: int, *parts: bytes) -> bytes:
    return struct.pack("=BBH", command, 1, 0) + b"".join(parts)


def family() -> bytes:
    return answer(_GETFAMILY, attribute(2, b"ethtool\0"), attribute(1, struct.pack("=H", FAMILY)))


def strings() -> bytes:
    all_of_them = (
        attribute(1, attribute(1, struct.pack("=I", index)) + attribute(2, f"{name}\0".encode()))
        for index, name in NAMES.items()
    )
    one = attribute(1, struct.pack("=I", 4)) + attribute(2, struct.pack("=I", 71)) + attribute(3, b"".join(all_of_them))
    return answer(_STRSET_GET, attribute(2, attribute(1, one)))


def features(netdev: str, indices: Sequence[int]) -> bytes:
    words = [sum(1 << index % 32 for index in indices if index // 32 == word) for word in range(3)]
    bits = attribute(1, b"") + attribute(2, struct.pack("=I", 71)) + attribute(4, struct.pack("=3I", *words))
    header = attribute(1, struct.pack("=I", 7)) + attribute(2, f"{netdev}\0".encode())
    return answer(_FEATURES_GET, attribute(1, header), attribute(3, b"wanted"), attribute(4, bits))


class Kernel:
    def __init__(self, *dumped: bytes, mode: Sequence[bytes] = ()) -> None:
        self.dumped = list(dumped)
        self.mode = mode
        self.asked: list[bytes] = []

    def ask(self, protocol: int, kind: int, body: bytes) -> list[bytes]:
        assert protocol == 16
        self.asked.append(body)
        if kind == 0x10:
            return [family()]
        assert kind == FAMILY
        return [strings()] if body[0] == _STRSET_GET else list(self.mode)

    def dump(self, protocol: int, kind: int, body: bytes) -> list[bytes]:
        assert (protocol, kind, body[0]) == (16, FAMILY, _FEATURES_GET)
        return self.dumped


def test_features_are_told_in_libvirts_words_and_by_netdev() -> None:
    kernel = Kernel(features("ens1f0", [0, 1, 2, 5, 36, 70]), features("ens1f0v0", [5]), features("lo", []))
    assert read_features(kernel.ask, kernel.dump) == {
        "ens1f0": ("gro", "hw-tc-offload", "rx", "sg", "tx"),
        "ens1f0v0": ("gro",),
        "lo": (),
    }


def test_a_kernel_without_the_family_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no netlink family ethtool"):
        read_features(lambda *_: [], lambda *_: [])


@pytest.mark.parametrize(
    ("number", "mode"), [(0, "legacy"), (1, "switchdev"), (2, "switchdev_inactive"), (3, None), (0xFFFF, None)]
)
def test_an_eswitch_mode_is_told_by_its_name(number: int, mode: str | None) -> None:
    kernel = Kernel(mode=[answer(_ESWITCH_GET, attribute(25, struct.pack("=H", number)))])
    assert read_eswitch_mode(PF, kernel.ask) == mode
    assert dict(attributes(kernel.asked[-1], 4, len(kernel.asked[-1]))) == {1: b"pci\0", 2: b"0000:81:00.0\0"}


@pytest.mark.parametrize(
    "failure",
    [Unsupported("EOPNOTSUPP"), NotFound("devlink", "pci/0000:81:00.0"), HostFault("silent", facts={"e": errno.EIO})],
)
def test_a_driver_without_an_eswitch_has_no_mode(failure: MooringError) -> None:
    def ask(*_: object) -> list[bytes]:
        raise failure

    assert read_eswitch_mode(PF, ask) is None
    assert read_eswitch_mode(PF, Kernel().ask) is None


def test_a_feature_set_that_is_cut_off_is_a_host_fault() -> None:
    kernel = Kernel(features("ens1f0", [5])[:-6])
    with pytest.raises(HostFault):
        read_features(kernel.ask, kernel.dump)
