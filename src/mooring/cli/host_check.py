"""``mooring host check``: could this host serve VFs, and what mends it where not? It changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mooring.cli.options import FILE, as_json
from mooring.cli.run import AGENT_FILE
from mooring.cli.text import Column, counted, filled, print_json, print_table, say

if TYPE_CHECKING:
    from mooring.config import AgentConfig, AgentFile
    from mooring.core.hostcheck import Finding, Rules
    from mooring.core.pfcheck import PfState
    from mooring.host.survey import Places
    from mooring.model.survey import LibvirtAnswer

_CHECKS = (Column("CHECK", folds=True), Column("IS"), Column("FOUND", folds=True))
_PFS = (
    Column("PF", folds=True), Column("ADDRESS"), Column("DRIVER", folds=True), Column("LINK"), Column("VFS"),
    Column("REACHES", folds=True), Column("HANDED OUT"),
)  # fmt: skip
_LINK = {True: "up", False: "down", None: None}


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of one host."""

    kernel: str
    platform: "Sequence[Finding]"
    pfs: "Sequence[PfState]"
    in_all: "Sequence[Finding]"

    @property
    def findings(self) -> "Sequence[Finding]":
        return (*self.platform, *(each for pf in self.pfs for each in pf.findings), *self.in_all)

    @property
    def is_ready(self) -> bool:
        """Nothing keeps VFs from being served."""
        return not any(each.level == "bad" for each in self.findings)


@click.command(short_help="Check this very host: could it serve VFs?")
@click.option("--config", type=FILE, metavar="FILE", help=f"Its agent.toml; else {AGENT_FILE} where there is one.")
@click.option("--sysfs", type=FILE, metavar="DIR", help="Read this sysfs tree instead of /sys.")
@as_json
def check(config: Path | None, sysfs: Path | None, is_json: bool) -> int:
    """Check this very host: IOMMU, VFIO, KVM, libvirt, and each PF with its VFs.

    For everything that is wrong, the command or the firmware setting that mends it. Exit code 0 when nothing keeps VFs
    from being served, 1 when something does.
    """
    from mooring.config import AgentConfig, AgentFile, load_agent
    from mooring.host.survey import Places

    path = config or (AGENT_FILE if AGENT_FILE.exists() else None)
    file = load_agent(path) if path else AgentFile(AgentConfig())
    places = Places(sysfs=sysfs or Path(file.agent.simulate or file.agent.sysfs))
    report = look(file if path else None, places, ask_of(file.agent))
    if is_json:
        print_json(as_object(report))
    else:
        show(report)
    return 0 if report.is_ready else 1


def look(file: "AgentFile | None", places: "Places", ask: "Callable[[], LibvirtAnswer]") -> Report:
    """Survey the host and judge what was found. Raises Invalid for device specs that are none."""
    from mooring.config import AgentConfig
    from mooring.core.dhcp_check import DHCP_PROGRAMS, check_dhcp
    from mooring.core.hostcheck import PROGRAMS, check_platform
    from mooring.core.pfcheck import check_pfs
    from mooring.host.survey import Wishes, ask_libvirt, survey

    agent = file.agent if file else AgentConfig()
    rules = _rules(file)
    wishes = Wishes(
        folders=[Path(text).expanduser() for text in (agent.state, agent.images, agent.servers)],
        key_file=Path(agent.key_file).expanduser() if file else None,
        bridges=(*agent.bridge_mappings.values(), *agent.dhcp_interfaces.values()),
        programs=(*PROGRAMS, *DHCP_PROGRAMS),
        device_specs=rules.specs,
    )
    found = survey(places, wishes, ask_libvirt(ask))
    pfs, in_all = check_pfs(found, rules)
    platform = check_platform(found, rules)
    dhcp = tuple(check_dhcp(found, agent.dhcp_interfaces)) if agent.dhcp else ()
    return Report(found.platform.kernel, (*platform, *dhcp), pfs, in_all)


