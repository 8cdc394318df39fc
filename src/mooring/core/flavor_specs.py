"""What a flavor's extra specs and an image's properties ask of a host, and what becomes of the two together.

Keys are Nova's where Nova has one. Extra specs in Nova's namespaces that nobody here would keep are refused: to take
one and not do it would be a promise broken in silence. Any other key is the operator's own note.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from mooring.core.extra_specs_ops import check
from mooring.core.pci_wishes import read_aliases, read_features
from mooring.core.quoting import shown
from mooring.errors import Invalid
from mooring.model.port import VnicType
from mooring.model.request import NumaPolicy, Spread

ALIAS = "pci_passthrough:alias"
NUMA_POLICY = "hw:pci_numa_affinity_policy"
NUMA_NODES = "hw:numa_nodes"
SPREAD = "pci:spread"
FEATURES = "pci:features"
HOST_PROPERTY = "aggregate_instance_extra_specs:"
"""What follows is the name of a property that an aggregate of the host has to have."""
IMAGE_NUMA_POLICY = "hw_pci_numa_affinity_policy"
IMAGE_NUMA_NODES = "hw_numa_nodes"
IMAGE_VNIC_TYPE = "mooring_default_vnic_type"

GUEST_CELLS_MAX = 16

_SERVED = frozenset({ALIAS, NUMA_POLICY, NUMA_NODES, SPREAD, FEATURES})

#: Extra specs with these namespaces tell a scheduler or a hypervisor to do something.
_PROMISES = frozenset(
    {
        "accel", "aggregate_instance_extra_specs", "capabilities", "group_policy", "hide_hypervisor_id", "hw", "hw_rng",
        "hw_video", "os", "pci", "pci_passthrough", "powervm", "quota", "resources", "trait", "vmware",
    }
)  # fmt: skip

#: Those that are true here of every server.
_KEPT = frozenset({("hw:cpu_policy", "shared")})

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class FlavorNeeds:
    """What a flavor's extra specs say."""

    aliases: tuple[tuple[str, int], ...] = ()
    """PCI groups, and how many functions of each."""
    numa_policy: NumaPolicy | None = None
    guest_cells: int = 0
    """NUMA cells of the guest; 0: it has no NUMA of its own."""
    spread: Spread = Spread.PF
    features: frozenset[str] = frozenset()
    """Of every function that a port gets."""
    host_properties: Mapping[str, str] = field(default_factory=dict)
    """What the host's aggregates have to say of each, as ``core/extra_specs_ops.py`` compares."""


@dataclass(frozen=True, slots=True)
class ImageNeeds:
    """What an image's properties say."""

    numa_policy: NumaPolicy | None = None
    guest_cells: int = 0
    default_vnic_type: VnicType | None = None
    """Of ports that are made for nics which say nothing of it."""


def read_flavor_specs(extra_specs: Mapping[str, str]) -> FlavorNeeds:
    """Raises Invalid, with the key and the value, for a wrong value, and for a promise that nobody would keep."""
    for key, value in extra_specs.items():
        _check_promise(key, value)
    numa_policy, spread, features = (extra_specs.get(key) for key in (NUMA_POLICY, SPREAD, FEATURES))
    return FlavorNeeds(
        aliases=read_aliases(extra_specs[ALIAS], ALIAS) if ALIAS in extra_specs else (),
        numa_policy=None if numa_policy is None else _word(NumaPolicy, NUMA_POLICY, numa_policy),
        guest_cells=_cells(NUMA_NODES, extra_specs.get(NUMA_NODES)),
        spread=Spread.PF if spread is None else _word(Spread, SPREAD, spread),
        features=frozenset() if features is None else frozenset(read_features(features, FEATURES)),
        host_properties=_host_properties(extra_specs),
    )


