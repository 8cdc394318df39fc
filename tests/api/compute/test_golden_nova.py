"""Answers have the status, the keys and the words of a real Nova, as recorded in ``tests/data/golden``."""

import json
from pathlib import Path
from typing import Any

import pytest

from mooring.api.compute.microversion import LATEST
from mooring.testing.in_process import Answer
from tests.api.compute.cloud import BASE, HOST, Compute, at

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
Record = dict[str, Any]

#: What the recorded cloud called its things.
THEIR_IMAGE = "2d914eab-d1ea-40a6-a65f-7cdff7df24ac"
THEIR_NETWORK = "96653349-fdbe-4ea6-bf05-61656cbf7dc6"
THEIR_SERVER = "24fa4252-7511-4b42-b7ce-c44cbec358c1"
THEIR_BOOTED = "62da280a-7227-4357-a70e-4a3d7a2bafc5"
THEIR_HYPERVISOR = "c4050d0d-a0bd-4515-a738-ff4b1b01095f"
THEIR_PORTS = ("55bcf66d-547d-43c7-98b4-73abcc0dcb7a", "6d74decb-938c-49a2-bf64-a157eb739f95")
THEIR_ATTACHED = "2b0623aa-1e33-4a7f-b225-fe8e7569def7"
NAMES_OF_THINGS = {"addresses", "hosts"}
"""Objects whose keys are names."""


def records(name: str) -> list[Record]:
    found: list[Record] = json.loads((GOLDEN / f"{name}.json").read_text())
    return found


def title(record: Record) -> str:
    return f"{record['method']} {record['url'].removeprefix('http://controller')} {record['note'] or ''}".strip()


def keys(value: Any) -> Any:
    """The keys of a JSON value, all the way down. Where keys are names, and in lists, one of each kind."""
    if isinstance(value, dict):
        inner = {key: keys(item) for key, item in value.items()}
        for key in NAMES_OF_THINGS & inner.keys():
            things = value[key].values() if isinstance(value[key], dict) else ()
            inner[key] = kinds(things)
        return inner
    return kinds(value) if isinstance(value, list) else None


def kinds(values: Any) -> list[Any]:
    return sorted({repr(keys(value)): keys(value) for value in values}.values(), key=repr)


def sent(compute: Compute, record: Record, ours: dict[str, str]) -> Answer:
    """The recorded request, with our ids for theirs."""
    path, body = record["url"].removeprefix("http://controller"), json.dumps(record["body"])
    for old, new in ours.items():
        path, body = path.replace(old, new), body.replace(old, new)
    who = compute.member if record["who"] == "member" else compute.admin
    return who.send(record["method"], f"/compute{path}", json.loads(body), record["headers"] or {})


def assert_says_its_version(answer: Answer, record: Record) -> None:
    for name, value in record["rheaders"].items():
        if name in ("Vary", "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"):
            assert answer.headers[name.lower()] == value


@pytest.mark.parametrize("record", records("nova_misc"), ids=title)
def test_lists_and_shows_have_the_recorded_keys(compute: Compute, record: Record) -> None:
    compute.boot("vm1", networks=[{"uuid": compute.network}])
    compute.boot("vm2", networks=[{"port": compute.port().id}])
    compute.boot("vm3", networks="none")
    compute.boot("none", availability_zone="nowhere", networks="none")
    found = compute.admin.send("GET", f"{BASE}/os-hypervisors", headers=at("2.53")).body["hypervisors"][0]
    url = (
        record["url"].replace("/v2.1/servers", "/v2.1/servers?all_tenants=1")
        if record["url"].endswith("servers")
        else ""
    )
    answer = sent(compute, {**record, "url": url or record["url"]}, {THEIR_HYPERVISOR: found["id"]})
    assert answer.status == record["status"]
    assert_says_its_version(answer, record)
    assert keys(answer.body) == keys(record["response"])


