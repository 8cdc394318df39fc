"""What ``mooring explain`` tells of a cloud in which much is in use: devices, reasons, the nearest miss."""

import json

import pytest
from rich.cells import cell_len

from tests.cli.stage import Served

WISHES = (
    "--flavor small --network blue", "--flavor small --port quick", "--flavor small --port trusted",
    "--flavor small --port whole", "--flavor one-gpu --nic none", "--flavor two-gpus --port quick",
    "--flavor near-gpu --nic none", "--flavor wants-ssd --nic none", "--flavor roomy --nic none",
    "--flavor small --nic net-id=green,vnic-type=direct --nic net-id=green,vnic-type=direct",
)  # fmt: skip


def rows_of(said: str) -> list[str]:
    """The rows of the table, with one space between words; the lines of a folded row as one."""
    rows: list[str] = []
    for line in said.partition("HOST ")[2].splitlines()[1:]:
        words = " ".join(line.split())
        if line.startswith(" ") and rows:
            rows[-1] += f" {words}"
        else:
            rows.append(words)
    return rows


@pytest.mark.parametrize("words", WISHES)
def test_every_answer_fits_80_columns_and_is_there_as_json(busy: Served, words: str) -> None:
    result = busy.mooring("explain", *words.split())
    assert result.stderr == ""
    assert max(map(cell_len, result.stdout.splitlines())) <= 80
    told = json.loads(busy.mooring("explain", *words.split(), "--json").stdout)
    assert result.exit_code == int(not told["is_possible"])
    assert len(rows_of(result.stdout)) == len(told["hosts"])


def test_devices_that_a_flavor_asks_for_are_told_by_pci_group(busy: Served) -> None:
    result = busy.mooring("explain", "--flavor", "two-gpus", "--nic", "none")
    assert result.stdout.startswith("yes: 1 host would do\n")
    assert rows_of(result.stdout)[0] == "gpus2 yes PCI group gpu: 0000:17:00.0, 0000:b3:00.0"


def test_devices_of_ports_and_of_flavors_are_told_one_below_the_other(busy: Served) -> None:
    said = busy.mooring("explain", "--flavor", "one-gpu", "--nic", "net-id=blue,vnic-type=direct").stdout
    first, second = said.splitlines()[3:5]
    assert first.split()[:6] == ["gpus2", "yes", "network", "blue:", "0000:3b:02.0,", "bound"]
    assert second.split() == ["PCI", "group", "gpu:", "0000:17:00.0"]


def test_the_nodes_of_a_guests_cells_are_told(busy: Served) -> None:
    said = busy.mooring("explain", "--flavor", "near-gpu", "--nic", "none").stdout
    assert rows_of(said)[0] == "gpus1 yes PCI group gpu: 0000:b3:00.0 the guest's cells on NUMA node 1"


def test_a_no_tells_the_nearest_miss_with_its_host(busy: Served) -> None:
    result = busy.mooring("explain", "--flavor", "small", "--port", "trusted")
    assert result.exit_code == 1
    assert "\nnearest: without a say on trust, big1 would do\n" in result.stdout


def test_a_no_tells_every_constraint_of_each_host(busy: Served) -> None:
    rows = rows_of(busy.mooring("explain", "--flavor", "small", "--port", "trusted").stdout)
    assert "silent1 no the agent does not answer; no VF on physnet1 for trusted ports" in rows
    assert "off1 no the host is disabled: new memory; no VF on physnet1 for trusted ports" in rows


def test_a_member_reads_the_nearest_miss_without_a_host(busy: Served) -> None:
    result = busy.member()("explain", "--flavor", "roomy", "--nic", "none")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "MiB of memory, a host would do" in said
    assert said.count("would do") == 1
    assert not any(name in said for name in ("sim", "gpus", "big1", "silent1", "off1"))
