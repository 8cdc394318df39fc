"""``mooring host check``: what a person reads of a host, and what a program does."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.cli.host_check import Report, as_object, look, show
from mooring.config import AgentFile, load_agent
from mooring.errors import Invalid
from mooring.host.survey import Places
from mooring.model.survey import LibvirtAnswer
from tests.cli.stage import Mooring
from tests.unit.host.bare_host import ANSWER, KERNEL, PF, build_host

SPEC = '[[device_spec]]\npf = "ens1f0"\nphysical_network = "physnet1"\n'


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    build_host(root)
    return root


def file(folder: Path, entries: str) -> AgentFile:
    """An agent.toml whose folders and key are all there."""
    for name in ("state", "images", "servers"):
        (folder / name).mkdir(exist_ok=True)
    key = folder / "agent.key"
    key.touch(mode=0o600)
    path = folder / "agent.toml"
    folders = "".join(f'{name} = "{folder / name}"\n' for name in ("state", "images", "servers"))
    path.write_text(f'[agent]\nkey_file = "{key}"\n{folders}\n{entries}')
    return load_agent(path)


def looked(host: Path, wanted: AgentFile | None, libvirt: LibvirtAnswer = ANSWER) -> Report:
    return look(wanted, Places(host, host / "sys"), lambda: libvirt)


def test_a_host_that_would_serve_is_ready_and_gets_no_advice(
    host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = looked(host, file(tmp_path, SPEC))
    show(report)
    said = capsys.readouterr().out
    assert report.is_ready
    assert said.splitlines()[-1] == "ready: 2 functions would be handed out"
    assert "to mend it" not in said
    assert ["ens1f0", PF, "igb", "1", "Gb/s", "2", "of", "7", "physnet1", "2", "VFs"] in [
        line.split() for line in said.splitlines()
    ]
    assert ["libvirt", "ok", "libvirt", "11.3.0,", "QEMU", "10.0.2"] in [line.split() for line in said.splitlines()]


def test_what_is_bad_is_told_with_its_way_out_and_the_host_is_not_ready(
    host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (host / "dev/kvm").unlink()
    report = looked(host, file(tmp_path, SPEC))
    show(report)
    said = capsys.readouterr().out
    assert not report.is_ready
    assert "  1. KVM: modprobe kvm_intel; when it refuses, dmesg says why\n" in said
    assert said.endswith("not ready: 1 finding of level bad must be mended before VFs are served\n")


def test_a_bare_host_without_an_agent_toml_lists_its_pfs_and_says_what_is_next(
    host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = looked(host, None)
    show(report)
    said = capsys.readouterr().out
    assert "not handed out: no device_spec matches\n  0000:81:10.0, 0000:81:10.2\n" in said
    assert "mooring host join" in said
    assert said.endswith("ready, once an agent.toml says which VFs to hand out\n")
    assert report.is_ready


def test_vfs_that_the_agent_will_make_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_host(tmp_path / "new", num_vfs=0)
    show(looked(tmp_path / "new", file(tmp_path, f"{SPEC}num_vfs = 4\n")))
    said = capsys.readouterr().out
    assert "0 of 7" in said
    assert "4 at start" in said
    assert said.endswith("ready: 4 functions would be handed out\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_every_line_fits_the_terminal_and_no_command_is_broken_at_a_hyphen(
    host: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("kernel/iommu_groups", "bus/pci/drivers/vfio-pci"):
        (host / "sys" / name).rename(host / f"gone-{name.replace('/', '-')}")
    silent = LibvirtAnswer(silence="nothing " * 30, code="Unreachable")
    show(looked(host, None, silent))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert any("linux-image-amd64" in line for line in lines)


def test_a_name_on_the_host_cannot_command_the_terminal(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(looked(host, None, LibvirtAnswer(silence="\x1b[2Jgone", code="Unreachable")))
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\\x1b[2Jgone" in said


def test_the_json_holds_every_finding_and_every_pf(host: Path, tmp_path: Path) -> None:
    told = json.loads(json.dumps(as_object(looked(host, file(tmp_path, SPEC)))))
    assert (told["is_ready"], told["kernel"]) == (True, KERNEL)
    assert {tuple(one) for one in told["findings"]} == {("level", "about", "text", "way_out")}
    (pf,) = told["pfs"]
    assert pf == {
        "address": PF, "netdev": "ens1f0", "driver": "igb", "link_is_up": True, "link_speed_mbps": 1000,
        "vf_count": 2, "vf_total": 7, "physical_network": "physnet1", "to_be_made": 0,
        "offered": ["0000:81:10.0", "0000:81:10.2"], "held_back": [],
    }  # fmt: skip


def test_a_device_spec_that_is_none_is_an_error_of_its_own(host: Path, tmp_path: Path) -> None:
    wrong = replace(file(tmp_path, SPEC), device_specs=({"fp": "ens1f0"},))
    with pytest.raises(Invalid, match="unknown key 'fp'"):
        looked(host, wrong)


def test_this_very_machine_is_checked_whatever_it_is(mooring: Mooring, recording: Path) -> None:
    for words in ((), ("--sysfs", str(recording)), ("--sysfs", "/nowhere")):
        told = mooring("host", "check", "--json", *words)
        assert told.exit_code == (0 if json.loads(told.stdout)["is_ready"] else 1)
        table = mooring("host", "check", *words)
        assert table.exit_code == told.exit_code
        assert max(map(len, table.stdout.splitlines())) <= 80
    assert json.loads(mooring("host", "check", "--json", "--sysfs", str(recording)).stdout)["pfs"]


def test_a_config_that_is_not_there_is_an_error_and_no_bare_host(mooring: Mooring) -> None:
    result = mooring("host", "check", "--config", "/nowhere.toml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "/nowhere.toml: No such file" in result.stderr
