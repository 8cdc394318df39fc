"""The page of device specs has every key, and what it says of Nova's traps is so."""

import json
import re

import pytest

from mooring.core.device_file import parse_device_file
from mooring.core.devspec import offer
from mooring.core.devspec_entries import parse_device_specs
from mooring.core.devspec_values import KEYS
from mooring.core.nova_devspec import nova_matches, parse_nova_specs
from mooring.errors import Invalid
from tests.docs.examples import DOCS

PAGE = (DOCS / "reference/device-specs.md").read_text(encoding="utf-8")
PF, VF = "0000:0a:00.1", "0000:0a:02.3"
FILE = parse_device_file(
    json.dumps(
        {
            "devices": [
                {"address": PF, "vendor_id": "8086", "product_id": "1572"},
                {"address": VF, "vendor_id": "8086", "product_id": "154c", "parent_addr": PF},
            ],
            "interfaces": {"eth0": [PF, True], "eth1": [VF, False]},
        }
    )
)


def ours(entry: object) -> object:
    try:
        specs = parse_device_specs([{"physical_network": "p", **dict(entry)}])  # type: ignore[call-overload]  # a table of entries
    except Invalid:
        return "refused"
    return {str(one.function.address) for one in offer(FILE.functions(), specs, {}) if one.is_offered}


def novas(entry: dict[str, object]) -> object:
    host = FILE.nova_host()
    return set(nova_matches(parse_nova_specs([entry], host), host))


def test_the_page_has_every_key_and_no_other() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (?:text|integer|true or false|list of texts) \|", PAGE, re.MULTILINE)
    assert sorted(key for row in rows for key in re.findall(r"`(\w+)`", row)) == sorted(KEYS)


@pytest.mark.parametrize(
    ("nova", "novas_answer", "here", "our_answer"),
    [
        ({}, {PF, VF}, {}, "refused"),
        ({"address": ""}, {PF, VF}, {"address": ""}, "refused"),
        ({"address": "."}, {PF, VF}, {"address": "."}, "refused"),
        ({"address": "*:*:*.*"}, {PF, VF}, {"address": "*:*:*.*"}, "refused"),
        ({"product_id": "154c", "physical_netwrok": "p"}, {VF}, {"pf": "eth0", "physical_netwrok": "p"}, "refused"),
        ({"address": "02.3"}, {VF}, {"address": "02.3"}, "refused"),
        ({"address": PF}, {PF, VF}, {"address": PF}, set()),
        ({"address": "0a:00.1"}, {PF}, {"pf": "0a:00.1"}, {VF}),
        ({"address": {"bus": "0"}}, {PF, VF}, {"address": {"bus": "0"}}, "refused"),
        ({"address": "0:a:2.3"}, {VF}, {"address": "0:a:2.3"}, "refused"),
        ({"vendor_id": "*"}, {PF, VF}, {"vendor_id": "*"}, "refused"),
        ({"vendor_id": "008086"}, {PF, VF}, {"vendor_id": "008086"}, "refused"),
        ({"devname": "eth1"}, {VF}, {"pf": "eth1"}, set()),
        ({"devname": "nope"}, set(), {"pf": "nope"}, set()),
        ({"product_id": "154c"}, {VF}, {"product_id": "154c", "physical_network": None}, "refused"),
        ({"product_id": "154c", "trusted": "true"}, {VF}, {"product_id": "154c", "trusted": "true"}, "refused"),
        ({"product_id": "154c", "managed": "no"}, {VF}, {"product_id": "154c", "managed": "no"}, "refused"),
    ],
)
def test_each_difference_is_as_the_table_says(
    nova: dict[str, object], novas_answer: object, here: dict[str, object], our_answer: object
) -> None:
    assert (novas(nova), ours(here)) == (novas_answer, our_answer)
