"""What guests are told by a dnsmasq of ours, on this very kernel; and that it goes on when agents come and go."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.errors import HostFault
from mooring.host.dhcp_files import DhcpFolder
from mooring.host.dnsmasq import dnsmasq_files
from mooring.model.desired import DesiredDhcp, DhcpHost, DhcpSubnet, Route
from mooring.model.port import DhcpOption
from mooring.testing.client import wait_until
from mooring.testing.occupants import SimulatedOccupants
from tests.unit.host.dhcp_wire import DhcpWire, ip

pytestmark = pytest.mark.requires("dnsmasq")

END_WAIT_S = 5.0
ANNOUNCED_WAIT_S = 20.0
NETWORK = "0b1ce000-0000-4000-8000-000000000001"
NAMESPACE = "mooring-dhcp-0b1ce000000"
MAC, OTHER_MAC, STRANGER = "fa:16:3e:00:00:04", "fa:16:3e:00:00:05", "fa:16:3e:00:00:99"
SUBNET = DhcpSubnet(
    "50b00000-0000-4000-8000-000000000003", "198.51.100.0/24", "198.51.100.1", ("192.0.2.53", "192.0.2.54"),
    (Route("203.0.113.0/24", "198.51.100.7"),),
)  # fmt: skip
HOST = DhcpHost(
    "90a70000-0000-4000-8000-000000000004", MAC, ("198.51.100.4",),
    (
        DhcpOption("tftp-server", "boot.example.org"), DhcpOption("no-such-option", "1"),
        DhcpOption("router", "nonsense"), DhcpOption("bootfile-name", 'a"b'),
    ),
)  # fmt: skip


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[DhcpWire]:
    with DhcpWire(tmp_path / "run/dhcp") as made:
        yield made


@pytest.fixture
def wanted(wire: DhcpWire) -> DesiredDhcp:
    (offered,) = wire.servers().interfaces()
    return DesiredDhcp(
        NETWORK, "physnet1", 0, 1450, "90a70000-0000-4000-8000-000000000002", offered.mac, ("198.51.100.2/24",),
        (SUBNET,), (HOST,),
    )  # fmt: skip


def pid(wire: DhcpWire) -> int:
    found = DhcpFolder(wire.folder / NETWORK).pid()
    assert found is not None
    return found


def command_of(number: int) -> bytes:
    """Empty for a process that has ended, be it reaped or not."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def test_a_guest_is_told_its_address_and_what_its_subnet_and_its_port_say(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    seen = wire.servers().serve(wanted)
    told = wire.ask(MAC)
    assert told["address"] == "198.51.100.4"
    shown = {int(number): bytes.fromhex(value) for number, value in told["options"].items()}
    assert shown[1] == bytes((255, 255, 255, 0))
    assert shown[3] == bytes((198, 51, 100, 1))
    assert shown[6] == bytes((192, 0, 2, 53, 192, 0, 2, 54))
    assert shown[26] == (1450).to_bytes(2, "big")
    assert shown[66].rstrip(b"\0") == b"boot.example.org"
    assert shown[121] == bytes((24, 203, 0, 113, 198, 51, 100, 7, 0, 198, 51, 100, 1))
    assert [note.split(" of port")[0] for note in seen.notes] == [
        "DHCP option no-such-option=1", "DHCP option router=nonsense", 'DHCP option bootfile-name=a"b',
    ]  # fmt: skip


