"""``NetlinkVfTable``: how many requests it makes, what it says of a refusal, and the real kernel where there is one."""

import errno
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.errors import Conflict, HostFault, Invalid, MooringError, NotFound, Unsupported
from mooring.host.kernel_answers import from_errno
from mooring.host.netlink import NetlinkVfTable
from mooring.host.rtnetlink import RouteSocket
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol
from mooring.testing.cards import INTEL_82576, INTEL_E810, Card
from mooring.testing.contracts import FIELDS
from mooring.testing.vf_table import Mishaps, SimulatedVfTable
from tests.unit.host.miniature import MiniatureKernel

PF = "enp1s0"
MACS = ("02:00:00:00:01:00", "02:00:00:00:01:01")
WANTED = VfSettings("02:00:00:00:00:aa", Vlan(100, 3), False, True, TxRate(0, 500), LinkState.DISABLE)


class Subject:
    """A table, the kernel that it asks, and the card behind that."""

    def __init__(self, folder: Path, card: Card, says: tuple[str, int | None] = ("", None)) -> None:
        self.card = SimulatedVfTable(folder)
        self.card.plug(PF, card, MACS)
        self.kernel = MiniatureKernel(self.card, len(MACS), says)
        self.table = NetlinkVfTable(RouteSocket(lambda: self.kernel))

    def asked(self) -> list[list[str]]:
        """The names of the VF attributes of each request so far."""
        lists = [request.get_attr("IFLA_VFINFO_LIST") or {"attrs": ()} for request in self.kernel.requests]
        return [[name for _, info in one["attrs"] for name, _ in info["attrs"]] for one in lists]


def test_all_fields_go_in_one_request(tmp_path: Path) -> None:
    subject = Subject(tmp_path, INTEL_E810)
    subject.table.write(PF, 1, FIELDS, WANTED)
    assert len(subject.asked()) == 1
    assert subject.table.read(PF, 1) == WANTED


def test_no_field_is_no_request(tmp_path: Path) -> None:
    subject = Subject(tmp_path, INTEL_E810)
    subject.table.write(PF, 1, (), WANTED)
    assert subject.asked() == []


def test_a_refused_request_is_repeated_field_by_field_up_to_the_one_that_is_refused(tmp_path: Path) -> None:
    subject = Subject(tmp_path, INTEL_82576)
    with pytest.raises(Unsupported, match="enp1s0 vf 1 link_state") as refusal:
        subject.table.write(PF, 1, (VfField.MAC, VfField.LINK_STATE, VfField.TRUST), WANTED)
    assert refusal.value.facts == {"errno": errno.EOPNOTSUPP, "field": VfField.LINK_STATE}
    assert subject.asked()[1:] == [["IFLA_VF_MAC"], ["IFLA_VF_LINK_STATE"]]
    shown = subject.table.read(PF, 1)
    assert (shown.mac, shown.trust) == (WANTED.mac, False)


def test_a_request_that_goes_through_field_by_field_is_written(tmp_path: Path) -> None:
    subject = Subject(tmp_path, INTEL_E810)
    subject.card.misbehave(PF, Mishaps(busy_writes=1))
    subject.table.write(PF, 1, (VfField.MAC, VfField.TRUST), WANTED)
    assert subject.table.read(PF, 1).trust is True


def test_a_pf_that_is_gone_is_not_asked_again(tmp_path: Path) -> None:
    subject = Subject(tmp_path, INTEL_E810)
    subject.card.unplug(PF)
    with pytest.raises(NotFound, match=r"netdev enp1s0 could not"):
        subject.table.write(PF, 1, FIELDS, WANTED)
    assert len(subject.asked()) == 1


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EAGAIN])
def test_a_busy_vf_is_a_conflict_until_it_is_not(tmp_path: Path, code: int) -> None:
    subject = Subject(tmp_path, INTEL_E810)
    subject.card.misbehave(PF, Mishaps(busy_writes=2, busy_errno=code))
    for _ in range(2):
        with pytest.raises(Conflict):
            subject.table.write(PF, 0, (VfField.TRUST,), WANTED)
    subject.table.write(PF, 0, (VfField.TRUST,), WANTED)


