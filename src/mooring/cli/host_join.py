"""``mooring host join``: on a new host, its agent's two files, from a key that the controller takes."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mooring.cli.options import FILE, as_json, cloud
from mooring.cli.run import AGENT_FILE
from mooring.cli.text import plain, print_json, say
from mooring.errors import Conflict, Invalid, MooringError, NotFound, Unauthenticated, Unreachable

if TYPE_CHECKING:
    from mooring.cli.client import Client

KEY_NAME = "agent.key"
_KEY_MAX_CHARS = 512
_TOML_MODE, _KEY_MODE = 0o644, 0o600
_SELF = "/agent/v1/self"


@dataclass(frozen=True, slots=True)
class _Key:
    """A key that the controller at ``url`` has proved to be that of the host ``name``."""

    url: str
    name: str
    text: str


@click.command(short_help="Make this very host one of a controller's.")
@click.option("--controller", metavar="URL", help="The controller's URL; else that of the cloud.")
@click.option("--name", metavar="NAME", help="What the host is called; else its own host name.")
@click.option("--key-file", metavar="FILE", help="The key, from mooring host add; - is standard input.")
@click.option(
    "--config", type=FILE, default=AGENT_FILE, show_default=True, metavar="FILE",
    help=f"Write this file, and {KEY_NAME} beside it.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace files that exist; they are kept as NAME.old.")
@as_json
@cloud
def join(
    controller: str | None, name: str | None, key_file: str | None, config: Path, force: bool, is_json: bool,
    os_cloud: str | None,
) -> None:  # fmt: skip
    """Make this very host one of a controller's: write agent.toml and agent.key, and say what to do next.

    With --key-file, the host was added elsewhere (mooring host add) and brings its key. Without, an admin's login is
    looked for as by other commands, and the host is added now.
    """
    from mooring.cli.new_files import NewFiles

    config = config.expanduser().absolute()
    key_path = config.with_name(KEY_NAME)
    key = None if key_file is None else _read_key(key_file)
    is_in_place = key_file is not None and _is_same(key_file, key_path)
    modes = {config: _TOML_MODE} if is_in_place else {key_path: _KEY_MODE, config: _TOML_MODE}
    with NewFiles(modes, is_forced=force) as files, _proved(controller, name, key, os_cloud) as proved:
        texts = {key_path: f"{proved.text}\n", config: _agent_toml(proved.url, key_path)}
        files.place({path: text for path, text in texts.items() if path in modes})
        if is_in_place:
            key_path.chmod(_KEY_MODE)
    if is_json:
        print_json({"host": proved.name, "controller": proved.url, "config": str(config), "key_file": str(key_path)})
        return
    say(f"this is host {plain(proved.name)} of {plain(proved.url)} now\n\nNext, as root:")
    say(f"  editor {plain(config)}    # which VFs to hand out; mooring host check shows what comes of it")
    say("  systemctl enable --now mooring-agent")


@contextmanager
def _proved(controller: str | None, name: str | None, key: str | None, os_cloud: str | None) -> Iterator[_Key]:
    """A key that the controller takes. A host that was added for it is removed again when the caller fails."""
    if key is not None:
        if controller is None:
            raise Invalid("--key-file was given without --controller", hint="as in --controller http://192.0.2.10:8780")
        yield _check(controller, key, name)
        return
    from mooring.cli.client import connect

    try:
        client = connect(os_cloud)
    except MooringError as none:
        none.hint = f"give the host's key with --key-file; or, to add the host by this command, {none.hint}"
        raise
    url, wanted = controller or client.base_url, name or os.uname().nodename
    _check_is_controller(url)
    made = client.post("/mooring/v1/hosts", {"host": {"name": wanted}})["host"]
    with ExitStack() as undo:
        undo.callback(_forget, client, wanted)
        yield _check(url, str(made["key"]), wanted)
        undo.pop_all()


def _forget(client: "Client", name: str) -> None:
    """The host that was added just now."""
    from mooring.cli.client import segment

    with suppress(MooringError):
        client.delete(f"/mooring/v1/hosts/{segment(name)}")


def _check(url: str, key: str, name: str | None) -> _Key:
    """Raises Unauthenticated for a key that the controller does not know, Conflict for one of another host."""
    try:
        found = _who(url, key)
    except Unauthenticated as refused:
        raise Unauthenticated(
            f"the controller at {url} does not know this key", hint="mooring host rekey NAME makes a new one"
        ) from refused
    if name is not None and found != name:
        raise Conflict(f"the key is that of host {found}, not of {name}", hint=f"leave --name out, or say {found}")
    return _Key(url, found, key)


def _check_is_controller(url: str) -> None:
    """Before a host is added: the agents' API is there, and asks who we are."""
    try:
        _who(url, "nobody")
    except Unauthenticated:
        return
    raise _no_controller(url)


def _who(url: str, key: str) -> str:
    """The host that the key proves. Raises Unauthenticated, Unreachable, and Invalid for a URL that is none."""
    from mooring import wire
    from mooring.agent.connection import Connection
    from mooring.model.desired import Welcome

    try:
        answer = Connection(url, key).call("GET", _SELF)
    except NotFound as foreign:
        raise _no_controller(url) from foreign
    except ValueError as broken:  # a port that is no number, a name that no resolver takes
        raise Invalid(f"--controller {url}: {broken}", hint="as in http://192.0.2.10:8780") from broken
    try:
        return wire.decode(Welcome, answer).host
    except Invalid as foreign:
        raise _no_controller(url) from foreign


def _no_controller(url: str) -> Unreachable:
    return Unreachable(f"{url} is not a controller of Mooring", hint="give its URL, as in http://192.0.2.10:8780")


def _read_key(source: str) -> str:
    """Raises Invalid for what is no key; the message never holds it."""
    where = "standard input" if source == "-" else source
    try:
        if source == "-":
            text = sys.stdin.read(_KEY_MAX_CHARS + 1)
        else:
            with Path(source).expanduser().open(encoding="ascii", errors="replace") as stream:
                text = stream.read(_KEY_MAX_CHARS + 1)
    except OSError as broken:
        raise Invalid(f"--key-file {source}: {broken.strerror}", hint="give the file that holds the key") from broken
    key = text.strip()
    if not key or len(text) > _KEY_MAX_CHARS or not (key.isascii() and key.isprintable()) or " " in key:
        raise Invalid(f"{where} holds no key", hint="mooring host add NAME prints one, of a single line")
    return key


def _is_same(key_file: str, key_path: Path) -> bool:
    given = Path(key_file).expanduser()
    return key_file != "-" and key_path.exists() and given.samefile(key_path)


def _agent_toml(url: str, key_path: Path) -> str:
    from mooring.cli.agent_file import agent_toml
    from mooring.config import AgentConfig
    from mooring.core.endpoints import is_network
    from mooring.host.host_use import host_uses
    from mooring.host.occupants import occupants_of
    from mooring.host.sysfs import read_functions

    sysfs = Path(AgentConfig().sysfs)
    try:
        functions = read_functions(sysfs)
    except MooringError:  # no PCI here; the file says so
        functions = ()
    nics = [one for one in functions if is_network(one) is not False]
    return agent_toml(url, key_path, nics, host_uses(sysfs, nics, occupants_of(sysfs)))