def test_a_booted_server_has_the_recorded_keys(compute: Compute) -> None:
    create, show, interfaces = records("nova_boot")
    ours = {THEIR_IMAGE: compute.image, THEIR_PORTS[0]: compute.port().id}
    made = sent(compute, create, ours)
    assert made.status == 202
    assert made.headers["location"] == made.body["server"]["links"][0]["href"]
    assert keys(made.body) == keys(create["response"])
    compute.cloud.settle()
    ours[THEIR_BOOTED] = made.body["server"]["id"]
    shown = sent(compute, show, ours)
    assert shown.body["server"]["status"] == "ACTIVE"
    assert keys(shown.body) == keys(show["response"])
    assert keys(sent(compute, interfaces, ours).body) == keys(interfaces["response"])


ERRORS = [record for record in records("nova_errors") if record["status"] >= 400]
MADE = [record for record in records("nova_errors") if record["status"] == 202]


@pytest.mark.parametrize("record", ERRORS, ids=title)
def test_refusals_have_the_recorded_status_and_words(compute: Compute, record: Record) -> None:
    ours = {THEIR_IMAGE: compute.image, THEIR_NETWORK: compute.network}
    if record["who"] == "admin":
        ours[THEIR_SERVER] = compute.boot("acted-on", networks="none")
    answer = sent(compute, record, ours)
    assert answer.status == record["status"]
    # Rules are checked before anything of the compute API's own.
    if answer.status != 403:
        assert_says_its_version(answer, record)
    (kind,) = record["response"]
    assert answer.body.keys() == {kind}
    expected = record["response"][kind]["message"].replace("2.104", str(LATEST))
    for old, new in ours.items():
        expected = expected.replace(old, new)
    assert answer.body[kind]["code"] == record["status"]
    assert answer.body[kind]["message"].startswith(expected)


@pytest.mark.parametrize("record", MADE, ids=title)
def test_what_nova_takes_is_taken(compute: Compute, record: Record) -> None:
    answer = sent(compute, record, {THEIR_IMAGE: compute.image, THEIR_PORTS[1]: compute.port().id})
    assert answer.status == 202
    assert keys(answer.body) == keys(record["response"])


def test_a_server_that_found_no_host_has_the_recorded_keys(compute: Compute) -> None:
    record = next(record for record in records("nova_errors") if "PF exhaustion" in (record["note"] or ""))
    full = compute.boot("too-much", networks="none", availability_zone="nowhere")
    assert keys({"server": compute.show(full, as_admin=True)}) == keys(record["response"])


def test_interfaces_come_and_go_as_recorded(compute: Compute) -> None:
    attach, listed, shown, again, unknown, by_net, detach = records("nova_attach")
    ours = {
        THEIR_BOOTED: compute.boot(),
        THEIR_ATTACHED: compute.port().id,
        THEIR_NETWORK: compute.network,
    }
    for record in (attach, listed, shown, again, unknown, by_net):
        answer = sent(compute, record, ours)
        assert answer.status == record["status"], answer.body
        assert keys(answer.body) == keys(record["response"])
        if "conflictingRequest" in record["response"] or "itemNotFound" in record["response"]:
            ((_, theirs),) = record["response"].items()
            ((_, fault),) = answer.body.items()
            assert fault["message"] == theirs["message"].replace(THEIR_ATTACHED, ours[THEIR_ATTACHED])
    compute.cloud.settle()
    assert sent(compute, detach, ours).status == 202
    compute.cloud.settle()
    left = compute.member.get(f"{BASE}/servers/{ours[THEIR_BOOTED]}/os-interface").body["interfaceAttachments"]
    assert ours[THEIR_ATTACHED] not in [port["port_id"] for port in left]


def test_the_only_host_is_the_one_of_this_cloud(compute: Compute) -> None:
    answer = compute.admin.send("GET", f"{BASE}/os-hypervisors/detail", headers=at("2.88"))
    assert [one["hypervisor_hostname"] for one in answer.body["hypervisors"]] == [HOST]
