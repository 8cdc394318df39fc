"""How the functions of hosts are shown: a table for each PF, its VFs in runs of equal ones, and what is left of all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from mooring.cli.device_free import FREE, is_free
from mooring.cli.text import Column, Group, group_lines, moment, on_off, plain, say
from mooring.cli.tree import Device, note_lines, ranges, speed, trees

_RUN_MIN = 3
"""Fewer equal VFs than these are as short one by one."""
_NAMED_MAX = 6
"""More functions than these are named by the VF numbers of their PF."""
_STYLES: Mapping[str, str] = {
    FREE: "green", "claimed": "cyan", "programmed": "cyan", "in-use": "cyan", "baselining": "yellow",
    "releasing": "yellow", "discovered": "yellow", "quarantined": "bold red", "removed-pending": "bold red",
    "unavailable": "dim", "gone": "dim",
}  # fmt: skip


def state_style(state: str) -> str:
    """The colour of a state, for terminals that have colours; never all that tells it."""
    return _STYLES.get(state, "")


_VFS = (
    Column("VF", is_number=True),
    Column("ADDRESS"),
    Column("STATE", style=state_style),
    Column("MAC"),
    Column("VLAN", is_number=True),
    Column("SPOOF"),
    Column("TRUST"),
    Column("OWNER", folds=True),
)
_TRUST = 6
_QUARANTINED, _UNWANTED, _HELD_BACK = "quarantined", "not as wanted", "held back"
_NO_MAC = "00:00:00:00:00:00"
_OTHERS = (
    Column("ADDRESS"),
    Column("DEVICE"),
    Column("STATE", style=state_style),
    Column("DRIVER", folds=True),
    Column("NUMA", is_number=True),
    Column("PCI GROUPS", folds=True),
    Column("OWNER", folds=True),
)


def cloud_lines(devices: Sequence[Device], *, is_each: bool = False) -> Iterator[str]:
    """The functions of all hosts, by host; with ``is_each`` a row for each VF, however alike they are."""
    for number, (host, found) in enumerate(groupby(devices, key=lambda one: one["host"])):
        yield from [""] if number else []
        yield f"host {plain(host)}"
        yield ""
        yield from device_lines(list(found), is_each=is_each)


def print_devices(devices: Sequence[Device], *, is_each: bool = False) -> None:
    for line in device_lines(devices, is_each=is_each):
        say(line)


def device_lines(devices: Sequence[Device], *, is_each: bool = False) -> Iterator[str]:
    """One host's: a table for each PF, then why functions are held back, and what is wrong with those in use."""
    branches, others = _branches(devices)
    yield from group_lines(*_table([_group(branch, is_each=is_each) for branch in branches]))
    if others:
        yield from [""] if branches else []
        yield from group_lines(_OTHERS, [Group("other functions", [_other_row(one) for one in others])])
    told = [one for one in devices if one["kind"] != "type-PF" or _goes_whole(one)]
    for title in (_QUARANTINED, _UNWANTED, _HELD_BACK):
        yield from _notes(title, [one for one in told if _trouble(one) == title])


def _table(groups: Sequence[Group]) -> tuple[Sequence[Column], Sequence[Group]]:
    """Without the column of trust where nothing is trusted: its room is the owners' then."""
    if any(row[_TRUST] == on_off(True) for group in groups for row in group.rows):
        return _VFS, groups
    cut = [replace(group, rows=[(*row[:_TRUST], *row[_TRUST + 1 :]) for row in group.rows]) for group in groups]
    return (*_VFS[:_TRUST], *_VFS[_TRUST + 1 :]), cut


def owner_name(one: Device) -> str | None:
    """Whose it is; of one that a flavor asked for, with the PCI group in which it did."""
    owner = one["owner"]
    if owner is None:
        return None
    name = str(owner["server_name"] or owner["server_id"])
    return f"{name} ({owner['request']})" if owner.get("request") else name


@dataclass(frozen=True, slots=True)
class _Branch:
    """A PF and VFs of it; ``pf`` is ``None`` for one that is not listed itself."""

    pf: Device | None
    vfs: Sequence[Device]


def _branches(devices: Sequence[Device]) -> tuple[list[_Branch], Sequence[Device]]:
    """By PF, listed or not; and what is neither PF nor VF of one."""
    found = trees(devices)
    loose = next((below for pf, below in found if pf is None), ())
    by_pf: dict[str, list[Device]] = {}
    for one in loose:
        if one["pf"] is not None:
            by_pf.setdefault(one["pf"], []).append(one)
    branches = [_Branch(pf, below) for pf, below in found if pf is not None]
    branches += [_Branch(None, below) for below in by_pf.values()]
    branches.sort(key=lambda one: str(one.pf["address"] if one.pf else one.vfs[0]["pf"]))
    return branches, [one for one in loose if one["pf"] is None]


def _goes_whole(pf: Device) -> bool:
    """A PF that a device spec hands out, or handed out to somebody who has it still."""
    return pf["kind"] == "type-PF" and (pf["is_offered"] or pf["state"] not in ("unavailable", "gone"))


def _group(branch: _Branch, *, is_each: bool) -> Group:
    return Group(_heading(branch), [_row(run) for run in _runs(branch.vfs, is_each=is_each)], list(_marks(branch)))


