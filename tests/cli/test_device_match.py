"""``mooring device match``: what a spec would hand out, in tables and for programs."""

import json
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.cli.device_match import limited
from mooring.errors import Invalid
from mooring.testing.hosts import DEVICES as NO_NICS
from mooring.testing.sysfs_tree import build
from tests.cli.stage import Mooring

SPEC = """\
[[device_spec]]
pf = "ens99f1"
vfs = "0-2"
physical_network = "physnet2"
trusted = true
tags = ["gold"]

[[device_spec]]
address = "0000:81:10.1"
exclude = true

[[device_spec]]
pf = "ens5"
physical_network = "physnet1"
"""
PF, VF, OTHER_VF = "0000:0a:00.1", "0000:0a:02.3", "0000:0a:02.4"
DEVICES = {
    "devices": [
        {"address": PF, "vendor_id": "8086", "product_id": "1572"},
        {"address": VF, "vendor_id": "8086", "product_id": "154c", "parent_addr": PF},
        {"address": OTHER_VF, "vendor_id": "8086", "product_id": "154c", "parent_addr": PF},
    ],
    "interfaces": {"eth0": [PF, True]},
}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return written(tmp_path / "agent.toml", SPEC)


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    return written(tmp_path / "devices.json", json.dumps(DEVICES))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def answer(mooring: Mooring, *words: str | Path, exit_code: int = 0) -> Mapping[str, object]:
    result = mooring("device", "match", "--json", *map(str, words))
    assert (result.exit_code, result.stderr) == (exit_code, "")
    told: Mapping[str, object] = json.loads(result.stdout)
    return told


def test_a_pf_and_its_vf_numbers_are_enough_on_a_card_whose_ports_interleave(
    mooring: Mooring, recording: Path, spec: Path
) -> None:
    told = answer(mooring, "--spec", spec, "--sysfs", recording)
    assert told == {"match": ["0000:81:10.3", "0000:81:10.5"], "by": {"0000:81:10.3": 0, "0000:81:10.5": 0}}


def test_the_table_says_which_entry_decided_and_why_none(mooring: Mooring, recording: Path, spec: Path) -> None:
    result = mooring("device", "match", "--spec", str(spec), "--sysfs", str(recording))
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    said = " ".join(result.stdout.split())
    assert "0000:81:10.3 ens99f1v1 yes physnet2 trusted, gold 1 (line 1)" in said
    assert "0000:81:10.1 ens99f1v0 - - - 2 (line 8)" in said
    assert "not handed out: device_spec entry 2 excludes it 0000:81:10.1" in said
    assert "nearest is entry 1: it wants other VFs, not 3 0000:81:10.7" in said
    assert "entry 3 (line 12) decides nothing here" in said
    assert said.endswith("15 devices, 2 of them handed out")


def test_a_spec_is_tried_on_devices_in_a_file(mooring: Mooring, devices: Path, tmp_path: Path) -> None:
    spec = written(tmp_path / "s.toml", '[[device_spec]]\npf = "eth0"\nvfs = "1"\nphysical_network = "p"\n')
    assert answer(mooring, "--spec", spec, "--devices", devices) == {"match": [OTHER_VF], "by": {OTHER_VF: 0}}


@pytest.mark.parametrize(
    ("text", "match", "by"),
    [
        ('{"address": "0000:0a:02.3"}', [VF], {VF: 0}),
        ('[{"address": ".4"}, {"devname": "eth0"}]', [PF, VF, OTHER_VF], {PF: 1, VF: 1, OTHER_VF: 0}),
        ('[pci]\ndevice_spec = {"product_id": "1572"}\n', [PF], {PF: 0}),
        ("[]", [], {}),
    ],
)
def test_novas_own_spelling_has_novas_own_meaning(
    mooring: Mooring, devices: Path, tmp_path: Path, text: str, match: list[str], by: Mapping[str, int]
) -> None:
    spec = written(tmp_path / "nova", text)
    assert answer(mooring, "--spec", spec, "--nova", "--devices", devices) == {"match": match, "by": by}


def test_nova_hands_out_a_pf_of_a_recording_with_its_vfs(mooring: Mooring, recording: Path, tmp_path: Path) -> None:
    spec = written(tmp_path / "nova.json", '{"address": "0000:81:00.1", "physical_network": "p"}')
    told = answer(mooring, "--spec", spec, "--nova", "--sysfs", recording)
    assert told["match"] == ["0000:81:00.1", "0000:81:10.1", "0000:81:10.3", "0000:81:10.5", "0000:81:10.7"]
    shown = mooring("device", "match", "--spec", str(spec), "--nova", "--sysfs", str(recording)).stdout
    assert "15 devices, 5 of them handed out" in shown


