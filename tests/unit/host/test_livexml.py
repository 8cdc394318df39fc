"""Domain XML read back: ours is told from others', and what does not hold together is refused."""

from pathlib import Path

import pytest

from mooring.errors import Invalid
from mooring.host.domainxml import DomainKind, Wiring, domain_xml
from mooring.host.livexml import XML_MAX_BYTES, LiveInterface, parse_interface, parse_marker, readable_marker
from mooring.host.machine import DomainFiles
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.pci import PciAddress

FILES = DomainFiles(Path("/var/lib/mooring/servers/1/config-drive.iso"), Path("/var/lib/mooring/servers/1/console.log"))
DIRECT = DesiredInterface(
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "02:00:00:00:01:55",
    "direct",
    "hw_veb",
    PciAddress.parse("0000:81:10.4"),
    100,
)


def build(*interfaces: DesiredInterface) -> str:
    server = DesiredServer(
        "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1", 7, True, vcpus=2, memory_mib=2048, interfaces=interfaces
    )
    return domain_xml(server, DomainKind.KVM, Wiring(), FILES)


def test_domain_without_our_marker_is_nobodys_to_us() -> None:
    assert parse_marker("<domain><uuid>0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11</uuid></domain>") is None
    assert parse_marker(build().replace("https://mooring.dev/xmlns/1", "https://mooring.dev/xmlns/2")) is None


BOMB = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><domain>&b;</domain>'


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("", id="empty"),
        pytest.param("<domain", id="cut-short"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param(BOMB, id="entities"),
        pytest.param(f"<domain>{' ' * XML_MAX_BYTES}</domain>", id="too-long"),
        pytest.param(build().replace('generation="7"', 'generation="-7"'), id="negative-generation"),
        pytest.param(build().replace('generation="7"', 'generation="\u0667"'), id="foreign-digits"),
        pytest.param(build().replace("<uuid>0b2f1c3e", "<uuid>../0b2f1c"), id="uuid-that-climbs"),
        pytest.param(build(DIRECT).replace('bus="0x81"', 'bus="&lt;"'), id="address"),
    ],
)
def test_xml_that_does_not_hold_together_is_refused_and_skipped_in_lists(xml: str) -> None:
    with pytest.raises(Invalid):
        parse_marker(xml)
    assert readable_marker(xml) is None


def test_device_that_somebody_else_plugged_in_has_no_port() -> None:
    foreign = '<interface type="user"><mac address="52:54:00:00:00:01"/><alias name="net0"/></interface>'
    assert parse_interface(foreign) == LiveInterface("", "user", "", mac="52:54:00:00:00:01")


def test_element_that_is_no_network_device_is_refused() -> None:
    with pytest.raises(Invalid, match="got disk"):
        parse_interface("<disk/>")
