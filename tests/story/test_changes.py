"""What changes under a running server: its port's settings on purpose, and its function by itself."""

from collections.abc import Mapping

import pytest

from mooring.model.port import Port, PortStatus, VifType, VnicType
from mooring.model.request import Device
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import LinkState, VfSettings, VfState, Vlan
from mooring.service.ports import update_port
from mooring.service.trail import NEWEST, trail
from mooring.store import claims
from mooring.store.devices import DEVICES
from mooring.testing.cards import INTEL_82576, INTEL_X710, Card
from mooring.testing.cloud import ADMIN
from mooring.testing.host import Plan, SimulatedHost, Spec
from mooring.testing.hosts import port as pf_of
from tests.story.conftest import MakeCloud, Told

HOST, PF, WHOLE = "h1", "ens1f0", "ens2f0"
WHOLE_ADDRESS = "0000:82:00.0"
WHOLE_MAC = "52:54:00:00:00:02"


def plan(card: Card) -> Plan:
    """A PF with two VFs on physnet1, and one that is handed out whole on physnet2."""
    return Plan(
        ports=(pf_of(card, "0000:81:00.0", PF, 1, 2), pf_of(card, WHOLE_ADDRESS, WHOLE, 2, 0)),
        specs=(Spec(PF, "physnet1"), Spec(WHOLE_ADDRESS, "physnet2", whole=True)),
        bridge_mappings={},
    )


class Site:
    """One host, and a server with one direct port on it."""

    def __init__(self, told: Told):
        self.told = told
        self.port = told.port(told.network("physnet1", 100), VnicType.DIRECT)
        self.server = told.boot(self.port)
        assert self.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)

    @property
    def host(self) -> SimulatedHost:
        return self.told.cloud.nodes[HOST].host

    def status(self) -> tuple[ServerStatus, PortStatus]:
        return self.told.server(self.server.id).status, self.stored.status

    @property
    def stored(self) -> Port:
        return self.told.stored(self.port)

    @property
    def device(self) -> Device:
        return device_of(self.told, self.port)

    @property
    def on_card(self) -> VfSettings:
        return self.host.vf_table.read(PF, self.device.vf_index or 0)

    def set(self, **changes: object) -> None:
        self.told.write(lambda tx: update_port(tx, self.told.world, ADMIN, self.port.id, changes))
        self.told.cloud.settle()

    def told_of(self, kind: str) -> Mapping[str, object]:
        events = self.told.read(lambda tx: trail(tx, NEWEST, 200))
        found = [event["detail"] for event in events if event["kind"] == kind]
        assert found, f"nothing is told of {kind}"
        assert isinstance(found[-1], dict)
        return found[-1]


def device_of(told: Told, port: Port) -> Device:
    held = told.read(lambda tx: claims.of_port(tx, port.id))
    assert held is not None, "the port claims nothing"
    device = told.read(lambda tx: DEVICES.get(tx, held.device_id))
    assert device is not None
    return device


@pytest.fixture
def site(make_cloud: MakeCloud) -> Site:
    """An 82576: its PF driver sets no VF's link state."""
    return Site(make_cloud({HOST: plan(INTEL_82576)}))


@pytest.fixture
def able(make_cloud: MakeCloud) -> Site:
    """An X710, whose PF driver sets all that ports ask for."""
    return Site(make_cloud({HOST: plan(INTEL_X710)}))


# On purpose


def test_changes_of_a_port_reach_its_vf_under_the_running_guest(able: Site) -> None:
    xml = able.host.hypervisor().xml(able.server.id)
    able.set(port_security_enabled=False, trusted=True, propagate_uplink_status=False)
    card = able.on_card
    assert (card.spoof_check, card.trust, card.link_state) == (False, True, LinkState.ENABLE)
    assert able.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    able.set(admin_state_up=False)
    assert able.on_card.link_state is LinkState.DISABLE
    assert able.status() == (ServerStatus.ACTIVE, PortStatus.DOWN)
    assert able.stored.fault is None
    able.set(admin_state_up=True, port_security_enabled=True, trusted=False, propagate_uplink_status=True)
    card = able.on_card
    assert (card.spoof_check, card.trust, card.link_state) == (True, False, LinkState.AUTO)
    assert able.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert able.host.hypervisor().xml(able.server.id) == xml


