"""How ``mooring explain`` prints its answers: a sentence, then a row for each host."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mooring.cli.text import BLANK, Column, counted, filled, plain, print_table, say

Nic = Mapping[str, str]

_COLUMNS = (Column("HOST"), Column("ANSWER"), Column("DEVICES, OR WHY NOT", folds=True))
_HOSTS_MAX = 200
"""More rows than this nobody reads; --json has them all."""


def labels_of(wished: Sequence[Nic] | str, found: Sequence[Nic] | str) -> Mapping[str, str]:
    """What the person called each nic, by the port id of the answer: ``nic-N`` for a port that would be made."""
    from mooring.cli.nics import count_of

    if isinstance(wished, str) or isinstance(found, str):
        return {}
    nics = [pair for pair in zip(wished, found, strict=True) for _ in range(count_of(pair[0]))]
    return {
        ids.get("port-id", f"nic-{ordinal}"): f"port {nic['port-id']}"
        if "port-id" in nic
        else f"network {nic['net-id']}"
        for ordinal, (nic, ids) in enumerate(nics)
    }


def print_answer(answer: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """What the controller said. ``labels`` are by port id."""
    if answer["is_possible"]:
        say(f"yes: {counted(answer['hosts_that_would_do'], 'host')} would do")
    else:
        say(filled(f"no: {plain(answer['message'])}"))
        nearest = answer.get("nearest_miss") or ""
        text = nearest if isinstance(nearest, str) else nearest["text"]
        if text and text[1:] not in answer["message"]:
            _print_nearest(text)
    _print_hosts([row for one in answer.get("hosts") or () for row in _rows(one, labels)])


def print_plan(answer: Mapping[str, Any]) -> None:
    """What ``core/plan_answer.py`` said of hosts in a file."""
    if answer["host"] is not None:
        say(f"yes: {plain(answer['host'])} would do")
        given = [f"{name}: {', '.join(devices)}" for name, devices in answer["devices"].items()]
        _print_hosts([(answer["host"], "yes", text) for text in given or ["no devices"]])
        return
    say(f"no: none of {counted(len(answer['hosts']), 'host')} would do")
    if answer["nearest_miss"]:
        _print_nearest(answer["nearest_miss"])
    _print_hosts([
        (name, "no", "; ".join(_lack_text(lack) for lack in lacks)) for name, lacks in answer["hosts"].items()
    ])  # fmt: skip


def _lack_text(lack: Mapping[str, Any]) -> str:
    ids = lack.get("requests") or [lack["request"]]
    return f"{', '.join(ids)}: {lack['text']}" if ids != [None] else str(lack["text"])


def _print_nearest(text: str) -> None:
    say(filled(f"nearest: {plain(text)}"))


def _print_hosts(rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        return
    say()
    print_table(_COLUMNS, rows[:_HOSTS_MAX])
    if len(rows) > _HOSTS_MAX:
        say(f"and {counted(len(rows) - _HOSTS_MAX, 'more row')}; --json has them all")


def _rows(one: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Sequence[object]]:
    """Why not, or one row for each nic: the function that it would get, and whose driver would bind it."""
    if one["answer"] != "yes":
        yield (one["host"], one["answer"], _named(one["reason"], labels))
        return
    named = (one["host"], one["answer"])
    for port_id, driver in one["bindings"].items():
        device = one["devices"].get(port_id, "no VF")
        yield (*named, f"{labels.get(port_id, port_id)}: {device}, bound by {driver}")
        named = (BLANK, BLANK)
    for group, devices in one.get("passthrough", {}).items():
        yield (*named, f"PCI group {group}: {', '.join(devices)}")
        named = (BLANK, BLANK)
    if nodes := one.get("numa_nodes"):
        yield (*named, f"the guest's cells on NUMA node {' and '.join(map(str, nodes))}")
        named = (BLANK, BLANK)
    if named != (BLANK, BLANK):
        yield (*named, "no nics")


def _named(reason: str, labels: Mapping[str, str]) -> str:
    """A reason in which ports are called what the person called them."""
    for port_id, label in labels.items():
        reason = reason.replace(f"port {port_id} ", f"{label} ")
    return reason
