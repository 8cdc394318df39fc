"""What a project sees and uses of others' networking objects, by RBAC entries.

An object's ``shared`` column says whether everybody may use it, and is the same as the entry with the star: whoever
writes one writes the other, in one transaction. What one caller is shown as ``shared`` is a question of all entries.
"""

from collections.abc import Collection

from mooring.errors import Conflict
from mooring.model.identity import Caller
from mooring.model.rbac import EVERYBODY, Action, ObjectType, RbacPolicy
from mooring.service.world import World
from mooring.store import rbac
from mooring.store.rbac import RBAC_POLICIES
from mooring.store.tx import Event, Tx


def is_shared_with(tx: Tx, who: Caller, kind: ObjectType, object_id: str) -> bool:
    """Whether an entry lets the caller's project use the object as its own."""
    return object_id in shared_among(tx, who, kind, [object_id])


def shared_among(tx: Tx, who: Caller, kind: ObjectType, object_ids: Collection[str]) -> set[str]:
    """Those of many objects that are shared with the caller's project: what views show as ``shared``."""
    del kind  # an id is one object's, of whatever kind
    return rbac.open_among(tx, object_ids, who.project_id or "", Action.SHARED) if object_ids else set()


def is_open_to(tx: Tx, who: Caller, kind: ObjectType, object_id: str) -> bool:
    """Whether any entry lets the caller's project see the object; of a network, one as external does too."""
    del kind
    return rbac.is_open(tx, object_id, who.project_id or "")


def set_shared(
    tx: Tx, world: World, who: Caller, kind: ObjectType, object_id: str, project_id: str, is_shared: bool
) -> None:
    """Write or remove the entry for everybody; the caller writes the object's ``shared`` column.

    ``project_id`` is the object's owner's, whose entry it is. Who uses the object is not asked here: ``strangers``.
    """
    _set_open(tx, world, who, RbacPolicy("", project_id, kind, object_id, Action.SHARED, EVERYBODY), is_shared)


def set_external(tx: Tx, world: World, who: Caller, network_id: str, project_id: str, is_external: bool) -> None:
    """The same for ``router:external`` of a network; one that is not external is so to nobody."""
    entry = RbacPolicy("", project_id, ObjectType.NETWORK, network_id, Action.EXTERNAL, EVERYBODY)
    _set_open(tx, world, who, entry, is_external)
    if not is_external:
        for left in RBAC_POLICIES.where(tx, object_id=network_id, action=Action.EXTERNAL.value):
            RBAC_POLICIES.delete(tx, left.id)
            tell(tx, who, "rbac_policy.deleted", left)


def _set_open(tx: Tx, world: World, who: Caller, entry: RbacPolicy, is_open: bool) -> None:
    found = rbac.entry_for(tx, entry.object_id, entry.action)
    if is_open and found is None:
        made = RbacPolicy(
            world.ids.uuid(), entry.project_id, entry.object_type, entry.object_id, entry.action, EVERYBODY
        )
        RBAC_POLICIES.insert(tx, made)
        tell(tx, who, "rbac_policy.created", made)
    elif not is_open and found is not None:
        RBAC_POLICIES.delete(tx, found.id)
        tell(tx, who, "rbac_policy.deleted", found)


def strangers(tx: Tx, kind: ObjectType, object_id: str, owner: str, without: str | None = EVERYBODY) -> set[str]:
    """The projects that use the object and might not, were the entry for the target ``without`` not there."""
    entries = [entry for entry in RBAC_POLICIES.where(tx, object_id=object_id) if entry.target_project != without]
    targets = {entry.target_project for entry in entries}
    if EVERYBODY in targets:
        return set()
    return rbac.users_of(tx, kind, object_id) - targets - {owner}


def in_use(object_id: str, users: Collection[str]) -> Conflict:
    """What is told of ``strangers``, in Neutron's words."""
    return Conflict(
        f"RBAC policy on object {object_id} cannot be removed because other objects depend on it.\n"
        f"Details: project_id={', '.join(sorted(users))}",
        code="RbacPolicyInUse",
    )


def targets(tx: Tx, object_id: str) -> set[str]:
    """The projects that the object is shared with, by name or with the star."""
    found = RBAC_POLICIES.where(tx, object_id=object_id, action=Action.SHARED.value)
    return {entry.target_project for entry in found}


def forget(tx: Tx, object_id: str) -> None:
    """The object is deleted: its entries go with it."""
    rbac.forget(tx, object_id)


def tell(tx: Tx, who: Caller, kind: str, entry: RbacPolicy) -> None:
    detail = {"object_type": entry.object_type, "object_id": entry.object_id, "target": entry.target_project}
    tx.tell(Event(kind, entry.id, entry.project_id, None, who.user_id, who.request_id, detail))
