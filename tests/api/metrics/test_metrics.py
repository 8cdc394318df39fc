"""What is measured, and who may read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from falcon import testing

from mooring.api.app import make_app
from mooring.api.counters import METRICS
from mooring.api.metrics import ROUTES
from mooring.service.hosts import add_host
from mooring.testing.cloud import ADMIN
from mooring.testing.controller import make_controller


@pytest.fixture
def client(tmp_path: Path) -> Iterator[testing.TestClient]:
    controller = make_controller(tmp_path)
    controller.store.write_now(lambda tx: add_host(tx, controller.world, ADMIN, "h1"))
    yield testing.TestClient(make_app(controller, ROUTES))
    controller.store.close()


def test_every_metric_is_told_with_its_help_and_type(client: testing.TestClient) -> None:
    client.simulate_get("/healthz")
    answer = client.simulate_get("/metrics", remote_addr="127.0.0.1")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for name, kind, about in METRICS:
        assert f"# HELP {name} {about}\n# TYPE {name} {kind}\n" in answer.text
    assert 'mooring_requests_total{service="healthz",method="GET",status="200"} 1\n' in answer.text
    assert 'mooring_hosts{liveness="unknown"} 1\n' in answer.text
    assert "mooring_claims 0\n" in answer.text


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1"])
def test_the_metrics_are_not_for_every_address(address: str, client: testing.TestClient) -> None:
    answer = client.simulate_get("/metrics", remote_addr=address)
    assert answer.status_code == 403
    assert "metrics_from" in answer.json["error"]["hint"]
    assert "mooring_" not in answer.text


def test_health_is_for_everybody_and_tells_nothing_else(client: testing.TestClient) -> None:
    answer = client.simulate_get("/healthz", remote_addr="192.0.2.1")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
