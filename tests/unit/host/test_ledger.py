"""The agent's journal: what it remembers, what it refuses, and what a power cut may do to it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.errors import HostFault, Stale
from mooring.host.ledger import Ledger
from mooring.model.desired import DesiredFunction, DesiredServer, Purpose
from mooring.model.pci import PciAddress
from mooring.model.vf import VfSettings

PF = PciAddress.parse("0000:01:00.0")
VF = PciAddress.parse("0000:01:10.0")
SERVE = DesiredFunction(VF, PF, 0, 3, Purpose.SERVE, VfSettings(), "web")
BASELINE = DesiredFunction(VF, PF, 0, 3, Purpose.BASELINE, VfSettings())
BOOT = "boot-1"
SERVER = DesiredServer("web", "web1", 3, True, 1, 64)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def journal(folder: Path) -> Path:
    return folder / "ledger.jsonl"


def test_a_restart_remembers_epoch_intents_proofs_and_servers(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    first.obey(7)
    first.intend(SERVE, BOOT)
    first.prove(SERVE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    first.intend_server(replace(SERVER, is_wanted=False))
    again = Ledger(tmp_path)
    assert again.epoch == 7
    assert again.proven(SERVE, BOOT) == VfSettings(mac="02:00:00:00:00:01")
    with pytest.raises(Stale, match="on record as unwanted"):
        again.intend_server(SERVER)


def test_an_intent_alone_proves_nothing(ledger: Ledger) -> None:
    ledger.intend(SERVE, BOOT)
    assert ledger.proven(SERVE, BOOT) is None


@pytest.mark.parametrize(
    "other", [replace(SERVE, generation=4), replace(SERVE, server_id="mail"), replace(BASELINE, server_id="web")]
)
def test_a_proof_counts_for_one_generation_purpose_and_server(ledger: Ledger, other: DesiredFunction) -> None:
    ledger.intend(SERVE, BOOT)
    ledger.prove(SERVE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    assert ledger.proven(other, BOOT) is None


def test_a_proof_counts_for_one_boot(ledger: Ledger) -> None:
    ledger.prove(SERVE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    assert ledger.proven(SERVE, "boot-2") is None


def test_a_newer_intent_voids_the_proof_of_the_older(ledger: Ledger) -> None:
    ledger.prove(BASELINE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    ledger.intend(replace(SERVE, generation=4), BOOT)
    ledger.intend(replace(BASELINE, generation=5), BOOT)
    assert ledger.proven(BASELINE, BOOT) is None


def test_a_function_is_clean_between_a_proven_baseline_and_the_next_server(ledger: Ledger) -> None:
    seen = [(ledger.is_clean(VF), ledger.is_unclean(VF))]
    for wanted in (BASELINE, replace(SERVE, generation=4), replace(BASELINE, generation=5)):
        ledger.intend(wanted, BOOT)
        seen.append((ledger.is_clean(VF), ledger.is_unclean(VF)))
        ledger.prove(wanted, BOOT, VfSettings())
        seen.append((ledger.is_clean(VF), ledger.is_unclean(VF)))
    unknown, unclean, clean = (False, False), (False, True), (True, False)
    assert seen == [unknown, unclean, clean, unclean, unclean, unclean, clean]


def test_an_older_epoch_is_refused(ledger: Ledger) -> None:
    ledger.obey(7)
    ledger.obey(7)
    with pytest.raises(Stale, match="epoch 6 is older than 7"):
        ledger.obey(6)


@pytest.mark.parametrize(
    ("known", "wanted", "is_refused"),
    [
        (SERVE, SERVE, False),
        (SERVE, replace(SERVE, generation=2), True),
        (SERVE, replace(SERVE, server_id="mail"), True),
        (SERVE, replace(SERVE, server_id="mail", generation=4), False),
        (SERVE, BASELINE, False),
        (SERVE, replace(BASELINE, generation=2), True),
        (BASELINE, SERVE, True),
        (BASELINE, replace(SERVE, generation=4), False),
        (BASELINE, BASELINE, False),
    ],
)
def test_a_function_goes_forward_only(
    ledger: Ledger, known: DesiredFunction, wanted: DesiredFunction, is_refused: bool
) -> None:
    ledger.intend(known, BOOT)
    if is_refused:
        with pytest.raises(Stale):
            ledger.intend(wanted, BOOT)
    else:
        ledger.intend(wanted, BOOT)


@pytest.mark.parametrize(
    ("generation", "is_wanted", "is_refused"),
    [(3, True, False), (3, False, False), (2, True, True), (2, False, True), (4, True, False)],
)
def test_a_server_goes_forward_only(ledger: Ledger, generation: int, is_wanted: bool, is_refused: bool) -> None:
    ledger.intend_server(SERVER)
    wanted = replace(SERVER, generation=generation, is_wanted=is_wanted)
    if is_refused:
        with pytest.raises(Stale):
            ledger.intend_server(wanted)
    else:
        ledger.intend_server(wanted)


def test_repeating_what_is_on_record_writes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.obey(1)
    ledger.intend(SERVE, BOOT)
    ledger.prove(SERVE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    ledger.intend_server(SERVER)
    before = journal(tmp_path).read_bytes()
    ledger.obey(1)
    ledger.intend(SERVE, BOOT)
    ledger.prove(SERVE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    ledger.intend_server(SERVER)
    assert journal(tmp_path).read_bytes() == before


def test_a_repeated_intent_keeps_the_proof(ledger: Ledger) -> None:
    ledger.prove(SERVE, BOOT, VfSettings(mac="02:00:00:00:00:01"))
    ledger.intend(SERVE, BOOT)
    assert ledger.proven(SERVE, BOOT) is not None


@given(cut=st.integers(0, 200))
@settings(max_examples=20)  # each waits for the disk several times
def test_a_torn_last_record_is_ignored_wherever_it_was_torn(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    ledger = Ledger(folder)
    ledger.obey(7)
    whole = journal(folder).read_bytes()
    ledger.intend(SERVE, BOOT)
    record = journal(folder).read_bytes()[len(whole) :]
    journal(folder).write_bytes(whole + record[: min(cut, len(record) - 1)])
    again = Ledger(folder)
    assert again.epoch == 7
    assert again.serving(BOOT) == ()
    again.intend(SERVE, BOOT)
    assert Ledger(folder).serving(BOOT)[0].address == VF


def test_zeros_after_the_last_record_are_a_torn_write_too(tmp_path: Path) -> None:
    Ledger(tmp_path).obey(7)
    with journal(tmp_path).open("ab") as file:
        file.write(bytes(512))
    assert Ledger(tmp_path).epoch == 7


@pytest.mark.parametrize("damage", [b"{", b'{"epoch": "seven"}', b"\x00\x00", b'{"function": {"generation": 1}}'])
def test_a_damaged_record_in_the_middle_is_a_fault_with_a_way_out(tmp_path: Path, damage: bytes) -> None:
    Ledger(tmp_path).obey(7)
    journal(tmp_path).write_bytes(damage + b"\n" + journal(tmp_path).read_bytes())
    with pytest.raises(HostFault, match="line 1 is damaged") as caught:
        Ledger(tmp_path)
    assert "move the file away" in caught.value.hint


def test_opening_compacts_to_one_record_for_each_thing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for generation in range(1, 30):
        ledger.intend(replace(SERVE, generation=generation), BOOT)
        ledger.intend_server(replace(SERVER, generation=generation))
    assert len(journal(tmp_path).read_bytes().splitlines()) > 50
    again = Ledger(tmp_path)
    assert len(journal(tmp_path).read_bytes().splitlines()) == 3
    with pytest.raises(Stale):
        again.intend(replace(SERVE, generation=28), BOOT)


def test_a_record_that_did_not_reach_the_disk_is_a_fault_and_not_remembered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    journal(tmp_path).unlink()
    with pytest.raises(HostFault, match="No such file") as caught:
        ledger.intend(SERVE, BOOT)
    assert "changes nothing" in caught.value.hint
    assert ledger.serving(BOOT) == ()


def test_what_a_full_disk_let_through_does_not_spoil_the_next_record(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with journal(tmp_path).open("ab") as file:
        file.write(b'{"epoch": 9')
    ledger.intend(SERVE, BOOT)
    again = Ledger(tmp_path)
    assert again.epoch == 0
    assert again.serving(BOOT)[0].address == VF


def test_the_journal_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Ledger(tmp_path / "state")
    finally:
        os.umask(before)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert journal(tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_a_proof_keeps_the_settings_that_were_read_back(ledger: Ledger) -> None:
    ledger.prove(SERVE, BOOT, VfSettings(trust=False))
    ledger.prove(SERVE, BOOT, VfSettings(trust=True))
    assert ledger.proven(SERVE, BOOT) == VfSettings(trust=True)


def test_an_intent_of_another_boot_is_written_anew_and_its_proof_is_void(ledger: Ledger) -> None:
    ledger.prove(SERVE, BOOT, VfSettings())
    ledger.intend(SERVE, "boot-2")
    assert ledger.proven(SERVE, "boot-2") is None
    assert ledger.serving(BOOT) == ()
    assert [record.address for record in ledger.serving("boot-2")] == [VF]


def test_what_was_let_go_serves_no_longer_and_keeps_its_generation(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.intend(SERVE, BOOT)
    ledger.let_go(ledger.serving(BOOT)[0])
    again = Ledger(tmp_path)
    assert again.serving(BOOT) == ()
    assert again.has_touched(VF)
    with pytest.raises(Stale):
        again.intend(replace(SERVE, generation=2), BOOT)


def test_only_a_server_that_was_to_go_is_unwanted(ledger: Ledger) -> None:
    assert not ledger.is_unwanted("web")
    ledger.intend_server(SERVER)
    assert not ledger.is_unwanted("web")
    ledger.intend_server(replace(SERVER, is_wanted=False))
    assert ledger.is_unwanted("web")


def test_how_many_vfs_a_pf_lost_is_remembered_in_its_boot_and_over_restarts(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    assert first.vfs_taken_away(PF, BOOT) == 0
    first.take_vfs_away(PF, 4, BOOT)
    assert (first.vfs_taken_away(PF, BOOT), Ledger(tmp_path).vfs_taken_away(PF, BOOT)) == (4, 4)
    assert Ledger(tmp_path).vfs_taken_away(PF, "boot-2") == 0
    first.take_vfs_away(PF, 2, BOOT)
    assert Ledger(tmp_path).vfs_taken_away(PF, BOOT) == 2


def test_nothing_that_was_proven_of_vfs_holds_when_they_are_taken_away(ledger: Ledger) -> None:
    other = replace(BASELINE, address=PciAddress.parse("0000:02:10.0"), pf=PciAddress.parse("0000:02:00.0"))
    for wanted in (BASELINE, other):
        ledger.intend(wanted, BOOT)
        ledger.prove(wanted, BOOT, VfSettings())
    ledger.take_vfs_away(PF, 4, BOOT)
    assert (ledger.proven(BASELINE, BOOT), ledger.proven(other, BOOT)) == (None, VfSettings())
    with pytest.raises(Stale):
        ledger.intend(replace(BASELINE, generation=2), BOOT)


def test_what_was_begun_is_known_in_its_boot(ledger: Ledger) -> None:
    assert not ledger.has_begun(SERVE, BOOT)
    ledger.intend(SERVE, BOOT)
    assert ledger.has_begun(SERVE, BOOT)
    assert not any(ledger.has_begun(other, BOOT) for other in (BASELINE, replace(SERVE, generation=4)))
    assert not ledger.has_begun(SERVE, "boot-2")
