"""The nics of a server as ``openstack server create`` takes them, and the two words that stand for a choice of them."""

import difflib
from collections.abc import Mapping, Sequence

from mooring.core.pci_wishes import read_group_and_count
from mooring.errors import Invalid

Nic = Mapping[str, str]
"""Key to value, as given: ``net-id`` or ``port-id``, and what else was said."""

GROUP_KEYS = ("pci-group", "pci-flavor", "pci-alias")
"""Three words for one thing."""
KEYS = ("net-id", "port-id", "v4-fixed-ip", "v6-fixed-ip", "vnic-type", "port-profile", "tag", *GROUP_KEYS)
WORDS = ("auto", "none")


def read_nics(nics: Sequence[str], ports: Sequence[str], networks: Sequence[str]) -> Sequence[Nic] | str:
    """All nics in this order, or ``auto`` or ``none``. Nothing at all is ``auto``. Raises Invalid, with the value."""
    words = [text for text in nics if text in WORDS]
    if words and len(nics) + len(ports) + len(networks) > 1:
        raise Invalid(f"--nic {words[0]} stands beside another nic", hint=f"{words[0]} is said of all of them")
    if words:
        return words[0]
    named = [_read_nic(text) for text in nics]
    return [*named, *({"port-id": port} for port in ports), *({"net-id": net} for net in networks)] or "auto"


def _read_nic(text: str) -> Nic:
    nic: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(KEYS)}"
            raise Invalid(f"--nic {text}: {key!r} is no key of a nic", hint=hint)
        if not value:
            raise Invalid(f"--nic {text}: {key} has no value", hint=f"write {key}=VALUE")
        if key in nic:
            raise Invalid(f"--nic {text}: {key} is given twice", hint="give one --nic for each nic")
        nic[key] = value
    if ("net-id" in nic) == ("port-id" in nic):
        told = "both a network and a port" if "net-id" in nic else "neither a network nor a port"
        raise Invalid(f"--nic {text} names {told}", hint="a nic has net-id=NET or port-id=PORT")
    if len(given := [key for key in GROUP_KEYS if key in nic]) > 1:
        raise Invalid(f"--nic {text}: {' and '.join(given)} are the same thing", hint="give one of them")
    if count_of(nic) > 1 and "port-id" in nic:
        raise Invalid(f"--nic {text}: a port is one nic", hint="give a count of 1, or net-id=NET for as many new ports")
    return nic


def count_of(nic: Nic) -> int:
    """How many nics of a server this one makes: the count of its PCI group's functions. Raises Invalid."""
    asked = next((nic[key] for key in GROUP_KEYS if key in nic), None)
    return 1 if asked is None else read_group_and_count(asked, "--nic: pci-group")[1]
