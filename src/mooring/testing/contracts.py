"""What every ``VfTable`` keeps to, as a class of tests: for the simulated one, and for netlink on any kernel.

With pytest: subclass it, and set ``table`` and the rest in an autouse fixture. Without it, on a host that has none:
``broken_promises(VfTableContract().on(NetlinkVfTable(), "eni1np1", vf_count=4))``. The PF's VFs are nobody's then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Self

from mooring.errors import Invalid, MooringError, NotFound
from mooring.host.machine import VfTable
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol

ABSENT = "nosuchpf0"
FIRST = VfSettings("02:00:00:00:00:aa", Vlan(100, 3), False, True, TxRate(5, 500), LinkState.DISABLE)
#: Of an Ethernet card: a GUID is InfiniBand's.
FIELDS = tuple(field for field in VfField if field is not VfField.GUID)
SECOND = VfSettings("02:00:00:00:00:bb", Vlan(4094, 7), True, False, TxRate(0, 900), LinkState.ENABLE)


class VfTableContract:
    """Needs a PF with two VFs or more, its link up."""

    table: VfTable
    pf: str
    vf_count: int
    refused: Mapping[VfField, type[MooringError]]
    """What this card answers to a write of a field."""
    has_min_rate: bool
    vlan_protocols: Collection[VlanProtocol]

    def on(
        self,
        table: VfTable,
        pf_netdev: str,
        *,
        vf_count: int,
        refused: Mapping[VfField, type[MooringError]] | None = None,
        has_min_rate: bool = True,
        vlan_protocols: Collection[VlanProtocol] = frozenset(VlanProtocol),
    ) -> Self:
        """Set what the tests are about; by default a PF that takes everything, as netdevsim does."""
        self.table, self.pf, self.vf_count, self.refused = table, pf_netdev, vf_count, refused or {}
        self.has_min_rate, self.vlan_protocols = has_min_rate, vlan_protocols
        return self

    def test_every_vf_is_shown_by_its_index(self) -> None:
        vfs = self.table.look(self.pf).vfs
        same(sorted(vfs), list(range(self.vf_count)), "the indices")
        for index, settings in vfs.items():
            same(self.table.read(self.pf, index), settings, f"VF {index}, read alone")

    def test_a_write_changes_one_field_of_one_vf(self) -> None:
        for wanted in (self._possible(FIRST), self._possible(SECOND)):
            for field in self._taken():
                before = dict(self.table.look(self.pf).vfs)
                self.table.write(self.pf, 1, (field,), wanted)
                before[1] = replace(before[1], **{field.value: getattr(wanted, field.value)})
                same(dict(self.table.look(self.pf).vfs), before, f"all VFs after a write of {field} of VF 1")

    def test_several_fields_go_in_one_write(self) -> None:
        fields = self._taken()
        for wanted in (self._possible(FIRST), self._possible(SECOND)):
            self.table.write(self.pf, self.vf_count - 1, fields, wanted)
            shown = self.table.read(self.pf, self.vf_count - 1)
            same(_only(shown, fields), _only(wanted, fields), "the last VF")

    def test_a_service_tag_is_taken_where_the_card_can(self) -> None:
        tag = VfSettings(vlan=Vlan(200, 5, VlanProtocol.AD))
        if VlanProtocol.AD in self.vlan_protocols:
            self.table.write(self.pf, 0, (VfField.VLAN,), tag)
            same(self.table.read(self.pf, 0).vlan, tag.vlan, "the tag")
            self.table.write(self.pf, 0, (VfField.VLAN,), VfSettings(vlan=Vlan()))
            same(self.table.read(self.pf, 0).vlan, Vlan(), "no tag")
        else:
            refuses(MooringError, self.table.write, self.pf, 0, (VfField.VLAN,), tag)

    def test_the_first_refused_field_ends_a_write_and_is_named(self) -> None:
        self._write_around(VfField.MAC, Invalid, VfSettings(mac="01:00:00:00:00:01"))
        for field, answer in self.refused.items():
            self._write_around(field, answer, FIRST)

    def test_a_value_that_cannot_be_is_refused_and_changes_nothing(self) -> None:
        before = self.table.read(self.pf, 0)
        for field, wanted in (
            (VfField.MAC, VfSettings(mac="01:00:00:00:00:01")),
            (VfField.VLAN, VfSettings(vlan=Vlan(4096))),
            (VfField.VLAN, VfSettings(vlan=Vlan(1, 8))),
            (VfField.RATE, VfSettings(rate=TxRate(10, 5))),
        ):
            refuses(Invalid, self.table.write, self.pf, 0, (field,), wanted)
            same(self.table.read(self.pf, 0), before, f"VF 0 after {wanted}")

    def test_a_write_of_what_is_not_wanted_is_invalid_and_writes_nothing(self) -> None:
        before = self.table.read(self.pf, 1)
        for field in VfField:
            wanted = replace(FIRST, **{field.value: None})
            refuses(Invalid, self.table.write, self.pf, 1, (*self._taken(), field), wanted)
        same(self.table.read(self.pf, 1), before, "VF 1")

    def test_a_write_of_no_field_is_none(self) -> None:
        self.table.write(self.pf, 1, (), FIRST)

    def test_a_vf_that_is_not_there_is_not_found_and_takes_nothing(self) -> None:
        refuses(NotFound, self.table.read, self.pf, self.vf_count)
        refuses(Invalid, self.table.write, self.pf, self.vf_count, (VfField.MAC,), FIRST)

    def test_a_pf_that_is_not_there_is_not_found(self) -> None:
        refuses(NotFound, self.table.look, ABSENT)
        refuses(NotFound, self.table.read, ABSENT, 0)
        refuses(NotFound, self.table.bring_up, ABSENT)
        refuses(NotFound, self.table.write, ABSENT, 0, (VfField.MAC, VfField.VLAN), FIRST)

    def test_a_pf_is_brought_up_once_and_again(self) -> None:
        for _ in range(2):
            self.table.bring_up(self.pf)
            same(self.table.look(self.pf).is_up, True, "is_up")

    def _taken(self) -> tuple[VfField, ...]:
        return tuple(field for field in FIELDS if field not in self.refused)

    def _possible(self, wanted: VfSettings) -> VfSettings:
        rate = wanted.rate
        return wanted if self.has_min_rate or rate is None else replace(wanted, rate=replace(rate, min_mbps=0))

    def _write_around(self, field: VfField, answer: type[MooringError], refused: VfSettings) -> None:
        """One write with the field in the midst: what is before it is written, what is behind it is not."""
        before, behind = [one for one in self._taken() if one is not field][:2]
        start, wanted = self._possible(SECOND), self._possible(FIRST)
        self.table.write(self.pf, 0, (before, behind), start)
        both = replace(wanted, **{field.value: getattr(refused, field.value)})
        refusal = refuses(answer, self.table.write, self.pf, 0, (before, field, behind), both)
        same(refusal.facts.get("field"), field, f"the field in the facts of {refusal}")
        same(field in str(refusal), True, f"the field is named in {refusal}")
        shown = self.table.read(self.pf, 0)
        same(getattr(shown, before), getattr(wanted, before), f"{before}, before the refused {field}")
        same(getattr(shown, behind), getattr(start, behind), f"{behind}, behind the refused {field}")


def broken_promises(contract: object) -> dict[str, str]:
    """Run every test of a contract, and answer those that fail, by name, with what was seen."""
    broken = {}
    for name in sorted(name for name in dir(contract) if name.startswith("test_")):
        try:
            getattr(contract, name)()
        except (AssertionError, MooringError) as failed:
            broken[name] = f"{type(failed).__name__}: {failed}"
    return broken


def _only(settings: VfSettings, fields: Sequence[VfField]) -> dict[VfField, object]:
    return {field: getattr(settings, field.value) for field in fields}


def same(seen: object, wanted: object, what: str) -> None:
    """Raises AssertionError with both when they differ."""
    if seen != wanted:
        raise AssertionError(f"{what}: seen {seen}, wanted {wanted}")


def refuses(answer: type[MooringError], call: Callable[..., object], *arguments: object) -> MooringError:
    """What the call raised; AssertionError when it raised nothing of that kind."""
    try:
        call(*arguments)
    except answer as refused:
        return refused
    raise AssertionError(f"nothing was raised, wanted {answer.__name__}")
