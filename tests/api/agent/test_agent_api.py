"""The agents' side over HTTP: who an agent is follows from its key, and what is old is refused."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from mooring import wire
from mooring.agent.inventory import Inventory
from mooring.api.agent.routes import ROUTES as AGENT
from mooring.api.agent.routes import get_desired
from mooring.api.app import make_app
from mooring.api.call import Call, Controller
from mooring.api.mooring.routes import ROUTES as MOORING
from mooring.core.devspec_entries import parse_device_specs
from mooring.model.desired import Report
from mooring.model.host import Liveness
from mooring.service.hosts import add_host
from mooring.store.tx import Event
from mooring.testing.cloud import ADMIN
from mooring.testing.controller import admin_token, make_controller, token_for
from mooring.testing.host import SimulatedHost
from mooring.testing.hosts import SRIOV_ONLY

WAIT_S = 10


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    made = make_controller(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def client(controller: Controller) -> testing.TestClient:
    return testing.TestClient(make_app(controller, (*AGENT, *MOORING)))


@pytest.fixture
def keys(controller: Controller) -> dict[str, str]:
    world = controller.world
    return {
        name: controller.store.write_now(lambda tx, name=name: add_host(tx, world, ADMIN, name))[1]  # type: ignore[misc]  # binds name
        for name in ("h1", "h2")
    }


@pytest.fixture
def snapshot(tmp_path: Path) -> bytes:
    host = SimulatedHost.create(tmp_path / "h1", SRIOV_ONLY, controller="http://x", key="k")
    specs = parse_device_specs([{"pf": "ens1f0", "physical_network": "physnet1"}])
    return wire.encode(Inventory(host.machine(), "agent-1", specs, {}).snapshot())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
def test_without_a_hosts_key_nothing_is_heard_or_told(header: dict[str, str], client: testing.TestClient) -> None:
    assert client.simulate_put("/agent/v1/inventory", headers=header, body=b"{}").status_code == 401
    assert client.simulate_get("/agent/v1/desired?wait=0", headers=header).status_code == 401
    assert client.simulate_get("/agent/v1/self", headers=header).status_code == 401
    assert client.simulate_post("/agent/v1/report", headers=header, body=b"{}").status_code == 401


def test_a_users_token_is_not_a_hosts_key(client: testing.TestClient, controller: Controller) -> None:
    header = bearer(admin_token(controller))
    assert client.simulate_get("/agent/v1/desired?wait=0", headers=header).status_code == 401


def test_a_key_says_whose_it_is_and_to_ask_is_no_heartbeat(
    client: testing.TestClient, controller: Controller, keys: dict[str, str], snapshot: bytes
) -> None:
    assert client.simulate_get("/agent/v1/self", headers=bearer(keys["h1"])).json == {"host": "h1", "epoch": 0}
    assert controller.world.heartbeats.of("h1") is not Liveness.ALIVE
    client.simulate_put("/agent/v1/inventory", headers=bearer(keys["h1"]), body=snapshot)
    assert client.simulate_get("/agent/v1/self", headers=bearer(keys["h1"])).json == {"host": "h1", "epoch": 1}


def test_an_inventory_makes_devices_of_the_keys_own_host_only(
    client: testing.TestClient, controller: Controller, keys: dict[str, str], snapshot: bytes
) -> None:
    welcome = client.simulate_put("/agent/v1/inventory", headers=bearer(keys["h1"]), body=snapshot).json
    assert welcome == {"host": "h1", "epoch": 1}
    token = {"X-Auth-Token": admin_token(controller)}
    devices = client.simulate_get("/mooring/v1/pci-devices", headers=token).json["pci_devices"]
    assert {device["host"] for device in devices} == {"h1"}
    assert {device["state"] for device in devices if device["is_offered"]} == {"baselining"}


def test_the_same_agent_keeps_its_epoch_and_a_new_one_begins_another(
    client: testing.TestClient, keys: dict[str, str], snapshot: bytes
) -> None:
    def announce(body: bytes) -> int:
        return int(client.simulate_put("/agent/v1/inventory", headers=bearer(keys["h1"]), body=body).json["epoch"])

    assert [announce(snapshot), announce(snapshot)] == [1, 1]
    assert announce(snapshot.replace(b"agent-1", b"agent-2")) == 2


def test_a_report_of_an_older_epoch_is_refused_as_stale(
    client: testing.TestClient, keys: dict[str, str], snapshot: bytes
) -> None:
    client.simulate_put("/agent/v1/inventory", headers=bearer(keys["h1"]), body=snapshot)
    old = client.simulate_post("/agent/v1/report", headers=bearer(keys["h1"]), body=wire.encode(Report(0, 1)))
    assert (old.status_code, old.json["error"]["code"]) == (409, "Stale")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"epoch": true}', b'{"epoch": 1, "sequence": "x"}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_report_that_is_none_is_refused_and_changes_nothing(
    body: bytes, client: testing.TestClient, keys: dict[str, str]
) -> None:
    answer = client.simulate_post("/agent/v1/report", headers=bearer(keys["h1"]), body=body)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "InvalidInput")


def test_a_body_over_the_limit_is_not_read(client: testing.TestClient, controller: Controller) -> None:
    too_much = b"x" * (controller.world.config.body_max_bytes + 1)
    header = {"X-Auth-Token": admin_token(controller)}
    assert client.simulate_post("/mooring/v1/hosts", headers=header, body=too_much).status_code == 413


def test_the_long_poll_answers_at_once_when_there_is_news(
    client: testing.TestClient, keys: dict[str, str], snapshot: bytes
) -> None:
    client.simulate_put("/agent/v1/inventory", headers=bearer(keys["h1"]), body=snapshot)
    desired = client.simulate_get("/agent/v1/desired?since=0&wait=30", headers=bearer(keys["h1"])).json
    assert desired["host"] == "h1"
    assert {function["purpose"] for function in desired["functions"]} == {"baseline"}
    quiet = client.simulate_get(f"/agent/v1/desired?since={desired['sequence']}&wait=0", headers=bearer(keys["h1"]))
    assert quiet.status_code == 204


def test_the_stream_sends_the_whole_state_at_once_and_again_after_a_change(
    controller: Controller, keys: dict[str, str]
) -> None:
    headers = {"authorization": f"Bearer {keys['h1']}"}

    async def listen() -> list[Any]:
        controller.streams.bind(asyncio.get_running_loop())
        call = Call(controller, "GET", "/agent/v1/desired", "http://x", {}, {}, headers, b"")
        stream = (await get_desired(call)).stream
        assert stream is not None
        first = await asyncio.wait_for(anext(stream), WAIT_S)
        await controller.store.write(lambda tx: tx.tell(Event("server.created", "s1", host="h1")))
        second = await asyncio.wait_for(anext(stream), WAIT_S)
        return [json.loads(frame.split(b"data: ", 1)[1]) for frame in (first, second)]

    first, second = asyncio.run(listen())
    assert second["sequence"] > first["sequence"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "JSON"),
        (b"{}", "host"),
        (b'{"host": []}', "host"),
        (b'{"host": {"name": "a b"}}', "a b"),
        (b'{"host": {"name": true}}', "True"),
        (b'{"host": {"name": "h1\\n"}}', "h1"),
        (b'{"host": {"nam": "h1"}}', "nam"),
    ],
)
def test_a_bad_host_gets_a_400_that_names_what_is_wrong(
    body: bytes, word: str, client: testing.TestClient, controller: Controller
) -> None:
    header = {"X-Auth-Token": admin_token(controller)}
    answer = client.simulate_post("/mooring/v1/hosts", headers=header, body=body)
    assert answer.status_code == 400
    assert word in answer.json["error"]["message"] or word == "JSON"
    assert client.simulate_get("/mooring/v1/hosts", headers=header).json == {"hosts": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/mooring/v1/hosts"), ("POST", "/mooring/v1/hosts"), ("GET", "/mooring/v1/pci-devices"),
     ("GET", "/mooring/v1/events"), ("GET", "/mooring/v1/audit"), ("DELETE", "/mooring/v1/hosts/h1")],
)  # fmt: skip
def test_what_is_the_admins_is_refused_to_a_member_and_to_nobody(
    method: str, path: str, client: testing.TestClient, controller: Controller
) -> None:
    member = {"X-Auth-Token": token_for(controller, "lab")}
    assert client.simulate_request(method, path, headers=member, body=b"{}").status_code == 403
    assert client.simulate_request(method, path, body=b"{}").status_code == 401


def test_a_rekeyed_host_does_not_open_with_the_old_key(
    client: testing.TestClient, controller: Controller, keys: dict[str, str], snapshot: bytes
) -> None:
    header = {"X-Auth-Token": admin_token(controller)}
    fresh = client.simulate_post("/mooring/v1/hosts/h1/key", headers=header).json["host"]["key"]
    old = client.simulate_put("/agent/v1/inventory", headers=bearer(keys["h1"]), body=snapshot)
    new = client.simulate_put("/agent/v1/inventory", headers=bearer(fresh), body=snapshot)
    assert (old.status_code, new.status_code) == (401, 200)


@pytest.mark.parametrize("text", ["-1", "x", "", "1.5", "٣", "9" * 19, "9" * 5000])
def test_a_query_that_is_no_number_is_refused_and_never_an_accident(
    text: str, client: testing.TestClient, controller: Controller, keys: dict[str, str]
) -> None:
    admin = {"X-Auth-Token": admin_token(controller)}
    asked = {"since": text}
    answers = [
        client.simulate_get("/mooring/v1/events", params=asked, headers=admin),
        client.simulate_get("/agent/v1/desired", params={**asked, "wait": "0"}, headers=bearer(keys["h1"])),
    ]
    assert [(answer.status_code, answer.json["error"]["code"]) for answer in answers] == [(400, "InvalidInput")] * 2
