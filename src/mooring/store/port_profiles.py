"""Port profiles: rows, and which networks and ports name them."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from sqlalchemy import bindparam, func, select

from mooring.model.network import Network
from mooring.model.port import Port, VifType
from mooring.model.port_profile import PortProfile
from mooring.store import tables
from mooring.store.networks import NETWORKS
from mooring.store.ports import PORTS
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

PROFILES = Records(tables.port_profiles, PortProfile)

_F, _N, _P = tables.port_profiles.c, tables.networks.c, tables.ports.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_COUNT = Sql(select(func.count()).select_from(tables.port_profiles))
_NETWORKS = Sql(select(*NETWORKS.columns).where(_N.port_profile_id == bindparam("profile")).order_by(_N.id))
_PORTS = Sql(select(*PORTS.columns).where(_P.port_profile_id == bindparam("profile")).order_by(_P.id))
#: A port follows its network's default without naming it, so only what it was bound with tells.
_BOUND = Sql(
    select(_P.id)
    .where(
        _P.binding_vif_type == VifType.QBH.value,
        func.json_extract(_P.binding_vif_details, "$.profileid") == bindparam("name"),
    )
    .order_by(_P.id)
    .limit(bindparam("most"))
)
_OWN_ON_NETWORK = Sql(
    select(*PROFILES.columns)
    .where(_F.id.in_(select(_P.port_profile_id).where(_P.network_id == bindparam("network"))))
    .order_by(_F.name)
)
_NAMES = Sql(select(_F.id, _F.name).where(_F.id.in_(_WANTED)))
_STATES = Sql(select(_F.upstream, func.count()).group_by(_F.upstream))
BOUND_TOLD_MAX = 5


@dataclass(frozen=True, slots=True)
class Users:
    """What names a port profile, and what is bound with it."""

    networks: tuple[Network, ...] = ()
    """Those of which it is the default."""
    ports: tuple[Port, ...] = ()
    """Those that name it themselves."""
    bound: tuple[str, ...] = ()
    """Ids of ports that are on the switch with it now; not more than are worth telling."""

    def __bool__(self) -> bool:
        return bool(self.networks or self.ports or self.bound)


def by_name(tx: Tx, name: str) -> PortProfile | None:
    return PROFILES.first(tx, name=name)


def count(tx: Tx) -> int:
    row = tx.one(_COUNT)
    return int(str(row[0])) if row else 0


def users_of(tx: Tx, profile: PortProfile) -> Users:
    networks = tuple(NETWORKS.value(row) for row in tx.all(_NETWORKS, profile=profile.id))
    ports = tuple(PORTS.value(row) for row in tx.all(_PORTS, profile=profile.id))
    bound = tuple(str(ident) for (ident,) in tx.all(_BOUND, name=profile.name, most=BOUND_TOLD_MAX))
    return Users(networks, ports, bound)


def profiles_on(tx: Tx, network: Network) -> list[PortProfile]:
    """The default of a network, which may not be stored like this yet, and those that its ports name themselves."""
    default = None if network.port_profile_id is None else PROFILES.get(tx, network.port_profile_id)
    own = [PROFILES.value(row) for row in tx.all(_OWN_ON_NETWORK, network=network.id)]
    return own if default is None else [default, *own]


def names_of(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """Id to name, for views of many networks or ports in one read."""
    wanted = msgspec.json.encode(sorted(set(ids))).decode()
    return {str(ident): str(name) for ident, name in tx.all(_NAMES, wanted=wanted)}


def upstream_states(tx: Tx) -> dict[str, int]:
    """What the upstream manager has of how many."""
    return {str(state): int(str(number)) for state, number in tx.all(_STATES)}
