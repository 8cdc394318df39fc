"""The name that a server has in DNS and in its own guest, made from its display name as Nova makes it."""

import re

HOSTNAME_MAX_CHARS = 63
_NOT_IN_HOSTNAMES = re.compile(r"[^a-z0-9.-]")


def hostname(name: str, server_id: str) -> str:
    """``name``, made fit for DNS; ``server-ID`` for a name of which nothing is left."""
    fit = _NOT_IN_HOSTNAMES.sub("", name.lower().replace(" ", "-").replace("_", "-")).replace(".", "-")
    return fit[:HOSTNAME_MAX_CHARS].strip("-") or f"server-{server_id}"
