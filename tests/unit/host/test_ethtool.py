"""Features out of the kernel's answers, which are built here as the kernel builds them."""

import errno
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket

from mooring.errors import HostFault, Unsupported
from mooring.host.ethtool import read_features
from mooring.host.nlattr import attribute, attributes
from tests.unit.host.netlink_kernel import DONE, Answer, KernelSocket, message, refusal

FAMILY = 21
NAMES = {
    0: "tx-scatter-gather",
    1: "tx-checksum-ipv4",
    5: "rx-gro",
    36: "rx-checksum",
    70: "hw-tc-offload",
    2: "highdma",
}
_CTRL, _GETFAMILY, _STRSET_GET, _FEATURES_GET = 0x10, 3, 1, 11
_REQUEST_ACK, _REQUEST_DUMP, _NESTED = 0x5, 0x301, 0x8000


def answer(command: int, *parts: bytes, family: int = FAMILY, flags: int = 0) -> bytes:
    return message(family, struct.pack("=BBH", command, 1, 0) + b"".join(parts), flags)


def family() -> bytes:
    return answer(_GETFAMILY, attribute(2, b"ethtool\0"), attribute(1, struct.pack("=H", FAMILY)), family=_CTRL)


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
    return answer(_FEATURES_GET, attribute(1, header), attribute(3, b"wanted"), attribute(4, bits), flags=2)


def kernel(*dumped: bytes) -> Answer:
    def says(kind: int, flags: int, body: bytes) -> list[bytes]:
        asked, told = (kind, body[0], flags), dict(attributes(body, 4, len(body)))
        if kind == _CTRL:
            assert told == {2: b"ethtool\0"}
            return [family()]
        if asked == (FAMILY, _STRSET_GET, _REQUEST_ACK):
            assert told == {1: b"", 2: attribute(_NESTED | 1, attribute(1, struct.pack("=I", 4)))}
            return [strings()]
        assert asked == (FAMILY, _FEATURES_GET, _REQUEST_DUMP)
        assert told == {1: attribute(3, struct.pack("=I", 1))}
        return [*dumped, DONE]

    return says


def read(says: Answer) -> Mapping[str, tuple[str, ...]]:
    wire = KernelSocket(says)
    try:
        return read_features(lambda: AsyncGenericNetlinkSocket(use_socket=wire))
    finally:
        assert wire.fileno() == -1


def test_features_are_told_in_libvirts_words_and_by_netdev() -> None:
    assert read(kernel(features("ens1f0", [0, 1, 2, 5, 36, 70]), features("ens1f0v0", [5]), features("lo", []))) == {
        "ens1f0": ("gro", "hw-tc-offload", "rx", "sg", "tx"),
        "ens1f0v0": ("gro",),
        "lo": (),
    }


def test_a_kernel_without_the_family_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no netlink family ethtool"):
        read(lambda *_: [refusal(errno.ENOENT)])


@pytest.mark.parametrize("cut", [lambda whole: whole[:-6], lambda whole: whole[:20]])
def test_a_feature_set_that_is_cut_off_is_a_host_fault(cut: Callable[[bytes], bytes]) -> None:
    with pytest.raises(HostFault):
        read(kernel(cut(features("ens1f0", [5]))))


def test_this_very_kernel_tells_the_features_of_its_netdevs() -> None:
    try:
        told = read_features()
    except Unsupported:
        return
    assert set(told) == {path.name for path in Path("/sys/class/net").iterdir() if path.is_dir()}
