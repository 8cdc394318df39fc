"""Files of requests: what they may say, and that what is wrong with one is told by key and value, with a way out."""

import json

import pytest

from mooring.core.placing import Wish
from mooring.core.plan_file import FUNCTIONS_MAX, REQUESTS_MAX, parse_request
from mooring.errors import Invalid
from mooring.model.pci import FunctionKind
from mooring.model.request import NumaPolicy, PciRequest, Spread
from tests.unit.core.plans import REQUEST


def wish(**request: object) -> str:
    return json.dumps({"requests": [{"id": "r1", **request}]})


def test_a_request_says_what_is_asked_for() -> None:
    asked = PciRequest("r1", frozenset({FunctionKind.VF}), frozenset({"physnet1"}))
    assert parse_request(REQUEST) == Wish((asked,), numa_nodes=(0,))


def test_what_a_request_does_not_say_does_not_matter() -> None:
    assert parse_request(wish()).requests == (PciRequest("r1", frozenset(FunctionKind)),)
    assert parse_request(wish()) == parse_request(wish(count=None, type=None, features=None, trusted=None, group=None))


def test_a_request_may_name_several_kinds_and_networks_of_which_any_will_do() -> None:
    (request,) = parse_request(wish(type=["VF", "PCI"], physical_network=["p1", "p2"])).requests
    assert request.kinds == {FunctionKind.VF, FunctionKind.PCI}
    assert request.physical_networks == frozenset({"p1", "p2"})
    assert parse_request(wish(type=["PF"])) == parse_request(wish(type="PF"))


def test_a_request_says_all_that_a_server_asks_for() -> None:
    asked = {
        "id": "gpu", "count": 2, "type": "PF", "group": "gpus", "trusted": True, "features": ["a", "b"],
        "numa_policy": "socket", "min_rate_mbps": 100,
    }  # fmt: skip
    more = {
        "vcpus": 4, "memory_mib": 2048, "disk_gib": 10, "availability_zone": "az1", "host": "h2", "spread": "numa",
        "numa_nodes": [1, 0], "host_properties": {"ssd": "true"},
    }  # fmt: skip
    request = PciRequest(
        "gpu", frozenset({FunctionKind.PF}), None, 2, "gpus", True, frozenset({"a", "b"}), NumaPolicy.SOCKET, 100
    )
    assert parse_request(json.dumps({"requests": [asked], **more})) == Wish(
        (request,), 4, 2048, 10, "az1", "h2", Spread.NUMA, numa_nodes=(1, 0), host_properties={"ssd": "true"}
    )


