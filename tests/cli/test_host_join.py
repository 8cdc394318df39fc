"""``mooring host join``: two files from a key that the controller takes, or nothing at all."""

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mooring.agent.main import read_key
from mooring.api.call import Controller
from mooring.cli.agent_file import agent_toml
from mooring.cli.new_files import NewFiles
from mooring.config import load_agent
from mooring.core.devspec_entries import parse_device_specs
from mooring.errors import Conflict, Invalid
from mooring.host.sysfs import read_functions
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.service.hosts import add_host, host_of_key, rekey_host
from mooring.store.hosts import HOSTS
from mooring.testing.cloud import ADMIN
from mooring.testing.controller import admin_token, make_controller
from tests.cli.stage import Mooring, serving


@dataclass(frozen=True, slots=True)
class NewHost:
    """A controller on a socket, and a folder that stands for ``/etc/mooring`` of a new host."""

    controller: Controller
    url: str
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "etc" / "agent.toml"

    @property
    def key(self) -> Path:
        return self.folder / "etc" / "agent.key"

    def add(self, name: str) -> str:
        """The key of a host that was added elsewhere."""
        world = self.controller.world
        return self.controller.store.write_now(lambda tx: add_host(tx, world, ADMIN, name))[1]

    def words(self, *more: str) -> tuple[str, ...]:
        return ("host", "join", "--config", str(self.config), *more)

    def admin(self) -> dict[str, str]:
        return {"OS_AUTH_URL": f"{self.url}/identity/v3", "OS_TOKEN": admin_token(self.controller)}

    def known(self) -> set[str]:
        return self.controller.store.read_now(lambda tx: {host.name for host in HOSTS.where(tx)})

    def left(self) -> list[str]:
        """Every file below the folder, hidden ones too."""
        return sorted(str(path.relative_to(self.folder / "etc")) for path in (self.folder / "etc").rglob("*"))


@pytest.fixture(scope="module")
def _controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Controller, str]]:
    made = make_controller(tmp_path_factory.mktemp("controller"))
    try:
        with serving(made) as url:
            yield made, url
    finally:
        made.store.close()


@pytest.fixture
def new(_controller: tuple[Controller, str], tmp_path: Path) -> NewHost:
    return NewHost(*_controller, tmp_path)


def test_a_key_on_standard_input_becomes_two_files_that_the_agent_reads(new: NewHost, mooring: Mooring) -> None:
    key = new.add("node1")
    result = mooring(*new.words("--controller", new.url, "--key-file", "-"), stdin=f"{key}\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_key(new.key) == key
    assert (new.key.stat().st_mode & 0o777, new.config.stat().st_mode & 0o777) == (0o600, 0o644)
    file = load_agent(new.config)
    assert (file.agent.controller, file.agent.key_file, file.device_specs) == (new.url, str(new.key), ())
    assert new.left() == ["agent.key", "agent.toml"]
    assert key not in result.stdout
    assert "this is host node1 of" in result.stdout
    assert f"editor {new.config}" in result.stdout
    assert result.stdout.endswith("  systemctl enable --now mooring-agent\n")


def test_asking_who_one_is_makes_no_host_alive(new: NewHost, mooring: Mooring) -> None:
    key = new.add("node2")
    assert mooring(*new.words("--controller", new.url, "--key-file", "-"), stdin=key).exit_code == 0
    host = new.controller.store.read_now(lambda tx: HOSTS.get(tx, "node2"))
    assert host is not None
    assert (host.epoch, host.heard_at, host.started_at) == (0, None, None)
    assert new.controller.world.heartbeats.of("node2") != "alive"


def test_a_key_that_is_in_its_place_already_stays_there(new: NewHost, mooring: Mooring) -> None:
    key = new.add("node3")
    new.key.parent.mkdir()
    new.key.write_text(key)
    new.key.chmod(0o644)
    result = mooring(*new.words("--controller", new.url, "--key-file", str(new.key), "--json"))
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "host": "node3", "controller": new.url, "config": str(new.config), "key_file": str(new.key),
    }  # fmt: skip
    assert read_key(new.key) == key


def test_with_an_admins_login_the_host_is_added_by_itself(new: NewHost, mooring: Mooring) -> None:
    result = mooring(*new.words("--name", "node4"), **new.admin())
    assert (result.exit_code, result.stderr) == (0, "")
    bearer = f"Bearer {read_key(new.key)}"
    assert new.controller.store.read_now(lambda tx: host_of_key(tx, bearer)).name == "node4"
    assert load_agent(new.config).agent.controller == new.url


