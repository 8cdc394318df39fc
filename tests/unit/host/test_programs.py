"""Other people's programs: bounded in time and in output, never through a shell, and named when they are missing."""

import os
import time
from pathlib import Path

import pytest

from mooring.errors import HostFault, Unsupported
from mooring.host.programs import OUTPUT_MAX_BYTES, SEARCH_PATH, Program, ask, run

TOOL = Program(("first-tool", "second-tool"), ("first-package", "second-package"))


def script(folder: Path, name: str, body: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def test_first_program_that_is_installed_is_found(tmp_path: Path) -> None:
    second = script(tmp_path, "second-tool", "exit 0")
    assert TOOL.find(str(tmp_path)) == str(second)
    first = script(tmp_path, "first-tool", "exit 0")
    assert TOOL.find(str(tmp_path)) == str(first)


def test_missing_program_names_the_packages_that_have_it(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="first-tool or second-tool is not installed") as missing:
        TOOL.find(str(tmp_path))
    assert missing.value.hint == "apt-get install first-package, or second-package"


def test_search_path_is_ours_and_not_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "first-tool", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported):
        TOOL.find()
    assert ask(["/bin/sh", "-c", "echo $PATH"]).output.strip() == SEARCH_PATH


def test_words_reach_the_program_as_they_are(tmp_path: Path) -> None:
    tool = script(tmp_path, "tool", 'for word in "$@"; do echo "<$word>"; done')
    assert run([str(tool), "a b", "$(id)", "; exit 3", ""]) == "<a b>\n<$(id)>\n<; exit 3>\n<>\n"


def test_program_that_fails_is_a_fault_with_its_own_words(tmp_path: Path) -> None:
    tool = script(tmp_path, "tool", "echo 'no  room\nleft' >&2; exit 3")
    with pytest.raises(HostFault, match=r"tool failed \(3\): no room left"):
        run([str(tool)])
    assert ask([str(tool)]).exit_code == 3


def test_program_that_hangs_is_killed_at_its_limit(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    tool = script(tmp_path, "tool", f"echo $$ > {pid_file}; exec sleep 600")
    started_s = time.monotonic()
    with pytest.raises(HostFault, match=r"did not end within 0\.5 s and was killed"):
        run([str(tool)], time_max_s=0.5)
    assert time.monotonic() - started_s < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_program_that_closes_its_output_and_hangs_is_killed_too(tmp_path: Path) -> None:
    tool = script(tmp_path, "tool", "exec sleep 600 >/dev/null 2>&1")
    with pytest.raises(HostFault, match="was killed"):
        run([str(tool)], time_max_s=0.5)


@pytest.mark.parametrize("stream", ["1", "2"])
def test_program_that_never_stops_talking_is_killed(tmp_path: Path, stream: str) -> None:
    tool = script(tmp_path, "tool", f"exec yes >&{stream}")
    with pytest.raises(HostFault, match=f"over {OUTPUT_MAX_BYTES} bytes"):
        run([str(tool)])


def test_program_that_cannot_be_started_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "tool"
    file.write_text("not a program")
    file.chmod(0o755)
    with pytest.raises(HostFault, match=r"tool could not be started: Exec format error"):
        run([str(file)])
