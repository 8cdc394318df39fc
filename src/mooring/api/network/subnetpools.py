"""``/subnetpools``: the attributes, the stories behind the calls, and the view."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import ADMIN, Attribute, Attributes, column, owner_of
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import TAGS, flag, number, stamp, standard
from mooring.api.network.values import boolean, integer, items, natural, or_none, text, uuid, wrong
from mooring.api.schemas import described
from mooring.core.addressing import parse_cidr
from mooring.core.prefixes import PREFIXES_MAX
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.network import SubnetPool
from mooring.model.rbac import ObjectType
from mooring.service.sharing import shared_among
from mooring.service.subnetpools import (
    PoolWish,
    create_subnetpool,
    delete_subnetpool,
    get_subnetpool,
    list_subnetpools,
    update_subnetpool,
)
from mooring.service.world import World
from mooring.store.subnetpools import SUBNETPOOLS
from mooring.store.tx import Tx

_NAME_CHARS_MAX = 255
#: What an integer of the database holds for certain.
_QUOTA_MAX = 2**63 - 1


@described(type="string", minLength=1, maxLength=_NAME_CHARS_MAX)
def _name(name: str, value: Any) -> str:
    given = str(text(_NAME_CHARS_MAX)(name, value))
    if not given.strip():
        raise wrong(name, f"'{given}' Blank strings are not permitted")
    return given


@described(type="array", items={"type": "string"})
def _prefixes(name: str, value: Any) -> tuple[str, ...]:
    """CIDRs, of which host bits are dropped; what they come to together is the pool's question."""
    given = [_prefix(name, item) for item in items(name, value, PREFIXES_MAX)]
    if len(set(given)) < len(given):
        twice = next(prefix for prefix in given if given.count(prefix) > 1)
        raise wrong(name, f"Duplicate items in the list: '{twice}'")
    return tuple(given)


def _prefix(name: str, value: Any) -> str:
    try:
        return str(parse_cidr(value))
    except Invalid as cause:
        raise wrong(name, f"'{shown(value)}' is not a valid IP subnet", hint="as in 10.0.0.0/16") from cause


@described(type=["integer", "null"], minimum=0, maximum=_QUOTA_MAX)
def _quota(name: str, value: Any) -> int:
    number_given = int(natural(name, value))
    if number_given > _QUOTA_MAX:
        raise wrong(name, f"'{number_given}' is more than {_QUOTA_MAX}")
    return number_given


ATTRIBUTES = Attributes(
    "subnetpool",
    standard(
        Attribute("name", _name, is_required=True, filter=column("name"), sort="name"),
        Attribute("prefixes", _prefixes, is_required=True),
        *(
            Attribute(name, natural, filter=number(name), sort=name)
            for name in ("min_prefixlen", "max_prefixlen", "default_prefixlen")
        ),
        Attribute("default_quota", or_none(_quota), filter=number("default_quota"), sort="default_quota",
                  is_null_first=True),
        Attribute("ip_version", filter=column("ip_version", integer), sort="ip_version"),
        Attribute("address_scope_id", or_none(uuid), filter=column("address_scope_id"), sort="address_scope_id",
                  is_null_first=True),
        Attribute("shared", boolean, in_put=False, set_by=ADMIN, filter=flag("shared"), sort="shared"),
        Attribute("is_default", boolean, set_by=ADMIN, filter=flag("is_default"), sort="is_default"),
        TAGS,
    ),
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> SubnetPool:
    return create_subnetpool(tx, world, who, PoolWish(owner_of(who, values), **values))


def _views(tx: Tx, who: Caller, rows: Sequence[SubnetPool]) -> list[View]:
    shared = shared_among(tx, who, ObjectType.SUBNETPOOL, [pool.id for pool in rows])
    return [_view(pool, is_shared=pool.id in shared) for pool in rows]


def _view(pool: SubnetPool, *, is_shared: bool) -> Mapping[str, Any]:
    return {
        "id": pool.id,
        "name": pool.name,
        "project_id": pool.project_id,
        "tenant_id": pool.project_id,
        "prefixes": pool.prefixes,
        # Lengths are texts in Neutron's answers.
        "min_prefixlen": str(pool.min_prefixlen),
        "max_prefixlen": str(pool.max_prefixlen),
        "default_prefixlen": str(pool.default_prefixlen),
        "default_quota": pool.default_quota,
        "address_scope_id": pool.address_scope_id,
        "ip_version": pool.ip_version,
        "shared": is_shared,
        "is_default": pool.is_default,
        "description": pool.description,
        "tags": pool.tags,
        "created_at": stamp(pool.created_at),
        "updated_at": stamp(pool.updated_at),
        "revision_number": pool.revision_number,
    }


SUBNETPOOL_COLLECTION = Collection(
    "subnetpool", "subnetpools", ATTRIBUTES,
    get=get_subnetpool, find=list_subnetpools, create=_create, update=update_subnetpool, delete=delete_subnetpool,
    views=_views, stored=SUBNETPOOLS.flat, made={},
)  # fmt: skip
