"""From a server create to a programmed VF and a domain, and back again."""

import pytest

from mooring.model.port import PortStatus, VifType, VnicType
from mooring.model.server import ServerStatus
from mooring.model.vf import LinkState, VfField, VfSettings, Vlan
from mooring.store.devices import counts
from mooring.testing.schemas import validate_domain
from mooring.testing.vf_table import Mishaps
from tests.story.conftest import Told


def clean(settings: VfSettings) -> bool:
    return (settings.vlan, settings.trust, settings.spoof_check) == (Vlan(0), False, True)


@pytest.mark.parametrize("vnic_type", [VnicType.DIRECT, VnicType.MACVTAP])
def test_a_port_made_beforehand_gets_its_vf_programmed_and_is_active(vnic_type: VnicType, told: Told) -> None:
    port = told.port(told.network("physnet1", 100), vnic_type)
    server = told.boot(port)
    assert server.status is ServerStatus.ACTIVE
    assert server.host is not None
    bound = told.stored(port)
    assert (bound.status, bound.binding.vif_type) == (PortStatus.ACTIVE, VifType.HW_VEB)
    assert bound.binding.vif_details["vlan"] == "100"
    assert bound.binding.profile["physical_network"] == "physnet1"
    programmed = [settings for settings in told.on_card(server.host) if settings.mac == port.mac_address]
    assert [(s.vlan, s.spoof_check, s.trust, s.link_state) for s in programmed] == [
        (Vlan(100), True, False, LinkState.AUTO)
    ]


def test_a_network_with_a_default_vnic_type_needs_no_port_made_beforehand(told: Told) -> None:
    server = told.boot(told.network("physnet2", 200, default_vnic_type="direct"))
    (port,) = told.ports(server)
    assert port.is_owned_by_server
    assert port.binding.vnic_type is VnicType.DIRECT
    assert server.host == "sim3"


def test_an_ordinary_port_and_an_sriov_port_need_a_host_with_both(told: Told) -> None:
    network = told.network("physnet1", 100)
    normal, direct = told.port(network, VnicType.NORMAL), told.port(network, VnicType.DIRECT)
    server = told.boot(normal, direct)
    assert (server.status, server.host) == (ServerStatus.ACTIVE, "sim2")
    assert [port.id for port in told.ports(server)] == [normal.id, direct.id]
    assert told.stored(normal).binding.vif_details["bridge_name"] == "br-physnet1"


def test_deleting_gives_every_vf_back_at_the_verified_baseline(told: Told) -> None:
    network = told.network("physnet1", 100)
    mine = told.port(network, VnicType.DIRECT)
    before = told.read(counts)
    server = told.boot(mine, network)
    told.delete(server)
    assert told.is_gone(server)
    assert told.read(counts) == before
    assert all(clean(settings) for name in told.cloud.nodes for settings in told.on_card(name))
    assert all(not node.host.hypervisor().domains() for node in told.cloud.nodes.values())
    survivor = told.stored(mine)
    assert (survivor.device_id, survivor.binding.vif_type, survivor.binding.profile) == ("", VifType.UNBOUND, {})
    assert survivor.status is PortStatus.DOWN


def test_a_vf_carries_a_fresh_mac_after_each_owner(told: Told) -> None:
    port = told.port(told.network("physnet1", 100), VnicType.DIRECT)
    server = told.boot(port)
    host = server.host or ""
    before = {settings.mac for settings in told.on_card(host)}
    told.delete(server)
    after = {settings.mac for settings in told.on_card(host)}
    assert port.mac_address not in after
    assert len(after - before) == 1


@pytest.mark.requires("schemas")
def test_every_domain_is_valid_by_libvirts_own_schema(told: Told) -> None:
    network = told.network("physnet1", 100)
    nics = [told.port(network, kind) for kind in (VnicType.NORMAL, VnicType.DIRECT, VnicType.MACVTAP)]
    server = told.boot(*nics)
    xml = told.cloud.nodes[server.host or ""].host.hypervisor().xml(server.id)
    validate_domain(xml)
    assert all(port.mac_address in xml for port in nics)


def test_no_read_back_no_active(told: Told) -> None:
    """A card that takes every write and shows none of it never gets a server to ACTIVE."""
    network = told.network("physnet2", 200)
    table = told.cloud.nodes["sim3"].host.vf_table
    table.misbehave("ens99f0", Mishaps(lies_about=frozenset({VfField.VLAN})))
    server = told.boot(told.port(network, VnicType.DIRECT))
    assert server.status is ServerStatus.ERROR
    assert server.fault is not None
    assert "vlan" in server.fault.details
    table.misbehave("ens99f0", Mishaps())
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE, "a host that recovered serves what was asked of it"
