"""What the owner of a port or a server may read of a host's own words.

A host says what is wrong as it sees it: with the names of its cards and of itself, with VLANs, and now and then with
what is another project's. The sentence stays, and what is not the owner's to know is taken out of it.
"""

import re
from collections.abc import Collection

HIDDEN = "(hidden)"

#: Each match is hidden unless it is one of the owner's own words.
_FACTS = re.compile(
    r"""
    [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}         # a server, a port, an image
    | \b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b                # a MAC
    | \b(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b  # a PCI address
    | \b\d{1,3}(?:\.\d{1,3}){3}\b                      # an IPv4 address
    | (?<![\w/.])/[\w.+@:/-]*[\w+@-]/?                   # a file
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
#: As ``core/reconcile.residue`` says it. The VLAN that was seen may be a stranger's; its own is the admin's to know.
_VLAN_RESIDUE = re.compile(r"\bvlan is (?:\d+ \([^)]*\)|[\w ]+), wanted (?:\d+ \([^)]*\)|\w+)", re.ASCII)
_VLAN = re.compile(r"\b(vlan(?:[ _]?id)?(?: is)?[ =:]+)\d+", re.IGNORECASE | re.ASCII)


def for_owner(said: str, own: Collection[str], hosts_names: Collection[str]) -> str:
    """The sentence without addresses, ids and files that are not in ``own``, without VLANs, and without those names.

    ``hosts_names`` are those of the host and of its network devices, which nobody could tell from ordinary words.
    """
    kept = {word.lower() for word in own}
    text = _VLAN.sub(rf"\1{HIDDEN}", _VLAN_RESIDUE.sub("vlan is not the wanted one", said))
    text = _FACTS.sub(lambda found: found[0] if found[0].lower() in kept else HIDDEN, text)
    names = "|".join(re.escape(name) for name in sorted(hosts_names, key=len, reverse=True) if name and name not in own)
    return re.sub(rf"(?<![\w-])(?:{names})(?![\w-])", HIDDEN, text) if names else text
