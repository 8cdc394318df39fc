"""``/mooring/v1/hosts``: what a host has, where it belongs, and what is left of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.model.host import Aggregate, NumaCell
from mooring.store import tables
from mooring.store.hosts import HOSTS
from mooring.store.rows import Records
from mooring.store.tx import Tx
from mooring.testing.in_process import InProcessClient
from tests.api.mooring.device_rows import PATH, filled

AGGREGATES = Records(tables.aggregates, Aggregate)
CELL = NumaCell(0, (0, 1, 2), 1024, 0)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessClient]:
    with filled(Path(tmp_path_factory.mktemp("hosts"))) as made:
        made.controller.store.write_now(_place)
        yield made


def _place(tx: Tx) -> None:
    for number, (name, hosts) in enumerate({"slow": ("h2",), "rack1": ("h1", "h2"), "fast": ("h1",)}.items()):
        AGGREGATES.insert(tx, Aggregate(number, f"u{number}", name, tx.now, tx.now, hosts=hosts))
    host = HOSTS.get(tx, "h1")
    assert host is not None
    HOSTS.update(tx, replace(host, numa_cells=(CELL,)))


def test_functions_are_counted_by_kind_physical_network_and_state(client: InProcessClient) -> None:
    h1, h2 = client.get("/mooring/v1/hosts").body["hosts"]
    assert h1["vfs"] == {"physnet1": {"available": 4, "in-use": 1, "quarantined": 1}}
    assert (h1["pfs"], h1["others"]) == ({}, {"": {"available": 1, "in-use": 1}})
    assert (h2["vfs"], h2["pfs"], h2["others"]) == ({}, {"physnet2": {"available": 1}}, {})


def test_a_host_is_shown_as_it_is_listed_with_its_functions_besides(client: InProcessClient) -> None:
    for listed in client.get("/mooring/v1/hosts").body["hosts"]:
        shown = client.get(f"/mooring/v1/hosts/{listed['name']}").body["host"]
        assert {**listed, "devices": shown["devices"]} == shown
        assert shown["devices"] == client.get(f"{PATH}?host={listed['name']}").body["pci_devices"]


def test_a_host_tells_its_aggregates_and_numa_nodes(client: InProcessClient) -> None:
    h1, h2 = client.get("/mooring/v1/hosts").body["hosts"]
    assert (h1["aggregates"], h2["aggregates"]) == (["fast", "rack1"], ["rack1", "slow"])
    assert h1["numa_cells"] == [{"id": 0, "cpus": [0, 1, 2], "memory_mib": 1024, "socket": 0}]
    assert h2["numa_cells"] == []


def test_what_servers_use_is_told_of_the_host_that_they_are_on(client: InProcessClient) -> None:
    h1, h2 = client.get("/mooring/v1/hosts").body["hosts"]
    assert (h1["servers"], h1["used_vcpus"], h1["used_memory_mib"]) == (2, 2, 128)
    assert (h2["servers"], h2["used_vcpus"]) == (0, 0)
