"""The composition root of the agent: this very machine, or a simulated one in a folder."""

import os
import signal
import threading
from functools import partial
from pathlib import Path

from mooring import log
from mooring.agent.connection import Connection
from mooring.agent.consoles import console_tail
from mooring.agent.loop import Agent, HostRules, Outside
from mooring.agent.rulefile import RuleFile
from mooring.agent.uplink import HttpUplink
from mooring.config import AgentConfig, AgentFile
from mooring.core.devspec_entries import parse_device_specs
from mooring.errors import Invalid
from mooring.host.dhcp import DnsmasqServers
from mooring.host.disks import HostDisks
from mooring.host.domainxml import DomainKind
from mooring.host.joint_watch import JointWatch
from mooring.host.ledger import Ledger
from mooring.host.libvirtd import Libvirtd
from mooring.host.machine import DhcpServers, Machine
from mooring.host.netlink import NetlinkVfTable
from mooring.host.occupants import KernelOccupants
from mooring.host.patience import PatientPciBus, PatientVfTable
from mooring.host.pcibus import SysfsPciBus
from mooring.host.plumbing import HostPlumbing
from mooring.host.traits import CardTraits
from mooring.host.watch import KernelWatch
from mooring.model.outside import NoSteps, Steps
from mooring.system import SystemClock, SystemIds

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_KEY_MAX_CHARS = 512
_OTHERS_MAY_READ = 0o077
_TERMINAL = "/dev/tty"


def run_agent(file: AgentFile, steps: Steps | None = None) -> None:
    """Serve this host until SIGINT or SIGTERM; SIGHUP has its device specs read again.

    Raises what only a person can mend: a bad key, another agent.
    """
    config = file.agent
    log.configure(config.log_format)
    stop, rules = threading.Event(), RuleFile(file.path)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    had_terminal = _has_terminal()

    def hear_hangup(*_: object) -> None:
        if had_terminal and not _has_terminal():
            stop.set()
        else:
            rules.read_again()

    signal.signal(signal.SIGHUP, hear_hangup)
    connection = Connection(config.controller, read_key(Path(config.key_file).expanduser()))
    machine = machine_of(config)
    uplink = HttpUplink(connection, partial(console_tail, machine.disks))
    try:
        build_agent(file, machine, uplink, steps or NoSteps()).run(stop, rules.new_specs)
    finally:
        uplink.close()


def build_agent(file: AgentFile, machine: Machine, uplink: HttpUplink, steps: Steps) -> Agent:
    """The agent of one machine, by its own file's rules."""
    config = file.agent
    rules = HostRules(
        device_specs=parse_device_specs(file.device_specs, file.device_spec_lines),
        bridge_mappings=config.bridge_mappings,
        interface_mappings=config.interface_mappings,
        report_interval_s=config.report_interval_s,
        rescan_interval_s=config.rescan_interval_s,
        pulse_interval_s=config.pulse_interval_s,
        domain_kind=DomainKind(config.domain_type),
    )
    outside = Outside(SystemClock(), SystemIds(), steps)
    return Agent(machine, uplink, Ledger(Path(config.state).expanduser()), rules, outside)


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal: when that goes away, SIGHUP means what it is named after."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def machine_of(config: AgentConfig) -> Machine:
    """The machine that the configuration names."""
    if config.simulate:
        from mooring.testing.host import SimulatedHost  # noqa: PLC0415 - a real host never loads the simulation

        return SimulatedHost(Path(config.simulate)).machine()
    hypervisor = Libvirtd.connect(config.libvirt_uri, Path(config.servers))
    return Machine(
        Path(config.sysfs),
        PatientVfTable(NetlinkVfTable()),
        PatientPciBus(SysfsPciBus(Path(config.sysfs))),
        hypervisor,
        HostDisks(Path(config.images), Path(config.servers)),
        JointWatch((KernelWatch(), hypervisor)),
        _BOOT_ID.read_text().strip(),
        KernelOccupants(),
        CardTraits.of(Path(config.sysfs)),
        plumbing=HostPlumbing(Path(config.sysfs)),
        dhcp=_dhcp_of(config),
    )


def _dhcp_of(config: AgentConfig) -> DhcpServers:
    """What ran under ``dhcp = true`` is ended without it."""
    interfaces = config.dhcp_interfaces if config.dhcp else {}
    return DnsmasqServers(interfaces, Path(config.sysfs), KernelOccupants(), lease_s=config.dhcp_lease_s)


def read_key(path: Path) -> str:
    """The host's key. Raises Invalid for a file that is not there, is empty, or that others can read."""
    try:
        mode = path.stat().st_mode
        key = path.read_text()[:_KEY_MAX_CHARS].strip()
    except OSError as missing:
        raise Invalid(f"key_file {path}: {missing.strerror}", hint="make one with: mooring host add NAME") from missing
    if not key or not key.isascii():
        raise Invalid(f"key_file {path} holds no key", hint="make one with: mooring host rekey NAME")
    if mode & _OTHERS_MAY_READ:
        raise Invalid(f"key_file {path} can be read by others", hint=f"chmod 600 {path}")
    return key
