"""What dnsmasq is told of one network: its configuration, the hosts that it answers, and their options.

Only known hosts are answered, and only with their own addresses: every range is ``static``, and what has no line in
the hosts file is ignored. Names are not served at all (``port=0``). Words and formats are those of dnsmasq(8), 2.85
and later.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from pathlib import Path

from mooring.host.programs import Program
from mooring.model.desired import DesiredDhcp, DhcpHost, DhcpSubnet
from mooring.model.port import DhcpOption

DNSMASQ = Program(("dnsmasq",), ("dnsmasq-base",))
HOSTS_FILE, OPTIONS_FILE, PID_FILE, CONFIG_FILE = "hosts", "options", "pid", "dnsmasq.conf"

#: dnsmasq's own limit is 1,000.
_LEASES_MAX = 16_777_216
_RA_INTERVAL_S = 600
_OPTION = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_VALUE_MAX_CHARS = 255
_IPV4, _IPV6 = 4, 6
_STATEFUL, _STATELESS, _SLAAC = "dhcpv6-stateful", "dhcpv6-stateless", "slaac"

IsTaken = Callable[[str], bool]
"""Whether dnsmasq takes this text after ``--dhcp-option=``."""


@dataclass(frozen=True, slots=True)
class DnsmasqFiles:
    """The texts of the three files; a new configuration needs a new process, the other two a SIGHUP."""

    config: str
    hosts: str
    options: str
    addresses: Mapping[str, str]
    """Of each address that is handed out, whose MAC may have it."""
    notes: tuple[str, ...] = ()
    """What was asked for and is left out, in sentences."""


def dnsmasq_files(wanted: DesiredDhcp, folder: Path, interface: str, lease_s: int, is_taken: IsTaken) -> DnsmasqFiles:
    """``folder`` is where they will be; ``is_taken`` keeps out options that would end the whole server."""
    subnets = [_Subnet(one, ip_network(one.cidr)) for one in wanted.subnets]
    notes: list[str] = []
    addresses: dict[str, str] = {}
    hosts = [line for host in wanted.hosts for line in _host_lines(host, subnets, addresses)]
    options = [line for subnet in subnets for line in _subnet_options(subnet, wanted.mtu)]
    for host in wanted.hosts:
        options += _host_options(host, is_taken, notes)
    config = "\n".join(_config(wanted, subnets, folder, interface, lease_s))
    return DnsmasqFiles(f"{config}\n", _text(hosts), _text(options), addresses, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Subnet:
    said: DhcpSubnet
    cidr: IPv4Network | IPv6Network

    @property
    def version(self) -> int:
        return int(self.cidr.version)

    @property
    def tag(self) -> str:
        return f"subnet-{self.said.id}"

    @property
    def gives_addresses(self) -> bool:
        """By DHCP; where both modes are left open, as Neutron's DHCP agent does."""
        modes = (self.said.ipv6_address_mode, self.said.ipv6_ra_mode)
        return self.version == _IPV4 or self.said.ipv6_address_mode == _STATEFUL or modes == (None, None)


def _config(
    wanted: DesiredDhcp, subnets: Iterable[_Subnet], folder: Path, interface: str, lease_s: int
) -> Iterator[str]:
    yield f"# DHCP of network {wanted.network_id}. mooring-agent writes this file anew."
    yield from ("port=0", "bind-interfaces", f"interface={interface}", "except-interface=lo", "no-hosts", "no-resolv")
    # What it handed out it forgets with its end: who renews is answered from the hosts file all the same.
    yield from ("no-ping", "leasefile-ro", "dhcp-authoritative", f"dhcp-lease-max={_LEASES_MAX}")
    yield "dhcp-ignore=tag:!known"
    yield f"dhcp-hostsfile={folder / HOSTS_FILE}"
    yield f"dhcp-optsfile={folder / OPTIONS_FILE}"
    yield f"pid-file={folder / PID_FILE}"
    announces = False
    for subnet in subnets:
        if subnet.version == _IPV4:
            cidr = subnet.cidr
            yield f"dhcp-range=set:{subnet.tag},{cidr.network_address},static,{cidr.netmask},{lease_s}s"
        elif (mode := _ipv6_mode(subnet.said)) is not None:
            announces = announces or subnet.said.ipv6_ra_mode is not None
            prefix = f"{subnet.cidr.network_address},{mode},{subnet.cidr.prefixlen}"
            yield f"dhcp-range=set:{subnet.tag},{prefix},{lease_s}s"
    if announces:
        # A router lifetime of 0: what serves DHCP here routes nothing.
        yield from ("enable-ra", f"ra-param={interface},mtu:{wanted.mtu},{_RA_INTERVAL_S},0")


