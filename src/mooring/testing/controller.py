"""A controller in one folder, and tokens for it without a login: for tests of the API in one process."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from mooring.api.call import Controller
from mooring.config import ControllerConfig
from mooring.main import Parts, assemble
from mooring.ml2.linuxbridge import LinuxBridgeDriver
from mooring.ml2.load import Loader
from mooring.ml2.macvtap import MacvtapDriver
from mooring.ml2.mlnx import MlnxDriver
from mooring.ml2.openvswitch import OpenvswitchDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.ml2.vmfex import VmfexDriver
from mooring.model.identity import Assignment, Project, Token, User
from mooring.model.outside import Clock, Ids, NoSteps, Steps
from mooring.service.identity import ADMIN
from mooring.service.passwords import hash_password
from mooring.service.tokens import secret_hash
from mooring.store.identity import ASSIGNMENTS, PROJECTS, ROLES, TOKENS, USERS, roles_of
from mooring.store.tx import Tx
from mooring.system import SystemClock, SystemIds

ADMINS_WORD = "secret"
"""The password of ``admin``, and of everybody whom ``token_for`` makes."""
_TTL_S = 3600

#: Our own drivers by name: tests run from the sources, where no entry point is installed.
DRIVERS: dict[str, Loader] = {
    "linuxbridge": lambda: LinuxBridgeDriver,
    "macvtap": lambda: MacvtapDriver,
    "mlnx": lambda: MlnxDriver,
    "openvswitch": lambda: OpenvswitchDriver,
    "sriovnicswitch": lambda: SriovNicSwitchDriver,
    "vmfex": lambda: VmfexDriver,
}


@cache
def _stored_word() -> str:
    return hash_password(ADMINS_WORD, "00" * 16)


def make_controller(
    folder: Path,
    config: ControllerConfig | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    steps: Steps | None = None,
    drivers: Mapping[str, Loader] | None = None,
) -> Controller:
    """A controller over the database in ``folder``, new or as the last one left it, with ``admin`` in it.

    ``drivers`` are installed beside our own. The caller closes ``controller.store`` before another one may open the
    folder.
    """
    config = replace(config or ControllerConfig(), state=str(folder))
    parts = Parts(clock or SystemClock(), ids or SystemIds(), steps or NoSteps(), {**DRIVERS, **(drivers or {})})
    controller, _ = assemble(config, parts, _stored_word())
    return controller


def token_for(controller: Controller, project: str, roles: Iterable[str] = ("member",), user: str = "") -> str:
    """A token's secret for a user (``PROJECT-user`` unless named) with these roles in this project, made as needed."""
    ids, secret = controller.world.ids, controller.world.ids.secret()

    def story(tx: Tx) -> str:
        home = _project(tx, ids, project)
        person = _user(tx, ids, user or f"{project}-user")
        has = {role.name for role in roles_of(tx, person.id, home.id)}
        for name in roles:
            role = ROLES.first(tx, name=name)
            if role is not None and name not in has:
                ASSIGNMENTS.insert(tx, Assignment(person.id, home.id, role.id))
        expires_at = tx.now + timedelta(seconds=_TTL_S)
        token = Token(secret_hash(secret), person.id, home.id, tx.now, expires_at, ("password",), ids.hex_id())
        TOKENS.insert(tx, token)
        return secret

    return controller.store.write_now(story)


def admin_token(controller: Controller) -> str:
    """A token's secret for ``admin`` in the project ``admin``."""
    return token_for(controller, ADMIN, (ADMIN,), ADMIN)


def project_id(controller: Controller, name: str) -> str:
    """The id of the project of this name, made when there is none."""
    return controller.store.write_now(lambda tx: _project(tx, controller.world.ids, name).id)


def _project(tx: Tx, ids: Ids, name: str) -> Project:
    return PROJECTS.first(tx, name=name) or PROJECTS.insert(tx, Project(ids.hex_id(), name, tx.now))


def _user(tx: Tx, ids: Ids, name: str) -> User:
    return USERS.first(tx, name=name) or USERS.insert(tx, User(ids.hex_id(), name, _stored_word(), tx.now))
