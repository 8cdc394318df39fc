"""A port that changes under its running server: one turn of the agent later the card has it, and says so."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.errors import Conflict
from mooring.model.port import PortStatus, VnicType
from mooring.model.server import ServerStatus
from mooring.model.vf import LinkState, VfSettings
from mooring.service.ports import update_port
from mooring.store import claims
from mooring.store.devices import DEVICES
from mooring.store.events import newest_sequence
from mooring.testing.cards import INTEL_X710
from mooring.testing.cloud import ADMIN
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port as pf_of
from tests.story.conftest import MakeCloud, Told

PF, HOST = "ens1f0", "h1"
NEW_MAC = "fa:16:3e:aa:bb:cc"
PLAN = Plan(ports=(pf_of(INTEL_X710, "0000:81:00.0", PF, 1, 4),), specs=(Spec(PF, "physnet1"),), bridge_mappings={})


class Running:
    """A server with one port, which runs."""

    def __init__(self, told: Told, vnic_type: VnicType = VnicType.DIRECT):
        self.told = told
        self.port = told.port(told.network("physnet1", 100), vnic_type)
        self.server = told.boot(self.port)
        assert self.status == (ServerStatus.ACTIVE, PortStatus.ACTIVE)

    @property
    def status(self) -> tuple[ServerStatus, PortStatus]:
        return self.told.server(self.server.id).status, self.told.stored(self.port).status

    @property
    def on_card(self) -> VfSettings:
        held = self.told.read(lambda tx: claims.of_port(tx, self.port.id))
        device = self.told.read(lambda tx: DEVICES.get(tx, held.device_id if held else ""))
        assert device is not None
        return self.told.cloud.nodes[HOST].host.vf_table.read(PF, device.vf_index or 0)

    @property
    def domain(self) -> str:
        return self.told.cloud.nodes[HOST].host.hypervisor().xml(self.server.id)

    def set(self, **changes: object) -> None:
        self.told.write(lambda tx: update_port(tx, self.told.world, ADMIN, self.port.id, changes))

    def turn(self) -> None:
        """What the agent's stream, which the change woke, makes it do: one turn, and no second look."""
        node = self.told.cloud.nodes[HOST]
        desired = self.told.cloud.uplink(HOST).desired(-1, 0)
        assert desired is not None
        node.agent.carry_out(desired)


@pytest.fixture
def told(make_cloud: MakeCloud) -> Told:
    return make_cloud({HOST: PLAN})


@pytest.mark.parametrize(
    ("changes", "on_card"),
    [
        ({"mac_address": NEW_MAC}, {"mac": NEW_MAC}),
        ({"admin_state_up": False}, {"link_state": LinkState.DISABLE}),
        ({"propagate_uplink_status": False}, {"link_state": LinkState.ENABLE}),
        ({"port_security_enabled": False}, {"spoof_check": False}),
        ({"trusted": True}, {"trust": True}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_change_of_a_port_is_on_the_card_after_one_turn_and_the_guest_keeps_its_function(
    told: Told, changes: Mapping[str, object], on_card: Mapping[str, object]
) -> None:
    running = Running(told)
    before, domain = running.on_card, running.domain
    running.set(**changes)
    running.turn()
    after = running.on_card
    assert {name: getattr(after, name) for name in on_card} == on_card
    assert running.domain == domain
    is_up = changes.get("admin_state_up", True)
    assert running.status == (ServerStatus.ACTIVE, PortStatus.ACTIVE if is_up else PortStatus.DOWN)
    assert after != before


def test_a_change_wakes_the_hosts_stream(told: Told) -> None:
    running = Running(told)
    woken: list[str | None] = []
    told.cloud.controller.store.on_commit(lambda events: woken.extend(event.host for event in events))
    before = told.read(newest_sequence)
    running.set(mac_address=NEW_MAC)
    assert HOST in woken
    assert told.read(newest_sequence) > before


def test_a_server_that_starts_again_has_the_new_mac_in_its_domain(told: Told) -> None:
    running = Running(told)
    running.set(mac_address=NEW_MAC)
    running.turn()
    assert NEW_MAC not in running.domain
    told.cloud.nodes[HOST].host.hypervisor().power_off(running.server.id)
    told.cloud.settle()
    assert NEW_MAC in running.domain
    assert running.on_card.mac == NEW_MAC
    assert running.status == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_a_new_mac_survives_a_new_agent_and_is_not_taken_for_a_strangers(told: Told) -> None:
    running = Running(told)
    running.set(mac_address=NEW_MAC)
    told.cloud.restart_agent(HOST)
    told.cloud.settle()
    assert running.on_card.mac == NEW_MAC
    assert running.status == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_the_old_mac_is_free_for_the_next_port_and_the_vf_is_clean_when_its_server_goes(told: Told) -> None:
    running = Running(told)
    old = running.port.mac_address
    running.set(mac_address=NEW_MAC)
    told.cloud.settle()
    told.delete(running.server)
    assert all(settings.mac not in (NEW_MAC, old) for settings in told.on_card(HOST))


def test_a_macvtap_ports_mac_is_in_its_domain_and_stays_while_that_runs(told: Told) -> None:
    running = Running(told, VnicType.MACVTAP)
    with pytest.raises(Conflict, match="mac_address cannot change"):
        running.set(mac_address=NEW_MAC)
    assert running.on_card.mac == running.port.mac_address


def test_the_config_drives_folder_is_left_alone(told: Told, tmp_path: Path) -> None:
    """What the guest was given at its start stays until the next: a running guest has it mounted."""
    running = Running(told)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / HOST / "disks").rglob("*") if path.is_file()}
    running.set(mac_address=NEW_MAC)
    running.turn()
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / HOST / "disks").rglob("*") if path.is_file()}
    assert before
    assert before == after
