"""What of ``/mooring/v1/pci-devices`` is asked for: filters, sorting, pages and fields, each checked by name."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mooring.api.call import Call
from mooring.api.checks import only_value, shown, truth
from mooring.api.mooring.views import DEVICE_FIELDS
from mooring.errors import Invalid
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.vf import VfState
from mooring.service.device_list import DeviceWish
from mooring.store.device_list import NO_NUMBER, SORT_KEYS, DeviceQuery

Read = Callable[[str, str], object]

_VALUES_MAX = 100
"""Of one filter."""
_TEXT_MAX = 255
_DIGITS_MAX = 9
_SORT_KEYS_MAX = 8
_KIND_PREFIX = "type-"
_PAGING = frozenset({"limit", "marker", "sort_key", "sort_dir", "fields"})
_WATCHING = frozenset({"watch", "since", "fields"})


def _wrong(name: str, value: str, wanted: str) -> Invalid:
    return Invalid(f"{name}={shown(value)} is not {wanted}", hint="leave it out, or give one that is")


def _unknown(name: str, value: str, known: Iterable[str]) -> Invalid:
    return Invalid(f"{name}={shown(value)} is not known", hint=f"known: {', '.join(known)}")


def _text(name: str, value: str) -> str:
    if not value or len(value) > _TEXT_MAX or not value.isprintable():
        raise _wrong(name, value, f"visible text of 1 to {_TEXT_MAX} characters")
    return value


def _text_or_none(name: str, value: str) -> str:
    return _text(name, value) if value else ""


def _address(name: str, value: str) -> str:
    try:
        return str(PciAddress.parse(value))
    except ValueError as malformed:
        raise _wrong(name, value, "a PCI address, as in 0000:81:10.4") from malformed


def _address_or_none(name: str, value: str) -> str:
    return _address(name, value) if value else ""


def _number_or_none(name: str, value: str) -> int:
    if not value:
        return NO_NUMBER
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
        raise _wrong(name, value, "a number from 0 up")
    return int(value)


def _kind(name: str, value: str) -> str:
    kinds = {kind.value.lower(): kind.value for kind in FunctionKind}
    word = value.lower()
    found = kinds.get(word) or kinds.get(f"{_KIND_PREFIX}{word}")
    if found is None:
        raise _unknown(name, value, ("VF", "PF", "PCI"))
    return found


def _state(name: str, value: str) -> str:
    if value not in set(VfState):
        raise _unknown(name, value, VfState)
    return value


def _hex(digits: int) -> Read:
    pattern = re.compile(f"[0-9a-f]{{{digits}}}", re.ASCII)

    def read(name: str, value: str) -> str:
        if not pattern.fullmatch(value.lower()):
            raise _wrong(name, value, f"{digits} hex digits")
        return value.lower()

    return read


def _flag(name: str, value: str) -> int:
    return int(truth(name, value))


_GROUP = "group"
_FILTERS: Mapping[str, Read] = {
    "id": _text, "host": _text, "address": _address, "kind": _kind, "state": _state,
    "physical_network": _text_or_none, _GROUP: _text_or_none, "vendor_id": _hex(4), "product_id": _hex(4),
    "device_class": _hex(6), "numa_node": _number_or_none, "iommu_group": _number_or_none, "trusted": _flag,
    "is_offered": _flag, "tag": _text, "feature": _text, "pf": _address_or_none, "pf_netdev": _text_or_none,
    "netdev": _text_or_none, "driver": _text_or_none, "server_id": _text_or_none, "server_name": _text_or_none,
    "project_id": _text_or_none,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """``after`` is the id of the last function of the page before; no ``fields`` are all."""

    wish: DeviceWish
    limit: int
    after: str | None
    fields: frozenset[str]


def read_page(call: Call) -> Asked:
    """Raises Invalid for a filter or a key that is not known, and for a value that can be none of it."""
    most = call.controller.world.config.page_max
    wish = DeviceWish(DeviceQuery(_equals(call, _PAGING), _sort(call.query)), _groups(call))
    limit = call.number("limit", most)
    if limit == 0:
        raise _wrong("limit", "0", "a number from 1 up")
    return Asked(wish, min(limit, most), only_value(call.query, "marker"), _fields(call.query))


def is_watch(call: Call) -> bool:
    word = only_value(call.query, "watch")
    return word is not None and truth("watch", word)


def read_watch(call: Call) -> tuple[DeviceWish, frozenset[str], int | None]:
    """The wish, the fields, and the number of the change after which to begin; ``None`` is now.

    Raises Invalid as ``read_page`` does: a watch has no order and no pages.
    """
    wish = DeviceWish(DeviceQuery(_equals(call, _WATCHING)), _groups(call))
    resumed = call.headers.get("last-event-id", "")
    if resumed.isascii() and resumed.isdigit() and len(resumed) <= 2 * _DIGITS_MAX:
        return wish, _fields(call.query), int(resumed)
    return wish, _fields(call.query), call.number("since", 0) if "since" in call.query else None


def _equals(call: Call, more: frozenset[str]) -> Mapping[str, Sequence[object]]:
    found: dict[str, Sequence[object]] = {}
    for name, values in call.query.items():
        if name in more or (name == "watch" and not is_watch(call)):
            continue
        if name not in _FILTERS:
            raise Invalid(f"unknown filter {shown(name)}", hint=f"known: {', '.join([*_FILTERS, *sorted(more)])}")
        if len(values) > _VALUES_MAX:
            raise Invalid(f"{name} is given {len(values)} times", hint=f"{_VALUES_MAX} values of it, at most")
        found[name] = list(dict.fromkeys(_FILTERS[name](name, value) for value in values))
    found.pop(_GROUP, None)
    return found


def _groups(call: Call) -> frozenset[str]:
    return frozenset(call.query.get(_GROUP, ()))


def _sort(query: Mapping[str, Sequence[str]]) -> Sequence[tuple[str, bool]]:
    """A missing direction is ascending."""
    keys, directions = query.get("sort_key", ()), query.get("sort_dir", ())
    if len(keys) > _SORT_KEYS_MAX or len(directions) > len(keys):
        raise Invalid(
            f"{len(keys)} sort keys and {len(directions)} directions do not go together",
            hint=f"{_SORT_KEYS_MAX} keys at most, and one direction for each",
        )
    for key in keys:
        if key not in SORT_KEYS:
            raise _unknown("sort_key", key, sorted(SORT_KEYS))
    for direction in directions:
        if direction not in ("asc", "desc"):
            raise _unknown("sort_dir", direction, ("asc", "desc"))
    ups = [direction == "asc" for direction in directions] + [True] * (len(keys) - len(directions))
    return tuple(dict(zip(keys, ups, strict=True)).items())


def _fields(query: Mapping[str, Sequence[str]]) -> frozenset[str]:
    found = frozenset(word for value in query.get("fields", ()) for word in value.split(",") if word)
    if unknown := found.difference(DEVICE_FIELDS):
        raise _unknown("fields", min(unknown), DEVICE_FIELDS)
    return found
