"""The composition root of the controller, and of the all-in-one. Only roots construct things.

Order of a start, and why: the address is bound first, so that a second start says so before it touches anything; then
the database, which one controller at a time may hold; then the bootstrap, which does nothing the second time.
"""

import asyncio
import gc
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from mooring import log
from mooring.api.agent.consoles import Consoles
from mooring.api.agent.dhcp import DhcpKeeper
from mooring.api.agent.streams import Streams
from mooring.api.app import make_app
from mooring.api.call import Controller
from mooring.api.counters import Metrics
from mooring.api.routes import ROUTES
from mooring.config import ControllerConfig
from mooring.errors import Conflict, Invalid, MooringError
from mooring.ml2.load import Loader, installed_drivers, load_drivers
from mooring.ml2.manager import Manager
from mooring.model.identity import Caller
from mooring.model.outside import Clock, Ids, NoSteps, Steps
from mooring.service.driven import driven
from mooring.service.driver_threads import DriverThreads
from mooring.service.hosts import add_host
from mooring.service.identity import bootstrap
from mooring.service.liveness import Heartbeats
from mooring.service.ml2_hooks import ports_followed
from mooring.service.network_settings import NetworkSettings
from mooring.service.passwords import hash_password
from mooring.service.sessions import Sessions
from mooring.service.stock import Stockroom
from mooring.service.upstream import Reconciler, settle_unmanaged
from mooring.service.vlan_pools import sync
from mooring.service.world import World
from mooring.store.sqlite import Store, create_file
from mooring.system import SystemClock, SystemIds
from mooring.upstream.ucsm import UcsmClient

if TYPE_CHECKING:
    from mooring.testing.fleet import Fleet

