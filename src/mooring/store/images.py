"""Images: rows, and how many servers were made from each."""

from sqlalchemy import bindparam, func, select

from mooring.model.server import Image
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

IMAGES = Records(tables.images, Image)
_SERVERS_FROM = Sql(select(func.count()).where(tables.servers.c.image_id == bindparam("image_id")))


def servers_from(tx: Tx, image_id: str) -> int:
    """How many servers name this image."""
    row = tx.one(_SERVERS_FROM, image_id=image_id)
    return int(str(row[0])) if row is not None else 0
