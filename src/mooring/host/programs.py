"""Other people's programs, run within limits: no shell, a fixed search path, so much time, memory and output.

A program that is not installed is Unsupported and names the package; one that fails is a HostFault with its own words.
"""

import os
import resource
import selectors
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mooring.errors import HostFault, Unsupported

#: Never the caller's: what the agent runs as root must not depend on who started it.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OUTPUT_MAX_BYTES = 1 << 20
MEMORY_MAX_BYTES = 1 << 30
TIME_MAX_S = 60.0
#: A process in an uninterruptible wait outlives its kill; it is left to the kernel after this.
_END_WAIT_S = 5.0
_SHOWN_MAX_CHARS = 500
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Program:
    """One job, and the programs that can do it, best first."""

    names: tuple[str, ...]
    packages: tuple[str, ...]
    """Debian's, of which any one has a program for the job."""

    def find(self, search_path: str = SEARCH_PATH) -> str:
        """The path of the first that is installed. Raises Unsupported, naming the packages."""
        for name in self.names:
            found = shutil.which(name, path=search_path)
            if found is not None:
                return found
        raise Unsupported(
            f"{' or '.join(self.names)} is not installed on this host",
            hint=f"apt-get install {', or '.join(self.packages)}",
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended by itself."""

    exit_code: int
    output: str
    complaint: str
    """What it wrote on standard error, on one line."""


@dataclass(slots=True)
class _Pipes:
    output: bytearray = field(default_factory=bytearray)
    complaint: bytearray = field(default_factory=bytearray)


def ask(command: Sequence[str], *, time_max_s: float = TIME_MAX_S) -> Answer:
    """Run ``command``, whose first word is a path, to its end, whatever its exit code.

    Raises HostFault when it cannot be started, takes too long or says too much; it is killed then.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - a path of ours, words and no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except OSError as failed:
        raise HostFault(f"{command[0]} could not be started: {failed.strerror}") from failed
    # From outside: a hook between fork and exec is not safe beside threads.
    with suppress(ProcessLookupError, PermissionError):
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    deadline_s = time.monotonic() + time_max_s
    try:
        pipes = _drain(process, deadline_s)
        exit_code = process.wait(max(deadline_s - time.monotonic(), 0.0))
    except (TimeoutError, subprocess.TimeoutExpired) as late:
        raise HostFault(f"{command[0]} did not end within {time_max_s:g} s and was killed") from late
    finally:
        _end(process)
    return Answer(exit_code, pipes.output.decode(errors="replace"), _line(pipes.complaint))


def run(command: Sequence[str], *, time_max_s: float = TIME_MAX_S) -> str:
    """``ask``, for a program that must succeed; its output. Raises HostFault with the program's words."""
    answer = ask(command, time_max_s=time_max_s)
    if answer.exit_code != 0:
        raise HostFault(f"{Path(command[0]).name} failed ({answer.exit_code}): {answer.complaint}")
    return answer.output


def _drain(process: "subprocess.Popen[bytes]", deadline_s: float) -> _Pipes:
    """Both pipes to their ends. Raises TimeoutError at the deadline, HostFault for more than the limit."""
    pipes = _Pipes()
    with selectors.DefaultSelector() as selector:
        for stream, into in ((process.stdout, pipes.output), (process.stderr, pipes.complaint)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, into)
        while selector.get_map():
            ready = selector.select(max(deadline_s - time.monotonic(), 0.0))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                key.data.extend(chunk)
                if len(key.data) > OUTPUT_MAX_BYTES:
                    raise HostFault(f"a program wrote over {OUTPUT_MAX_BYTES} bytes and was killed")
    return pipes


def _end(process: "subprocess.Popen[bytes]") -> None:
    streams: tuple[IO[bytes] | None, ...] = (process.stdout, process.stderr)
    for stream in streams:
        if stream is not None:
            stream.close()
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_WAIT_S)


def _line(text: bytearray) -> str:
    return " ".join(text.decode(errors="replace").split())[:_SHOWN_MAX_CHARS]