def test_without_a_name_the_host_is_called_as_it_calls_itself(new: NewHost, mooring: Mooring) -> None:
    result = mooring(*new.words("--json"), **new.admin())
    assert json.loads(result.stdout)["host"] == os.uname().nodename
    assert os.uname().nodename in new.known()


def test_files_that_exist_are_never_replaced_and_no_host_is_added(new: NewHost, mooring: Mooring) -> None:
    new.config.parent.mkdir()
    new.config.write_text("precious")
    result = mooring(*new.words("--name", "node5"), **new.admin())
    assert result.exit_code == 1
    assert f"{new.config} exists" in result.stderr
    assert "--force" in result.stderr
    assert (new.left(), new.config.read_text()) == (["agent.toml"], "precious")
    assert "node5" not in new.known()


def test_with_force_what_was_there_is_kept_beside_it(new: NewHost, mooring: Mooring) -> None:
    new.config.parent.mkdir()
    new.config.write_text("precious")
    new.key.write_text("old key")
    assert mooring(*new.words("--name", "node6", "--force"), **new.admin()).exit_code == 0
    assert new.left() == ["agent.key", "agent.key.old", "agent.toml", "agent.toml.old"]
    assert new.config.with_name("agent.toml.old").read_text() == "precious"
    assert load_agent(new.config).agent.controller == new.url


@pytest.mark.parametrize(
    ("words", "stdin", "says", "hint"),
    [
        ("--controller URL --key-file -", "wrong", "does not know this key", "mooring host rekey NAME"),
        ("--controller URL --key-file -", "", "standard input holds no key", "of a single line"),
        ("--controller URL --key-file -", "two words", "standard input holds no key", "of a single line"),
        ("--controller URL --key-file -", "é", "standard input holds no key", "of a single line"),
        ("--controller URL --key-file -", "x" * 600, "standard input holds no key", "of a single line"),
        ("--controller URL --key-file /nowhere", "", "--key-file /nowhere: No such file", "the file that holds"),
        ("--key-file -", "KEY", "--key-file was given without --controller", "--controller http://"),
        ("--controller URL --key-file - --name other", "KEY", "is that of host node7, not of other", "say node7"),
        ("--controller ftp://x --key-file -", "KEY", "'ftp://x' is not a controller's URL", "https://"),
        ("--controller http://x:port --key-file -", "KEY", "--controller http://x:port: ", "http://192.0.2.10:8780"),
        ("--controller http://127.0.0.1:1 --key-file -", "KEY", "http://127.0.0.1:1", "is the controller running"),
        ("--controller URL/elsewhere --key-file -", "KEY", "is not a controller of Mooring", "give its URL"),
        ("", "", "no cloud is named", "give the host's key with --key-file"),
    ],
)
def test_what_cannot_join_is_told_with_the_way_out_and_leaves_nothing(
    new: NewHost, mooring: Mooring, words: str, stdin: str, says: str, hint: str
) -> None:
    key = key_of(new, "node7") if stdin == "KEY" else stdin
    result = mooring(*new.words(*words.replace("URL", new.url).split()), stdin=key)
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert says in first
    assert hint in second
    assert result.stdout == ""
    assert new.left() == []


def key_of(new: NewHost, name: str) -> str:
    """A key of this host, whether or not a test has added it before."""
    if name not in new.known():
        return new.add(name)
    world = new.controller.world
    return new.controller.store.write_now(lambda tx: rekey_host(tx, world, ADMIN, name))[1]


def test_a_folder_that_cannot_be_made_is_told_before_a_host_is_added(new: NewHost, mooring: Mooring) -> None:
    (new.folder / "file").touch()
    words = ("host", "join", "--name", "node8", "--config", str(new.folder / "file" / "agent.toml"))
    result = mooring(*words, **new.admin())
    assert result.exit_code == 1
    assert "file" in result.stderr
    assert "node8" not in new.known()


def test_a_name_that_is_taken_is_told_with_the_way_to_a_new_key(new: NewHost, mooring: Mooring) -> None:
    new.add("node9")
    result = mooring(*new.words("--name", "node9"), **new.admin())
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "mooring: host node9 exists", "hint: mooring host rekey makes a new key for it",
    ]  # fmt: skip
    assert "node9" in new.known()
    assert new.left() == []


