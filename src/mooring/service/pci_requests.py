"""What a server needs of a host's PCI functions: its nics', its flavor's and its image's wishes as ``PciRequest``.

Each port of a vnic type that takes a function becomes a request for one, each PCI group of the flavor's
``pci_passthrough:alias`` a request for as many as the flavor says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mooring.core.flavor_specs import FlavorNeeds, agreed, check_guest_cells, read_flavor_specs, read_image_properties
from mooring.core.function_wish import FunctionWish, read_wish
from mooring.core.port_profiles import fitting
from mooring.core.profiles import wants_switchdev
from mooring.errors import Invalid
from mooring.model.group import PciGroup
from mooring.model.identity import Caller
from mooring.model.pci import FunctionKind
from mooring.model.port import FUNCTION_VNIC_TYPES, VF_VNIC_TYPES, VnicType
from mooring.model.request import NumaPolicy, PciRequest, Spread
from mooring.model.server import Flavor, Image
from mooring.service.asked_groups import asked_group
from mooring.service.qos_rates import rates_of
from mooring.service.server_ports import Nic
from mooring.store.tx import Tx

_WITHOUT_SELECTED_KIND = frozenset({FunctionKind.VF, FunctionKind.PCI})
"""A whole PF goes to those only who name one: it takes all of its VFs with it."""


@dataclass(frozen=True, slots=True)
class ServerNeeds:
    """What a server asks of its host besides room."""

    requests: tuple[PciRequest, ...] = ()
    guest_cells: int = 0
    """NUMA cells of the guest; 0: it has no NUMA of its own."""
    spread: Spread = Spread.PF
    host_properties: Mapping[str, str] = field(default_factory=dict)
    """Of the aggregates that the host has to be in."""


def requests_of(tx: Tx, who: Caller, flavor: Flavor, image: Image | None, nics: Sequence[Nic]) -> ServerNeeds:
    """All that a new server asks for.

    Raises Invalid for a PCI group that there is not, or not for the caller, and for what contradicts itself.
    """
    needs = _needs(flavor, image)
    check_guest_cells(needs.guest_cells, flavor.vcpus, flavor.ram_mib)
    aliases = [_of_alias(asked_group(tx, who, name), count, needs) for name, count in needs.aliases]
    requests = (*_of_nics(tx, who, nics, needs), *aliases)
    return ServerNeeds(requests, needs.guest_cells, needs.spread, needs.host_properties)


def requests_of_nic(tx: Tx, who: Caller, flavor: Flavor, image: Image | None, nic: Nic) -> ServerNeeds:
    """What one more nic of a running server asks for; the server has its host, and all else of its flavor."""
    needs = _needs(flavor, image)
    return ServerNeeds(tuple(_of_nics(tx, who, (nic,), needs)), spread=needs.spread)


def default_vnic_type(image: Image | None) -> VnicType | None:
    """The vnic type that the image says for nics which say none."""
    return None if image is None else read_image_properties(image.properties).default_vnic_type


def _needs(flavor: Flavor, image: Image | None) -> FlavorNeeds:
    properties = {} if image is None else image.properties
    return agreed(read_flavor_specs(flavor.extra_specs), read_image_properties(properties))


def _of_nics(tx: Tx, who: Caller, nics: Sequence[Nic], needs: FlavorNeeds) -> Iterable[PciRequest]:
    for nic in nics:
        vnic_type, wish = nic.port.binding.vnic_type, read_wish(nic.port.binding.profile)
        if vnic_type not in FUNCTION_VNIC_TYPES:
            if wish:
                raise Invalid(
                    f"{_asker(nic, wish)}, and its vnic type {vnic_type} takes none",
                    hint=f"vnic types that take one: {', '.join(sorted(FUNCTION_VNIC_TYPES))}",
                )
            continue
        own_policy = nic.port.numa_affinity_policy
        yield PciRequest(
            nic.port.id,
            frozenset({FunctionKind.VF if vnic_type in VF_VNIC_TYPES else FunctionKind.PF}),
            _physical_networks(nic),
            group=None if wish.group is None else asked_group(tx, who, wish.group).name,
            trusted=nic.port.trusted,
            features=wish.features | needs.features,
            numa_policy=needs.numa_policy if own_policy is None else NumaPolicy(own_policy),
            has_port_profile=nic.port_profile is not None if vnic_type in VF_VNIC_TYPES else None,
            is_switchdev=wants_switchdev(nic.port.binding.profile) if vnic_type in VF_VNIC_TYPES else None,
            min_rate_mbps=rates_of(tx, nic.port, nic.network).tx.min_mbps,
        )


def _physical_networks(nic: Nic) -> frozenset[str]:
    """Those that the function may reach: of the segments that the nic's port profile fits, if it has one."""
    segments = nic.segments if nic.port_profile is None else fitting(nic.port_profile, nic.segments)
    # A tunnelled segment has none, and adds nothing that would do.
    return frozenset(segment.physical_network for segment in segments if segment.physical_network)


def _asker(nic: Nic, wish: FunctionWish) -> str:
    """Who asks for a function, and where that was said: of a nic without a port, in the nic."""
    if nic.wish.port_id is None:
        return f"the nic on network {nic.network.name} asks for a function of PCI group {wish.group}"
    return f"port {nic.port.id} asks for a PCI function in its binding:profile"


def _of_alias(group: PciGroup, count: int, needs: FlavorNeeds) -> PciRequest:
    return PciRequest(
        f"alias:{group.name}", _kinds_of(group), count=count, group=group.name, numa_policy=needs.numa_policy
    )


def _kinds_of(group: PciGroup) -> frozenset[FunctionKind]:
    """The kinds that a request without a port takes of a PCI group."""
    named = (
        _WITHOUT_SELECTED_KIND if selector.kind is None else frozenset({selector.kind}) for selector in group.selectors
    )
    return frozenset().union(*named)
