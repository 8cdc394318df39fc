"""Device specs that are read again under a running agent."""

import logging
import threading
from pathlib import Path

import pytest

from mooring.agent.rulefile import RuleFile
from mooring.core.devspec import DeviceSpec
from mooring.model.desired import FunctionOutcome, ServerOutcome
from mooring.model.pci import PciAddress
from tests.unit.agent.hosts import MAIL, PF, PF_NETDEV, VF_COUNT, Host, desired, outcomes, server

VPD = b"\x90\x0b\x00SN\x08A1B2C3D4\x78"
FIRST = f'[[device_spec]]\npf = "{PF_NETDEV}"\nvfs = "0"\nphysical_network = "physnet1"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(FIRST)
    return file


def offered(host: Host) -> list[set[PciAddress]]:
    """In each inventory that was told."""
    return [{one.function.address for one in told.functions if one.is_offered} for told in host.controller.announced]


def test_nothing_is_read_until_somebody_asks_and_then_once(path: Path) -> None:
    rules = RuleFile(path)
    assert rules.new_specs() is None
    rules.read_again()
    assert rules.new_specs() == (DeviceSpec(pf=PF_NETDEV, vfs=frozenset({0}), physical_network="physnet1"),)
    assert rules.new_specs() is None


@pytest.mark.parametrize("text", ["[[device_spec]]\npf = 'x'\nvsf = '0'\n", "[", "[agent]\nzzz = 1\n", None])
def test_a_file_that_is_wrong_or_gone_is_logged_with_its_line_and_not_followed(
    path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)
    rules = RuleFile(path)
    rules.read_again()
    with caplog.at_level(logging.ERROR):
        assert rules.new_specs() is None
    [record] = caplog.records
    assert record.getMessage().startswith(f"device-specs-kept file={path} reason=")
    assert "(line 3)" in record.getMessage() or text != "[[device_spec]]\npf = 'x'\nvsf = '0'\n"


def test_rules_that_came_from_no_file_are_never_read_again() -> None:
    rules = RuleFile(None)
    rules.read_again()
    assert rules.new_specs() is None


def test_an_agent_follows_what_was_read_and_tells_it_at_once(host: Host, path: Path) -> None:
    rules, stop = RuleFile(path), threading.Event()

    def listen(_wait_s: float) -> None:
        rules.read_again()
        if len(host.controller.announced) == 2:
            stop.set()

    host.controller.on_listen = listen
    host.controller.coming = [None] * 9
    host.agent().run(stop, rules.new_specs)
    assert offered(host) == [{host.vf(index) for index in range(VF_COUNT)}, {host.vf(0)}]


def test_a_guest_keeps_what_the_new_rules_no_longer_offer_and_nobody_else_gets_it(host: Host) -> None:
    agent = host.agent()
    wanted = desired([host.serving(1)], [server([host.interface(1)])])
    agent.turn(wanted)
    agent.follow([DeviceSpec(pf=PF_NETDEV, vfs=frozenset({0}), physical_network="physnet1")])
    assert outcomes(agent.turn(wanted)) == [FunctionOutcome.IN_USE, ServerOutcome.RUNNING]
    report = agent.turn(desired([host.serving(1), host.serving(2, MAIL)], [server([host.interface(1)])], 2))
    refused = next(one for one in report.functions if one.address == host.vf(2))
    assert (refused.outcome, "no device_spec matches" in refused.reason) == (FunctionOutcome.QUARANTINED, True)


def test_a_serial_is_known_in_a_turn_as_it_was_at_the_last_look(host: Host) -> None:
    (host.sysfs / "bus/pci/devices" / str(PF) / "vpd").write_bytes(VPD)
    agent = host.agent(specs=[DeviceSpec(serial="A1B2C3D4", physical_network="physnet1")])
    agent.announce()
    assert offered(host) == [{host.vf(index) for index in range(VF_COUNT)}]
    assert outcomes(agent.turn(desired([host.clean(0)]))) == [FunctionOutcome.BASELINE_VERIFIED]
