"""Properties of host aggregates that placing honours: which may be set, and why a host's rule a server out.

``pci:groups`` keeps hosts for servers that ask for a device of one of these PCI groups. Any other property is there
to be asked for by flavors, in ``aggregate_instance_extra_specs:KEY``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mooring.core.extra_specs_ops import match
from mooring.core.quoting import shown
from mooring.errors import Invalid
from mooring.model.host import Aggregate

ZONE = "availability_zone"
PCI_GROUPS = "pci:groups"
PCI_GROUPS_MAX = 32

_NAMESPACE = "pci:"
#: What Nova's scheduler does something about, and nothing here does: a tenant that is not kept out would be a
#: promise broken in silence.
_NOVAS_NAMES = frozenset({"instance_type", "max_instances_per_host", "max_io_ops_per_host"})
_NOVAS_STARTS = ("filter_tenant_id", "trait:")
_NOVAS_ENDS = ("_allocation_ratio", "_weight_multiplier")


@dataclass(frozen=True, slots=True)
class WhyNot:
    """``text`` is for admins; ``summary`` says it to everybody, after "has" or "have"."""

    text: str
    summary: str


def why_not(
    aggregates: Sequence[Aggregate], required: Mapping[str, str], pci_groups: Collection[str] = frozenset()
) -> WhyNot | None:
    """Why a host in these aggregates will not do, or ``None``.

    ``required`` are the flavor's host properties, each with its requirement; ``pci_groups`` those of which the server
    asks for a device. Of each property any aggregate's value will do, and of a value each of its parts between
    commas. What each aggregate keeps its hosts for holds by itself.
    """
    for key, requirement in sorted(required.items()):
        values = values_of(aggregates, key)
        if not any(match(value, requirement) for value in values):
            return _unmet(key, requirement, values)
    for aggregate in aggregates:
        kept_for = kept_groups(aggregate)
        if kept_for and kept_for.isdisjoint(pci_groups):
            text = f"aggregate {aggregate.name} keeps it for servers that ask for PCI group "
            text += " or ".join(sorted(kept_for))
            return WhyNot(text, "been kept for servers with devices of certain PCI groups")
    return None


def values_of(aggregates: Iterable[Aggregate], key: str) -> frozenset[str]:
    """What the aggregates say of one property."""
    texts = (aggregate.metadata[key] for aggregate in aggregates if key in aggregate.metadata)
    return frozenset(part.strip() for text in texts for part in text.split(","))


def kept_groups(aggregate: Aggregate) -> frozenset[str]:
    """The PCI groups that the aggregate keeps its hosts for; empty: for nobody in particular."""
    return values_of([aggregate], PCI_GROUPS)


def check_property(key: str, value: str) -> None:
    """Raises Invalid for a property that would mean something, and means nothing here."""
    if key == PCI_GROUPS:
        _check_groups(value)
    elif key.startswith(_NAMESPACE):
        raise Invalid(f"property {key} of an aggregate is unknown", hint=f"of {_NAMESPACE}* there is {PCI_GROUPS}")
    elif key in _NOVAS_NAMES or key.startswith(_NOVAS_STARTS) or key.endswith(_NOVAS_ENDS):
        raise Invalid(
            f"property {key} of an aggregate is not served: nothing would go by it",
            hint=f"served: {ZONE}, {PCI_GROUPS}, and what flavors ask for with aggregate_instance_extra_specs:*",
        )


def _check_groups(value: str) -> None:
    names = [name.strip() for name in value.split(",")]
    if not all(names) or len(set(names)) < len(names) or len(names) > PCI_GROUPS_MAX:
        raise Invalid(
            f"{PCI_GROUPS} is {shown(value)}",
            hint=f"the names of 1 to {PCI_GROUPS_MAX} PCI groups with commas between them, each once",
        )


def _unmet(key: str, requirement: str, values: Collection[str]) -> WhyNot:
    there = f"{key} is {' and '.join(sorted(values))} in its aggregates" if values else f"no aggregate of it has {key}"
    text = f"{there}, and the flavor asks for {key} {shown(requirement)}"
    return WhyNot(text, f"no aggregate in which {key} is {requirement}")
