"""The auditor finds each broken invariant: a book is falsified behind the schema's back, and the finding names it.

Without these, the silence that every story ends with would mean nothing.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from mooring.main import DATABASE
from mooring.model.port import VnicType
from mooring.service.audit import CHECKS
from tests.story.conftest import Told

Falsify = Callable[[sqlite3.Connection], object]
_OWN = "SELECT device_id FROM claims LIMIT 1"
_FREE = "SELECT id FROM devices WHERE state = 'available' LIMIT 1"


def run(*statements: str) -> Falsify:
    def falsify(books: sqlite3.Connection) -> None:
        for statement in statements:
            assert books.execute(statement).rowcount > 0, f"nothing was falsified by: {statement}"

    return falsify


def without_vlan_index(books: sqlite3.Connection) -> None:
    books.execute("DROP INDEX one_network_per_vlan")
    run("UPDATE segments SET segmentation_id = 100")(books)


def with_profile(statement: str, physnets: str = "[]") -> Falsify:
    """Where a port profile p of VLAN 7 is."""
    row = f"'p', 'gold', 0, 0, '802.1Qbh', '[7]', '{physnets}', '', 64, '[]', 1, 'unmanaged', '', NULL"
    names = (
        "id, name, created_at, updated_at, kind, vlans, physical_networks, description, max_ports, projects,"
        " revision_number, upstream, upstream_reason, upstream_at"
    )
    return run(f"INSERT INTO port_profiles ({names}) VALUES ({row})", statement)


FALSE_BOOKS: list[tuple[str, str, Falsify]] = [
    ("I1", "has no claim", run("DELETE FROM claims WHERE device_id = (SELECT max(device_id) FROM claims)")),
    ("I1", "and has a claim", run(f"UPDATE devices SET state = 'available' WHERE id = ({_OWN})")),
    (
        "I1",
        "ports are bound to",
        run("UPDATE ports SET binding_host = 'sim1', binding_profile = '{\"pci_slot\": \"x\"}'"),
    ),
    (
        "I2",
        "are both owned",
        run(
            f"UPDATE claims SET device_id = (SELECT id FROM devices WHERE kind = 'type-PF' AND (host, address) ="
            f" (SELECT host, pf FROM devices WHERE id = ({_OWN})))"
            " WHERE device_id = (SELECT max(device_id) FROM claims)"
        ),
    ),
    ("I3", "which does not exist", run("UPDATE claims SET server_id = 'nobody'")),
    ("I3", "which is not that server's", run("UPDATE ports SET device_id = ''")),
    ("I3", "and claims", run("UPDATE servers SET host = 'sim1' WHERE host = 'sim3'")),
    ("I3", "claims nothing", run("DELETE FROM claims")),
    (
        "I3",
        "is of device nothing, which does not exist",
        run("UPDATE claims SET device_id = 'nothing' WHERE device_id = (SELECT max(device_id) FROM claims)"),
    ),
    ("I3", "for no port and for no PCI group", run("UPDATE claims SET port_id = NULL")),
    ("I4", "which its network is not on", run("UPDATE segments SET physical_network = 'elsewhere'")),
    ("I5", "in use of", run("UPDATE hosts SET memory_mib = 1")),
    ("I6", "was never read back", run(f"UPDATE devices SET verified_at = NULL WHERE id = ({_FREE})")),
    ("I7", "belongs to 2 networks", without_vlan_index),
    ("I7", "puts ports on VLAN 7, and network", with_profile("UPDATE networks SET port_profile_id = 'p'")),
    ("I7", "is of nowhere, and network", with_profile("UPDATE ports SET port_profile_id = 'p'", '["nowhere"]')),
    (
        "I7",
        "is bound with port profile lost, which does not exist",
        run("UPDATE ports SET binding_vif_type = '802.1qbh', binding_vif_details = '{\"profileid\": \"lost\"}'"),
    ),
    (
        "I8",
        "a live port's MAC",
        run(f"UPDATE devices SET observed = (SELECT observed FROM devices WHERE id = ({_OWN})) WHERE id = ({_FREE})"),
    ),
    ("I8", "share MAC", run("UPDATE claims SET desired = (SELECT desired FROM claims LIMIT 1)")),
    ("I9", "wanted", run("UPDATE claims SET desired = replace(desired, '\"id\":100', '\"id\":7')")),
    ("I9", "was not read back", run(f"UPDATE devices SET verified_at = NULL, updated_at = 0 WHERE id = ({_OWN})")),
    ("I9", "goes by", run("UPDATE claims SET desired = replace(desired, '\"max_mbps\":0', '\"max_mbps\":7')")),
    ("I10", "is ACTIVE, and", run(f"UPDATE devices SET reason = 'its PF has no carrier' WHERE id = ({_OWN})")),
    ("I10", "nothing says why", run("UPDATE ports SET status = 'ERROR'")),
    (
        "I10",
        "is lost to it",
        run(
            "UPDATE claims SET port_id = NULL, request_id = 'fast'",
            f"UPDATE devices SET state = 'quarantined' WHERE id = ({_OWN})",
        ),
    ),
    ("I10", "is in ERROR, and nothing says why", run("UPDATE servers SET status = 'ERROR'")),
    ("I12", "an older one", run("UPDATE devices SET generation = 0")),
    (
        "I13",
        "in one book and not in the other",
        run('UPDATE ports SET fixed_ips = \'[{"subnet_id":"s","ip_address":"192.0.2.9"}]\''),
    ),
    (
        "I13",
        "is charged for 9 of network, and has 2",
        run("UPDATE quota_usage SET used = 9 WHERE resource = 'network'"),
    ),
    ("I13", "is charged for 0 of port, and has 2", run("DELETE FROM quota_usage WHERE resource = 'port'")),
    ("I13", "is marked shared", run("UPDATE networks SET shared = 1")),
    ("I13", "is marked external", run("UPDATE networks SET external = 1")),
    ("I13", "is shown in availability zone moon", run("UPDATE hosts SET availability_zone = 'moon'")),
    (
        "I13",
        "has 2 servers on sim3, of 1",
        run(
            "INSERT INTO server_groups VALUES ('g', 'g', 'p', 'u', 0, 'anti-affinity', 1)",
            "UPDATE servers SET server_group_id = 'g'",
        ),
    ),
    (
        "I13",
        "servers of affinity group g are on sim1, sim3",
        run(
            "INSERT INTO server_groups VALUES ('g', 'g', 'p', 'u', 0, 'affinity', 1)",
            "UPDATE servers SET server_group_id = 'g'",
            "UPDATE servers SET host = 'sim1' WHERE id = (SELECT max(id) FROM servers)",
        ),
    ),
    ("I14", "answer the request", run("UPDATE servers SET reservation_id = 'r-1'")),
    ("I15", "for more than", run("UPDATE servers SET status = 'BUILD', updated_at = 0")),
    ("I15", "is HARD_REBOOT for more than", run("UPDATE servers SET status = 'HARD_REBOOT', updated_at = 0")),
    ("I15", "is being released", run(f"UPDATE devices SET state = 'releasing', updated_at = 0 WHERE id = ({_OWN})")),
]


@pytest.mark.parametrize(("invariant", "words", "falsify"), FALSE_BOOKS, ids=[f"{i}-{w}" for i, w, _ in FALSE_BOOKS])
def test_the_auditor_finds_what_was_falsified(invariant: str, words: str, falsify: Falsify, told: Told) -> None:
    for vlan in (100, 101):
        network = told.network("physnet1", vlan)
        told.boot(told.port(network, VnicType.DIRECT), forced_host="sim3")
    assert told.cloud.findings() == []
    path = told.cloud.folder / "controller" / DATABASE
    with closing(sqlite3.connect(path, isolation_level=None)) as books:
        before = "".join(books.iterdump())
        falsify(books)
        findings = told.cloud.findings()
        restore(books, before)
    assert any(f.invariant == invariant and words in f.text for f in findings), findings


def restore(books: sqlite3.Connection, dump: str) -> None:
    """Put back what was there, so that the story ends as every other does: with a silent auditor."""
    books.execute("PRAGMA foreign_keys = OFF")
    tables = books.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for (name,) in tables:
        books.execute(f"DROP TABLE {name}")
    books.execute("DELETE FROM sqlite_sequence")
    books.executescript(dump)


def test_every_check_has_a_book_that_it_finds_false() -> None:
    assert {invariant for invariant, _, _ in FALSE_BOOKS} == set(CHECKS)
