"""The calls that were recorded against a real Neutron, replayed in their order: the same statuses, shapes and words."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mooring.testing.in_process import Answer, InProcessClient
from tests.api.network.neutron import BASE, Neutron

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
SERVER = "http://controller/v2.0"

#: Where we differ on purpose, by the note of the call or its method and path, and why.
OTHER_WORDS = {
    "malformed json": "we say where it is malformed",
    "PATCH": "we say that the method is not allowed",
}


def records(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text())
    return found


class Replay:
    """Sends recorded calls; remembers which of our ids stands for which recorded one."""

    def __init__(self, neutron: Neutron):
        self._callers: Mapping[str | None, InProcessClient] = {
            "nova": neutron.nova, "admin": neutron.admin, "member": neutron.member, None: neutron.nova,
        }  # fmt: skip
        self._ours: dict[str, str] = {}

    def translate(self, text: str) -> str:
        for theirs, ours in self._ours.items():
            text = text.replace(theirs, ours)
        return text

    def send(self, record: Mapping[str, Any]) -> Answer:
        caller = self._callers[record.get("who")]
        path = self.translate(record["url"].replace(SERVER, BASE)).replace(" ", "%20")
        if record["note"] == "malformed json":
            return caller.send("POST", path, raw=b"{bad")
        body = None if record.get("body") is None else json.loads(self.translate(json.dumps(record["body"])))
        answer = caller.send(record["method"], path, body)
        if isinstance(record.get("response"), dict):
            self._learn(record["response"], answer.body)
        return answer

    def _learn(self, theirs: Any, ours: Any) -> None:
        """Pair up the ids, MACs and addresses of two answers of one shape."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in theirs.keys() & ours.keys():
                if key in ("id", "mac_address", "ip_address", "project_id") and isinstance(ours[key], str):
                    self._ours.setdefault(theirs[key], ours[key])
                self._learn(theirs[key], ours[key])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for left, right in zip(sorted(theirs, key=_is_ipv6), sorted(ours, key=_is_ipv6), strict=False):
                self._learn(left, right)


def _is_ipv6(item: Any) -> bool:
    """Addresses are paired with addresses of their kind, in whatever order they come."""
    return isinstance(item, dict) and ":" in str(item.get("ip_address"))


def differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Keys and types that differ between two values; lists are compared by their first members."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = [f"{path}: keys {sorted(theirs.keys() ^ ours.keys())}"] if theirs.keys() != ours.keys() else []
        for key in theirs.keys() & ours.keys():
            if key not in ("configurations", "binding:profile", "binding:vif_details"):
                found += differences(theirs[key], ours[key], f"{path}.{key}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return differences(theirs[0], ours[0], f"{path}[0]") if theirs and ours else []
    if type(theirs) is not type(ours):
        return [f"{path}: {theirs!r} is {ours!r}"]
    if isinstance(theirs, str) and "T" in theirs and re.fullmatch(r"[0-9T:Z-]{20}", theirs):
        return [] if re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", ours) else [f"{path}: {theirs} is {ours}"]
    return []


def compare(replay: Replay, record: Mapping[str, Any], answer: Answer) -> list[str]:
    what = f"{record['method']} {record['url']} ({record['note']})"
    if answer.status != record["status"]:
        return [f"{what}: {record['status']} is {answer.status} {answer.body}"]
    if record.get("response") is None:
        return [f"{what}: has a body"] if answer.body is not None else []
    theirs = record["response"] if isinstance(record["response"], dict) else json.loads(record["response"])
    if "NeutronError" in theirs:
        expected, got = theirs["NeutronError"], answer.body["NeutronError"]
        has_other_words = record["note"] in OTHER_WORDS
        if expected["type"] != got["type"] or not (
            has_other_words or without_ids(replay.translate(expected["message"])) == without_ids(got["message"])
        ):
            return [f"{what}: {expected} is {got}"]
        return []
    return [f"{what}{each}" for each in differences(theirs, answer.body)]


def without_ids(message: str) -> str:
    """A list of ids is in the order of the ids, so it is compared as a set."""
    head, separator, tail = message.partition("for these ports is: ")
    return head + separator + ",".join(sorted(tail.rstrip(".").split(",")))


def test_recorded_calls_get_the_recorded_answers(neutron: Neutron) -> None:
    replay = Replay(neutron)
    found: list[str] = []
    for name in ("networks", "subnets", "ports"):
        for record in records(name):
            found += compare(replay, record, replay.send(record))
    assert not found, "\n".join(found)


def test_recorded_agent_calls_get_the_recorded_answers(neutron: Neutron) -> None:
    replay = Replay(neutron)
    found: list[str] = []
    for record in records("agents"):
        found += compare(replay, record, replay.send(record))
    assert not found, "\n".join(found)
