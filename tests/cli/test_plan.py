"""``mooring explain --inventory --request``: where a server would go, of hosts in a file and with no controller."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stage import Mooring

PF, VF, OTHER_VF = "0000:0a:00.0", "0000:0a:02.0", "0000:0a:02.1"
HOSTS = {
    "hosts": [
        {
            "name": "h1",
            "devices": [
                {"address": PF, "type": "PF", "physical_network": "physnet1", "state": "unavailable",
                 "is_offered": False},
                {"address": VF, "type": "VF", "parent": PF, "physical_network": "physnet1", "owner": "srv"},
                {"address": OTHER_VF, "type": "VF", "parent": PF, "physical_network": "physnet1", "numa_node": 1},
            ],
            "numa_sockets": {"0": 0, "1": 1},
        },
        {"name": "h2", "devices": []},
    ]
}  # fmt: skip
ONE_VF = {"id": "r1", "type": "VF", "physical_network": "physnet1"}


class Desk:
    """Somebody with two files."""

    def __init__(self, mooring: Mooring, folder: Path):
        self._mooring = mooring
        self.hosts, self.request = folder / "hosts.json", folder / "request.json"
        self.lay(HOSTS, ONE_VF)

    def lay(self, hosts: object, *requests: Mapping[str, object], **more: object) -> None:
        self.hosts.write_text(json.dumps(hosts))
        self.request.write_text(json.dumps({"requests": requests, **more}))

    def explain(self, *words: str) -> Any:
        return self._mooring("explain", "--inventory", str(self.hosts), "--request", str(self.request), *words)


@pytest.fixture
def desk(mooring: Mooring, tmp_path: Path) -> Desk:
    return Desk(mooring, tmp_path)


def test_a_yes_names_the_host_and_the_devices_and_ends_with_0(desk: Desk) -> None:
    result = desk.explain()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == ("yes: h1 would do\n\nHOST  ANSWER  DEVICES, OR WHY NOT\nh1    yes     r1: 0000:0a:02.1\n")


def test_a_yes_for_programs_is_the_promised_object(desk: Desk) -> None:
    result = desk.explain("--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"host": "h1", "devices": {"r1": [OTHER_VF]}}


def test_a_no_tells_each_host_and_the_nearest_miss_and_ends_with_1(desk: Desk) -> None:
    desk.lay(HOSTS, {**ONE_VF, "numa_policy": "required"}, numa_nodes=[0])
    result = desk.explain()
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[:2] == ["no: none of 2 hosts would do", "nearest: with numa policy preferred, h1 would do"]
    assert [line.split()[:3] for line in lines[4:] if line[0] == "h"] == [["h1", "no", "r1:"], ["h2", "no", "r1:"]]
    assert max(map(len, lines)) <= 80


def test_a_no_for_programs_is_the_promised_object(desk: Desk) -> None:
    desk.lay(HOSTS, {**ONE_VF, "physical_network": "physnet2"})
    result = desk.explain("--json")
    assert (result.exit_code, result.stderr) == (1, "")
    told = json.loads(result.stdout)
    assert set(told) == {"host", "hosts", "nearest_miss"}
    assert (told["host"], told["nearest_miss"]) == (None, "on physnet1, h1 would do")
    assert told["hosts"]["h1"] == [
        {"constraint": "physical_network", "request": "r1", "need": 1, "have": 0, "text": "free VFs on physnet1 only"}
    ]
    assert [lack["constraint"] for lack in told["hosts"]["h2"]] == ["type"]


def test_requests_that_fall_short_together_are_named_together(desk: Desk) -> None:
    desk.lay(HOSTS, ONE_VF, {**ONE_VF, "id": "r2"}, host="h1")
    assert "h1    no      r1, r2: 1 of 2 wanted VFs" in desk.explain().stdout


def test_a_server_without_devices_is_told_its_host(desk: Desk) -> None:
    desk.lay({"hosts": [{"name": "h1", "vcpus": 4}]}, vcpus=2)
    assert desk.explain().stdout.splitlines()[3].split() == ["h1", "yes", "no", "devices"]


def test_more_hosts_than_anybody_reads_are_counted(desk: Desk) -> None:
    desk.lay({"hosts": [{"name": f"h{n:03}"} for n in range(205)]}, ONE_VF)
    said = desk.explain().stdout
    assert said.endswith("and 5 more rows; --json has them all\n")
    assert len(json.loads(desk.explain("--json").stdout)["hosts"]) == 205


@pytest.mark.parametrize(
    ("hosts", "says"),
    [
        ("nonsense", "the inventory is no JSON: "),
        ("[]", "the inventory is no object"),
        ('{"hosts": [{"name": "h1", "devices": [{"address": "0000:0a:02.8", "type": "PF"}]}]}', "'0000:0a:02.8'"),
        (json.dumps({"hosts": [{"name": "h1", "devices": HOSTS["hosts"][0]["devices"][1:]}]}), f"the parent {PF}"),  # type: ignore[index]  # the object above
        ("\xff", "the inventory is no JSON: "),
        (b"\xff\xfe", "'utf-8' codec can't decode"),
        (b'{"hosts": "\xe9"}', "'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_is_refused_is_an_error_of_either_form(desk: Desk, hosts: str | bytes, says: str) -> None:
    desk.hosts.write_bytes(hosts if isinstance(hosts, bytes) else hosts.encode())
    result = desk.explain("--json")
    assert (result.exit_code, result.stderr) == (1, "")
    error = json.loads(result.stdout)["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == "InvalidInput"
    assert says in error["message"]
    assert error["hint"]
    plain = desk.explain()
    assert (plain.exit_code, plain.stdout) == (1, "")
    assert plain.stderr.startswith("mooring: ")
    assert "\nhint: " in plain.stderr


def test_a_request_that_is_refused_says_what_was_meant(desk: Desk) -> None:
    desk.lay(HOSTS, {**ONE_VF, "physnet": "physnet1"})
    assert desk.explain().stderr.splitlines() == [
        "mooring: request r1: 'physnet' is no key of it",
        "hint: did you mean physical_network?",
    ]


def test_a_file_that_is_not_there_is_an_error(desk: Desk) -> None:
    desk.hosts.unlink()
    assert "hosts.json: No such file" in desk.explain().stderr
    assert "hosts.json: No such file" in json.loads(desk.explain("--json").stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (["--inventory", "{hosts}"], "--inventory was given without --request", "a plan wants two files"),
        (["--request", "{request}"], "--request was given without --inventory", "a plan wants two files"),
        (["--inventory", "{hosts}", "--flavor", "small"], "--inventory was given without --request", "two files"),
        *(
            (["--inventory", "{hosts}", "--request", "{request}", option, "x"],
             f"{option} and --inventory were both given", "stands in the file of --request")
            for option in (
                "--flavor", "--image", "--nic", "--port", "--network", "--availability-zone", "--host", "--os-cloud",
            )
        ),
        ([], "--flavor was not given", "or plan with --inventory"),
        (["--inventory", "{hosts}", "--request"], "'--request' requires an argument", "mooring explain --help"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(
    desk: Desk, mooring: Mooring, words: list[str], says: str, hint: str
) -> None:
    result = mooring("explain", *(word.format(hosts=desk.hosts, request=desk.request) for word in words))
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert hint in result.stderr


def test_the_names_in_a_file_do_not_command_the_terminal(desk: Desk) -> None:
    name = "\x1b[31mred\u202e"
    desk.lay({"hosts": [{"name": name}]}, {**ONE_VF, "id": name, "physical_network": name})
    for said in (desk.explain().stdout, desk.explain("--json").stdout):
        assert "\x1b" not in said
        assert "\u202e" not in said
    desk.lay({"hosts": [{"name": name}]})
    assert desk.explain().stdout.startswith("yes: \\x1b[31mred\\u202e would do")
    desk.lay({"hosts": [{"name": name}, {"name": name}]})
    assert "host \\x1b[31mred\\u202e is there twice" in desk.explain().stderr
