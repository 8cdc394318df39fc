"""``mooring device list`` and ``show`` against a controller: filters, order, one function whole, and the watch."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from rich.cells import cell_len

from mooring.store.devices import DEVICES
from mooring.store.tx import Event, Tx
from mooring.testing.client import wait_until
from tests.cli.stage import NO_CLOUD, Mooring, Served

WAIT_S = 20.0
TABLES = (
    "device list --physnet physnet1 --host sim2 --each", "device list --sort state:desc --sort address",
    "device list --sort iommu_group --kind VF", "device list --free", "device list --host sim1 --kind PF",
    "device list --server db", "device list --numa 1 --numa none", "device show sim2 0000:3b:02.5",
)  # fmt: skip


def ids(served: Served, typed: str) -> list[str]:
    return [one["id"] for one in json.loads(served.mooring("device", "list", *typed.split(), "--json").stdout)]


@pytest.mark.parametrize("typed", TABLES)
def test_every_list_fits_80_columns(served: Served, typed: str) -> None:
    result = served.mooring(*typed.split())
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(cell_len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("--host sim2", "host=sim2"),
        ("--host sim2 --host sim3 --kind pf", "host=sim2&host=sim3&kind=PF"),
        ("--address 0000:3b:02.5", "address=0000:3b:02.5"),
        ("--state available", "state=available"),
        ("--free", "state=available"),
        ("--physnet physnet2", "physical_network=physnet2"),
        ("--physnet none", "physical_network="),
        ("--group none", "group="),
        ("--vendor 8086 --product 154c", "vendor_id=8086&product_id=154c"),
        ("--numa none", "numa_node="),
        ("--untrusted", "trusted=false"),
        ("--trusted", "trusted=true"),
        ("--driver igbvf", "driver=igbvf"),
        ("--pf ens2f0", "pf_netdev=ens2f0"),
        ("--pf 3b:00.0", "pf=3b:00.0"),
        ("--server db", "server_name=db"),
        ("--tag gold", "tag=gold"),
        ("--feature rx", "feature=rx"),
    ],
)
def test_options_list_what_the_filters_of_the_api_list(served: Served, typed: str, query: str) -> None:
    found = served.client.get(f"/mooring/v1/pci-devices?{query}")["pci_devices"]
    assert ids(served, typed) == [one["id"] for one in found]


def test_a_server_is_named_by_id_too_and_a_project_by_name(served: Served) -> None:
    (ident,) = ids(served, "--server db")
    owner = served.client.get(f"/mooring/v1/pci-devices/{ident}")["pci_device"]["owner"]
    assert ids(served, f"--server {owner['server_id']}") == [ident]
    assert ident in ids(served, "--project admin")


@pytest.mark.parametrize(
    ("typed", "says", "hint"),
    [
        ("list --state free", "state='free' is not known", "available"),
        ("list --sort colour", "sort_key='colour' is not known", "physical_network"),
        ("list --sort host:down", "sort_dir='down' is not known", "asc, desc"),
        ("list --numa x", "numa_node='x'", ""),
        ("list --group nothing", "PCI group nothing could not be found", "pci-group list"),
        ("list --project nobody", "project nobody could not be found", "project list"),
        ("list --free --state in-use", "--free and --state were both given", "--state available"),
        ("list --pf ens2f0 --pf 3b:00.0", "addresses and names", "only"),
        ("list --watch --sort host", "--watch and --sort were both given", ""),
        ("list --tag a --sysfs /sys", "--tag and --sysfs were both given", ""),
        ("list --untrusted --sysfs /sys", "--untrusted and --sysfs were both given", ""),
        ("list --watch --host nowhere", "host nowhere could not be found", "host list"),
        ("show nobody", "device nobody could not be found", "device list"),
        ("show sim1 0000:00:00.0", "0000:00:00.0 of host sim1 could not be found", "device list --host sim1"),
        ("show sim1 zz", "address='zz'", ""),
        ("show a b c", "3 words were given", "HOST ADDRESS"),
    ],
)
def test_what_cannot_be_listed_is_refused_by_name(served: Served, typed: str, says: str, hint: str) -> None:
    result = served.mooring("device", *typed.split())
    assert result.exit_code == 1
    assert says in result.stderr
    assert hint in result.stderr
    assert result.stdout == ""


def test_nothing_is_told_in_words(served: Served) -> None:
    assert served.mooring("device", "list", "--tag", "nowhere").stdout == "no function is like that\n"


def test_what_is_free_is_counted_at_the_end_unless_the_filters_speak_of_use(served: Served) -> None:
    assert "FREE  16 of 16; 16 of 16 on physnet1" in served.mooring("device", "list", "--host", "sim2").stdout
    for typed in ("--free", "--state available", "--server db", "--project admin"):
        assert "FREE" not in served.mooring("device", "list", *typed.split()).stdout


def test_a_sorted_list_is_one_table_in_that_order_with_what_it_is_sorted_by(served: Served) -> None:
    lines = served.mooring("device", "list", "--host", "sim2", "--sort", "vf_index:desc").stdout.splitlines()
    assert lines[0].split()[6:8] == ["VF", "GROUPS"]
    assert [line.split()[1] for line in lines[1:3]] == ["0000:3b:03.7", "0000:3b:03.6"]
    assert lines[-1] == "17 functions"


def test_one_function_is_shown_by_host_and_address_and_by_id_alike(served: Served) -> None:
    (ident,) = ids(served, "--server db")
    one = json.loads(served.mooring("device", "show", ident, "--json").stdout)
    by_address = served.mooring("device", "show", one["host"], one["address"].removeprefix("0000:"))
    assert by_address.stdout == served.mooring("device", "show", ident).stdout
    facts = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in by_address.stdout.splitlines() if "  " in line)
    assert (facts["owner"], facts["state"], facts["VLAN"]) == ("db", "in-use", "100, priority 0, 802.1q")
    assert facts["port"] == one["owner"]["port_id"]


def test_a_list_of_many_pages_is_fetched_whole(served: Served) -> None:
    whole = ids(served, "")
    pages = served.client.pages("/mooring/v1/pci-devices", "pci_devices", {"limit": 7})
    assert [one["id"] for page in pages for one in page["pci_devices"]] == whole
    assert len(whole) > 21


# --- the watch ------------------------------------------------------------------------------------------------


def environment(mooring: Mooring) -> dict[str, str]:
    told = {**os.environ, **NO_CLOUD, **mooring.environment, "COLUMNS": "80", "LINES": "60", "TERM": "xterm"}
    return {name: value for name, value in told.items() if value is not None}


@contextmanager
def running(served: Served, *words: str, out: int | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "mooring", "device", "list", "--watch", *words]
    told = environment(served.mooring)
    with subprocess.Popen(command, stdout=out or subprocess.PIPE, stderr=subprocess.PIPE, env=told) as process:
        try:
            yield process
        finally:
            process.kill()


def regroup(served: Served, address: str) -> int:
    """Something about a VF of sim2 that no other test looks at changes, and that is told."""

    def story(tx: Tx) -> int:
        device = DEVICES.first(tx, host="sim2", address=address)
        assert device is not None
        changed = DEVICES.update(tx, replace(device, iommu_group=(device.iommu_group or 0) + 1000))
        tx.tell(Event("device.regrouped", device.id))
        return changed.iommu_group or 0

    return served.cloud.controller.store.write_now(story)


class Lines:
    """What a process prints, line by line as it comes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._fd = process.stdout.fileno()
        self._read = b""

    def line(self, words: str = "") -> str:
        """The next one with these words; what was read where there is none in time."""
        deadline_s = time.monotonic() + WAIT_S
        while True:
            *lines, rest = self._read.split(b"\n")
            for number, line in enumerate(lines):
                if words.encode() in line:
                    self._read = b"\n".join([*lines[number + 1 :], rest])
                    return line.decode()
            assert time.monotonic() < deadline_s, f"no line with {words!r} in {self._read!r}"
            if select.select([self._fd], [], [], 0.2)[0]:
                self._read += os.read(self._fd, 65_536)


