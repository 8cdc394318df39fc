"""What a list shows beside its servers is read in as many statements for many as for one."""

from mooring.api.compute.scene import scene_of
from mooring.model.server import Server
from mooring.store.rows import Query
from mooring.store.servers import SERVERS
from mooring.store.sql import Sql
from mooring.store.tx import Row, Tx
from tests.api.compute.cloud import Compute


class CountingTx:
    """Passes statements on to a transaction, and counts them."""

    def __init__(self, tx: Tx):
        self._tx = tx
        self.statements = 0

    def all(self, sql: Sql, **params: object) -> list[Row]:
        self.statements += 1
        return self._tx.all(sql, **params)


def statements(compute: Compute, servers: list[Server]) -> int:
    world = compute.cloud.controller.world

    def story(tx: Tx) -> int:
        counting = CountingTx(tx)
        scene_of(counting, world, servers)  # type: ignore[arg-type]  # as much of a Tx as a scene needs
        return counting.statements

    return compute.cloud.controller.store.read_now(story)


def test_twenty_servers_cost_as_many_statements_as_one(compute: Compute) -> None:
    compute.boot("many", networks=[{"uuid": compute.network}], max_count=20)
    servers = compute.cloud.controller.store.read_now(lambda tx: SERVERS.find(tx, Query()))
    assert len(servers) == 20
    assert 0 < statements(compute, servers[:1]) == statements(compute, servers)
    assert statements(compute, []) == 0