def _heading(branch: _Branch) -> str:
    pf, vfs = branch.pf, branch.vfs
    free = sum(map(is_free, vfs))
    if pf is None:
        pf = {**vfs[0], "netdev": vfs[0]["pf_netdev"], "address": vfs[0]["pf"], "driver": None}
        use = f"{len(vfs)} of its VFs, {free} free"
    elif _goes_whole(pf):
        use = " ".join(filter(None, ("whole:", pf["state"], owner_name(pf))))
    else:
        use = f"{free} of {len(vfs)} VFs free"
    node = None if pf["numa_node"] is None else f"NUMA {pf['numa_node']}"
    parts = [pf["netdev"], pf["address"], pf["driver"], pf["physical_network"], speed(pf["link_speed_mbps"]), node]
    return "  ".join([*(plain(part) for part in parts if part), plain(use)])


def _marks(branch: _Branch) -> Iterator[str]:
    """Which of its functions are of which PCI groups, trusted or tagged."""
    whole = [branch.pf] if branch.pf and _goes_whole(branch.pf) else []
    members: dict[str, list[Device]] = {}
    for one in (*whole, *branch.vfs):
        labels = [f"PCI group {plain(name)}" for name in one["groups"]]
        labels += ["trusted"] if one["trusted"] else []
        for label in (*labels, *(f"tag {plain(tag)}" for tag in one["tags"])):
            members.setdefault(label, []).append(one)
    told = [f"{label}: {_members(found, branch.vfs)}" if branch.vfs else label for label, found in members.items()]
    if told:
        yield "  ".join(told)


def _members(found: Sequence[Device], vfs: Sequence[Device]) -> str:
    inside = [one for one in found if one["kind"] != "type-PF"]
    words = ["the PF"] if len(inside) < len(found) else []
    if len(inside) == len(vfs):
        return " and ".join([*words, "all"])
    return " and ".join([*words, *([f"VF {ranges(one['vf_index'] or 0 for one in inside)}"] if inside else [])])


def _runs(vfs: Sequence[Device], *, is_each: bool) -> Iterator[Sequence[Device]]:
    """Equal VFs with numbers one after the other, together where they are many enough."""
    run: list[Device] = []
    for one in vfs:
        if run and not (_is_next(run[-1], one) and _alike(run[-1]) == _alike(one)):
            yield from _told(run, is_each=is_each)
            run = []
        run.append(one)
    yield from _told(run, is_each=is_each)


def _told(run: Sequence[Device], *, is_each: bool) -> Iterator[Sequence[Device]]:
    if is_each or len(run) < _RUN_MIN:
        yield from ([one] for one in run)
    else:
        yield run


def _is_next(before: Device, after: Device) -> bool:
    return before["vf_index"] is not None and after["vf_index"] == before["vf_index"] + 1


def _alike(vf: Device) -> Sequence[object]:
    """All that a row shows but the VF itself; the MAC of one that nobody has is no matter."""
    _, _, state, mac, *more = _cells(vf)
    return (state, mac if vf["owner"] else None, *more)


def _row(run: Sequence[Device]) -> Sequence[object]:
    first, last = run[0], run[-1]
    cells = _cells(first)
    if len(run) == 1:
        return cells
    _, _, state, mac, *more = cells
    is_same = len({_cells(one)[3] for one in run}) == 1
    numbers = f"{first['vf_index']}-{last['vf_index']}"
    return (numbers, f"{first['address']}..", state, mac if is_same else None, *more)


def _cells(vf: Device) -> Sequence[object]:
    """What was read back; where nothing was, what is wanted."""
    settings = vf["observed"] or vf["desired"] or {}
    vlan, mac = settings.get("vlan"), settings.get("mac")
    return (
        vf["vf_index"],
        vf["address"],
        vf["state"],
        settings.get("guid") or (None if mac == _NO_MAC else mac),
        vlan["id"] if vlan else None,
        on_off(settings.get("spoof_check")),
        on_off(settings.get("trust")),
        owner_name(vf),
    )


def _other_row(one: Device) -> Sequence[object]:
    ids = f"{one['vendor_id']}:{one['product_id']}"
    groups = ", ".join(one["groups"])
    return (one["address"], ids, one["state"], one["driver"], one["numa_node"], groups, owner_name(one))


def _trouble(one: Device) -> str:
    if one["state"] == _QUARANTINED:
        return _QUARANTINED
    return _UNWANTED if one["owner"] is not None else _HELD_BACK


def _notes(title: str, devices: Sequence[Device]) -> Iterator[str]:
    by_text: dict[str, list[Device]] = {}
    for one in devices:
        by_text.setdefault(one["reason"], []).append(one)
    yield from note_lines(title, [(name, text) for text, found in by_text.items() if text for name in _names(found)])


def _names(found: Sequence[Device]) -> Iterator[str]:
    """By address while they are few; many VFs of a PF by their numbers."""
    if len(found) <= _NAMED_MAX:
        for one in found:
            is_since = one["state"] == _QUARANTINED
            yield f"{one['address']} since {moment(one['updated_at'])}" if is_since else str(one["address"])
        return
    by_pf: dict[str, list[int]] = {}
    for one in found:
        if one["pf"] is None or one["vf_index"] is None:
            yield str(one["address"])
        else:
            by_pf.setdefault(str(one["pf_netdev"] or one["pf"]), []).append(one["vf_index"])
    yield from (f"VF {ranges(numbers)} of {plain(pf)}" for pf, numbers in by_pf.items())