def test_a_watch_without_a_terminal_lists_and_then_adds_a_line_for_each_change(served: Served) -> None:
    with running(served, "--host", "sim2") as process:
        lines = Lines(process)
        lines.line("0-15")
        regroup(served, "0000:3b:02.5")
        line = lines.line("0000:3b:02.5")
        assert line.split()[1:] == ["sim2", "0000:3b:02.5", "available"]
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130
        assert process.stderr is not None
        assert process.stderr.read().strip() == b""


def test_a_watch_for_programs_is_an_object_a_line(served: Served) -> None:
    with running(served, "--host", "sim2", "--kind", "VF", "--json") as process:
        lines = Lines(process)
        first = [json.loads(lines.line()) for _ in range(16)]
        assert {one["address"] for one in first} >= {"0000:3b:02.5"}
        group = regroup(served, "0000:3b:02.6")
        changed = json.loads(lines.line("0000:3b:02.6"))
        assert changed["iommu_group"] == group
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130


def test_a_watch_on_a_terminal_paints_in_place(served: Served) -> None:
    ours, theirs = pty.openpty()
    try:
        with running(served, "--host", "sim2", out=theirs) as process:
            painted = b""
            deadline_s = time.monotonic() + WAIT_S
            while b"FREE" not in painted or b"0-15" not in painted:
                assert time.monotonic() < deadline_s, painted
                if select.select([ours], [], [], 0.2)[0]:
                    painted += os.read(ours, 65_536)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130
    finally:
        os.close(theirs)
        os.close(ours)
    assert b"\x1b[?25l" in painted, "the cursor is hidden while it paints"
    assert b"\x1b[32mavailable" in painted


def test_a_watcher_who_goes_away_is_forgotten(served: Served) -> None:
    streams = served.cloud.controller.streams
    before = streams.watchers()
    stream = served.client.stream("/mooring/v1/pci-devices", {"watch": "true"})
    assert next(stream).data == ""
    wait_until(lambda: streams.watchers() == before + 1, WAIT_S, "the watch began")
    stream.close()

    def is_forgotten() -> bool:
        regroup(served, "0000:3b:02.7")
        return streams.watchers() <= before

    wait_until(is_forgotten, WAIT_S, "the watch ended", pause_s=0.3)


def test_a_member_may_not_watch(served: Served) -> None:
    result = served.member()("device", "list", "--watch")
    assert result.exit_code == 1
    assert "mooring:pci-devices" in result.stderr