def read_image_properties(properties: Mapping[str, str]) -> ImageNeeds:
    """Raises Invalid, with the property and its value. Properties that are not ours to read are no matter."""
    numa_policy, vnic_type = properties.get(IMAGE_NUMA_POLICY), properties.get(IMAGE_VNIC_TYPE)
    return ImageNeeds(
        numa_policy=None if numa_policy is None else _word(NumaPolicy, IMAGE_NUMA_POLICY, numa_policy),
        guest_cells=_cells(IMAGE_NUMA_NODES, properties.get(IMAGE_NUMA_NODES)),
        default_vnic_type=None if vnic_type is None else _word(VnicType, IMAGE_VNIC_TYPE, vnic_type),
    )


def agreed(flavor: FlavorNeeds, image: ImageNeeds) -> FlavorNeeds:
    """The flavor's needs with what only the image says: an image goes where the flavor says nothing, as in Nova.

    Raises Invalid where the two contradict each other.
    """
    if None not in (flavor.numa_policy, image.numa_policy) and flavor.numa_policy is not image.numa_policy:
        raise Invalid(
            f"the image says {IMAGE_NUMA_POLICY}={image.numa_policy}, "
            f"and the flavor {NUMA_POLICY}={flavor.numa_policy}",
            hint="an image cannot override its flavor: use another image or another flavor",
        )
    if flavor.guest_cells and image.guest_cells:
        raise Invalid(
            f"the image says {IMAGE_NUMA_NODES}={image.guest_cells}, and the flavor {NUMA_NODES}={flavor.guest_cells}",
            hint="one of the two may say it: use another image or another flavor",
        )
    return replace(
        flavor,
        numa_policy=flavor.numa_policy or image.numa_policy,
        guest_cells=flavor.guest_cells or image.guest_cells,
    )


def check_guest_cells(cells: int, vcpus: int, memory_mib: int) -> None:
    """Raises Invalid unless vCPUs and memory can be shared out evenly over the cells; 0 cells are none."""
    if cells and (vcpus % cells or memory_mib % cells):
        raise Invalid(
            f"{vcpus} vCPUs and {memory_mib} MiB cannot be divided evenly among {cells} NUMA cells",
            hint=f"{NUMA_NODES}, or the image's {IMAGE_NUMA_NODES}, has to divide both",
        )


def _check_promise(key: str, value: str) -> None:
    namespace, colon, _ = key.partition(":")
    if not colon or namespace.rstrip("0123456789") not in _PROMISES:
        return
    if key not in _SERVED and not _is_host_property(key) and (key, value) not in _KEPT:
        raise Invalid(
            f"extra spec {key}={value} asks for what this version does not do",
            hint=f"served: {', '.join(sorted(_SERVED))}, {HOST_PROPERTY}*; notes of your own need another namespace",
        )


def _host_properties(extra_specs: Mapping[str, str]) -> dict[str, str]:
    asked = {key: value for key, value in extra_specs.items() if _is_host_property(key)}
    for key, value in asked.items():
        try:
            check(value)
        except Invalid as wrong:
            raise Invalid(f"{key}: {wrong.message}", hint=wrong.hint) from wrong
    return {key.removeprefix(HOST_PROPERTY): value for key, value in asked.items()}


def _is_host_property(key: str) -> bool:
    return key.startswith(HOST_PROPERTY) and key != HOST_PROPERTY


def _word(kind: type[Word], key: str, text: str) -> Word:
    try:
        return kind(text)
    except ValueError as unknown:
        known = ", ".join(sorted(kind))
        raise Invalid(f"{key} is {shown(text)}, which is unknown", hint=f"known: {known}") from unknown


def _cells(key: str, text: str | None) -> int:
    if text is None:
        return 0
    if text not in _CELL_COUNTS:
        raise Invalid(f"{key} is {shown(text)}, and not a whole number from 1 to {GUEST_CELLS_MAX}")
    return int(text)


_CELL_COUNTS = frozenset(str(count) for count in range(1, GUEST_CELLS_MAX + 1))
