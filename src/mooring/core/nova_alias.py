"""Nova's ``[pci] alias`` as PCI groups: for moving a nova.conf over.

Told as Nova 34 answers (``nova/pci/request.py``): what it refuses is refused, with its ``PciInvalidAlias``. Of an alias
the ids and the type become selectors. The rest a PCI group does not carry: the notes say what takes its place.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mooring.core.group_names import read_group_name
from mooring.core.json_text import load_json
from mooring.core.nova_devspec import option_values
from mooring.core.quoting import shown
from mooring.errors import Invalid
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind

_OPTIONS = {"pci": ("alias",), "DEFAULT": ("pci_alias",)}
ALIASES_MAX = 1_000
_NAME_MAX_CHARS = 256
_ID = re.compile(r"[0-9a-fA-F]{4}", re.ASCII)
_NUMA_POLICIES = ("required", "preferred", "legacy", "socket")
_LEGACY = "legacy"
_KINDS = {kind.value: kind for kind in FunctionKind}
_TEXTS = frozenset({"resource_class", "traits", "live_migratable"})
_KEYS = ("name", "capability_type", "product_id", "vendor_id", "device_type", "numa_policy", *sorted(_TEXTS))
_INSTEAD = {
    "resource_class": "resource_class is not carried over: there is no Placement here, and the ids select",
    "traits": "traits are not carried over: select by features or tags instead",
    "live_migratable": "live_migratable is not carried over: give such devices a tag in a device spec, and select it",
}


@dataclass(frozen=True, slots=True)
class AliasGroup:
    """One name of Nova's, as the PCI group that it becomes."""

    name: str
    selectors: tuple[PciSelector, ...]
    numa_policy: str
    notes: tuple[str, ...]
    """What of it the PCI group does not carry, and what to do about it."""


@dataclass(slots=True)
class _Alias:
    numa_policy: str
    kind: FunctionKind | None
    selectors: list[PciSelector]
    notes: dict[str, None]


def read_alias_text(text: str) -> tuple[Mapping[str, object], ...]:
    """The objects of a file: one JSON object, a list of them, one of either a line, or a whole nova.conf.

    Raises Invalid for anything else, and for a nova.conf without the option.
    """
    try:
        return _objects(load_json(text))
    except ValueError as wrong:
        values = [value.strip().strip("'\"") for value in option_values(text, _OPTIONS)]
        lines = [line for line in text.splitlines() if line.strip()]
        if not values and len(lines) > 1 and all(line.lstrip().startswith(("{", "[{")) for line in lines):
            values = lines
        if not values:
            hint = "one JSON object, a list of them, one a line, or a nova.conf with alias in [pci]"
            raise Invalid(f"this is no alias of Nova: {wrong}", code="PciInvalidAlias", hint=hint) from wrong
    return tuple(found for value in values for found in _objects(_value(value)))


def alias_groups(entries: Iterable[Mapping[str, object]]) -> tuple[AliasGroup, ...]:
    """The PCI groups that aliases become, in the order of their names' first lines.

    Lines of one name are alternatives. Raises Invalid, naming the line (counted from 1), for what Nova refuses, for a
    name that no PCI group can have, and for an alias without ids.
    """
    found: dict[str, _Alias] = {}
    for number, entry in enumerate(entries, start=1):
        if number > ALIASES_MAX:
            raise _refused(f"more than {ALIASES_MAX} aliases", "is that the right file?")
        try:
            _add(found, entry)
        except Invalid as wrong:
            said = f"alias {number}: {wrong.message}"
            raise Invalid(said, code=wrong.code, hint=wrong.hint, facts={**wrong.facts, "alias": number}) from wrong
    return tuple(_group(name, alias) for name, alias in found.items())


def _add(found: dict[str, _Alias], entry: Mapping[str, object]) -> None:
    name, selector = _checked(entry)
    numa_policy, has_kind = str(entry.get("numa_policy") or _LEGACY), "device_type" in entry
    alias = found.setdefault(name, _Alias(numa_policy, selector.kind, [], {}))
    alias.notes.update((note, None) for key, note in _INSTEAD.items() if key in entry)
    if alias.selectors:
        if not has_kind or alias.kind is None:
            raise _refused(f"{name} comes again without device_type, on which Nova breaks", "give it in all of them")
        if alias.numa_policy != numa_policy:
            raise _refused(f"{name} comes again with another numa_policy", "give all the same")
        if alias.kind is not selector.kind:
            raise _refused(f"{name} comes again with another device_type", "give all the same, or two names")
    if selector not in alias.selectors:
        alias.selectors.append(selector)


def _checked(entry: Mapping[str, object]) -> tuple[str, PciSelector]:
    """The name and the selector of one line, in which every key is as Nova wants it."""
    for key in entry:
        if key not in _KEYS:
            raise _refused(f"unknown key {shown(key)}", f"Nova knows: {', '.join(_KEYS)}")
    name = entry.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= _NAME_MAX_CHARS:
        raise _refused(f"name = {shown(name)} is not text of 1 to {_NAME_MAX_CHARS} characters", "give it a name")
    for key in ("vendor_id", "product_id"):
        value = entry.get(key, "0000")
        if not isinstance(value, str) or _ID.fullmatch(value) is None:
            raise _refused(f"{key} = {shown(value)} is not four hex digits", 'as in "8086"')
    for key, known in (
        ("device_type", tuple(_KINDS)), ("numa_policy", _NUMA_POLICIES), ("capability_type", ("pci",)),
    ):  # fmt: skip
        if key in entry and entry[key] not in known:
            raise _refused(f"{key} = {shown(entry[key])} is none that Nova knows", f"one of {', '.join(known)}")
    for key in _TEXTS:
        if key in entry and not isinstance(entry[key], str):
            raise _refused(f"{key} = {shown(entry[key])} is not text", "write it in quotes")
    if "vendor_id" not in entry or "product_id" not in entry:
        raise _refused(
            "it has no vendor_id and product_id",
            "what goes by a resource_class is a PCI group of its own: mooring pci-group create",
        )
    kind = _KINDS.get(str(entry.get("device_type")))
    selector = PciSelector(str(entry["vendor_id"]).lower(), str(entry["product_id"]).lower(), kind=kind)
    return read_group_name("name", name.strip()), selector


def _group(name: str, alias: _Alias) -> AliasGroup:
    notes = list(alias.notes)
    if alias.numa_policy != _LEGACY:
        notes.insert(
            0,
            f"numa_policy {alias.numa_policy} is not carried over: a PCI group has none; give the flavors that name it "
            f"hw:pci_numa_affinity_policy={alias.numa_policy}",
        )
    return AliasGroup(name, tuple(alias.selectors), alias.numa_policy, tuple(notes))


def _value(text: str) -> object:
    try:
        return load_json(text)
    except ValueError as broken:
        what = f"{shown(text)} is no JSON: {broken}"
        raise _refused(what, "Nova takes JSON; no comma behind the last key") from broken


def _objects(value: object) -> tuple[Mapping[str, object], ...]:
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if not isinstance(entry, dict):
            hint = 'as in {"name": "qat", "vendor_id": "8086", "product_id": "37c9"}'
            raise _refused(f"{shown(entry)} is no JSON object", hint)
    return tuple(entries)


def _refused(what: str, hint: str) -> Invalid:
    return Invalid(what, code="PciInvalidAlias", hint=hint)
