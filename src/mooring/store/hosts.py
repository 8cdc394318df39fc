"""Hosts: rows and the few questions asked of them."""

import hashlib

from mooring.model.host import Host
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.tx import Tx

HOSTS = Records(tables.hosts, Host, key="name")


def key_hash(key: str) -> str:
    """What is kept of a host's key: enough to recognise it, too little to use it."""
    return hashlib.sha256(key.encode()).hexdigest()


def by_key(tx: Tx, key: str) -> Host | None:
    """The host whose agent holds ``key``. Found by hash, so the time taken tells nothing of the key."""
    return HOSTS.first(tx, key_hash=key_hash(key))
