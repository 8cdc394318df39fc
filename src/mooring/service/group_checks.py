"""Whether a PCI group can be meant as it is written: it leaves something, and what it names is there."""

from mooring.core.grouping import ANY_TEXT
from mooring.core.selector_cover import is_within
from mooring.core.selector_words import selector_object, selector_words
from mooring.errors import Invalid
from mooring.model.group import PciGroup, PciSelector
from mooring.model.pci import FunctionKind
from mooring.model.port import FUNCTION_VNIC_TYPES, VF_VNIC_TYPES
from mooring.store.groups import aggregate_names
from mooring.store.hosts import HOSTS
from mooring.store.identity import PROJECTS
from mooring.store.tx import Tx


def check_sense(group: PciGroup) -> None:
    """Raises Invalid for a PCI group without a selector, and for one that contradicts itself."""
    if not group.selectors:
        raise _invalid("selectors", [], "it selects nothing", 'give a selector, as in {"vendor_id": "8086"}')
    for number, selector in enumerate(group.selectors):
        for place, exclude in enumerate(group.excludes):
            if is_within(selector, exclude):
                what = f"selectors[{number}] ({_text(selector)}) is wholly within excludes[{place}] ({_text(exclude)})"
                raise _invalid(f"selectors[{number}]", _text(selector), what, "leave one of the two out, or narrow it")
    vnic_type, kinds = group.default_vnic_type, {selector.kind for selector in group.selectors}
    if vnic_type is None:
        return
    if vnic_type not in FUNCTION_VNIC_TYPES:
        what = f"ports of default_vnic_type {vnic_type!r} take no PCI function"
        raise _invalid("default_vnic_type", vnic_type, what, f"one of {', '.join(sorted(FUNCTION_VNIC_TYPES))}")
    wanted = FunctionKind.VF if vnic_type in VF_VNIC_TYPES else FunctionKind.PF
    if not kinds & {None, wanted}:
        what = f"ports of default_vnic_type {vnic_type!r} take a {wanted}, and no selector allows one"
        raise _invalid("default_vnic_type", vnic_type, what, "change the kind of the selectors, or the vnic type")


def check_references(tx: Tx, group: PciGroup) -> None:
    """Raises Invalid for the first host, aggregate or project that is not there."""
    for field, noun, name in missing_names(tx, group):
        raise _invalid(field, name, f"there is no {noun} {name}", f"make the {noun} first, or correct the name")


def missing_names(tx: Tx, group: PciGroup) -> list[tuple[str, str, str]]:
    """(field, noun, name) of what the PCI group names and what is not there; a pattern of hosts names none."""
    aggregates, found = aggregate_names(tx), []
    for kind, selectors in (("selectors", group.selectors), ("excludes", group.excludes)):
        for number, selector in enumerate(selectors):
            where = f"{kind}[{number}]"
            found += [
                (f"{where}.hosts", "host", host)
                for host in selector.hosts
                if ANY_TEXT not in host and HOSTS.get(tx, host) is None
            ]
            found += [
                (f"{where}.aggregates", "host aggregate", name)
                for name in selector.aggregates
                if name not in aggregates
            ]
    found += [("projects", "project", ident) for ident in group.projects if PROJECTS.get(tx, ident) is None]
    return found


def _text(selector: PciSelector) -> str:
    return selector_words(selector_object(selector))


def _invalid(field: str, value: object, what: str, hint: str) -> Invalid:
    return Invalid(f"PCI group: {what}", hint=hint, facts={"field": field, "value": value})