@pytest.mark.parametrize(
    ("request_", "says", "hint"),
    [
        ({"id": None}, "entry 1 of requests: it has no id", "id is a text, as in r1"),
        ({"id": ""}, "entry 1 of requests: id = ''", "a text of 1 to 255 characters"),
        ({"id": 1}, "entry 1 of requests: id = 1", "a text"),
        ({"count": 0}, "request r1: count = 0", "count is a whole number from 1 to 64, or null"),
        ({"count": -1}, "request r1: count = -1", "from 1 to 64"),
        ({"count": 65}, "request r1: count = 65", "from 1 to 64"),
        ({"count": 10**30}, f"request r1: count = {10**30}", "from 1 to 64"),
        ({"count": True}, "request r1: count = True", "from 1 to 64"),
        ({"count": "1"}, "request r1: count = '1'", "from 1 to 64"),
        ({"count": 1.0}, "request r1: count = 1.0", "from 1 to 64"),
        ({"count": float("nan")}, "request r1: count = nan", "from 1 to 64"),
        ({"type": "VFs"}, "request r1: type = 'VFs'", "type is PCI, PF or VF, a list of these, or null"),
        ({"type": "vf"}, "request r1: type = 'vf'", "type is PCI, PF or VF, a list of these, or null"),
        ({"type": ["VF", "pf"]}, "request r1: type = 'pf'", "type is PCI, PF or VF, a list of these, or null"),
        ({"type": []}, "request r1: type = []", "a text, a list of 1 to 256 texts of which any will do, or null"),
        ({"type": {"VF": 1}}, "request r1: type = {'VF': 1}", "a list of 1 to 256 texts"),
        ({"physical_network": 7}, "request r1: physical_network = 7", "a text, a list of 1 to 256 texts"),
        ({"physical_network": []}, "request r1: physical_network = []", "a text, a list of 1 to 256 texts"),
        ({"physical_network": ["a", ""]}, "request r1: physical_network = ['a', '']", "a list of 1 to 256 texts"),
        ({"group": ["fast"]}, "request r1: group = ['fast']", "a text"),
        ({"trusted": "yes"}, "request r1: trusted = 'yes'", "true, false or null"),
        ({"features": "rx"}, "request r1: features = 'rx'", "a list of at most 256 texts"),
        ({"numa_policy": "strict"}, "request r1: numa_policy = 'strict'", "legacy, preferred, required or socket"),
        ({"numa_policy": "Required"}, "request r1: numa_policy = 'Required'", "legacy, preferred, required or socket"),
        ({"min_rate_mbps": -1}, "request r1: min_rate_mbps = -1", "a whole number from 0"),
        ({"physical_netwrok": "p"}, "request r1: 'physical_netwrok' is no key of it", "did you mean physical_network?"),
        ({"trust": True}, "request r1: 'trust' is no key of it", "did you mean trusted?"),
        ({"Count": 1}, "request r1: 'Count' is no key of it", "did you mean count?"),
        ({"colour": "red"}, "request r1: 'colour' is no key of it", "known: id, count, type"),
        ({"x" * 500: 1}, "request r1: 'xxx", "known: id, count, type"),
    ],
)
def test_a_request_that_is_none_is_named_with_its_key_and_value(
    request_: dict[str, object], says: str, hint: str
) -> None:
    with pytest.raises(Invalid) as refused:
        parse_request(wish(**request_))
    assert says in refused.value.message
    assert hint in refused.value.hint
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("more", "says", "hint"),
    [
        ({"requests": None}, "requests = None is no list", '{"requests": [{"id": "r1"'),
        ({"requests": {"id": "r1"}}, "requests = {'id': 'r1'} is no list", '{"requests": [{"id": "r1"'),
        ({"requests": ["r1"]}, "entry 1 of requests is 'r1', no object", '{"requests": [{"id": "r1"'),
        ({"requests": [{"id": "r1"}, {"id": "r2"}, {"id": "r1"}]}, "two requests have the id 'r1'", "an id of its own"),
        ({"requests": [{"id": f"r{n}"} for n in range(REQUESTS_MAX + 1)]}, "requests has 65 entries", "64 at most"),
        ({"requests": [{"id": "a", "count": 40}, {"id": "b", "count": 40}]}, "ask for 80 functions", "64 at most"),
        ({"numa_nodes": [0, 1, 0]}, "numa_nodes = [0, 1, 0] has one twice", "once"),
        ({"numa_nodes": [-1]}, "numa_nodes = [-1]", "whole numbers from 0"),
        ({"numa_nodes": [True]}, "numa_nodes = [True]", "whole numbers from 0"),
        ({"numa_nodes": ["0"]}, "numa_nodes = ['0']", "whole numbers from 0"),
        ({"numa_nodes": [0.0]}, "numa_nodes = [0.0]", "whole numbers from 0"),
        ({"numa_nodes": 0}, "numa_nodes = 0", "a list of at most 64 whole numbers"),
        ({"numa_nodes": list(range(65))}, "numa_nodes = [0, 1, 2,", "a list of at most 64 whole numbers"),
        ({"vcpus": -1}, "vcpus = -1", "a whole number from 0"),
        ({"memory_mib": "1"}, "memory_mib = '1'", "a whole number from 0"),
        ({"disk_gib": False}, "disk_gib = False", "a whole number from 0"),
        ({"spread": "hosts"}, "spread = 'hosts'", "spread is none, numa or pf, or null"),
        ({"host": 1}, "host = 1", "a text"),
        ({"availability_zone": []}, "availability_zone = []", "a text"),
        ({"host_properties": {"ssd": True}}, "host_properties = {'ssd': True}", "256 texts"),
        ({"numa_node": [0]}, "'numa_node' is no key of it", "did you mean numa_nodes?"),
        ({"request": []}, "'request' is no key of it", "did you mean requests?"),
        ({"hosts": []}, "'hosts' is no key of it", "did you mean host?"),
        ({"flavour": "x"}, "'flavour' is no key of it", "known: requests, numa_nodes"),
    ],
)
def test_a_wish_that_is_none_is_told_by_key_and_value(more: dict[str, object], says: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_request(json.dumps({"requests": [], **more}))
    assert says in refused.value.message
    assert hint in refused.value.hint


def test_as_many_functions_as_one_server_may_have_can_be_asked_for() -> None:
    assert parse_request(wish(count=FUNCTIONS_MAX)).requests[0].count == FUNCTIONS_MAX


def test_a_server_may_ask_for_no_devices() -> None:
    assert parse_request('{"requests": []}') == Wish()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the request is no JSON: "),
        ("[" * 100_000, "the request is no JSON: "),
        ('{"a": 9', "the request is no JSON: "),
        ("[]", "the request is no object"),
        ("NaN", "the request is no object"),
    ],
)
def test_what_is_no_request_at_all_is_refused_with_an_example(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_request(text)
    assert refused.value.message.startswith(says)
    assert refused.value.hint.startswith('{"requests": [')
