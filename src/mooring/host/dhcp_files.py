"""The files of one DHCP server, in a folder of its own, and the process that reads them."""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mooring.errors import HostFault
from mooring.host.dnsmasq import CONFIG_FILE, HOSTS_FILE, OPTIONS_FILE, PID_FILE, DnsmasqFiles

_TOLD_FILE = "told"
_END_WAIT_S, _KILL_WAIT_S = 3.0, 2.0
_FILE_MAX_BYTES = 16 << 20
#: dnsmasq reads them as a user of its own, whatever this process's umask says.
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644


class Told(msgspec.Struct, frozen=True):
    """What the process that runs was started with, and has read since."""

    config: str = ""
    """Digests, of the configuration and of the hosts and options. Empty: the agent died before it could say."""
    tables: str = ""
    leased: dict[str, str] = {}
    """Of each address, whose MAC the process may have given it to."""


@dataclass(frozen=True, slots=True)
class DhcpFolder:
    """``path`` need not be there."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / CONFIG_FILE

    def write(self, files: DnsmasqFiles) -> None:
        """Write what differs. Raises HostFault when the folder cannot be written."""
        try:
            for folder in (self.path.parent, self.path):
                folder.mkdir(exist_ok=True)
                folder.chmod(_FOLDER_MODE)
            texts = {CONFIG_FILE: files.config, HOSTS_FILE: files.hosts, OPTIONS_FILE: files.options}
            for name, text in texts.items():
                if self._read(name) != text:
                    self._write(name, text)
        except OSError as failed:
            raise HostFault(f"{self.path}: {failed.strerror}") from failed

    def told(self) -> Told:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(self._read(_TOLD_FILE), type=Told)
        return Told()

    def keep_told(self, told: Told) -> None:
        self._write(_TOLD_FILE, msgspec.json.encode(told).decode())

    def pid(self) -> int | None:
        """The server's process, if it lives and is this folder's."""
        text = self._read(PID_FILE).strip()
        return int(text) if text.isascii() and text.isdigit() and self._is_ours(int(text)) else None

    def hang_up(self) -> None:
        """Hosts and options are to be read again."""
        pid = self.pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    def end(self) -> None:
        """End the process, and wait for it. Raises HostFault when it does not go."""
        pid = self.pid()
        if pid is None:
            return
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            # By its handle: the number may be another's by now.
            if not self._is_ours(pid):
                return
            for number, wait_s in ((signal.SIGTERM, _END_WAIT_S), (signal.SIGKILL, _KILL_WAIT_S)):
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                if select.select([handle], [], [], wait_s)[0]:
                    return
        finally:
            os.close(handle)
        raise HostFault(f"dnsmasq, process {pid}, does not end")

    def discard(self) -> None:
        """Delete the folder."""
        for name in (CONFIG_FILE, HOSTS_FILE, OPTIONS_FILE, PID_FILE, _TOLD_FILE):
            (self.path / name).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self.path.rmdir()

    def _is_ours(self, pid: int) -> bool:
        """A number in a file may have become any process's."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"--conf-file={self.config}".encode() in words

    def _read(self, name: str) -> str:
        try:
            with (self.path / name).open("rb") as stream:
                return stream.read(_FILE_MAX_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _write(self, name: str, text: str) -> None:
        fresh = self.path / f".{name}"
        fresh.write_text(text)
        fresh.chmod(_FILE_MODE)
        fresh.replace(self.path / name)