Say = Callable[[str], None]
Reread = Callable[[], ControllerConfig]
_log = logging.getLogger("mooring")
_BACKLOG = 2048
_PORT_MAX = 65_535
_SHUTDOWN_WAIT_S = 3
_GC_THRESHOLDS = (50_000, 20, 50)
"""New objects before a collection of the youngest, and how many of those before one of the older."""
_KEEP_ALIVE_S = 75
ROOT = Caller("root", "root", None, None, frozenset({"admin"}))
"""Who acts when the composition root does."""
DATABASE = "mooring.db"
CLOUDS = "clouds.yaml"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a controller is made of, where a test or another root wants its own."""

    clock: Clock
    ids: Ids
    steps: Steps
    drivers: Mapping[str, Loader]


def real_parts(steps: Steps | None = None) -> Parts:
    return Parts(SystemClock(), SystemIds(), steps or NoSteps(), installed_drivers())


def assemble(config: ControllerConfig, parts: Parts, admin_password_hash: str) -> tuple[Controller, bool]:
    """A controller over ``config.state``; and whether its ``admin`` was made just now, with this password.

    The caller closes ``controller.store``. Raises Invalid for drivers and VLAN ranges that are none, Conflict when
    another controller has the database open.
    """
    drivers = load_drivers(config.mechanism_drivers, parts.drivers, config.driver)
    settings = NetworkSettings.of(config)
    settings.check()
    path = Path(config.state).expanduser() / DATABASE
    create_file(path)
    store = Store(path, parts.clock, parts.steps)
    ml2 = Manager(drivers, DriverThreads(config.bind_wait_s, config.hook_wait_s))
    heartbeats = Heartbeats(parts.clock, config.agent_down_s)
    world = World(parts.ids, config, ml2, heartbeats, Stockroom(config), driven())
    sessions, streams = Sessions(store, parts.clock), Streams()
    store.on_end(partial(ports_followed, world=world, who=ROOT))
    store.on_commit(sessions.committed)
    store.on_commit(streams.committed)
    is_new = store.write_now(lambda tx: bootstrap(tx, parts.ids, admin_password_hash))
    store.write_now(lambda tx: sync(tx, settings))
    store.write_now(lambda tx: settle_unmanaged(tx, is_managed=bool(config.ucsm.url)))
    controller = Controller(store, world, sessions, parts.clock, streams, Consoles(streams.wake), Metrics())
    return controller, is_new


def run_controller(
    config: ControllerConfig, say: Say, steps: Steps | None = None, reread: Reread | None = None
) -> None:
    """Serve until SIGINT or SIGTERM. Raises Conflict for a taken address or database.

    ``reread`` reads the settings again, on SIGHUP; without it SIGHUP ends the controller as it ends any program.
    """
    with listen(config.listen) as bound:
        controller = _start(config, say, real_parts(steps))
        try:
            with upstream_kept(controller):
                clients = f"OS_CLIENT_CONFIG_FILE={clouds_file(config)} OS_CLOUD=mooring"
                say(f"serving on {url_of(config)}; clients: {clients}")
                serve(controller, bound, reread=reread)
        finally:
            controller.store.close()


def run_up(config: ControllerConfig, simulate: int, say: Say) -> None:
    """All in one: a controller, and ``simulate`` hosts of a simulated kind with an agent process each.

    The hosts stay in ``state/hosts`` and are found again at the next start. Raises as ``run_controller`` does.
    """
    from mooring.testing.fleet import Fleet  # noqa: PLC0415 - only the all-in-one simulates

    with listen(config.listen) as bound:
        controller = _start(config, say, real_parts())
        fleet = Fleet(Path(config.state).expanduser() / "hosts", url_of(config))
        try:
            _build_hosts(controller, fleet, simulate)
            say(f"serving on {url_of(config)} with {simulate} simulated hosts; stop with ctrl-C")
            say(f"try: OS_CLIENT_CONFIG_FILE={clouds_file(config)} OS_CLOUD=mooring openstack network agent list")
            with upstream_kept(controller):
                serve(controller, bound, on_ready=fleet.start)
        finally:
            fleet.stop()
            controller.store.close()


def _build_hosts(controller: Controller, fleet: "Fleet", count: int) -> None:
    from mooring.testing.hosts import named_plans  # noqa: PLC0415 - only the all-in-one simulates

    for name, plan in named_plans(count).items():
        if fleet.is_built(name):
            fleet.open(name)
        else:
            _, key = controller.store.write_now(partial(add_host, world=controller.world, who=ROOT, name=name))
            fleet.build(name, plan, key)


def _start(config: ControllerConfig, say: Say, parts: Parts) -> Controller:
    """Assemble it; at the first start, make the admin's password and leave it where only the owner reads."""
    log.configure(config.log_format)
    clouds = clouds_file(config)
    if clouds.exists():
        password = str(json.loads(clouds.read_text())["clouds"]["mooring"]["auth"]["password"])
    else:
        # Before the user is made: a death in between must not leave an admin whose password nobody knows.
        password = parts.ids.secret()
        write_private(clouds, _clouds(config, password))
    controller, is_new = assemble(config, parts, hash_password(password, parts.ids.hex_id()))
    if is_new:
        say(f"first start: made user admin of project admin; its password is in {clouds}")
    _log.info("drivers=%s state=%s", ",".join(d.name for d in controller.world.ml2.drivers), config.state)
    return controller


@contextmanager
def upstream_kept(controller: Controller) -> Iterator[None]:
    """While this lasts, the manager of the upstream switches is kept as the port profiles are, if there is one."""
    config = controller.world.config.ucsm
    if not config.url:
        yield
        return
    reconciler = Reconciler(controller.store, UcsmClient(config), config.interval_s)
    reconciler.start()
    try:
        yield
    finally:
        reconciler.stop()


def clouds_file(config: ControllerConfig) -> Path:
    """Its whole path, for whoever is in another folder."""
    return Path(config.state).expanduser().absolute() / CLOUDS


def url_of(config: ControllerConfig) -> str:
    """The URL that clients on this machine reach."""
    return config.url or f"http://{config.listen.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]')}"  # noqa: S104 - read, not bound


