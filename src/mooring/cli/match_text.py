"""How ``mooring device match`` tells its answers: tables for people, objects for programs."""

from collections.abc import Iterator, Mapping, Sequence

from mooring.cli.text import Column, Group, counted, print_groups, print_table, say
from mooring.cli.tree import Device, print_notes, trees
from mooring.core.device_match import Answer, Change, changes
from mooring.model.pci import FunctionKind

_COLUMNS = (
    Column(""), Column("ADDRESS"), Column("NETDEV", folds=True), Column("HANDED OUT"), Column("REACHES", folds=True),
    Column("TAGS", folds=True), Column("ENTRY", folds=True),
)  # fmt: skip
_CHANGES = (Column("ADDRESS"), Column("NETDEV", folds=True), Column("BEFORE", folds=True), Column("AFTER", folds=True))


def match_object(answers: Sequence[Answer]) -> Mapping[str, object]:
    """What is handed out, and by which entry."""
    given = [answer for answer in answers if answer.gift is not None]
    return {"match": [answer.address for answer in given], "by": {answer.address: answer.entry for answer in given}}


def changes_object(before: Sequence[Answer], after: Sequence[Answer]) -> Mapping[str, object]:
    """What is handed out otherwise than before."""
    return {
        "changes": [
            {"address": one.address, "before": _gift_object(one.before), "after": _gift_object(one.after)}
            for one in changes(before, after)
        ]
    }


def _gift_object(answer: Answer | None) -> Mapping[str, object] | None:
    if answer is None or answer.gift is None:
        return None
    gift = answer.gift
    return {
        "physical_network": gift.physical_network,
        "trusted": gift.trusted,
        "tags": list(gift.tags),
        "by": answer.entry,
    }


def print_match(answers: Sequence[Answer], entries: Sequence[int | None]) -> None:
    """Every device with the entry that decided, then why some are not handed out, then entries that decide nothing."""
    by_address = {answer.address: answer for answer in answers}
    devices: list[Device] = [
        {"address": one.address, "kind": one.kind, "pf": one.pf, "vf_index": one.vf_index} for one in answers
    ]
    rows = [row for pf, below in trees(devices) for row in _rows(pf, below, by_address)]
    print_groups(_COLUMNS, [Group("", rows)])
    print_notes("not handed out", [(one.address, one.reason) for one in answers if _is_told(one)])
    deciding = {answer.entry for answer in answers}
    for index, line in enumerate(entries):
        if index not in deciding:
            say(f"\n{_entry(index, line)} decides nothing here")
    if not entries:
        say("\nthere is no device_spec entry, so that nothing is handed out")
    say(f"\n{counted(len(answers), 'device')}, {sum(one.gift is not None for one in answers)} of them handed out")


def print_changes(before: Sequence[Answer], after: Sequence[Answer]) -> None:
    """Only the devices of which the two say different things."""
    found = changes(before, after)
    if not found:
        say("nothing changes")
        return
    print_table(_CHANGES, [_change(one) for one in found])
    print_notes("not handed out any more", [(one.address, one.after.reason) for one in found if one.after is not None])
    gained = sum(one.before is None or one.before.gift is None for one in found)
    lost = sum(one.after is None or one.after.gift is None for one in found)
    say(
        f"\n{counted(len(found), 'device')} of {max(len(before), len(after))}: {gained} more handed out, "
        f"{lost} no longer, {len(found) - gained - lost} otherwise"
    )


def _is_told(answer: Answer) -> bool:
    """That a PF is not handed out goes without saying, unless an entry decides about it."""
    return answer.gift is None and (answer.kind is not FunctionKind.PF or answer.entry is not None)


def _rows(pf: Device | None, below: Sequence[Device], answers: Mapping[str, Answer]) -> Iterator[Sequence[object]]:
    if pf is not None:
        yield ("PF", *_cells(answers[pf["address"]]))
    for number, one in enumerate(below, start=1):
        kind = "VF" if one["kind"] == FunctionKind.VF else "PCI"
        index = "" if one["vf_index"] is None else f" {one['vf_index']}"
        branch = f"{'└' if number == len(below) else '├'}{index}"
        yield (kind if pf is None else branch, *_cells(answers[one["address"]]))


def _cells(answer: Answer) -> Sequence[object]:
    gift = answer.gift
    by = None if answer.entry is None else _entry(answer.entry, answer.line).removeprefix("entry ")
    if gift is None:
        return (answer.address, answer.netdev, None, None, None, by)
    return (answer.address, answer.netdev, "yes", gift.physical_network, ", ".join(_marks(answer)), by)


def _marks(answer: Answer) -> Sequence[str]:
    gift = answer.gift
    return () if gift is None else [*(["trusted"] if gift.trusted else []), *gift.tags]


def _change(one: Change) -> Sequence[object]:
    netdev = (one.after or one.before or Answer("", FunctionKind.PCI, None, None, None)).netdev
    return (one.address, netdev, _side(one.before), _side(one.after))


def _side(answer: Answer | None) -> str | None:
    if answer is None or answer.gift is None or answer.entry is None:
        return None
    return ", ".join(
        text for text in (answer.gift.physical_network, *_marks(answer), _entry(answer.entry, answer.line)) if text
    )


def _entry(index: int, line: int | None) -> str:
    """As errors name it: counted from 1."""
    return f"entry {index + 1}" if line is None else f"entry {index + 1} (line {line})"
