"""A real neutron-server for tests and benches: a venv from PyPI, SQLite, and one process over HTTP on loopback.

The process runs ``tests/neutron/serve.py`` with the interpreter of the venv (``mooring.testing.peers``).
"""

import fcntl
import hashlib
import json
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from mooring.testing.client import ApiClient, wait_until
from mooring.testing.peers import peers_folder, run_pip, venv_of

NEUTRON = "neutron==29.0.0"
REPOSITORY = Path(__file__).resolve().parents[3]
SERVE = REPOSITORY / "tests/neutron/serve.py"
_DIGEST = "mooring-digest"
_OFFLINE = ("--no-deps", "--no-index")
START_MAX_S = 60.0
STOP_MAX_S = 10.0

SETTINGS = """\
[DEFAULT]
core_plugin = ml2
service_plugins =
auth_strategy = noauth
transport_url = fake://
api_paste_config = {folder}/api-paste.ini
state_path = {folder}
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
agent_down_time = 3600
[database]
connection = sqlite:///{folder}/neutron.sqlite
[ml2]
type_drivers = flat,vlan
project_network_types = vlan
mechanism_drivers = {mechanism_drivers}
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:3999
[quotas]
default_quota = -1
quota_network = -1
quota_subnet = -1
quota_port = -1
[oslo_concurrency]
lock_path = {folder}/locks
[oslo_messaging_notifications]
driver = noop
"""


def has_mooring(venv: Path) -> bool:
    """Whether the venv has this checkout's very code."""
    return (venv / _DIGEST).exists() and (venv / _DIGEST).read_text() == _digest()


def neutron_venv() -> Path:
    """A venv with Neutron and this checkout as a wheel, and nothing else that Mooring depends on.

    One process at a time sees to that. The wheel is built by our own interpreter, which has the build back end. Raises
    Unreachable, with the end of what pip said, where it cannot be made.
    """
    with _alone():
        venv = venv_of([NEUTRON])
        if not has_mooring(venv):
            with tempfile.TemporaryDirectory(prefix="mooring-wheel-") as scratch:
                run_pip(sys.executable, "wheel", *_OFFLINE, "--no-build-isolation", "-w", scratch, str(REPOSITORY))
                wheels = [str(wheel) for wheel in Path(scratch).glob("mooring-*.whl")]
                run_pip(str(venv / "bin/python"), "install", *_OFFLINE, "--force-reinstall", *wheels)
            (venv / _DIGEST).write_text(_digest())
    return venv


@contextmanager
def _alone() -> Iterator[None]:
    peers_folder().mkdir(parents=True, exist_ok=True)
    with (peers_folder() / "neutron.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest() -> str:
    """Of everything that the wheel is made of."""
    files = sorted(path for path in (REPOSITORY / "src").rglob("*") if path.is_file() and path.suffix != ".pyc")
    found = hashlib.sha256()
    for path in (REPOSITORY / "pyproject.toml", *files):
        found.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def site_packages(venv: Path) -> Path:
    """Of the venv; another interpreter of the same Python can import from there."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))


class RealNeutron:
    """One neutron-server, and its log and database in ``folder``.

    ``agents`` maps a host to whether its NIC switch agent is alive; each maps physnet1. ``settings`` is the text of one
    more file of settings.
    """

    def __init__(
        self,
        venv: Path,
        folder: Path,
        mechanism_drivers: Sequence[str],
        agents: Mapping[str, bool],
        settings: str = "",
    ):
        self.log = folder / "neutron.log"
        self.database = folder / "neutron.sqlite"
        main, more = folder / "neutron.conf", folder / "more.conf"
        main.write_text(
            SETTINGS.format(
                folder=folder,
                mechanism_drivers=",".join(mechanism_drivers),
            )
        )
        more.write_text(settings)
        shipped = (venv / "etc/neutron/api-paste.ini").read_text()
        # Without Keystone, Neutron would give all callers one identity that may not set a binding's profile.
        (folder / "api-paste.ini").write_text(shipped.replace(" fake_project_id ", " keystonecontext "))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.client = ApiClient(f"http://127.0.0.1:{port}")
        told = {"files": [str(main), str(more)], "port": port, "agents": dict(agents)}
        command = [str(venv / "bin/python"), "-W", "ignore", str(SERVE), json.dumps(told)]
        with self.log.open("ab") as stream:
            self._popen = subprocess.Popen(  # noqa: S603 - the venv's own interpreter
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def wait(self) -> None:
        """Until it answers; raises AssertionError with its log when it ended."""
        wait_until(self._answers, START_MAX_S, f"neutron-server answers; see {self.log}", 0.2)

    def _answers(self) -> bool:
        if self._popen.poll() is not None:
            raise AssertionError(f"neutron-server ended: {self.log.read_text()[-3000:]}")
        try:
            return self.client.call("GET", "/").status == HTTPStatus.OK
        except OSError:
            return False

    def close(self) -> None:
        self.client.close()
        self._popen.terminate()
        try:
            self._popen.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
