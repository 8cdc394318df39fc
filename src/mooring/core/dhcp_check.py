"""Could this host serve DHCP? Said of hosts whose agent.toml asks for it."""

from collections.abc import Iterator, Mapping

from mooring.core.hostcheck import Finding, Level
from mooring.model.survey import BridgeKind, Survey

DHCP_PROGRAMS: Mapping[str, str] = {"dnsmasq": "dnsmasq-base", "ip": "iproute2"}
"""Each with its Debian package."""
_CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_NET_RAW": 13}
"""linux/capability.h."""
_ABOUT = "DHCP"


def check_dhcp(survey: Survey, interfaces: Mapping[str, str]) -> Iterator[Finding]:
    """``interfaces``: physical network to the netdev by which it is to be served. What is wrong keeps no VF away."""
    if not interfaces:
        yield Finding(
            Level.WARN, _ABOUT, "dhcp = true, and no netdev to serve it by",
            '[agent.dhcp_interfaces] in agent.toml: physnet1 = "ens1f0v0"',
        )  # fmt: skip
    missing = [name for name in DHCP_PROGRAMS if name not in survey.programs]
    if missing:
        packages = " ".join(DHCP_PROGRAMS[name] for name in missing)
        yield Finding(Level.WARN, _ABOUT, f"there is no {', and no '.join(missing)}", f"apt install {packages}")
    lacking = [name for name, bit in _CAPABILITIES.items() if survey.is_root and not survey.capabilities >> bit & 1]
    if lacking:
        way_out = "add packaging/systemd/mooring-agent.service.d/dhcp.conf to the agent's unit"
        yield Finding(Level.WARN, _ABOUT, f"root here has no {', '.join(lacking)}", way_out)
    for physnet, netdev in interfaces.items():
        if survey.bridges.get(netdev, BridgeKind.MISSING) is BridgeKind.MISSING:
            way_out = "name a netdev that is there when the agent runs: mooring device list"
            yield Finding(Level.WARN, _ABOUT, f"{netdev}, for {physnet}, is not there", way_out)
        elif not missing and not lacking:
            yield Finding(Level.OK, _ABOUT, f"served on {physnet} by {netdev}")
