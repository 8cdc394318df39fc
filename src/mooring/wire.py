"""JSON of the model's dataclasses, as controller and agent exchange it.

Field names are the dataclass's own; enums are their values, times ISO 8601, sets and tuples arrays. A ``PciAddress``
is the object ``{"domain", "bus", "slot", "function"}``: msgspec encodes dataclasses itself and asks no hook. Fields
that the reader does not know are skipped and absent ones take their default, so that neighbouring versions talk.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from mooring.errors import Invalid

T = TypeVar("T")


def encode(value: object) -> bytes:
    """``value``, a model dataclass or a collection of them, as UTF-8 JSON on one line."""
    return msgspec.json.encode(value, enc_hook=_plain)


def decode(kind: type[T], body: bytes | str) -> T:
    """The ``kind`` that ``body`` holds. Raises Invalid, naming the place, for anything else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Invalid(f"not a {kind.__name__}: {wrong}") from wrong


def _plain(value: object) -> object:
    """For a mapping that is no dict, as a read-only view is not."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of the model")
