"""A setting that is wrong is an error that names the key, the value and what would do."""

from pathlib import Path

import pytest

from mooring.config import AgentConfig, ControllerConfig, load_agent, load_controller
from mooring.errors import Invalid


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("[controller]\nlistn = 'x'", "unknown key listn", "did you mean listen?"),
        ("[controler]\nlisten = 'x'", "unknown key controler", "did you mean controller?"),
        ("[controller]\nzzz = 1", "unknown key zzz", "known: "),
        ("controller = 1", "[controller] is not a table", "on a line of its own"),
        ("[controller]\nlisten = 8780", "listen = 8780 is not text", "Address and port"),
        ("[controller]\ntoken_ttl_s = '60'", "token_ttl_s = '60' is not a number", "in seconds"),
        ("[controller]\ntoken_ttl_s = true", "token_ttl_s = True is not a number", "in seconds"),
        ("[controller]\ntoken_ttl_s = 1.5", "token_ttl_s = 1.5 is not a number", "in seconds"),
        ("[controller]\ntoken_ttl_s = 59", "token_ttl_s = 59 is out of range", "From 60 to 86400"),
        ("[controller]\ntoken_ttl_s = 86401", "token_ttl_s = 86401 is out of range", "From 60 to 86400"),
        ("[controller]\nmechanism_drivers = 'x'", "mechanism_drivers = 'x' is not a list of texts", "in this order"),
        ("[controller]\nmechanism_drivers = [1]", "mechanism_drivers = [1] is not a list of texts", "in this order"),
        ("[controller]\nlog_format = 'xml'", "log_format = 'xml' is not one of them", "text, json"),
        ("[controller]\ndefault_vnic_type = 'sriov'", "default_vnic_type = 'sriov'", "normal, direct, macvtap"),
        ("[controller]\nglobal_physnet_mtu = 67", "global_physnet_mtu = 67 is out of range", "From 68 to 65535"),
        ("[controller.physical_network_mtus]\na = 'x'", "= {'a': 'x'} is not a table of numbers", "Physical network"),
        ("[controller.physical_network_mtus]\na = true", "= {'a': True} is not a table of numbers", "Physical network"),
        ("[controller.physical_network_mtus]\na = 67", "= {'a': 67} is out of range", "From 68 to 65535"),
        ("[controller]\nbind_wait_s = 0.01", "bind_wait_s = 0.01 is out of range", "From 0.05 to 10"),
        ("[controller]\ndriver = 7", "driver = 7 is not a table of tables", "[controller.driver.NAME]"),
        ("[controller.driver]\nacme = 7", "driver = {'acme': 7} is not a table of tables", "[controller.driver.NAME]"),
        ("[controller]\nquotas = 7", "[controller.quotas] is not a table", "on a line of its own"),
        ("[controller.ucsm]\nverify = 'no'", "[controller.ucsm]: verify = 'no' is not true or false", "certificate"),
        ("[controller.ucsm]\nhost_network_io = 'low'", "host_network_io = 'low' is not one", "high-perf-reqd, none"),
        ("[controller.quotas]\nprt = 7", "[controller.quotas]: unknown key prt", "did you mean port?"),
        ("[controller.quotas]\nport = -2", "[controller.quotas]: port = -2 is out of range", "From -1 to"),
        ("[controller\n", "settings.toml", "the file is TOML"),
    ],
)
def test_a_wrong_setting_of_the_controller_is_refused(text: str, words: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        load_controller(written(tmp_path, text))
    assert words in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[agent]\nkeyfile = 'x'", "unknown key keyfile"),
        ("[agent]\nbridge_mappings = 'x'", "bridge_mappings = 'x' is not a table of texts"),
        ("[agent.bridge_mappings]\nphysnet1 = 1", "is not a table of texts"),
        ("[agent]\nreport_interval_s = 61", "report_interval_s = 61 is out of range"),
        ("device_spec = 'x'", "device_spec is not a list of tables"),
        ("[device_spec]\npf = 'x'", "device_spec is not a list of tables"),
        ("[[device_specs]]\npf = 'x'", "unknown key device_specs"),
    ],
)
def test_a_wrong_setting_of_an_agent_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        load_agent(written(tmp_path, text))
    assert words in refused.value.message


def test_a_file_that_is_not_there_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file") as refused:
        load_controller(tmp_path / "nowhere.toml")
    assert "--config" in refused.value.hint


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    assert load_controller(path) == ControllerConfig()
    assert load_agent(path).agent == AgentConfig()


def test_what_is_written_is_what_holds(tmp_path: Path) -> None:
    text = "[controller]\ntoken_ttl_s = 600\ncpu_allocation_ratio = 2\nmechanism_drivers = ['linuxbridge']\n"
    config = load_controller(written(tmp_path, text))
    assert (config.token_ttl_s, config.cpu_allocation_ratio) == (600, 2.0)
    assert config.mechanism_drivers == ("linuxbridge",)


SPECS = """\
[agent]
state = "/x"

[[device_spec]]    # the first
pf = "ens1f0"
  "vfs" = "0-3"

[[ 'device_spec' ]]
exclude = true
address = 'x'
"""


def test_an_agents_file_tells_the_line_of_each_entry_and_of_its_keys(tmp_path: Path) -> None:
    path = written(tmp_path, SPECS)
    file = load_agent(path)
    assert file.device_spec_lines == ({"": 4, "pf": 5, "vfs": 6}, {"": 8, "exclude": 9, "address": 10})
    assert file.path == path


def test_lines_are_left_out_where_they_cannot_be_told(tmp_path: Path) -> None:
    for text in ('device_spec = [{pf = "x"}]', '[[device_spec]]\npf = """\n[[device_spec]]\n"""'):
        file = load_agent(written(tmp_path, text))
        assert (len(file.device_specs), file.device_spec_lines) == (1, ())


def test_a_file_that_nests_too_deep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"settings\.toml"):
        load_agent(written(tmp_path, "x = " + "[" * 5000))


def test_options_of_a_mechanism_driver_are_handed_on_as_they_stand(tmp_path: Path) -> None:
    text = '[controller.driver.acme]\nvlans = [1, 2]\n[controller.driver.acme.racks]\nwest = "r7"\n'
    assert load_controller(written(tmp_path, text)).driver == {"acme": {"vlans": [1, 2], "racks": {"west": "r7"}}}
