"""Host aggregates: made and changed by admins. Their hosts' availability zones follow, in the same transaction.

A host is in the zone of its aggregates, of which all that have one have the same; in none with a zone it is in its
own, which ``mooring host add`` gave it. Nobody moves to another zone with servers on it: they were promised theirs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from mooring.core.host_properties import PCI_GROUPS, ZONE, check_property, kept_groups
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.host import Aggregate, Host
from mooring.model.identity import Caller
from mooring.service.world import World
from mooring.store import aggregates, groups
from mooring.store.aggregates import AGGREGATES
from mooring.store.hosts import HOSTS
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Taken, Tx

PROPERTIES_MAX = 128
"""Of an aggregate."""


def zone_of(host: Host, among: Iterable[Aggregate]) -> str:
    """The availability zone of a host that is in those of these aggregates that name it."""
    zones = (aggregate.metadata.get(ZONE) for aggregate in among if host.name in aggregate.hosts)
    return next((zone for zone in zones if zone is not None), host.own_availability_zone)


def create_aggregate(tx: Tx, world: World, who: Caller, name: str, zone: str | None = None) -> Aggregate:
    """Raises Conflict for a taken name."""
    metadata = {} if zone is None else {ZONE: zone}
    aggregate = Aggregate(0, world.ids.uuid(), name, tx.now, tx.now, metadata=metadata)
    try:
        aggregate = aggregates.insert_next(tx, aggregate)
    except Taken as taken:
        raise _exists(name) from taken
    _tell(tx, who, "aggregate.created", aggregate)
    return aggregate


def get_aggregate(tx: Tx, ident: int) -> Aggregate:
    aggregate = AGGREGATES.first(tx, id=ident)
    if aggregate is None:
        raise NotFound("aggregate", str(ident))
    return aggregate


def list_aggregates(tx: Tx) -> Sequence[Aggregate]:
    """By number."""
    return AGGREGATES.where(tx)


def change_aggregate(
    tx: Tx, who: Caller, ident: int, name: str | None = None, metadata: Mapping[str, str | None] | None = None
) -> Aggregate:
    """Change the name, or set properties; ``None`` as a value takes one away.

    Raises Conflict for a taken name, Invalid for a property that cannot be, and for a zone that the hosts cannot
    change to; nothing is changed then.
    """
    aggregate = get_aggregate(tx, ident)
    changes = metadata or {}
    merged = {**aggregate.metadata, **changes}
    changed = replace(
        aggregate,
        name=aggregate.name if name is None else name,
        metadata={key: value for key, value in merged.items() if value is not None},
        updated_at=tx.now,
    )
    _check_properties(tx, changed, changes)
    if changed.name != aggregate.name:
        _check_name(tx, aggregate, changed.name)
    if ZONE in changes:
        refusal = f"Cannot update aggregate {ident}. Reason: "
        if not changes[ZONE]:
            raise Invalid(f"{refusal}Aggregate {aggregate.name} does not support empty named availability zone.")
        if reason := _against_zones(tx, aggregate, changed, changed.hosts):
            raise Invalid(f"{refusal}{reason}.")
    _store(tx, changed, changed.hosts)
    _tell(tx, who, "aggregate.updated", changed, changes=sorted([*changes, *(["name"] if name is not None else [])]))
    return changed


def delete_aggregate(tx: Tx, who: Caller, ident: int) -> None:
    """Raises Invalid, as Nova does, while it has hosts."""
    aggregate = get_aggregate(tx, ident)
    if aggregate.hosts:
        raise Invalid(f"Cannot delete aggregate {ident}. Reason: Host aggregate is not empty.")
    _check_unnamed(tx, aggregate)
    AGGREGATES.delete(tx, str(ident))
    _tell(tx, who, "aggregate.deleted", aggregate)


def add_host(tx: Tx, who: Caller, ident: int, name: str) -> Aggregate:
    """Raises NotFound for an unknown host, Conflict when it is in already, or cannot come into the zone."""
    host = HOSTS.get(tx, name)
    if host is None:
        raise NotFound("compute host", name)
    aggregate = get_aggregate(tx, ident)
    if name in aggregate.hosts:
        raise Conflict(f"Aggregate {ident} already has host {name}.")
    changed = replace(aggregate, hosts=tuple(sorted((*aggregate.hosts, name))), updated_at=tx.now)
    if reason := _against_zones(tx, aggregate, changed, [name]):
        raise Conflict(f"Cannot add host to aggregate {ident}. Reason: {reason}.")
    _store(tx, changed, [name])
    _tell(tx, who, "aggregate.host-added", changed, host=name)
    return changed


def remove_host(tx: Tx, who: Caller, ident: int, name: str) -> Aggregate:
    """Raises NotFound unless it is in, Conflict when its servers would find themselves in another zone."""
    aggregate = AGGREGATES.first(tx, id=ident)
    if aggregate is None or name not in aggregate.hosts:
        raise NotFound(f"host {name} in aggregate", str(ident))
    changed = _without(tx, aggregate, name)
    if reason := _against_zones(tx, aggregate, changed, [name]):
        raise Conflict(f"Cannot remove host {name} in aggregate {ident}: {reason}.")
    _store(tx, changed, [name])
    _tell(tx, who, "aggregate.host-removed", changed, host=name)
    return changed


def leave_all(tx: Tx, who: Caller, name: str) -> None:
    """A host is going for good: no aggregate has it any more."""
    for aggregate in aggregates.of_hosts(tx, [name]):
        changed = AGGREGATES.update(tx, _without(tx, aggregate, name))
        _tell(tx, who, "aggregate.host-removed", changed, host=name)


def _without(tx: Tx, aggregate: Aggregate, name: str) -> Aggregate:
    left = tuple(host for host in aggregate.hosts if host != name)
    return replace(aggregate, hosts=left, updated_at=tx.now)


def _against_zones(tx: Tx, was: Aggregate, changed: Aggregate, names: Collection[str]) -> str:
    """Why these hosts cannot go from one to the other, or nothing."""
    others = [other for other in aggregates.of_hosts(tx, names) if other.id != was.id]
    zone = changed.metadata.get(ZONE)
    elsewhere = {other.metadata[ZONE] for other in others if ZONE in other.metadata} - {zone}
    if zone is not None and elsewhere and not set(names).isdisjoint(changed.hosts):
        return f"One or more hosts already in availability zone(s) {sorted(elsewhere)}"
    for host in _hosts(tx, names):
        goes_to = zone_of(host, [*others, changed])
        if goes_to != host.availability_zone and SERVERS.first(tx, host=host.name) is not None:
            return (
                "One or more hosts contain instances in this zone: "
                f"{host.name} would go from {host.availability_zone} to {goes_to}"
            )
    return ""


def _store(tx: Tx, changed: Aggregate, names: Collection[str]) -> None:
    """Write the aggregate, and the zones of the hosts that it means something new for."""
    AGGREGATES.update(tx, changed)
    among = aggregates.of_hosts(tx, names)
    for host in _hosts(tx, names):
        zone = zone_of(host, among)
        if zone != host.availability_zone:
            HOSTS.update(tx, replace(host, availability_zone=zone, updated_at=tx.now))


def _hosts(tx: Tx, names: Collection[str]) -> list[Host]:
    found = (HOSTS.get(tx, name) for name in names)
    return [host for host in found if host is not None]


def _check_properties(tx: Tx, changed: Aggregate, changes: Mapping[str, str | None]) -> None:
    for key, value in changes.items():
        if value is not None:
            check_property(key, value)
    if len(changed.metadata) > PROPERTIES_MAX:
        raise Invalid(
            f"aggregate {changed.id} would have {len(changed.metadata)} properties, and {PROPERTIES_MAX} is the most"
        )
    if changes.get(PCI_GROUPS) is not None:
        for name in sorted(kept_groups(changed)):
            if groups.by_name(tx, name) is None:
                raise Invalid(
                    f"there is no PCI group {name} for {PCI_GROUPS} of aggregate {changed.id}",
                    hint="mooring pci-group list shows all",
                )


def _check_name(tx: Tx, aggregate: Aggregate, name: str) -> None:
    if AGGREGATES.first(tx, name=name) is not None:
        raise _exists(name)
    _check_unnamed(tx, aggregate)


def _check_unnamed(tx: Tx, aggregate: Aggregate) -> None:
    """PCI groups name aggregates: one that is named keeps its name."""
    naming = [
        group.name
        for group in groups.GROUPS.where(tx)
        if any(aggregate.name in selector.aggregates for selector in (*group.selectors, *group.excludes))
    ]
    if naming:
        raise Conflict(
            f"aggregate {aggregate.name} is named by PCI group {', '.join(naming)}",
            hint="take it out of the selectors first",
        )


def _exists(name: str) -> Conflict:
    return Conflict(f"Aggregate {name} already exists.")


def _tell(tx: Tx, who: Caller, kind: str, aggregate: Aggregate, **more: object) -> None:
    detail = {"name": aggregate.name, **more}
    tx.tell(Event(kind, str(aggregate.id), actor=who.user_id, request_id=who.request_id, detail=detail))