def test_a_service_tag_reaches_a_card_that_takes_it(tmp_path: Path) -> None:
    subject = Subject(tmp_path, INTEL_E810)
    subject.table.write(PF, 1, (VfField.VLAN,), VfSettings(vlan=Vlan(100, 3, VlanProtocol.AD)))
    assert subject.table.read(PF, 1).vlan == Vlan(100, 3, VlanProtocol.AD)
    with pytest.raises(Unsupported, match="EPROTONOSUPPORT"):
        Subject(tmp_path / "igb", INTEL_82576).table.write(
            PF, 1, (VfField.VLAN,), VfSettings(vlan=Vlan(1, 0, VlanProtocol.AD))
        )


def test_the_attribute_that_the_driver_blames_is_kept(tmp_path: Path) -> None:
    # Behind the headers of message and link, the name (12 bytes), and the headers of list and entry.
    subject = Subject(tmp_path, INTEL_E810, says=("no such VLAN", 16 + 16 + 12 + 4 + 4))
    with pytest.raises(Invalid, match=r"enp1s0 vf 0 vlan: no such VLAN \(EINVAL\)") as refusal:
        subject.table.write(PF, 0, (VfField.VLAN,), VfSettings(vlan=Vlan(5000)))
    assert refusal.value.facts == {"errno": errno.EINVAL, "field": VfField.VLAN, "attribute": "IFLA_VF_VLAN"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EOPNOTSUPP, Unsupported),
        (errno.EPROTONOSUPPORT, Unsupported),
        (errno.EINVAL, Invalid),
        (errno.ERANGE, Invalid),
        (errno.ENODEV, NotFound),
        (errno.EBUSY, Conflict),
        (errno.EAGAIN, Conflict),
        (errno.EPERM, HostFault),
        (errno.EMSGSIZE, HostFault),
        (errno.EIO, HostFault),
        (12345, HostFault),
    ],
)
def test_every_errno_has_its_error(code: int, kind: type[MooringError]) -> None:
    assert type(from_errno(code, "text", "enp1s0 vf 0 mac")) is kind


def test_the_drivers_own_words_and_the_errno_are_in_the_message() -> None:
    refused = from_errno(errno.EOPNOTSUPP, "VF is in legacy mode", "enp1s0 vf 0 trust", field="trust")
    assert refused.message == "enp1s0 vf 0 trust: VF is in legacy mode (EOPNOTSUPP)"
    assert refused.facts == {"errno": errno.EOPNOTSUPP, "field": "trust"}


@pytest.fixture
def real() -> Iterator[NetlinkVfTable]:
    with closing(NetlinkVfTable()) as table:
        yield table


def test_the_real_kernel_shows_the_loopback_up_and_without_vfs(real: NetlinkVfTable) -> None:
    view = real.look("lo")
    assert (view.is_up, dict(view.vfs)) == (True, {})


def test_the_real_kernel_knows_no_pf_of_that_name(real: NetlinkVfTable) -> None:
    with pytest.raises(NotFound):
        real.look("nosuchpf0")
    with pytest.raises(NotFound):
        real.read("lo", 0)


def test_the_real_kernel_says_why_a_name_is_wrong(real: NetlinkVfTable) -> None:
    with pytest.raises(Invalid, match=r"x{16}: .+ \(ERANGE\)"):
        real.look("x" * 16)


@pytest.mark.parametrize("field", VfField)
def test_the_real_kernel_understands_each_field_and_the_loopback_takes_none(
    real: NetlinkVfTable, field: VfField
) -> None:
    with pytest.raises((Unsupported, HostFault)) as refusal:
        real.write("lo", 0, (field,), replace(WANTED, guid="02:00:00:00:00:00:00:aa"))
    # Without CAP_NET_ADMIN nobody may even ask.
    assert refusal.value.facts["errno"] in (errno.EOPNOTSUPP, errno.EPERM)
    assert refusal.value.facts["field"] is field