@pytest.mark.parametrize(
    ("text", "is_nova", "code", "says"),
    [
        ('[[device_spec]]\npf = "eth0"\nvsf = "0"\n', False, "InvalidInput", "unknown key 'vsf' (line 3)"),
        ('[[device_spec]]\naddress = "0a:0*.3"\nexclude = true\n', False, "InvalidInput", "(line 2)"),
        ("[[device_spec]]\nexclude = true\n", False, "InvalidInput", "it selects nothing (line 1)"),
        ('{"address": "0a:0*.3"}', True, "PciConfigInvalidSpec", "entry 1: slot = '0*' is no hex number"),
        ('{"vendor_id": 86}', True, "AttributeError", "Nova breaks on it"),
        ("{", True, "PciConfigInvalidSpec", "no device_spec of Nova"),
        ("\xff", True, "PciConfigInvalidSpec", "no device_spec of Nova"),
    ],
)
def test_a_refused_spec_is_an_error_object_and_exit_code_1(
    mooring: Mooring, devices: Path, tmp_path: Path, text: str, is_nova: bool, code: str, says: str
) -> None:
    spec = written(tmp_path / "spec", text)
    words: list[str | Path] = ["--spec", spec, "--devices", devices, *(["--nova"] if is_nova else [])]
    error = answer(mooring, *words, exit_code=1)["error"]
    assert isinstance(error, dict)
    assert error["code"] == code
    assert says in error["message"]
    plain = mooring("device", "match", *map(str, words))
    assert (plain.exit_code, plain.stdout) == (1, "")
    assert plain.stderr.startswith("mooring: ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--spec", "{spec}"], "one of --sysfs and --devices is needed"),
        (["--spec", "{spec}", "--sysfs", "/sys", "--devices", "{devices}"], "both given"),
        (["--spec", "{spec}", "--devices", "/nowhere"], "/nowhere: No such file"),
        (["--spec", "/nowhere", "--devices", "{devices}"], "/nowhere: No such file"),
        (["--spec", "/nowhere", "--nova", "--devices", "{devices}"], "/nowhere: No such file"),
        (["--spec", "{spec}", "--sysfs", "/nowhere"], "/nowhere could not be found"),
        (["--spec", "{spec}", "--devices", "{spec}"], "the devices are no JSON"),
        (["--spec", "{spec}", "--devices", "{devices}", "--against", "a", "--against-nova", "b"], "were both given"),
        (["--devices", "{devices}"], "missing option '--spec'"),
    ],
)
def test_a_wrong_use_is_refused(mooring: Mooring, spec: Path, devices: Path, words: list[str], says: str) -> None:
    result = mooring("device", "match", *(word.format(spec=spec, devices=devices) for word in words))
    assert result.exit_code == 1
    assert says in result.stderr


def test_a_preview_prints_only_what_changes(mooring: Mooring, recording: Path, spec: Path, tmp_path: Path) -> None:
    new = written(tmp_path / "new.toml", SPEC.replace('"0-2"', '"1,3"').replace('\ntags = ["gold"]', ""))
    words = ["device", "match", "--spec", str(new), "--against", str(spec), "--sysfs", str(recording)]
    said = " ".join(mooring(*words).stdout.split())
    assert "0000:81:10.7 ens99f1v3 - physnet2, trusted, entry 1 (line 1)" in said
    assert "not handed out any more: no device_spec matches; nearest is entry 1: it wants other VFs" in said
    assert said.endswith("3 devices of 15: 1 more handed out, 1 no longer, 1 otherwise")
    assert "0000:01:10" not in said
    gift = {"physical_network": "physnet2", "trusted": True, "tags": ["gold"], "by": 0}
    assert answer(mooring, *words[2:]) == {
        "changes": [
            {"address": "0000:81:10.3", "before": gift, "after": {**gift, "tags": []}},
            {"address": "0000:81:10.5", "before": gift, "after": None},
            {"address": "0000:81:10.7", "before": None, "after": {**gift, "tags": []}},
        ]
    }


