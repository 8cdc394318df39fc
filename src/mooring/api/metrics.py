"""``/healthz`` and ``/metrics``."""

from collections.abc import Sequence

from mooring.api import policy
from mooring.api.call import Call, Reply, Route
from mooring.api.counters import text
from mooring.errors import Forbidden
from mooring.service.overview import Gauge, gauges


async def health(call: Call) -> Reply:
    """200 when the database answers."""
    await call.controller.store.read(lambda tx: tx.now)
    return Reply(body={"status": "ok"})


async def get_metrics(call: Call) -> Reply:
    """Prometheus' text format: counters of this process, gauges of the store; for ``metrics_from`` only."""
    controller = call.controller
    if call.peer not in controller.world.config.metrics_from:
        raise Forbidden(f"{call.peer} may not read the metrics", hint="see metrics_from in controller.toml")
    world = controller.world
    stored = await controller.store.read(lambda tx: gauges(tx, world))
    streams: Gauge = [({}, float(controller.streams.count()))]
    samples = {**controller.metrics.samples(), **stored, "mooring_agent_streams": streams}
    return Reply(text=text(samples), headers={"Content-Type": "text/plain; version=0.0.4"})


ROUTES: Sequence[Route] = (
    Route("GET", "/healthz", health, policy.ANYONE),
    Route("GET", "/metrics", get_metrics, policy.ANYONE),
)
