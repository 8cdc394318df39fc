"""Replays calls that were recorded against a real Neutron, and compares statuses, shapes and words."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mooring.testing.in_process import Answer, InProcessClient
from tests.api.network.neutron import BASE, Neutron

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
ROOT = "http://controller"
SERVER = f"{ROOT}/v2.0"

#: Where our words differ on purpose, by the note of the call, and why.
OTHER_WORDS = {
    "malformed json": "we say where it is malformed",
    "PATCH": "we say that the method is not allowed",
}
#: Where our status differs on purpose, by the note of the call or its method and path: ours, and why.
OTHER_STATUSES: Mapping[str, tuple[int, str]] = {
    "bind fails": (409, "no 5xx for what a caller asked; each driver's reason is in the message"),
    "vnic_type filter": (200, "operators asked for it"),
    "GET /v2.0": (200, "a slash at the end makes no other resource here"),
    "GET /v2.0/segments": (200, "segments are always served"),
    "GET /v2.0/trunks": (404, "there are none, and a client that looks at the extensions does not ask"),
}
#: Keys that only one of the two has, on purpose, by their object and themselves, and why.
OTHER_KEYS: Mapping[str, str] = {
    ".quota.address_scope": "they have one here",
    ".quota.floatingip": "there are none",
    ".quota.router": "there are none",
    ".quota.router_route": "there are none",
    ".quota.trunk": "there are none",
    ".security_groups[0].security_group_rules[0].standard_attr_id": "a row's number in Neutron's database",
}
#: Values of another type on purpose, by their path, and why.
OTHER_TYPES: Mapping[str, str] = {
    ".security_groups[0].security_group_rules[0].description": "a description is text, everywhere",
}
#: What our answers have beside Neutron's, and why.
MORE_KEYS: Mapping[str, str] = {
    "mooring:fault": "why a bound port does not work",
    "mooring:not_enforced": "what its backend does not enforce",
    "mooring:port_profile": "row A13: the port profile, by name",
    "ip_allocation": "the extension ip_allocation is served here, and was not where it was recorded",
    "segment_id": "the extension segment is served here, and was not where it was recorded",
    "mooring:qos": "what the rates became on the card",
    "mooring:default_vnic_type": "row A6: a network's default vnic type",
}


def records(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text())
    return [record for record in found if "method" in record]


class Replay:
    """Sends recorded calls; remembers which of our ids stands for which recorded one."""

    def __init__(self, neutron: Neutron):
        self._slots: set[str] = set()
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
        path = self.translate(record["url"].replace(SERVER, BASE).replace(ROOT, "/network")).replace(" ", "%20")
        if record["note"] == "malformed json":
            return caller.send("POST", path, raw=b"{bad")
        body = None if record.get("body") is None else json.loads(self.translate(json.dumps(record["body"])))
        if record["method"] == "POST" and isinstance(body, dict) and "port" in body:
            self._another_slot(body["port"])
        answer = caller.send(record["method"], path, body)
        if isinstance(record.get("response"), dict):
            self._learn(record["response"], answer.body)
        return answer

    def _another_slot(self, port: Mapping[str, Any]) -> None:
        """Neutron was told of one device for many ports; here each needs its own, and a second one is refused."""
        profile = port.get("binding:profile")
        if isinstance(profile, dict) and "pci_slot" in profile:
            if profile["pci_slot"] in self._slots:
                profile["pci_slot"] = f"0000:82:{len(self._slots):02x}.0"
            self._slots.add(profile["pci_slot"])

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
        other = (theirs.keys() ^ ours.keys()) - MORE_KEYS.keys()
        strange = sorted(key for key in other if f"{path}.{key}" not in OTHER_KEYS)
        found = [f"{path}: keys {strange}"] if strange else []
        for key in theirs.keys() & ours.keys():
            if key not in ("configurations", "binding:profile", "binding:vif_details"):
                found += differences(theirs[key], ours[key], f"{path}.{key}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return differences(theirs[0], ours[0], f"{path}[0]") if theirs and ours else []
    if type(theirs) is not type(ours) and path not in OTHER_TYPES:
        return [f"{path}: {theirs!r} is {ours!r}"]
    if isinstance(theirs, str) and "T" in theirs and re.fullmatch(r"[0-9T:Z-]{20}", theirs):
        return [] if re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", ours) else [f"{path}: {theirs} is {ours}"]
    return []


def compare(replay: Replay, record: Mapping[str, Any], answer: Answer) -> list[str]:
    what = f"{record['method']} {record['url']} ({record['note']})"
    call = f"{record['method']} {record['url'].removeprefix(ROOT)}"
    on_purpose = OTHER_STATUSES.get(record["note"] or call)
    if answer.status != (on_purpose[0] if on_purpose else record["status"]):
        return [f"{what}: {record['status']} is {answer.status} {answer.body}"]
    if on_purpose:
        return []
    if record.get("response") is None:
        return [f"{what}: has a body"] if answer.body is not None else []
    if str(record["response"]).startswith("<html>"):
        return []  # a page of its framework; ours is an error as all others are
    theirs = record["response"] if isinstance(record["response"], dict) else json.loads(record["response"])
    if "NeutronError" in theirs:
        expected, got = theirs["NeutronError"], answer.body["NeutronError"]
        has_other_words = record["note"] in OTHER_WORDS
        if expected["type"] != got["type"] or not (
            has_other_words
            or without_ids(got["message"]).startswith(without_ids(replay.translate(expected["message"])))
        ):
            return [f"{what}: {expected} is {got}"]
        return []
    return [f"{what}{each}" for each in differences(theirs, answer.body)]


def without_ids(message: str) -> str:
    """A list of ids is in the order of the ids, so it is compared as a set."""
    head, separator, tail = message.partition("for these ports is: ")
    return head + separator + ",".join(sorted(tail.rstrip(".").split(",")))
