"""Flavors: rows."""

from mooring.model.server import Flavor
from mooring.store import tables
from mooring.store.rows import Records

FLAVORS = Records(tables.flavors, Flavor)
