"""Selectors of PCI groups as they are written: JSON objects in bodies, ``key=value,...`` words on the command line.

A group that means something else than its author thinks hands out the wrong card on every host at once. So nothing is
guessed: what cannot be read, selects nothing, or names a thing twice is an error with field, value and the way out.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from mooring.core.devspec_entries import LINK_SPEED_MAX_MBPS, NUMA_NODE_MAX
from mooring.core.devspec_values import WrongValue, read_class, read_hex_id, read_physical_network, read_tag
from mooring.core.grouping import ANY_TEXT
from mooring.core.pci_pattern import AddressPattern, PatternError, parse_addresses
from mooring.core.quoting import shown
from mooring.errors import Invalid
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind

SELECTORS_MAX = 64
"""Of one PCI group; of its excludes too."""
VALUES_MAX = 256
"""In one list of one selector."""
AGGREGATE_MAX_CHARS = 255
_SINGULAR = {
    "physical_network": "physical_networks", "host": "hosts", "aggregate": "aggregates", "address": "addresses",
    "feature": "features", "tag": "tags",
}  # fmt: skip
_TEXTS = ("vendor_id", "product_id", "class", "kind")
_LISTS = tuple(_SINGULAR.values())
_NUMBERS = {"numa_node": (0, NUMA_NODE_MAX), "min_link_speed_mbps": (1, LINK_SPEED_MAX_MBPS)}
KEYS = (*_TEXTS, *_LISTS, *_NUMBERS, "trusted")

_HOST = re.compile(r"[a-z0-9*](?:[a-z0-9.*-]{0,61}[a-z0-9*])?", re.ASCII | re.IGNORECASE)
_FEATURE = re.compile(r"[a-z0-9][a-z0-9._+-]{0,62}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_KEY_SHOWN_MAX_CHARS = 80
_BOOLEANS = {"true": True, "false": False}


def read_selectors(where: str, value: object) -> tuple[PciSelector, ...]:
    """The checked selectors of a body; ``where`` is the field's name, as errors say it.

    Raises Invalid, whatever the value is made of.
    """
    if not isinstance(value, list):
        raise _wrong(where, value, "is not a list of selectors", 'as in [{"vendor_id": "8086", "kind": "VF"}]')
    if len(value) > SELECTORS_MAX:
        raise _wrong(where, len(value), "is too many selectors", f"{SELECTORS_MAX} at most; one may list many hosts")
    found: dict[PciSelector, int] = {}
    for number, item in enumerate(value):
        selector = read_selector(f"{where}[{number}]", item)
        if selector in found:
            raise _wrong(f"{where}[{number}]", item, f"says the same as {where}[{found[selector]}]", "give it once")
        found[selector] = number
    return tuple(found)


def read_selector(where: str, value: object) -> PciSelector:
    """One selector. Raises Invalid."""
    if not isinstance(value, Mapping):
        raise _wrong(where, value, "is not an object of selectors", 'as in {"vendor_id": "8086"}')
    for key in value:
        if key not in KEYS:
            _refuse_key(where, key, value[key], KEYS)
    if not value:
        raise _wrong(where, {}, "selects nothing in particular", f"give one of {', '.join(KEYS)}")
    if "product_id" in value and "vendor_id" not in value:
        given = value["product_id"]
        raise _wrong(
            _at(where, "product_id"),
            given,
            "stands without vendor_id",
            "each vendor numbers its own: give vendor_id too",
        )
    return PciSelector(
        vendor_id=_text(where, value, "vendor_id", read_hex_id),
        product_id=_text(where, value, "product_id", read_hex_id),
        device_class=_text(where, value, "class", read_class),
        kind=_kind(where, value),
        physical_networks=_list(where, value, "physical_networks", read_physical_network),
        hosts=_list(where, value, "hosts", _host),
        aggregates=_list(where, value, "aggregates", _aggregate),
        addresses=_list(where, value, "addresses", _address),
        numa_node=_number(where, value, "numa_node"),
        min_link_speed_mbps=_number(where, value, "min_link_speed_mbps"),
        features=_list(where, value, "features", _feature),
        tags=_list(where, value, "tags", read_tag),
        trusted=_flag(where, value, "trusted"),
    )


def selector_object(selector: PciSelector) -> Mapping[str, object]:
    """The selector as a body has it: what is given, and nothing else."""
    values = {
        "vendor_id": selector.vendor_id, "product_id": selector.product_id, "class": selector.device_class,
        "kind": selector.kind, "physical_networks": selector.physical_networks, "hosts": selector.hosts,
        "aggregates": selector.aggregates, "addresses": selector.addresses, "numa_node": selector.numa_node,
        "min_link_speed_mbps": selector.min_link_speed_mbps, "features": selector.features, "tags": selector.tags,
        "trusted": selector.trusted,
    }  # fmt: skip
    return {key: value for key, value in values.items() if value is not None and value != ()}


def words_object(text: str) -> dict[str, object]:
    """What ``vendor_id=8086,kind=VF,host=h1,host=h2`` says, as a body has it, to be checked as one is.

    A key of which there may be several values is said once for each of them. Raises Invalid.
    """
    found: dict[str, object] = {}
    for part in text.split(","):
        word, _, value = part.strip(" ").partition("=")
        key = _SINGULAR.get(word, word)
        if key not in KEYS:
            _refuse_key(shown(text), word, value, (*_SINGULAR, *KEYS))
        if not value:
            raise Invalid(f"{shown(text)}: {word} has no value", hint=f"write {word}=VALUE", facts={"field": word})
        if key in _LISTS:
            values = found.setdefault(key, [])
            if isinstance(values, list):
                values.append(value)
        elif key in found:
            raise Invalid(f"{shown(text)}: {word} is given twice", hint="give another selector", facts={"field": word})
        else:
            found[key] = _said(key, value)
    return found


def selector_words(selector: Mapping[str, object]) -> str:
    """An object of ``selector_object``, decoded JSON too, as the command line takes it."""
    plural = {many: one for one, many in _SINGULAR.items()}
    words = []
    for key, value in selector.items():
        values = value if isinstance(value, list | tuple) else [value]
        said = [str(one).lower() if isinstance(one, bool) else str(one).removeprefix("type-") for one in values]
        words += [f"{plural.get(key, key)}={one}" for one in said]
    return ",".join(words)


def _said(key: str, value: str) -> object:
    """A word's value as JSON has it; what cannot be one is left as it is, and refused as such."""
    if key in _NUMBERS and _DIGITS.fullmatch(value):
        return int(value)
    return _BOOLEANS.get(value, value) if key == "trusted" else value