def test_a_preview_of_the_same_says_that_nothing_changes(mooring: Mooring, recording: Path, spec: Path) -> None:
    words = ["device", "match", "--spec", str(spec), "--against", str(spec), "--sysfs", str(recording)]
    assert mooring(*words).stdout == "nothing changes\n"


def test_a_move_from_nova_is_compared_with_what_nova_hands_out(mooring: Mooring, devices: Path, tmp_path: Path) -> None:
    old = written(tmp_path / "nova.conf", '[pci]\ndevice_spec = {"devname": "eth0", "physical_network": "p"}\n')
    new = written(tmp_path / "new.toml", '[[device_spec]]\npf = "eth0"\nphysical_network = "p"\n')
    told = answer(mooring, "--spec", new, "--against-nova", old, "--devices", devices)
    before = {"physical_network": "p", "trusted": False, "tags": [], "by": 0}
    assert told == {"changes": [{"address": PF, "before": before, "after": None}]}


def test_a_file_without_entries_hands_out_nothing_and_says_so(mooring: Mooring, devices: Path, tmp_path: Path) -> None:
    empty = written(tmp_path / "empty.toml", "")
    said = mooring("device", "match", "--spec", str(empty), "--devices", str(devices)).stdout
    assert "there is no device_spec entry, so that nothing is handed out" in said


def test_the_names_in_a_file_do_not_command_the_terminal(mooring: Mooring, tmp_path: Path, spec: Path) -> None:
    file = {"devices": DEVICES["devices"], "interfaces": {"\x1b[31meth0": [PF, True]}}
    devices = written(tmp_path / "d.json", json.dumps(file))
    said = mooring("device", "match", "--spec", str(spec), "--devices", str(devices)).stdout
    assert "\x1b" not in said
    assert "\\x1b[31meth0" in said.replace("\n", "")


def test_a_regular_expression_that_takes_for_ever_is_stopped_and_the_timer_with_it() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(Invalid, match=r"matching is not done after 0\.2 s"), limited(0.2):
        re.match("((0?){999}){999}z", "0000")
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == (before, (0.0, 0.0))


def test_list_with_a_spec_shows_trust_and_tags(mooring: Mooring, recording: Path, spec: Path) -> None:
    words = ["device", "list", "--sysfs", str(recording), "--spec", str(spec)]
    assert "yes trusted gold" in mooring(*words).stdout
    told = {one["address"]: one for one in json.loads(mooring(*words, "--json").stdout)}
    assert (told["0000:81:10.3"]["trusted"], told["0000:81:10.3"]["tags"]) == (True, ["gold"])
    assert (told["0000:81:10.7"]["trusted"], told["0000:81:10.7"]["tags"]) == (False, [])


def test_a_spec_of_what_is_no_nic_is_tried_on_a_tree(mooring: Mooring, tmp_path: Path) -> None:
    build(tmp_path / "sys", NO_NICS.ports)
    text = (
        '[[device_spec]]\nclass = "0302"\n[[device_spec]]\nclass = "12"\nproduct_id = "bcce"\n'
        '[[device_spec]]\naddress = "0000:65:00.0"\nphysical_network = "p"\n'
    )
    spec = written(tmp_path / "agent.toml", text)
    told = answer(mooring, "--spec", spec, "--sysfs", tmp_path / "sys")
    assert told == {"match": ["0000:17:00.0", "0000:b3:00.0"], "by": {"0000:17:00.0": 0, "0000:b3:00.0": 0}}
    said = " ".join(mooring("device", "match", "--spec", str(spec), "--sysfs", str(tmp_path / "sys")).stdout.split())
    assert "whole = true hands it out itself 0000:af:00.0" in said
    assert "entry 3 gives it a physical_network, and it is no NIC: leave that out 0000:65:00.0" in said
    assert said.endswith("9 devices, 2 of them handed out")


def test_novas_lines_are_about_every_device_and_the_rest_is_not_shown(mooring: Mooring, tmp_path: Path) -> None:
    build(tmp_path / "sys", NO_NICS.ports)
    spec = written(tmp_path / "nova.json", '{"vendor_id": "10de", "product_id": "1db4"}')
    told = answer(mooring, "--spec", spec, "--nova", "--sysfs", tmp_path / "sys")
    assert told["match"] == ["0000:17:00.0", "0000:b3:00.0"]
    shown = mooring("device", "match", "--spec", str(spec), "--nova", "--sysfs", str(tmp_path / "sys")).stdout
    assert "0000:65:00.0" not in shown
    assert "7 devices, 2 of them handed out" in shown
