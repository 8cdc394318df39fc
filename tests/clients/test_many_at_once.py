"""64 clients, 300 servers, 200 VFs: exactly as many ACTIVE as there are functions, and every one given back clean."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mooring.model.vf import Vlan
from mooring.testing.client import ApiClient, wait_until
from mooring.testing.hosts import LARGE
from mooring.testing.rig import Rig

CLIENTS = 64
SERVERS = 300
HOSTS = 4
VFS = 200
SETTLE_MAX_S = 120.0


@pytest.fixture
def full_rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    try:
        rig.start_controller()
        rig.add_hosts({f"h{number}": LARGE for number in range(1, HOSTS + 1)})
        for name in rig.hosts:
            rig.start_agent(name)
        rig.wait_available(VFS)
        yield rig
    finally:
        rig.close()


def statuses(rig: Rig) -> Counter[str]:
    return Counter(server["status"] for server in all_servers(rig))


def all_servers(rig: Rig) -> list[dict[str, object]]:
    found: list[dict[str, object]] = rig.client.want(200, "GET", "/compute/v2.1/servers/detail?limit=1000")["servers"]
    return found


def at_once(rig: Rig, paths: list[tuple[str, str, object, int]]) -> None:
    """Every call, by ``CLIENTS`` clients; each must answer with its status."""
    todo, errors, lock = list(paths), [], threading.Lock()

    def work() -> None:
        with closing(ApiClient(rig.url, rig.client.token)) as client:
            while True:
                with lock:
                    if not todo or errors:
                        return
                    method, path, body, status = todo.pop()
                try:
                    client.want(status, method, path, body)
                except (AssertionError, OSError) as failed:
                    errors.append(failed)

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_as_many_servers_are_active_as_there_are_vfs_and_the_others_say_why(full_rig: Rig) -> None:
    rig = full_rig
    network_id, flavor_id = rig.make_network(100, "10.0.0.0/16", "direct"), rig.make_flavor()
    wish = {"server": {"name": "s", "flavorRef": flavor_id, "networks": [{"uuid": network_id}]}}

    at_once(rig, [("POST", "/compute/v2.1/servers", wish, 202)] * SERVERS)
    wait_until(lambda: not statuses(rig)["BUILD"], SETTLE_MAX_S, "no server is being built")
    assert statuses(rig) == {"ACTIVE": VFS, "ERROR": SERVERS - VFS}
    refused = [server for server in all_servers(rig) if server["status"] == "ERROR"]
    assert all("50 of 50 in use" in server["fault"]["message"] for server in refused)  # type: ignore[index]  # JSON from the API has no types
    assert rig.findings() == []

    at_once(rig, [("DELETE", f"/compute/v2.1/servers/{server['id']}", None, 204) for server in all_servers(rig)])
    wait_until(lambda: not all_servers(rig), SETTLE_MAX_S, "every server is gone")
    rig.wait_available(VFS)
    assert rig.findings() == []
    for host in rig.hosts.values():
        on_card = host.vf_table.look("ens3f0").vfs
        assert all((s.vlan, s.trust, s.spoof_check) == (Vlan(0), False, True) for s in on_card.values())
        assert not host.hypervisor().domains()