def _clouds(config: ControllerConfig, password: str) -> str:
    """A clouds.yaml; JSON is YAML too, and needs no library to write."""
    auth = {
        "auth_url": f"{url_of(config)}/identity/v3", "username": "admin", "password": password,
        "project_name": "admin", "user_domain_name": "Default", "project_domain_name": "Default",
    }  # fmt: skip
    cloud = {"auth": auth, "region_name": config.region, "identity_api_version": "3"}
    return json.dumps({"clouds": {"mooring": cloud}}, indent=2) + "\n"


def write_private(path: Path, text: str) -> None:
    """Readable by its owner alone from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as stream:
        stream.write(text)


def listen(address: str) -> socket.socket:
    """Bind ``HOST:PORT``. Raises Invalid for what is no address, Conflict for one that is taken."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or int(port) > _PORT_MAX:
        raise Invalid(f"listen = {address!r} is not HOST:PORT", hint="as in 127.0.0.1:8780")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
    except OSError as taken:
        bound.close()
        raise Conflict(
            f"cannot listen on {address}: {taken.strerror}", hint="is another controller running? see --listen"
        ) from taken
    bound.listen(_BACKLOG)
    return bound


class _Server(uvicorn.Server):
    """Uvicorn, which on a signal also ends the agents' streams: else it would wait for them."""

    def __init__(self, config: uvicorn.Config, streams: Streams, loop: asyncio.AbstractEventLoop):
        super().__init__(config)
        self._streams = streams
        self._serving_loop = loop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._serving_loop.call_soon_threadsafe(self._streams.close)
        super().handle_exit(sig, frame)


def serve(
    controller: Controller, bound: socket.socket, on_ready: Callable[[], None] | None = None,
    reread: Reread | None = None,
) -> None:  # fmt: skip
    """Answer on a bound socket until a signal says stop; with ``reread``, SIGHUP has the settings read again."""
    # What is there now stays for good. Else each list of a thousand has the collector go over all of it again and
    # again, which takes as long as the list; what a request leaves is freed by its count.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    config = uvicorn.Config(
        make_app(controller, ROUTES), http="httptools", loop="none", lifespan="off", access_log=False, log_config=None,
        server_header=False, timeout_graceful_shutdown=_SHUTDOWN_WAIT_S, timeout_keep_alive=_KEEP_ALIVE_S,
    )  # fmt: skip

    async def run() -> None:
        loop = asyncio.get_running_loop()
        controller.streams.bind(loop)
        if on_ready is not None:
            loop.call_soon(on_ready)
        if reread is not None:
            loop.add_signal_handler(signal.SIGHUP, take_settings, controller, reread)
        keeper = loop.create_task(DhcpKeeper(controller).run())
        try:
            await _Server(config, controller.streams, loop).serve(sockets=[bound])
        finally:
            keeper.cancel()

    # Uvicorn raises a signal again once it has stopped; left to the default, SIGTERM would skip every ``finally``.
    before = {number: signal.signal(number, _noted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_settings(controller: Controller, reread: Reread) -> None:
    """Read the settings again, and take those that can change while the controller runs: VLAN ranges and MTUs.

    A file that is wrong changes nothing, and the log says so; it also names what waits for a restart.
    """
    try:
        config = reread()
        settings = NetworkSettings.of(config)
        settings.check()
        is_changed = controller.store.write_now(lambda tx: sync(tx, settings))
    except MooringError as wrong:
        _log.error("settings not taken, all stays as it was: %s (%s)", wrong.message, wrong.hint)
        return
    old = controller.world.config
    names = {f.name for f in fields(old)} - NetworkSettings.NAMES
    waiting = sorted(name for name in names if getattr(old, name) != getattr(config, name))
    _log.info(
        "settings read again: %s", "VLAN ranges and MTUs taken" if is_changed else "VLAN ranges and MTUs as before"
    )
    if waiting:
        _log.warning("settings that wait for a restart: %s", ", ".join(waiting))


def _noted(number: int, _: FrameType | None) -> None:
    _log.info("stopped by %s", signal.Signals(number).name)
