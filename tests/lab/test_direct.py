"""Servers with a VF each, end to end: booted, reached over their VLAN and no other, given back clean, given again."""

import pytest

from lab.cloud import PF1_VFS, LabCloud
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")

ARP = 0x0806


@pytest.fixture(scope="module")
def pair(cloud: LabCloud, flavor: str, nets: Nets) -> dict[str, tuple[str, dict[str, object]]]:
    """``a`` on n0 and ``b`` on n1, both blue; ``c`` on n1, red, with an address that ``a`` could reach."""
    ports = {
        "a": cloud.make_port(nets.blue, ip="10.1.0.11"),
        "b": cloud.make_port(nets.blue, ip="10.1.0.12"),
        "c": cloud.make_port(nets.red, ip="10.1.0.13"),
    }
    servers = {
        "a": cloud.boot("a", "n0", flavor, [ports["a"]], pings=["10.1.0.12", "10.1.0.13"]),
        "b": cloud.boot("b", "n1", flavor, [ports["b"]]),
        "c": cloud.boot("c", "n1", flavor, [ports["c"]], pings=["10.1.0.11"]),
    }
    cloud.wait_active(*servers.values())
    return {name: (servers[name], ports[name]) for name in servers}


def test_two_guests_reach_each_other_through_their_vfs_and_only_their_tag_is_on_the_wire(
    cloud: LabCloud, pair: dict[str, tuple[str, dict[str, object]]]
) -> None:
    (a, port_a), (b, port_b) = pair["a"], pair["b"]
    cloud.wait_said("n0", a, "guest: ping 10.1.0.12 ok")
    assert f"{port_a['mac_address']} igbvf 10.1.0.11/24" in cloud.console("n0", a)
    assert f"{port_b['mac_address']} igbvf 10.1.0.12/24" in cloud.console("n1", b)
    assert cloud.lab.physnet1.vlans(str(port_a["mac_address"])) == {100}
    assert cloud.lab.physnet1.vlans(str(port_b["mac_address"])) == {100}
    assert cloud.lab.physnet2.vlans(str(port_a["mac_address"])) == set()


def test_a_server_on_another_vlan_of_the_same_pf_is_not_reached(
    cloud: LabCloud, pair: dict[str, tuple[str, dict[str, object]]]
) -> None:
    (a, port_a), (c, port_c) = pair["a"], pair["c"]
    cloud.wait_said("n1", c, "guest: up at")
    wire = cloud.lab.physnet1
    wire.clear()
    # Both ask for each other all the time, each in its own VLAN: that several questions passed is the wait.
    cloud.wait(lambda: len(wire.seen(src=str(port_a["mac_address"]), ethertype=ARP, vlan=100)) > 2, 60, "a asks")
    cloud.wait(lambda: len(wire.seen(src=str(port_c["mac_address"]), ethertype=ARP, vlan=200)) > 2, 60, "c asks")
    assert "guest: ping 10.1.0.13 ok" not in cloud.console("n0", a)
    assert "guest: ping 10.1.0.11 ok" not in cloud.console("n1", c)
    assert wire.vlans(str(port_c["mac_address"])) == {200}


def test_what_was_given_back_is_clean_and_the_next_project_sees_nothing_of_it(
    cloud: LabCloud, flavor: str, nets: Nets, pair: dict[str, tuple[str, dict[str, object]]]
) -> None:
    macs = {name: str(port["mac_address"]) for name, (_, port) in pair.items()}
    slots = {name: cloud.slot(str(port["id"])) for name, (_, port) in pair.items()}
    cloud.delete(*(server for server, _ in pair.values()))
    for name in ("n0", "n1"):
        shown = cloud.lab[name].sh(f"ip link show {cloud.lab[name].netdev('pf0')}")
        assert not any(mac in shown for mac in macs.values()), shown
        assert "vlan" not in shown
        assert "trust on" not in shown
        assert "spoof checking off" not in shown
        assert cloud.driver(name, slots["a" if name == "n0" else "b"]) == "igbvf"
        assert cloud.lab[name].sh("virsh list --all --name").strip() == ""
        assert cloud.lab[name].sh("ls /var/lib/mooring/servers").strip() == ""
    with cloud.another_project():
        ports = [cloud.make_port(nets.red, ip=f"10.1.0.{21 + n}") for n in range(PF1_VFS)]
        server = cloud.boot("theirs", "n0", flavor, ports)
        cloud.wait_active(server)
        assert slots["a"] in {cloud.slot(str(port["id"])) for port in ports}
        cloud.wait_said("n0", server, "guest: up at")
        console = cloud.console("n0", server)
        assert all(f"{port['mac_address']} igbvf" in console for port in ports)
        assert not any(mac in console for mac in macs.values())
        cloud.delete(server)
