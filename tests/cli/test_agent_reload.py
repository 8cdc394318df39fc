"""A real agent process: SIGHUP has its device specs read again, and ends nothing."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from mooring.testing.host import SimulatedHost
from mooring.testing.hosts import named_plans

_SOON_S = 30.0
_AGAIN_S = 0.1


def until(log: Path, text: str, count: int = 1) -> str:
    """The log, once it holds ``text`` so many times."""
    deadline_s = time.monotonic() + _SOON_S
    while (said := log.read_text(encoding="utf-8")).count(text) < count:
        assert time.monotonic() < deadline_s, f"lacks {text!r}: {said}"
        time.sleep(_AGAIN_S)
    return said


def test_sighup_has_the_entries_read_again_and_a_wrong_file_changes_nothing(tmp_path: Path) -> None:
    (plan,) = named_plans(1).values()
    host = SimulatedHost.create(tmp_path / "host", plan, controller="http://127.0.0.1:9", key="k" * 32)
    config, log = host.folder / "agent.toml", tmp_path / "log"
    right = config.read_text(encoding="utf-8")
    with log.open("wb") as stream:
        agent = subprocess.Popen(
            [sys.executable, "-m", "mooring", "agent", "--config", str(config)], stdin=subprocess.DEVNULL,
            stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        until(log, "agent-retries")
        agent.send_signal(signal.SIGHUP)
        until(log, "device-specs-read")
        config.write_text(f"{right}\n[[device_spec]]\nvsf = 1\n", encoding="utf-8")
        agent.send_signal(signal.SIGHUP)
        said = until(log, "device-specs-kept")
        assert f"unknown key 'vsf' (line {right.count(chr(10)) + 3})" in said
        assert agent.poll() is None
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(_SOON_S) == 0
    finally:
        agent.kill()
        agent.wait()
