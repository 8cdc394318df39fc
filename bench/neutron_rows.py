"""More ports for a real Neutron than its API makes in reasonable time: copies of one, in its SQLite database.

Every table that refers to the port gets the same rows for each copy, so that what reads ports finds as much as it would
find for ports made through the API.
"""

import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

WAIT_S = 30.0


def copy_port(database: Path, port_id: str, copies: int, network: int) -> None:
    """Make ``copies`` of a port whose subnet is ``10.NETWORK.0.0/16``; two of them to each server in turn."""
    with closing(sqlite3.connect(database, timeout=WAIT_S)) as connection, connection:
        connection.row_factory = sqlite3.Row
        port = _one(connection, "SELECT * FROM ports WHERE id = ?", port_id)
        attribute = _one(connection, "SELECT * FROM standardattributes WHERE id = ?", port["standard_attr_id"])
        first = _one(connection, "SELECT max(id) AS id FROM standardattributes")["id"]
        made = [(str(uuid.uuid4()), first + number, number) for number in range(1, copies + 1)]
        _insert(connection, "standardattributes", [{**attribute, "id": attribute_id} for _, attribute_id, _ in made])
        ports = [
            {
                **port,
                "id": copied,
                "standard_attr_id": attribute_id,
                "mac_address": f"fa:16:3e:{network:02x}:{number >> 8:02x}:{number & 255:02x}",
                "device_id": f"server-{network}-{number // 2}",
            }
            for copied, attribute_id, number in made
        ]
        _insert(connection, "ports", ports)
        for table, column in _referring(connection):
            for row in map(dict, connection.execute(f"SELECT * FROM {table} WHERE {column} = ?", (port_id,))):  # noqa: S608 - names from the schema
                rows = [{**row, column: copied, **_address(row, network, number)} for copied, _, number in made]
                _insert(connection, table, rows)


def _address(row: dict[str, Any], network: int, number: int) -> dict[str, str]:
    # Past the first thousand addresses, out of which Neutron draws those that it gives by itself.
    return {"ip_address": f"10.{network}.{16 + (number >> 8)}.{number & 255}"} if "ip_address" in row else {}


def _one(connection: sqlite3.Connection, query: str, *values: object) -> dict[str, Any]:
    return dict(connection.execute(query, values).fetchone())


def _referring(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Tables that refer to a port's id, and by which column."""
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [
        (table, key["from"])
        for table in tables
        for key in connection.execute(f"PRAGMA foreign_key_list({table})")
        if key["table"] == "ports"
    ]


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(rows[0])
    places = ", ".join("?" * len(columns))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names from the schema
    connection.executemany(query, [tuple(row.values()) for row in rows])