def test_what_the_card_refuses_is_an_error_on_the_port_and_heals_when_it_is_set_back(site: Site) -> None:
    before = site.on_card
    site.set(admin_state_up=False)
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.ERROR)
    fault = site.stored.fault
    assert fault is not None
    assert "link_state" in fault.message
    assert PF in fault.details
    assert PF not in fault.message
    assert site.told_of("device.degraded")["is_refused"] is True
    assert (site.on_card, site.device.state) == (before, VfState.IN_USE)
    site.set(admin_state_up=True)
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert site.stored.fault is None


def test_a_refused_setting_does_not_keep_the_server_from_going(site: Site) -> None:
    site.set(admin_state_up=False)
    site.told.delete(site.server)
    assert site.told.is_gone(site.server)
    assert all(settings.vlan == Vlan() for settings in site.told.on_card(HOST))


# By itself


def test_a_vlan_that_somebody_set_is_told_with_what_was_seen_and_put_right(site: Site) -> None:
    site.host.tamper(PF, site.device.vf_index or 0, vlan=Vlan(99))
    site.told.cloud.settle()
    told = site.told_of("device.degraded")
    assert (told["wanted"]["vlan"]["id"], told["seen"]["vlan"]["id"]) == (100, 99)  # type: ignore[index]  # settings are objects
    assert site.told_of("device.restored")["port"] == site.port.id
    assert site.on_card.vlan == Vlan(100)
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_a_cable_that_is_pulled_takes_the_port_down_until_it_is_back(site: Site) -> None:
    site.host.cut_cable(PF)
    site.told.cloud.settle()
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.DOWN)
    fault = site.stored.fault
    assert fault is not None
    assert "has no carrier" in fault.message
    site.host.mend_cable(PF)
    site.told.cloud.settle()
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_vfs_that_were_taken_away_and_made_anew_come_back_to_their_port(site: Site) -> None:
    generation = site.device.generation
    site.host.reload_driver(PF)
    site.told.cloud.restart_agent(HOST)
    site.told.cloud.settle()
    assert site.device.state is VfState.REMOVED_PENDING
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.DOWN)
    site.host.set_vf_count_by_hand(PF, 2)
    site.told.cloud.restart_agent(HOST)
    assert (site.device.state, site.device.generation) == (VfState.CLAIMED, generation + 1)
    site.told.cloud.settle()
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert (site.on_card.vlan, site.on_card.mac) == (Vlan(100), site.port.mac_address)


# A whole PF


def whole(told: Told) -> tuple[Port, Server]:
    port = told.port(told.network("physnet2", 200), VnicType.DIRECT_PHYSICAL)
    return port, told.boot(port)


def test_a_whole_pf_is_served_and_given_back(site: Site) -> None:
    told = site.told
    port, server = whole(told)
    bound = told.stored(port)
    assert (server.status, bound.status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert (bound.binding.vif_type, bound.mac_address) == (VifType.HOSTDEV_PHYSICAL, WHOLE_MAC)
    assert str(device_of(told, port).address) == WHOLE_ADDRESS
    xml = site.host.hypervisor().xml(server.id)
    assert "<hostdev" in xml
    assert WHOLE_MAC not in xml, "a plain PCI device has no MAC in domain XML"
    device = device_of(told, port)
    told.delete(server)
    assert told.is_gone(server)
    assert told.read(lambda tx: DEVICES.get(tx, device.id)).state is VfState.AVAILABLE  # type: ignore[union-attr]  # it is there
    free = told.stored(port)
    assert (free.binding.vif_type, free.binding.profile) == (VifType.UNBOUND, {})
    assert free.mac_address != WHOLE_MAC
    again = told.boot(port)
    assert again.status is ServerStatus.ACTIVE, "it was given back whole"


def test_an_agent_that_starts_anew_leaves_a_guest_its_pf(site: Site) -> None:
    told = site.told
    port, server = whole(told)
    told.cloud.restart_agent(HOST)
    told.cloud.settle()
    assert (told.server(server.id).status, told.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert device_of(told, port).state is VfState.IN_USE


def test_a_pf_that_a_guest_has_is_the_guests_after_a_reboot(site: Site) -> None:
    told = site.told
    port, server = whole(told)
    site.host.reboot()
    told.cloud.restart_agent(HOST)
    assert (told.server(server.id).status, told.stored(port).status) == (ServerStatus.HARD_REBOOT, PortStatus.BUILD)
    told.cloud.settle()
    assert (told.server(server.id).status, told.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert site.status() == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
