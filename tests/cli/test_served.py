"""Commands against a controller that answers: every table at 80 columns, every JSON whole."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from mooring.service.hosts import host_of_key
from tests.cli.stage import Mooring, Served

TABLES = (
    "host list", "host show sim1", "host show sim3", "device list", "event list", "event list --limit 1000", "audit",
    "explain --flavor small --network blue",
    "explain --flavor small --nic net-id=green,vnic-type=direct --port web-mgmt",
)  # fmt: skip


@pytest.mark.parametrize("typed", TABLES)
def test_every_table_fits_80_columns(served: Served, typed: str) -> None:
    result = served.mooring(*typed.split())
    assert result.stderr == ""
    assert max(cell_len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize("typed", TABLES)
def test_every_table_is_there_as_json(served: Served, typed: str) -> None:
    assert json.loads(served.mooring(*typed.split(), "--json").stdout) is not None


def test_host_list_counts_what_is_used_and_the_free_vfs_of_each_physical_network(served: Served) -> None:
    lines = served.mooring("host", "list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "AGENT", "ZONE", "SERVERS", "VCPUS", "MEMORY,", "GIB", "FREE"]
    assert lines[2].split() == ["sim2", "alive", "nova", "0", "0/64", "0/256", "physnet1", "16/16"]
    assert sum(int(line.split()[3]) for line in lines[1:]) == 1


def test_host_show_counts_vfs_by_physical_network_and_state(served: Served) -> None:
    said = served.mooring("host", "show", "sim3").stdout
    assert "bridges     physnet2 by br-physnet2" in said
    assert ["physnet2", "2", "2", "available"] in [line.split() for line in said.splitlines()]
    assert "held back: device_spec entry 3 excludes it\n  0000:81:10.4, 0000:81:10.6\n" in said


def test_device_list_shows_owner_settings_and_state_of_each_vf(served: Served) -> None:
    devices = json.loads(served.mooring("device", "list", "--json").stdout)
    owned = next(one for one in devices if one["owner"])
    rows = [line.split() for line in served.mooring("device", "list").stdout.splitlines() if owned["address"] in line]
    mac = owned["observed"]["mac"]
    expected = [str(owned["vf_index"]), owned["address"], "in-use", mac, "100", "on", "db"]
    assert expected in rows


def test_device_list_puts_each_vf_below_its_pf(served: Served) -> None:
    said = served.mooring("device", "list", "--host", "sim3").stdout
    assert said.count("host ") == 1
    of_second = said.partition("ens99f0  0000:81:00.0  igb  physnet2")[2].partition("ens99f1  ")[0]
    assert [line.split()[1] for line in of_second.splitlines()[2:6]] == [
        "0000:81:10.0", "0000:81:10.2", "0000:81:10.4", "0000:81:10.6",
    ]  # fmt: skip


def test_a_host_that_is_not_known_is_an_error_with_a_hint(served: Served) -> None:
    for words in (("host", "show", "nowhere"), ("device", "list", "--host", "nowhere"), ("host", "remove", "a/../b")):
        result = served.mooring(*words)
        assert result.exit_code == 1
        assert "could not be found" in result.stderr
        assert "hint: " in result.stderr


def test_a_key_is_shown_once_and_ends_with_the_next_one(served: Served) -> None:
    added = served.mooring("host", "add", "node1")
    first = added.stdout.splitlines()[2].strip()
    assert served.cloud.controller.store.read_now(lambda tx: host_of_key(tx, f"Bearer {first}")).name == "node1"
    assert f'controller = "{served.url}"' in added.stdout
    assert "/etc/mooring/agent.key" in added.stdout
    assert first not in served.mooring("host", "show", "node1", "--json").stdout
    second = json.loads(served.mooring("host", "rekey", "node1", "--json").stdout)["key"]
    assert second != first
    assert served.cloud.controller.store.read_now(lambda tx: host_of_key(tx, f"Bearer {second}")).name == "node1"
    assert served.mooring("host", "remove", "node1").stdout == "host node1 is forgotten\n"
    assert served.mooring("host", "show", "node1").exit_code == 1


def test_key_out_writes_the_key_for_its_owner_only_and_prints_it_nowhere(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "node2.key"
    said = served.mooring("host", "add", "node2", "--key-out", str(path), "--json").stdout
    key = path.read_text().strip()
    assert served.cloud.controller.store.read_now(lambda tx: host_of_key(tx, f"Bearer {key}")).name == "node2"
    assert path.stat().st_mode & 0o777 == 0o600
    assert key not in said
    assert json.loads(said)["key_file"] == str(path)
    served.mooring("host", "remove", "node2")


def test_key_out_never_replaces_a_file_and_then_asks_for_no_key(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("precious")
    result = served.mooring("host", "add", "node3", "--key-out", str(path))
    assert result.exit_code == 1
    assert path.read_text() == "precious"
    assert served.mooring("host", "show", "node3").exit_code == 1


def test_key_out_leaves_no_empty_file_when_the_controller_refuses(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "never"
    assert served.mooring("host", "rekey", "nowhere", "--key-out", str(path)).exit_code == 1
    assert not path.exists()


def test_a_hostile_zone_is_shown_as_text(served: Served) -> None:
    served.mooring("host", "add", "node4", "--zone", "\x1b[31mred\u202e")
    said = served.mooring("host", "show", "node4").stdout
    assert "zone        \\x1b[31mred\\u202e" in said
    assert "\x1b" not in said
    served.mooring("host", "remove", "node4")


def test_explain_says_yes_with_the_devices_of_each_nic_and_exits_0(served: Served) -> None:
    result = served.mooring(
        "explain", "--flavor", "small", "--image", "debian", "--nic", "port-id=web-mgmt",
        "--nic", "net-id=blue,vnic-type=direct",
    )  # fmt: skip
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "yes: 1 host would do"
    assert lines[3].split() == ["sim2", "yes", "port", "web-mgmt:", "no", "VF,", "bound", "by", "linuxbridge"]
    assert lines[4].split()[:3] == ["network", "blue:", "0000:3b:02.0,"]


def test_explain_shows_each_nic_that_a_pci_group_counts(served: Served) -> None:
    group = {"name": "cards", "selectors": [{"vendor_id": "8086"}]}
    served.client.post("/mooring/v1/pci-groups", {"pci_group": group})
    nics = ("--nic", "net-id=blue,pci-group=cards:2", "--nic", "port-id=web-mgmt")
    said = served.mooring("explain", "--flavor", "small", *nics).stdout.splitlines()
    assert ["network blue:" in line for line in said[3:6]] == [True, True, False]
    assert "port web-mgmt: no VF" in said[5]


def test_explain_says_no_with_the_reason_of_each_host_and_exits_1(served: Served) -> None:
    result = served.mooring(
        "explain", "--flavor", "small", "--network", "blue", "--nic", "net-id=green,vnic-type=direct"
    )
    assert result.exit_code == 1
    assert result.stdout.startswith("no: No valid host was found. 3 hosts: ")
    assert "network blue cannot be bound" in " ".join(result.stdout.split())
    assert all(name in result.stdout for name in ("sim1", "sim2", "sim3"))


def test_explain_of_a_member_tells_counts_and_no_host(served: Served) -> None:
    served.client.post("/compute/v2.1/flavors", {"flavor": {"name": "huge", "ram": 10**6, "vcpus": 2, "disk": 1}})
    result = served.member()("explain", "--flavor", "huge", "--nic", "none")
    assert result.exit_code == 1
    assert result.stdout.startswith("no: No valid host was found. 3 hosts: ")
    assert "sim" not in result.stdout


def test_explain_leaves_nothing_behind(served: Served) -> None:
    def ports() -> int:
        return len(served.client.get("/network/v2.0/ports")["ports"])

    before = ports()
    assert served.mooring("explain", "--flavor", "small", "--nic", "net-id=blue,vnic-type=direct").exit_code == 0
    assert ports() == before


@pytest.mark.parametrize(
    ("options", "says", "hint"),
    [
        ("--flavor smal", "flavor smal could not be found", "openstack flavor list"),
        ("--flavor small --network nowhere", "network nowhere could not be found", "openstack network list"),
        ("--flavor small --image nothing", "image nothing could not be found", "openstack image list"),
        ("--flavor small --port twin", "2 ports are named twin", "give the id: "),
        ("--flavor small --nic netid=blue", "'netid' is no key of a nic", "did you mean net-id?"),
        ("--flavor small --nic colour=blue", "'colour' is no key of a nic", "known: net-id"),
        ("--flavor small --nic net-id=", "net-id has no value", "net-id=VALUE"),
        ("--flavor small --nic net-id=a,net-id=b", "net-id is given twice", "one --nic for each nic"),
        ("--flavor small --nic net-id=a,port-id=b", "both a network and a port", "net-id=NET or port-id=PORT"),
        ("--flavor small --nic vnic-type=direct", "neither a network nor a port", "net-id=NET or port-id=PORT"),
        (
            "--flavor small --nic net-id=blue,pci-group=nowhere",
            "PCI group nowhere could not be found",
            "pci-group list",
        ),
        ("--flavor small --nic net-id=blue,pci-flavor=fast:0", "'0' is not from 1 to 32", ""),
        ("--flavor small --nic none --network blue", "none stands beside another nic", "none is said of all"),
        ("--flavor small --nic net-id=blue,vnic-type=sriow", "sriow", "direct"),
        ("--flavor small --port db-data", "still in use", ""),
    ],
)
def test_explain_refuses_what_is_wrong_by_name(served: Served, options: str, says: str, hint: str) -> None:
    result = served.mooring("explain", *options.split())
    assert result.exit_code == 1
    assert says in result.stderr
    assert hint in result.stderr
    assert result.stdout == ""


def test_explain_with_json_is_the_whole_answer(served: Served) -> None:
    answer = json.loads(served.mooring("explain", "--flavor", "small", "--nic", "none", "--json").stdout)
    assert answer["is_possible"]
    assert {host["host"] for host in answer["hosts"]} == {"sim1", "sim2", "sim3"}


def test_audit_of_a_sound_cloud_finds_nothing_and_exits_0(served: Served) -> None:
    result = served.mooring("audit")
    assert (result.exit_code, result.stdout) == (0, "no findings\n")


def test_events_are_listed_in_order_and_go_on_after_since(served: Served) -> None:
    first = json.loads(served.mooring("event", "list", "--limit", "3", "--since", "0", "--json").stdout)
    numbers = [one["sequence"] for one in first]
    rest = json.loads(served.mooring("event", "list", "--limit", "1", "--since", str(numbers[1]), "--json").stdout)
    assert numbers == sorted(numbers)
    assert [one["sequence"] for one in rest] == [numbers[2]]
    assert "server.active" in served.mooring("event", "list", "--limit", "1000", "--since", "0").stdout


def test_one_who_is_no_admin_is_told_so(served: Served) -> None:
    result = served.member()("host", "list")
    assert result.exit_code == 1
    assert result.stderr == (
        "mooring: this needs the role admin (mooring:hosts)\nhint: use a cloud whose user has the role admin\n"
    )


def test_a_wrong_password_is_told_apart_from_a_silent_controller(served: Served) -> None:
    auth = {"OS_AUTH_URL": f"{served.url}/identity/v3", "OS_USERNAME": "admin", "OS_PASSWORD": "wrong"}
    result = Mooring(auth)("host", "list")
    assert result.exit_code == 1
    assert "does not take the login of admin" in result.stderr
