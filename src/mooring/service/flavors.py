"""Flavors: the sizes that servers come in. A server keeps a copy, so that later changes do not reach it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mooring.core.flavor_specs import ALIAS, check_guest_cells, read_flavor_specs
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.server import Flavor
from mooring.service.asked_groups import asked_group
from mooring.service.world import World
from mooring.store.flavors import FLAVORS
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

EXTRA_SPECS_MAX = 128


@dataclass(frozen=True, slots=True)
class FlavorWish:
    """What ``POST /flavors`` asks for, checked for form by the API."""

    name: str
    ram_mib: int
    vcpus: int
    disk_gib: int
    id: str | None = None
    """``None``: a fresh UUID."""
    ephemeral_gib: int = 0
    swap_mib: int = 0
    rxtx_factor: float = 1.0
    is_public: bool = True
    description: str | None = None


def get_flavor(tx: Tx, who: Caller, flavor_id: str) -> Flavor:
    """Raises NotFound; to all but admins, a flavor that is not public does not exist."""
    flavor = FLAVORS.get(tx, flavor_id)
    if flavor is None or not (flavor.is_public or who.is_admin):
        raise NotFound("flavor", flavor_id)
    return flavor


def list_flavors(tx: Tx, who: Caller, query: Query, *, is_public: bool | None = True) -> list[Flavor]:
    """Those that are public, or not, or (``None``) all; all but admins see the public ones, whatever they ask."""
    wanted = is_public if who.is_admin else True
    if wanted is not None:
        query = replace(query, equals={**query.equals, "is_public": [int(wanted)]})
    return FLAVORS.find(tx, query)


def create_flavor(tx: Tx, world: World, who: Caller, wish: FlavorWish) -> Flavor:
    """Raises Conflict when the id or the name is taken."""
    flavor = Flavor(
        wish.id or world.ids.uuid(), wish.name, wish.ram_mib, wish.disk_gib, wish.vcpus, tx.now, wish.ephemeral_gib,
        wish.swap_mib, wish.rxtx_factor, wish.is_public, wish.description,
    )  # fmt: skip
    if FLAVORS.get(tx, flavor.id) is not None:
        raise Conflict(f"Flavor with ID {flavor.id} already exists.")
    if FLAVORS.first(tx, name=flavor.name) is not None:
        raise Conflict(f"Flavor with name {flavor.name} already exists.")
    FLAVORS.insert(tx, flavor)
    _tell(tx, who, "flavor.created", flavor)
    return flavor


def delete_flavor(tx: Tx, who: Caller, flavor_id: str) -> None:
    """Servers made from it keep their copy."""
    flavor = get_flavor(tx, who, flavor_id)
    FLAVORS.delete(tx, flavor.id)
    _tell(tx, who, "flavor.deleted", flavor)


def describe_flavor(tx: Tx, who: Caller, flavor_id: str, description: str | None) -> Flavor:
    """Change the one thing of a flavor that may change."""
    flavor = FLAVORS.update(tx, replace(get_flavor(tx, who, flavor_id), description=description))
    _tell(tx, who, "flavor.updated", flavor)
    return flavor


def set_extra_specs(tx: Tx, who: Caller, flavor_id: str, specs: Mapping[str, str]) -> Flavor:
    """Add these to the flavor's extra specs, over those of the same key.

    Raises Invalid for one that promises what no server here would get, and for a PCI group that there is not.
    """
    flavor = get_flavor(tx, who, flavor_id)
    merged = {**flavor.extra_specs, **specs}
    if len(merged) > EXTRA_SPECS_MAX:
        raise Invalid(f"flavor {flavor_id} would have {len(merged)} extra specs, and {EXTRA_SPECS_MAX} is the most")
    _check_specs(tx, who, replace(flavor, extra_specs=merged), specs)
    flavor = FLAVORS.update(tx, replace(flavor, extra_specs=merged))
    _tell(tx, who, "flavor.updated", flavor)
    return flavor


def unset_extra_spec(tx: Tx, who: Caller, flavor_id: str, key: str) -> Flavor:
    """Raises NotFound when the flavor has no such extra spec."""
    flavor = get_flavor(tx, who, flavor_id)
    get_extra_spec(flavor, key)
    left = {name: value for name, value in flavor.extra_specs.items() if name != key}
    flavor = FLAVORS.update(tx, replace(flavor, extra_specs=left))
    _tell(tx, who, "flavor.updated", flavor)
    return flavor


def get_extra_spec(flavor: Flavor, key: str) -> str:
    """Raises NotFound when the flavor has no such extra spec."""
    try:
        return flavor.extra_specs[key]
    except KeyError as missing:
        raise NotFound("extra spec", key, hint=f"flavor {flavor.id} has {sorted(flavor.extra_specs)}") from missing


def _check_specs(tx: Tx, who: Caller, flavor: Flavor, changed: Mapping[str, str]) -> None:
    """What servers made from the flavor would ask for is served; the PCI groups that are named now exist."""
    needs = read_flavor_specs(flavor.extra_specs)
    check_guest_cells(needs.guest_cells, flavor.vcpus, flavor.ram_mib)
    for name, _ in needs.aliases if ALIAS in changed else ():
        asked_group(tx, who, name)


def _tell(tx: Tx, who: Caller, kind: str, flavor: Flavor) -> None:
    tx.tell(Event(kind, flavor.id, actor=who.user_id, request_id=who.request_id, detail={"name": flavor.name}))
