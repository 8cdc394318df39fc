"""What people ask of PCI functions, as they write it: PCI groups with a count, features, a rate.

The same words stand in nics, in ``binding:profile`` and in a flavor's extra specs; ``where`` names the place in errors.
"""

import re

from mooring.core.group_names import read_group_name
from mooring.core.quoting import shown
from mooring.errors import Invalid

COUNT_MAX = 32
"""Functions that one nic, or one flavor, may ask for."""
FEATURES_MAX = 32
MIN_RATE_MBPS_MAX = 400_000
"""The fastest link that there is."""

_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_FEATURE = re.compile(r"[a-z0-9][a-z0-9._+-]{0,62}", re.ASCII)
_RATE = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_group(text: object, where: str) -> str:
    """The name of a PCI group, with spaces around it or without. Raises Invalid."""
    return read_group_name(where, text.strip(" ") if isinstance(text, str) else text)


def read_group_and_count(text: object, where: str) -> tuple[str, int]:
    """``name`` or ``name:count``, with a count from 1 to ``COUNT_MAX``. Raises Invalid."""
    if not isinstance(text, str):
        raise Invalid(f"{where} {shown(text)} is not a text", hint="write NAME or NAME:COUNT")
    name, colon, digits = text.partition(":")
    group = read_group(name, where)
    if not colon:
        return group, 1
    count = int(digits) if _COUNT.fullmatch(digits) else 0
    if not 1 <= count <= COUNT_MAX:
        raise Invalid(f"{where} {shown(text)}: the count {shown(digits)} is not from 1 to {COUNT_MAX}")
    return group, count


def read_aliases(text: str, where: str) -> tuple[tuple[str, int], ...]:
    """Nova's ``name:count[,name:count]``, of which the counts of a name that comes again add up.

    Unlike Nova's, a count may be left out, and is 1 then; 0 is refused. Raises Invalid.
    """
    counts: dict[str, int] = {}
    for item in text.split(","):
        name, count = read_group_and_count(item.strip(), where)
        counts[name] = counts.get(name, 0) + count
    if sum(counts.values()) > COUNT_MAX:
        raise Invalid(f"{where} asks for {sum(counts.values())} functions, and {COUNT_MAX} is the most")
    return tuple(counts.items())


def read_features(value: object, where: str) -> tuple[str, ...]:
    """A list of features, or their names with commas between them; sorted, each once. Raises Invalid."""
    items = value.split(",") if isinstance(value, str) else value
    names: list[str] = []
    if isinstance(items, list | tuple) and len(items) <= FEATURES_MAX:
        names = [item.strip() if isinstance(item, str) else "" for item in items]
    if not names or not all(_FEATURE.fullmatch(name) for name in names):
        raise Invalid(
            f"{where} {shown(value)} is not a list of 1 to {FEATURES_MAX} features",
            hint="small letters and digits, as in rx,tso or hw-tc-offload",
        )
    return tuple(sorted(set(names)))


def read_min_rate(value: object, where: str) -> int:
    """Mbit/s, from 1 to ``MIN_RATE_MBPS_MAX``, as a number or as its digits. Raises Invalid."""
    rate = 0
    if isinstance(value, int) and not isinstance(value, bool):
        rate = value
    elif isinstance(value, str) and _RATE.fullmatch(value):
        rate = int(value)
    if not 1 <= rate <= MIN_RATE_MBPS_MAX:
        raise Invalid(f"{where} {shown(value)} is not a whole number of Mbit/s from 1 to {MIN_RATE_MBPS_MAX}")
    return rate