def _refuse_key(where: str, key: object, value: object, known: tuple[str, ...]) -> NoReturn:
    near = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(KEYS)}"
    facts = {"field": str(key)[:_KEY_SHOWN_MAX_CHARS], "value": shown(value)}
    raise Invalid(f"{where}: unknown key {shown(key)}", hint=hint, facts=facts)


def _at(where: str, key: str) -> str:
    """A key's place as its author sees it: ``selectors[0].kind``, ``--select kind``."""
    return f"{where} {key}" if where.startswith("--") else f"{where}.{key}"


def _wrong(where: str, value: object, what: str, hint: str) -> Invalid:
    return Invalid(f"{where} = {shown(value)} {what}", hint=hint, facts={"field": where, "value": shown(value)})


def _text(where: str, values: Mapping[str, object], key: str, read: Callable[[str], str]) -> str | None:
    if key not in values:
        return None
    value = values[key]
    if not isinstance(value, str):
        raise _wrong(_at(where, key), value, "is not text", 'as in "8086"')
    try:
        return read(value)
    except WrongValue as wrong:
        raise _wrong(_at(where, key), value, str(wrong), wrong.hint) from wrong


def _kind(where: str, values: Mapping[str, object]) -> FunctionKind | None:
    if "kind" not in values:
        return None
    value = values["kind"]
    for kind in FunctionKind:
        if value in (kind.value, kind.value.removeprefix("type-")):
            return kind
    raise _wrong(_at(where, "kind"), value, "is not a kind of function", "one of PF, VF, PCI")


def _number(where: str, values: Mapping[str, object], key: str) -> int | None:
    if key not in values:
        return None
    value, (low, high) = values[key], _NUMBERS[key]
    if type(value) is not int or not low <= value <= high:
        raise _wrong(_at(where, key), value, f"is not a whole number from {low} to {high}", "leave it out for any")
    return value


def _flag(where: str, values: Mapping[str, object], key: str) -> bool | None:
    if key not in values:
        return None
    value = values[key]
    if not isinstance(value, bool):
        raise _wrong(_at(where, key), value, "is not true or false", "leave it out for both")
    return value


def _list(where: str, values: Mapping[str, object], key: str, read: Callable[[str], str]) -> tuple[str, ...]:
    if key not in values:
        return ()
    value = values[key]
    if not isinstance(value, list) or not value:
        raise _wrong(_at(where, key), value, "is not a list of texts", "leave it out for any")
    if len(value) > VALUES_MAX:
        raise _wrong(_at(where, key), len(value), "is too many values", f"{VALUES_MAX} at most")
    found: dict[str, int] = {}
    for number, item in enumerate(value):
        at = f"{_at(where, key)}[{number}]"
        if not isinstance(item, str):
            raise _wrong(at, item, "is not text", "write it in quotes")
        try:
            text = read(item)
        except WrongValue as wrong:
            raise _wrong(at, item, str(wrong), wrong.hint) from wrong
        if text in found:
            raise _wrong(at, item, f"says the same as {_at(where, key)}[{found[text]}]", "give it once")
        found[text] = number
    return tuple(found)


def _host(text: str) -> str:
    if _HOST.fullmatch(text) is None:
        raise WrongValue("is not a host's name, nor a pattern of one", "as in rack1-07, or rack1-*")
    if text.strip(ANY_TEXT) == "":
        raise WrongValue("means every host", "leave hosts out")
    return text


def _aggregate(text: str) -> str:
    if not 1 <= len(text) <= AGGREGATE_MAX_CHARS or not text.isprintable():
        raise WrongValue("is not the name of a host aggregate", f"1 to {AGGREGATE_MAX_CHARS} printable characters")
    return text


def _feature(text: str) -> str:
    if _FEATURE.fullmatch(text) is None:
        raise WrongValue("is not a feature", "as in rxvlan or hw-tc-offload: small letters, digits and dashes")
    return text


def _address(text: str) -> str:
    """With its domain and in small letters, so that one that is given twice is seen."""
    try:
        parsed = parse_addresses(text)
    except PatternError as wrong:
        raise WrongValue(str(wrong), wrong.hint) from wrong
    if isinstance(parsed, AddressPattern) and parsed.text.count(":") == 1:
        return f"0000:{parsed}"
    return str(parsed)