def test_what_a_port_says_comes_before_what_its_subnet_says(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    own = (DhcpOption("dns-server", "192.0.2.99"), DhcpOption("router", ""), DhcpOption("classless-static-route", ""))
    wire.servers().serve(replace(wanted, hosts=(replace(HOST, options=own),)))
    shown = wire.ask(MAC)["options"]
    assert shown["6"] == "c0000263"
    assert (shown.get("3", ""), shown.get("121", "")) == ("", "")


def test_a_stranger_gets_no_lease(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    assert wire.ask(STRANGER, is_answered=False) == "nothing"
    assert wire.ask(MAC)["address"] == "198.51.100.4"


def test_a_host_that_comes_is_served_by_the_process_that_runs(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    before = pid(wire)
    second = DhcpHost("90a70000-0000-4000-8000-000000000005", OTHER_MAC, ("198.51.100.5",))
    wire.servers().serve(replace(wanted, hosts=(HOST, second)))
    assert wire.ask(OTHER_MAC)["address"] == "198.51.100.5"
    assert pid(wire) == before


def test_a_change_that_an_agent_wrote_and_did_not_live_to_tell_is_told_by_the_next(
    wire: DhcpWire, wanted: DesiredDhcp
) -> None:
    wire.servers().serve(wanted)
    before = pid(wire)
    second = DhcpHost("90a70000-0000-4000-8000-000000000005", OTHER_MAC, ("198.51.100.5",))
    changed = replace(wanted, hosts=(HOST, second))
    folder = wire.folder / NETWORK
    (folder / "hosts").write_text(dnsmasq_files(changed, folder, "md1", 3600, lambda _: True).hosts)
    wire.servers().serve(changed)
    assert wire.ask(OTHER_MAC)["address"] == "198.51.100.5"
    assert pid(wire) == before


def test_an_address_that_becomes_another_hosts_is_that_hosts_at_once(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    assert wire.ask(MAC)["address"] == "198.51.100.4"
    wire.servers().serve(replace(wanted, hosts=(replace(HOST, mac=OTHER_MAC),)))
    assert wire.ask(OTHER_MAC)["address"] == "198.51.100.4"
    assert wire.ask(MAC, is_answered=False) == "nothing"


def test_a_new_agent_goes_on_with_the_process_that_runs(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    before = pid(wire)
    ip("netns", "del", NAMESPACE)  # as when the service's own mounts go with it
    seen = wire.servers().serve(wanted)
    assert (seen.addresses, pid(wire)) == (wanted.addresses, before)
    assert wire.ask(MAC)["address"] == "198.51.100.4"


def test_what_died_is_started_again(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    before = pid(wire)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not wire.servers().is_alive(NETWORK), END_WAIT_S, "the process is gone")
    wire.servers().serve(wanted)
    assert pid(wire) != before
    assert wire.ask(MAC)["address"] == "198.51.100.4"


def test_what_somebody_did_to_the_interface_is_undone(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    inside = subprocess.check_output(["/usr/sbin/ip", "-n", NAMESPACE, "-br", "link"], text=True)
    interface = next(line.split("@")[0] for line in inside.splitlines() if line.startswith("md"))
    ip("-n", NAMESPACE, "address", "flush", "dev", interface)
    ip("-n", NAMESPACE, "address", "add", "198.51.100.66/24", "dev", interface)
    assert wire.servers().serve(wanted).addresses == wanted.addresses
    assert wire.ask(MAC)["address"] == "198.51.100.4"


def test_a_removed_server_leaves_no_process_no_namespace_and_no_file(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.servers().serve(wanted)
    before = pid(wire)
    wire.servers().remove(NETWORK)
    assert not command_of(before)
    assert NAMESPACE not in ip("netns", "list")
    assert not (wire.folder / NETWORK).exists()
    assert wire.ask(MAC, is_answered=False) == "nothing"


def test_without_a_carrier_nothing_is_said_to_be_served(wire: DhcpWire, wanted: DesiredDhcp) -> None:
    wire.inside("link", "set", wire.far, "down")
    with pytest.raises(HostFault, match="has no carrier"):
        wire.servers().serve(wanted)


def test_a_netdev_that_the_host_uses_is_not_taken_for_an_untagged_network(
    wire: DhcpWire, wanted: DesiredDhcp, tmp_path: Path
) -> None:
    occupants = SimulatedOccupants(tmp_path / "occupants.json")
    occupants.give_address(wire.netdev, "192.0.2.4/24")
    with pytest.raises(HostFault, match=r"has address 192\.0\.2\.4/24, and untagged DHCP needs a netdev of its own"):
        wire.servers(occupants).serve(wanted)


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this kernel has no IPv6")
@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
def test_a_prefix_is_announced_as_the_modes_of_its_subnet_say(wire: DhcpWire, wanted: DesiredDhcp, mode: str) -> None:
    six = DhcpSubnet(
        "50b00000-0000-4000-8000-000000000006", "2001:db8::/64", "2001:db8::1", ("2001:db8::53",), (), mode, mode
    )
    seen = wire.servers().serve(replace(wanted, addresses=("198.51.100.2/24", "2001:db8::2/64"), subnets=(SUBNET, six)))
    assert set(seen.addresses) == {"198.51.100.2/24", "2001:db8::2/64"}

    def is_announced() -> bool:
        routes = wire.inside("-6", "route", "show", "dev", wire.far)
        addresses = wire.inside("-6", "address", "show", "dev", wire.far)
        return "2001:db8::/64" in routes and ("2001:db8::" in addresses) == (mode != "dhcpv6-stateful")

    wait_until(is_announced, ANNOUNCED_WAIT_S, f"the prefix is announced for {mode}")
    # What serves DHCP is no router.
    assert "default" not in wire.inside("-6", "route", "show", "dev", wire.far)