def _ipv6_mode(subnet: DhcpSubnet) -> str | None:
    """The word of dnsmasq for Neutron's two modes; ``None``: not our business, a router of the network announces it."""
    match subnet.ipv6_ra_mode, subnet.ipv6_address_mode:
        case (None, "slaac"):
            return None
        case (None, _) | ("dhcpv6-stateful", _):
            return "static"
        case ("dhcpv6-stateless", _):
            return "ra-stateless"
        case _:
            return "ra-only"


def _host_lines(host: DhcpHost, subnets: Iterable[_Subnet], addresses: dict[str, str]) -> Iterator[str]:
    """One line for each IPv4 address, the first with the IPv6 ones too; of a host without any, its MAC alone."""
    fours: list[str] = []
    sixes: list[str] = []
    for subnet in subnets:
        for address in host.addresses:
            if subnet.gives_addresses and ip_interface(address).ip in subnet.cidr:
                (fours if subnet.version == _IPV4 else sixes).append(address)
    addresses |= dict.fromkeys([*fours, *sixes], host.mac)
    who = f"{host.mac},set:{_tag(host)}"
    names = [_hostname(address) for address in [*fours, *sixes][:1]]
    yield ",".join([who, *fours[:1], *(f"[{six}]" for six in sixes), *names])
    for four in fours[1:]:
        yield f"{who},{four}"


def _tag(host: DhcpHost) -> str:
    return f"port-{host.port_id}"


def _hostname(address: str) -> str:
    """As Neutron's DHCP agent names a host: ``host-192-0-2-4``."""
    return "host-" + ip_interface(address).ip.exploded.replace(".", "-").replace(":", "-")


def _subnet_options(subnet: _Subnet, mtu: int) -> Iterator[str]:
    """An option without a value is one that is not sent, whatever dnsmasq would send by itself."""
    said, of_subnet = subnet.said, f"tag:{subnet.tag}"
    if subnet.version == _IPV6:
        servers = ",".join(f"[{server}]" for server in said.dns_nameservers)
        yield f"{of_subnet},option6:dns-server,{servers}" if servers else f"{of_subnet},option6:dns-server"
        return
    yield ",".join([of_subnet, "option:router", *([said.gateway_ip] if said.gateway_ip else [])])
    yield ",".join([of_subnet, "option:dns-server", *said.dns_nameservers])
    yield f"{of_subnet},option:mtu,{mtu}"
    if said.host_routes:
        # A client that gets these does not look at the router option (RFC 3442).
        pairs = [f"{route.destination},{route.next_hop}" for route in said.host_routes]
        pairs += [f"0.0.0.0/0,{said.gateway_ip}"] if said.gateway_ip else []
        yield ",".join([of_subnet, "option:classless-static-route", *pairs])
        # Microsoft's number for the same.
        yield ",".join([of_subnet, "249", *pairs])


def _host_options(host: DhcpHost, is_taken: IsTaken, notes: list[str]) -> Iterator[str]:
    for option in host.options:
        text = _option_text(host, option)
        if text is not None and is_taken(text):
            yield text
        else:
            what = ascii(f"{option.opt_name}={option.opt_value}")[1:-1]
            notes.append(f"DHCP option {what} of port {host.port_id} is left out: dnsmasq does not take it")


def _option_text(host: DhcpHost, option: DhcpOption) -> str | None:
    """``None`` for what could mean something else in a file of lines."""
    name, value = option.opt_name.strip(), option.opt_value
    if not _OPTION.fullmatch(name) or len(value) > _VALUE_MAX_CHARS or not value.isprintable():
        return None
    kind = "option6" if option.ip_version == _IPV6 else "option"
    number = name if option.ip_version == _IPV4 else f"option6:{name}"
    which = number if name.isdigit() else f"{kind}:{name}"
    return ",".join([f"tag:{_tag(host)}", which, *([value] if value else [])])


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
