"""The guest's JSON reader, run as it runs there: by an awk that knows nothing more than POSIX's."""

import json
import shutil
import subprocess

import pytest

from lab.initrd import INSIDE

NETWORK_DATA = {
    "links": [
        {"id": "tap1", "type": "hostdev_physical", "ethernet_mac_address": "fa:16:3e:00:00:01", "mtu": 1450, "x": None}
    ],
    "networks": [{"id": "network0", "link": "tap1", "ip_address": "10.0.0.1", "routes": [], "more": {}}],
    "services": [],
}
FACTS = [
    "links.0.id=tap1",
    "links.0.type=hostdev_physical",
    "links.0.ethernet_mac_address=fa:16:3e:00:00:01",
    "links.0.mtu=1450",
    "links.0.x=null",
    "networks.0.id=network0",
    "networks.0.link=tap1",
    "networks.0.ip_address=10.0.0.1",
]


def facts(text: str) -> list[str]:
    awk = shutil.which("awk")
    assert awk
    done = subprocess.run(
        [awk, "-f", INSIDE / "json.awk"], input=text, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("indent", [None, 4])
def test_every_value_is_found_however_the_json_is_laid_out(indent: int | None) -> None:
    assert facts(json.dumps(NETWORK_DATA, indent=indent)) == FACTS


def test_nothing_between_the_tokens_is_needed() -> None:
    assert facts(json.dumps(NETWORK_DATA, separators=(",", ":"))) == FACTS


@pytest.mark.parametrize(
    ("value", "read"),
    [('a "b" \\ /', 'a "b" \\ /'), ("{[,:]}", "{[,:]}"), ("", ""), (-1.5, "-1.5"), (True, "true")],
)
def test_a_value_is_read_as_it_was_meant(value: object, read: str) -> None:
    assert facts(json.dumps({"key": value, "last": 1})) == [f"key={read}", "last=1"]


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a": [1, ', '{"a": "b'])
def test_a_text_that_ends_early_does_not_hang(text: str) -> None:
    facts(text)