def ask_of(agent: "AgentConfig") -> "Callable[[], LibvirtAnswer]":
    """How to ask the libvirt that the agent would use."""

    def ask() -> "LibvirtAnswer":
        from mooring.host.libvirtd import Libvirtd
        from mooring.model.survey import LibvirtAnswer

        hypervisor = Libvirtd.connect(agent.libvirt_uri)
        facts, versions = hypervisor.facts(), hypervisor.versions()
        return LibvirtAnswer(versions.libvirt, facts.type, versions.hypervisor, versions.without_kvm)

    return ask


def _rules(file: "AgentFile | None") -> "Rules":
    from mooring.core.devspec_entries import parse_device_specs
    from mooring.core.hostcheck import Rules

    if file is None:
        return Rules()
    agent, specs = file.agent, parse_device_specs(file.device_specs, file.device_spec_lines)
    return Rules(True, specs, agent.domain_type, agent.bridge_mappings)


def as_object(report: Report) -> Mapping[str, object]:
    """For ``--json``."""
    return {
        "is_ready": report.is_ready,
        "kernel": report.kernel,
        "findings": [
            {"level": each.level, "about": each.about, "text": each.text, "way_out": each.way_out}
            for each in report.findings
        ],
        "pfs": [_pf_object(pf) for pf in report.pfs],
    }


def _pf_object(state: "PfState") -> Mapping[str, object]:
    pf = state.function
    return {
        "address": str(pf.address),
        "netdev": pf.netdev,
        "driver": pf.driver,
        "link_is_up": pf.link_is_up,
        "link_speed_mbps": pf.link_speed_mbps,
        "vf_count": pf.vf_count,
        "vf_total": pf.vf_total,
        "physical_network": state.physical_network,
        "to_be_made": state.to_be_made,
        "offered": [str(address) for address in state.offered],
        "held_back": [{"address": str(address), "reason": reason} for address, reason in state.held_back],
    }


def show(report: Report) -> None:
    """The tables, then every way out, then the verdict."""
    from mooring.cli.tree import print_notes

    print_table(_CHECKS, [_row(each) for each in report.platform])
    if report.pfs:
        say()
        print_table(_PFS, [_pf_row(state) for state in report.pfs])
        print_notes("not handed out", [(str(vf), reason) for state in report.pfs for vf, reason in state.held_back])
    of_pfs = report.findings[len(report.platform) :]
    if of_pfs:
        say()
        print_table(_CHECKS, [_row(each) for each in of_pfs])
    ways = dict.fromkeys((each.about, each.way_out) for each in report.findings if each.way_out)
    if ways:
        say("\nto mend it:")
    for number, (about, way_out) in enumerate(ways, start=1):
        say(filled(f"{number}. {about}: {way_out}", "  ", "     "))
    say(f"\n{_verdict(report)}")


def _row(each: "Finding") -> Sequence[object]:
    return (each.about, each.level, each.text)


def _pf_row(state: "PfState") -> Sequence[object]:
    from mooring.cli.tree import speed

    pf = state.function
    is_whole = pf.address in state.offered
    vf_count = len(state.offered) - is_whole
    parts = ["whole"] if is_whole else []
    parts += [f"{vf_count} VFs"] if vf_count else []
    parts += [f"{state.to_be_made} at start"] if state.to_be_made else []
    handed_out = ", ".join(parts) or None
    vfs = None if pf.vf_total is None else f"{'?' if pf.vf_count is None else pf.vf_count} of {pf.vf_total}"
    link = speed(pf.link_speed_mbps) or _LINK[pf.link_is_up]
    return (pf.netdev, pf.address, pf.driver, link, vfs, state.physical_network, handed_out)


def _verdict(report: Report) -> str:
    handed_out = sum(len(state.offered) + state.to_be_made for state in report.pfs)
    bad = [each for each in report.findings if each.level == "bad"]
    if bad:
        return f"not ready: {counted(len(bad), 'finding')} of level bad must be mended before VFs are served"
    if not handed_out:
        return "ready, once an agent.toml says which VFs to hand out"
    return f"ready: {counted(handed_out, 'function')} would be handed out"
