"""The schema's history: numbered SQL files, each applied once, in one transaction, in order.

``mooring db upgrade`` runs them; a controller refuses a database that is older or newer than itself, but makes a
new one in an empty file.
"""

import sqlite3
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mooring.errors import Conflict


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    statements: tuple[str, ...]


def migrations() -> tuple[Migration, ...]:
    """All, oldest first: files named ``NNNN_what_changed.sql``, each statement ended by ``;`` and a line end."""
    folder = resources.files("mooring.store") / "migrations"
    found = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        number, _, name = entry.name.removesuffix(".sql").partition("_")
        if number.isdigit() and entry.name.endswith(".sql"):
            statements = tuple(part.strip() for part in entry.read_text().split(";\n") if part.strip())
            found.append(Migration(int(number), name, statements))
    return tuple(found)


def schema_version(connection: sqlite3.Connection) -> int:
    """The number of the newest migration that this database has seen; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection) -> list[Migration]:
    """Bring the schema up to date; returns what was applied. A death in the middle leaves whole migrations only."""
    done = schema_version(connection)
    applied = []
    for migration in migrations():
        if migration.version <= done:
            continue
        connection.execute("BEGIN IMMEDIATE")
        for statement in migration.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {migration.version}")
        connection.execute("COMMIT")
        applied.append(migration)
    return applied


def check_schema(connection: sqlite3.Connection) -> None:
    """Make the schema in an empty database; refuse one of another version, or one that is damaged."""
    version, newest = schema_version(connection), migrations()[-1].version
    if version == 0:
        upgrade(connection)
    elif version < newest:
        raise Conflict(
            f"the database has schema {version}, this version needs {newest}", hint="run: mooring db upgrade"
        )
    elif version > newest:
        raise Conflict(f"the database has schema {version}, newer than this version's {newest}", hint="upgrade mooring")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise Conflict(f"the database is damaged: {verdict}", hint="restore a backup; see docs/how-to/back-up.md")


def upgrade_file(path: Path) -> list[Migration]:
    """``mooring db upgrade`` on one file, which no controller may have open."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return upgrade(connection)
    except sqlite3.Error as broken:
        raise Conflict(f"{path} could not be upgraded: {broken}", hint="restore a backup; see the how-to") from broken
    finally:
        connection.close()
