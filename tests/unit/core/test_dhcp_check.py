"""What a host that is to serve DHCP lacks, and what mends it; none of it keeps a VF away."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mooring.core.dhcp_check import DHCP_PROGRAMS, check_dhcp
from mooring.core.hostcheck import Finding, Level
from mooring.host.dnsmasq import DNSMASQ
from mooring.host.netns import IP
from mooring.model.survey import BridgeKind, LibvirtAnswer, Platform, Survey

FIT = Survey(
    platform=Platform(), libvirt=LibvirtAnswer(), programs=frozenset(DHCP_PROGRAMS), is_root=True,
    capabilities=1 << 12 | 1 << 13 | 1 << 21, bridges={"ens1f0v0": BridgeKind.OTHER},
)  # fmt: skip
INTERFACES = {"physnet1": "ens1f0v0"}


def found(survey: Survey, interfaces: Mapping[str, str] = INTERFACES) -> list[Finding]:
    return list(check_dhcp(survey, interfaces))


def test_a_host_that_has_everything_says_what_it_serves() -> None:
    assert found(FIT) == [Finding(Level.OK, "DHCP", "served on physnet1 by ens1f0v0")]


@pytest.mark.parametrize(
    ("survey", "interfaces", "text", "way_out"),
    [
        (replace(FIT, programs=frozenset({"ip"})), INTERFACES, "no dnsmasq", "apt install dnsmasq-base"),
        (replace(FIT, programs=frozenset()), INTERFACES, "no dnsmasq, and no ip", "dnsmasq-base iproute2"),
        (replace(FIT, capabilities=1 << 12), INTERFACES, "no CAP_SYS_ADMIN, CAP_NET_RAW", "dhcp.conf"),
        (replace(FIT, bridges={}), INTERFACES, "ens1f0v0, for physnet1, is not there", "name a netdev"),
        (FIT, {}, "no netdev to serve it by", "[agent.dhcp_interfaces]"),
    ],
)
def test_what_is_missing_is_a_warning_with_its_way_out(
    survey: Survey, interfaces: Mapping[str, str], text: str, way_out: str
) -> None:
    (only,) = found(survey, interfaces)
    assert only.level is Level.WARN
    assert text in only.text
    assert way_out in only.way_out


def test_the_programs_are_those_that_the_agent_runs() -> None:
    assert {DNSMASQ.names: DNSMASQ.packages, IP.names: IP.packages} == {
        (name,): (package,) for name, package in DHCP_PROGRAMS.items()
    }
