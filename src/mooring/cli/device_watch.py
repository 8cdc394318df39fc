"""``mooring device list --watch``: the list, and then whatever changes of it, for as long as somebody looks."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mooring.cli.device_free import free_lines
from mooring.cli.device_text import cloud_lines, owner_name
from mooring.cli.text import plain, say
from mooring.cli.tree import Device
from mooring.errors import Unreachable

if TYPE_CHECKING:
    from mooring.cli.client import Client

PATH = "/mooring/v1/pci-devices"
Query = Mapping[str, Sequence[str]]
Told = Callable[[Device | None, Device], None]
"""Called with what a function was, if it was listed, and what it is; ``{"left": True, ...}`` where it is no more."""

_TRIES_MAX = 5
_PAUSE_S = 1.0
_FRAMES_A_SECOND = 4


def fetch(client: "Client", query: Query) -> tuple[list[Device], int]:
    """All functions, page by page, and the number of the newest change before the first of them."""
    from mooring.cli.client import rows
    from mooring.cli.progress import counting

    found: list[Device] = []
    sequence = 0
    with counting("devices") as told:
        for number, page in enumerate(client.pages(PATH, "pci_devices", query)):
            sequence = page["sequence"] if number == 0 else sequence
            found += rows(page, "pci_devices")
            told(len(found))
    return found, sequence


def watch(client: "Client", query: Query, *, is_json: bool, shows_free: bool, is_each: bool) -> None:
    """Until ctrl-C: paint the list anew in place; where nobody can see that, print each change on a line of its own.

    Raises Unreachable when the controller stays away.
    """
    view = _View(client, query)
    if is_json:
        for one in view.devices():
            _json(None, one)
        view.follow(_json)
    elif sys.stdout.isatty():
        _paint(view, shows_free=shows_free, is_each=is_each)
    else:
        for line in cloud_lines(view.devices(), is_each=is_each):
            say(line)
        view.follow(_line)


class _View:
    """The functions as this side knows them."""

    def __init__(self, client: "Client", query: Query) -> None:
        self._client = client
        self._query = query
        self.version = 0
        found, sequence = fetch(client, query)
        self._by_id = {str(one["id"]): one for one in found}
        self._last_id = str(sequence)

    def devices(self) -> list[Device]:
        """By host and address."""
        # A copy first: the thread that paints asks while this one takes what comes.
        found = list(self._by_id.values())
        return sorted(found, key=lambda one: (one["host"], len(one["address"]), one["address"]))

    def follow(self, told: Told) -> None:
        """Never ends by itself. A stream that breaks off is taken up where it broke off."""
        tries = 0
        while True:
            try:
                for event in self._client.stream(PATH, {**self._query, "watch": "true"}, self._last_id):
                    tries = 0
                    self._take(event.kind, json.loads(event.data) if event.data else None, told)
                    self._last_id = event.id or self._last_id
            except Unreachable:
                tries += 1
                if tries >= _TRIES_MAX:
                    raise
            time.sleep(_PAUSE_S)

    def _take(self, kind: str, data: Any, told: Told) -> None:
        if data is None:
            return
        if kind == "relist":
            self._list_again(told)
        elif kind == "left":
            self._forget(data, told)
        else:
            self._put(data, told)
        self.version += 1

    def _put(self, one: Device, told: Told) -> None:
        before = self._by_id.get(one["id"])
        if before != one:
            self._by_id[one["id"]] = one
            told(before, one)

    def _forget(self, one: Device, told: Told) -> None:
        before = self._by_id.pop(one["id"], None)
        if before is not None:
            told(before, {"id": before["id"], "host": before["host"], "address": before["address"], "left": True})

    def _list_again(self, told: Told) -> None:
        found, _ = fetch(self._client, self._query)
        now = {one["id"] for one in found}
        for one in [one for ident, one in self._by_id.items() if ident not in now]:
            self._forget(one, told)
        for one in found:
            self._put(one, told)


def _json(_: Device | None, now: Device) -> None:
    say(json.dumps(now))
    sys.stdout.flush()


def _line(before: Device | None, now: Device) -> None:
    """``12:00:01  sim1  0000:81:10.0  available -> claimed  db``."""
    parts = [time.strftime("%H:%M:%S"), plain(now["host"]), now["address"]]
    if now.get("left"):
        parts.append("left the list")
    else:
        was = before["state"] if before else None
        parts.append(now["state"] if was in (None, now["state"]) else f"{was} -> {now['state']}")
        parts += [plain(text) for text in (owner_name(now), now["reason"]) if text]
    say("  ".join(parts))
    sys.stdout.flush()


def _paint(view: _View, *, shows_free: bool, is_each: bool) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    painted: tuple[tuple[int, int, int], Text] | None = None
    console = Console(highlight=False)

    def picture() -> Text:
        nonlocal painted
        key = (view.version, console.width, console.height)
        if painted is None or painted[0] != key:
            lines = _fitting(_picture(view.devices(), shows_free=shows_free, is_each=is_each), console.height - 1)
            painted = (key, Text.from_ansi("\n".join(lines)))
        return painted[1]

    with Live(get_renderable=picture, console=console, refresh_per_second=_FRAMES_A_SECOND):
        view.follow(lambda _, __: None)


def _picture(devices: Sequence[Device], *, shows_free: bool, is_each: bool) -> Iterator[str]:
    if shows_free:
        yield from free_lines(devices)
        yield ""
    yield from cloud_lines(devices, is_each=is_each)


def _fitting(lines: Iterator[str], height: int) -> Sequence[str]:
    """What a terminal of so many lines has room for; what has none is told."""
    found = list(lines)
    if len(found) <= height:
        return found
    return [*found[: height - 1], f"... {len(found) - height + 1} more lines; a filter, as --host, makes it shorter"]
