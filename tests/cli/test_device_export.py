"""``mooring device export``: a plan that starts from it answers as the cloud itself does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.core.placing import HostView, answers
from mooring.core.plan_file import Inventory, parse_hosts, parse_request
from mooring.model.request import Placement, Shortage
from tests.cli.busy import PLANS, QUARANTINED, RATE_MBPS
from tests.cli.stage import Served

BLUE, GREEN = ({"type": "VF", "physical_network": physnet} for physnet in ("physnet1", "physnet2"))
SMALL = {"vcpus": 2, "memory_mib": 1024, "disk_gib": 10}
GPU = {"id": "alias:gpu", "group": "gpu", "type": ["VF", "PCI"]}


@pytest.fixture(scope="module")
def text(busy: Served) -> str:
    result = busy.mooring("device", "export")
    assert result.exit_code == 0
    assert result.stderr == "1 VF left out, whose PF its host does not show: see mooring host show\n"
    return result.stdout


@pytest.fixture(scope="module")
def exported(text: str) -> Inventory:
    return parse_hosts(text)


@pytest.fixture(scope="module")
def devices(text: str) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {(host["name"], one["address"]): one for host in json.loads(text)["hosts"] for one in host["devices"]}


def bare(view: HostView) -> tuple[HostView, Sequence[object]]:
    """Without what is not written down: numbers of rows and shapes, and the room of NUMA nodes."""
    cells = tuple(replace(cell, cpus=(), memory_mib=0) for cell in view.cells.cells)
    aggregates = [(one.name, one.metadata) for one in view.aggregates]
    return replace(view, shape=None, cells=replace(view.cells, cells=cells, used={}), aggregates=()), aggregates


def test_a_plan_sees_of_each_host_what_placing_sees(busy: Served, exported: Inventory) -> None:
    controller = busy.cloud.controller
    real = controller.store.write_now(lambda tx: controller.world.stock.of(tx).hosts())
    assert [bare(view) for view in exported.hosts] == [bare(view) for view in real]
    assert {view.name: exported.liveness_of(view.name) for view in exported.hosts} == {
        view.name: controller.world.heartbeats.of(view.name) for view in real
    }


def nic(network: str, **more: str) -> Mapping[str, str]:
    return {"uuid": network, "vnic-type": "direct", **more}


#: What a server create asks for, with the names of networks and ports, and the same as a file of requests has it.
WISHES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "a VF": ({"networks": [nic("blue")]}, {"requests": [{"id": "nic-0", **BLUE}]}),
    "VFs of two networks": (
        {"networks": [nic("blue"), nic("green"), nic("blue")]},
        {"requests": [{"id": "nic-0", **BLUE}, {"id": "nic-1", **GREEN}, {"id": "nic-2", **BLUE}]},
    ),
    "more VFs than there are": (
        {"networks": [nic("green")] * 3},
        {"requests": [{"id": f"nic-{n}", **GREEN} for n in range(3)]},
    ),
    "more VFs than many have": (
        {"networks": [nic("blue")] * 15},
        {"requests": [{"id": f"nic-{n}", **BLUE} for n in range(15)]},
    ),
    "a VF of a PCI group": (
        {"networks": [nic("blue", **{"pci-group": "cards"})]},
        {"requests": [{"id": "nic-0", **BLUE, "group": "cards"}]},
    ),
    "a trusted VF": ({"networks": [{"port": "trusted"}]}, {"requests": [{"id": "trusted", **BLUE, "trusted": True}]}),
    "a rate": ({"networks": [{"port": "quick"}]}, {"requests": [{"id": "quick", **BLUE, "min_rate_mbps": 8000}]}),
    "a whole PF": (
        {"networks": [{"port": "whole"}]},
        {"requests": [{"id": "whole", "type": "PF", "physical_network": "physnet1"}]},
    ),
    "a GPU": ({"flavorRef": "one-gpu", "networks": []}, {"requests": [GPU]}),
    "two GPUs": ({"flavorRef": "two-gpus", "networks": []}, {"requests": [{**GPU, "count": 2}]}),
    "nothing": ({"networks": []}, {"requests": []}),
    "much memory": ({"flavorRef": "roomy", "networks": []}, {"requests": [], "memory_mib": 300_000}),
    "a property": (
        {"flavorRef": "wants-ssd", "networks": [nic("blue")]},
        {"requests": [{"id": "nic-0", **BLUE}], "host_properties": {"ssd": "true"}},
    ),
    "a zone": (
        {"availability_zone": "east", "networks": [nic("blue")]},
        {"requests": [{"id": "nic-0", **BLUE}], "availability_zone": "east"},
    ),
    "a host": (
        {"availability_zone": "nova:sim3", "networks": [nic("blue")] * 5},
        {"requests": [{"id": f"nic-{n}", **BLUE} for n in range(5)], "availability_zone": "nova", "host": "sim3"},
    ),
}


class Both:
    """The cloud, and a plan of it, asked the same."""

    def __init__(self, busy: Served, text: str, folder: Path):
        self._busy = busy
        self._names: dict[str, str] = {}
        for kind in ("network", "port"):
            found = busy.client.get(f"/network/v2.0/{kind}s")[f"{kind}s"]
            self._names |= {str(one["name"]): str(one["id"]) for one in found if one["name"]}
        self._files = folder / "hosts.json", folder / "request.json"
        self._files[0].write_text(text)

    def explain(self, server: Mapping[str, Any]) -> Mapping[str, Any]:
        nics = [{**one, **{k: self._names[one[k]] for k in ("uuid", "port") if k in one}} for one in server["networks"]]
        body = {"name": "x", "flavorRef": "small", **server, "networks": nics or "none"}
        answer: Mapping[str, Any] = self._busy.client.post("/mooring/v1/explain", {"server": body})["explanation"]
        names = {ident: name for name, ident in self._names.items()}
        said: Mapping[str, Any] = json.loads(_renamed(json.dumps(answer), names))
        return said

    def plan(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        hosts, asked = self._files
        asked.write_text(json.dumps(request))
        words = ("--inventory", str(hosts), "--request", str(asked))
        answer: Mapping[str, Any] = json.loads(self._busy.mooring("explain", "--json", *words).stdout)
        return answer


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for ident, name in names.items():
        text = text.replace(ident, name)
    return text


@pytest.fixture(scope="module")
def both(busy: Served, text: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    return Both(busy, text, tmp_path_factory.mktemp("plan"))


def host_of(answer: Mapping[str, Any]) -> object:
    """What one host answered: the devices of each request, or what fails."""
    if answer["answer"] == "no":
        return [(one["constraint"], tuple(one["requests"]), one["need"], one["have"], one["text"])
                for one in answer["lacks"]]  # fmt: skip
    ports = {name: [device] for name, device in answer["devices"].items()}
    return ports | {f"alias:{group}": given for group, given in answer["passthrough"].items()}


def plan_of(answer: Placement | Shortage) -> object:
    if isinstance(answer, Shortage):
        return [(lack.constraint, lack.requests, lack.need, lack.have, lack.text) for lack in answer.lacks]
    return {name: list(map(str, given)) for name, given in answer.devices.items()}


@pytest.mark.parametrize("name", WISHES)
def test_a_plan_answers_for_each_host_as_the_cloud_does(both: Both, exported: Inventory, name: str) -> None:
    server, request = WISHES[name]
    asked = {**SMALL, **request}
    told = both.explain(server)
    planned = answers(parse_request(json.dumps(asked)), exported.hosts, exported.liveness_of)
    assert {one["host"]: host_of(one) for one in told["hosts"]} == {one.host: plan_of(one) for one in planned}
    answer = both.plan(asked)
    if told["is_possible"]:
        assert answer == {"host": told["hosts"][0]["host"], "devices": host_of(told["hosts"][0])}
    else:
        nearest = told["nearest_miss"] and told["nearest_miss"]["text"]
        assert (answer["host"], answer["nearest_miss"]) == (None, nearest)


def test_the_wishes_are_answered_in_every_way(both: Both) -> None:
    """Or their being alike would prove little."""
    told = [both.explain(server) for server, _ in WISHES.values()]
    assert {one["is_possible"] for one in told} == {True, False}
    found = {lack["constraint"] for one in told for host in one["hosts"] for lack in host.get("lacks", ())}
    assert found >= {
        "agent", "aggregate", "zone", "memory", "type", "physical_network", "group", "trusted", "min_rate", "devices",
    }  # fmt: skip


def test_an_owner_is_a_server_and_what_is_free_has_none(busy: Served, devices: Mapping[Any, Any]) -> None:
    servers = {one["id"] for one in busy.client.get("/compute/v2.1/servers")["servers"]}
    owners = {one["owner"] for one in devices.values()}
    assert owners - {None} <= servers
    assert len(owners) > 3
    assert all("state" in one for one in devices.values() if one["owner"])


def test_what_is_in_quarantine_is_told_with_the_reason_and_since_when(devices: Mapping[Any, Any]) -> None:
    lying = devices["big1", QUARANTINED[0]]
    assert (lying["state"], lying["reason"], lying["owner"]) == ("quarantined", "its MAC did not read back", None)
    assert lying["updated_at"].startswith("2026-01-01T12:00:00")


def test_what_is_gone_is_left_out_but_for_a_pf_whose_vfs_are_there(devices: Mapping[Any, Any]) -> None:
    assert devices["sim3", "0000:81:00.1"]["state"] == "gone"
    assert devices["sim3", "0000:81:10.1"]["parent"] == "0000:81:00.1"
    assert {("sim3", "0000:81:10.5"), ("sim3", "0000:81:10.7")}.isdisjoint(devices)


def test_what_a_servers_port_was_promised_is_told(devices: Mapping[Any, Any]) -> None:
    assert [one["min_rate_mbps"] for one in devices.values() if "min_rate_mbps" in one] == [RATE_MBPS]


def test_a_function_has_a_line_of_its_own_so_that_two_exports_can_be_compared(text: str, devices: object) -> None:
    assert text.count("\n    {") == len(devices)  # type: ignore[arg-type]  # the fixture
    assert max(map(len, text.splitlines())) < 10_000


def test_only_the_hosts_that_are_named_are_written_down(busy: Served) -> None:
    said = busy.mooring("device", "export", "--host", "sim3", "--host", "gpus1", "--host", "sim3").stdout
    assert [host["name"] for host in json.loads(said)["hosts"]] == ["sim3", "gpus1"]
    assert all(host["devices"] for host in json.loads(said)["hosts"])
    assert [host["name"] for host in json.loads(busy.mooring("device", "export").stdout)["hosts"]] == sorted(PLANS)


def test_a_host_that_there_is_not_is_an_error_and_nothing_is_printed(busy: Served) -> None:
    result = busy.mooring("device", "export", "--host", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "mooring: host nowhere could not be found\nhint: mooring host list shows them\n"


def test_one_who_is_no_admin_may_not_export(busy: Served) -> None:
    result = busy.member()("device", "export")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "this needs the role admin" in result.stderr