def test_an_address_that_the_agents_api_is_not_at_adds_no_host(new: NewHost, mooring: Mooring) -> None:
    with stranger() as url:
        result = mooring(*new.words("--name", "node10", "--controller", url), **new.admin())
    assert result.exit_code == 1
    assert "is not a controller of Mooring" in result.stderr
    assert "node10" not in new.known()
    assert new.left() == []


@contextmanager
def stranger() -> Iterator[str]:
    """Somebody who answers 200 to whatever is asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_host_that_was_added_and_then_cannot_be_written_is_removed_again(new: NewHost, mooring: Mooring) -> None:
    """The folder goes away between the check and the end: here, while the controller is asked."""
    with relay(new.url, lambda: [path.unlink() for path in new.config.parent.iterdir()]) as url:
        result = mooring(*new.words("--name", "node11", "--controller", url), **new.admin())
    assert result.exit_code == 1
    assert "node11" not in new.known()
    assert new.left() == []


@contextmanager
def relay(url: str, before_each: Callable[[], object]) -> Iterator[str]:
    """Passes requests on to the controller; before each of them something happens."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection, socket.create_connection((host, int(port))) as behind:
                    asked = connection.recv(65_536)
                    before_each()
                    behind.sendall(asked.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                    while part := behind.recv(65_536):
                        connection.sendall(part)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_of_two_files_none_appears_when_one_cannot(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with NewFiles({first: 0o600, second: 0o644}, is_forced=False) as files:
        second.write_text("somebody was quicker")
        with pytest.raises(Conflict, match="second exists"):
            files.place({first: "1", second: "2"})
    assert [path.name for path in tmp_path.iterdir()] == ["second"]
    assert second.read_text() == "somebody was quicker"


def test_a_forced_file_comes_back_when_the_next_one_cannot_be_placed(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "below" / "second"
    first.write_text("old")
    with NewFiles({first: 0o600, second: 0o644}, is_forced=True) as files:
        for path in second.parent.iterdir():
            path.unlink()
        second.mkdir()
        with pytest.raises(Invalid, match="second"):
            files.place({first: "new", second: "2"})
    assert first.read_text() == "old"


def test_a_folder_that_cannot_be_written_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match="file"), NewFiles({tmp_path / "file/below": 0o600}, is_forced=False):
        pass


def test_every_pf_has_an_entry_that_is_ready_and_switched_off(recording: Path, tmp_path: Path) -> None:
    functions = read_functions(recording)
    uses = {PciAddress.parse("0000:01:00.0"): "enp1s0 is in bridge br0"}
    text = agent_toml("http://c:8780", tmp_path / "agent.key", functions, uses)
    path = tmp_path / "agent.toml"
    path.write_text(text)
    assert load_agent(path).device_specs == ()
    assert "# enp1s0, 0000:01:00.0, igb, link up, 1 Gb/s: 4 of 7 VFs\n# The host itself uses the PF" in text
    path.write_text(switched_on(text))
    specs = parse_device_specs(load_agent(path).device_specs)
    assert [(spec.pf, spec.physical_network) for spec in specs] == [
        ("enp1s0", "physnet1"), ("ens99f0", "physnet1"), ("ens99f1", "physnet1"),
    ]  # fmt: skip


def switched_on(text: str) -> str:
    return re.sub(r"^# ((?:\[\[|pf|physical_network|num_vfs).*)$", r"\1", text, flags=re.MULTILINE)


def test_a_pf_without_vfs_is_offered_all_that_it_could_have(tmp_path: Path) -> None:
    pf = PciFunction(
        PciAddress.parse("0000:81:00.0"), FunctionKind.PF, driver="igb", netdev='e"\\1', vf_total=7, vf_count=0
    )
    path = tmp_path / "agent.toml"
    path.write_text(switched_on(agent_toml("http://c", tmp_path / "k", [pf], {})))
    (entry,) = load_agent(path).device_specs
    assert entry == {"pf": 'e"\\1', "physical_network": "physnet1", "num_vfs": 7}


def test_a_host_without_a_pf_gets_an_example(tmp_path: Path) -> None:
    text = agent_toml("http://c", tmp_path / "k", [], {})
    assert "mooring host check says why" in text
    assert '# pf = "ens1f0"' in text
