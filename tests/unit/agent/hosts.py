"""A simulated host on disk for the agent's tests, and what a controller would want of it.

An agent is made anew over the same folders as often as a test likes: that is what a kill and a restart are.
"""

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mooring.agent.loop import Agent, HostRules, Outside
from mooring.core.devspec import DeviceSpec
from mooring.core.reconcile import baseline
from mooring.host.ledger import Ledger
from mooring.host.machine import HypervisorFacts, Machine
from mooring.host.sysfs import read_functions
from mooring.host.traits import CardTraits
from mooring.model.desired import (
    Desired,
    DesiredFunction,
    DesiredInterface,
    DesiredServer,
    FunctionOutcome,
    Purpose,
    Report,
    ServerOutcome,
    Welcome,
)
from mooring.model.host import HostSnapshot
from mooring.model.outside import AgentStep, ControllerStep, NoSteps, Steps
from mooring.model.pci import PciAddress
from mooring.model.vf import LinkState, TxRate, VfSettings, Vlan
from mooring.testing import sysfs_tree
from mooring.testing.cards import INTEL_X710, Card
from mooring.testing.disks import SimulatedDisks
from mooring.testing.hypervisor import SimulatedHypervisor
from mooring.testing.occupants import SimulatedOccupants
from mooring.testing.pcibus import SimulatedPciBus
from mooring.testing.plumbing import SimulatedPlumbing
from mooring.testing.sysfs_tree import SimulatedPf
from mooring.testing.vf_table import SimulatedVfTable, WriteRecord
from mooring.testing.watch import SimulatedWatch

PF_NETDEV = "ens1f0"
VF_COUNT = 4
PF = PciAddress.parse("0000:81:00.0")
WEB = "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11"
MAIL = "1c3f1c3e-9a57-4c55-8d36-1f6f7f3f2a22"

BASELINE_VERIFIED, PROGRAMMED = FunctionOutcome.BASELINE_VERIFIED, FunctionOutcome.PROGRAMMED
IN_USE, QUARANTINED = FunctionOutcome.IN_USE, FunctionOutcome.QUARANTINED
RUNNING, ABSENT, FAILED = ServerOutcome.RUNNING, ServerOutcome.ABSENT, ServerOutcome.FAILED


class StillClock:
    """Time passes when a test says so."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic_s(self) -> float:
        return self.elapsed_s


class CountedIds:
    def __init__(self) -> None:
        self.count = 0

    def uuid(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012x}"

    def hex_id(self) -> str:
        return self.uuid().replace("-", "")

    def secret(self) -> str:
        return self.hex_id() * 2

    def mac(self) -> str:
        self.count += 1
        return f"02:00:00:00:00:{self.count:02x}"


class Killed(BaseException):
    """A kill -9: nothing may catch it."""


class KillAt(NoSteps):
    """Dies at the n-th time that any step is reached; counts from 1, and 0 lives for ever."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.reached: list[AgentStep | ControllerStep] = []

    def reach(self, step: AgentStep | ControllerStep) -> None:
        self.reached.append(step)
        if len(self.reached) == self.count:
            raise Killed(step)


class CallAt(NoSteps):
    """Does something to the world when a step is reached for the n-th time, counted from 1."""

    def __init__(self, step: AgentStep, do: Callable[[], None], nth: int = 1) -> None:
        self._step = step
        self._do = do
        self._left = nth

    def reach(self, step: AgentStep | ControllerStep) -> None:
        if step is self._step:
            self._left -= 1
            if self._left == 0:
                self._do()


@dataclass
class FakeController:
    """An uplink whose other end is the test. What is in ``coming`` is raised or delivered, one at a call."""

    epoch: int = 1
    announced: list[HostSnapshot] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    coming: list[Desired | BaseException | None] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)
    """Raised by the next reports, one each."""
    announce_refusals: list[Exception] = field(default_factory=list)
    on_listen: Callable[[float], None] = lambda _seconds: None
    """What happens while the agent listens."""

    def announce(self, snapshot: HostSnapshot) -> Welcome:
        if self.announce_refusals:
            raise self.announce_refusals.pop(0)
        self.announced.append(snapshot)
        return Welcome("host1", self.epoch)

    def desired(self, after: int, wait_s: float) -> Desired | None:
        del after
        self.on_listen(wait_s)
        one = self.coming.pop(0)
        if isinstance(one, BaseException):
            raise one
        return one

    def report(self, report: Report) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.reports.append(report)


class Host:
    """One card, some VFs, a hypervisor and a journal, all below one folder."""

    def __init__(
        self,
        folder: Path,
        card: Card = INTEL_X710,
        twin_of: "Host | None" = None,
        hypervisor_kind: type[SimulatedHypervisor] = SimulatedHypervisor,
        vf_count: int = VF_COUNT,
    ) -> None:
        """A new host, or one that begins as ``twin_of`` is now."""
        self.folder = folder
        self.card = card
        self.port = SimulatedPf(card, PF, PF_NETDEV, "52:54:00:81:00:00", vf_count)
        self.sysfs = folder / "sysfs"
        if twin_of:
            shutil.copytree(twin_of.folder, folder, symlinks=True)
        self.table = SimulatedVfTable(folder / "table")
        if not twin_of:
            sysfs_tree.build(self.sysfs, [self.port])
            self.table.plug(PF_NETDEV, card, tuple(self.port.vf_mac(index) for index in range(vf_count)))
        self.bus = SimulatedPciBus(folder / "bus", self.sysfs, self.table, cards=(card,))
        self.disks = SimulatedDisks(folder / "disks")
        self.watch = SimulatedWatch(folder / "watch.txt")
        self.journal = folder / "journal"
        self.journal.mkdir(exist_ok=True)
        self.hypervisor = hypervisor_kind(
            folder / "hypervisor",
            facts=HypervisorFacts("QEMU", 7_002_000, vcpus=8, memory_mib=16384, disk_gib=100),
            functions=lambda _: read_functions(self.sysfs),
            rebind=self._rebind,
            vf_table=self.table,
        )
        self.machine = Machine(
            self.sysfs, self.table, self.bus, self.hypervisor, self.disks, self.watch, "boot-1",
            SimulatedOccupants(folder / "occupants.json"),
            CardTraits.of(self.sysfs),
            SimulatedPlumbing(folder / "plumbing.json", self.sysfs),
        )  # fmt: skip
        self.clock = StillClock()
        self.ids = CountedIds()
        self.slept_s: list[float] = []
        self.controller = FakeController()

    def twin(self, folder: Path) -> "Host":
        return Host(folder, self.card, twin_of=self)

    def reboot(self) -> None:
        """Another boot, as far as a journal can tell."""
        self.machine = dataclasses.replace(self.machine, boot_id="boot-2")

    def take_vfs_away(self) -> None:
        """``echo 0 > sriov_numvfs``."""
        self.bus.set_vf_count_by_hand(PF, 0)

    def _rebind(self, address: PciAddress, driver: str) -> None:
        self.bus.rebind(address, driver)

    def agent(self, steps: Steps | None = None, specs: Sequence[DeviceSpec] | None = None) -> Agent:
        """A new agent process over what is on disk."""
        every_vf = (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1"),)
        rules = HostRules(specs if specs is not None else every_vf, bridge_mappings={"physnet1": "br0"})
        outside = Outside(self.clock, self.ids, steps or NoSteps(), self.slept_s.append, jitter=lambda: 0.0)
        return Agent(self.machine, self.controller, Ledger(self.journal), rules, outside)

    def vf(self, index: int) -> PciAddress:
        return self.port.vf_address(index)

    def settings(self, index: int) -> VfSettings:
        return self.table.read(PF_NETDEV, index)

    def running(self) -> set[str]:
        return {domain.server_id for domain in self.hypervisor.domains() if domain.is_running}

    def state(self) -> object:
        """What an agent is there for: the VFs' settings and the domains."""
        functions = read_functions(self.sysfs)
        drivers = {one.address: one.driver for one in functions}
        is_ours = any(one.netdev == PF_NETDEV for one in functions)
        return self.table.look(PF_NETDEV) if is_ours else None, self.hypervisor.domains(), drivers, self.disks.kept()

    def writes_since(self, start: int) -> list[WriteRecord]:
        return list(self.table.writes()[start:])

    def clean(self, index: int, generation: int = 1) -> DesiredFunction:
        settings = baseline(f"02:00:00:00:be:{index:02x}")
        return DesiredFunction(self.vf(index), PF, index, generation, Purpose.BASELINE, settings)

    def serving(self, index: int, server_id: str = WEB, generation: int = 2, **other: Any) -> DesiredFunction:
        """VF ``index`` for a port of the server, on VLAN 100 and up; ``other`` settings as given."""
        settings = VfSettings(
            mac=port_mac(index),
            vlan=Vlan(100 + index),
            spoof_check=True,
            trust=False,
            rate=TxRate(),
            link_state=LinkState.AUTO,
        )
        settings = dataclasses.replace(settings, **other)
        return DesiredFunction(self.vf(index), PF, index, generation, Purpose.SERVE, settings, server_id)

    def portless(self, index: int, server_id: str = WEB, generation: int = 2, **other: Any) -> DesiredFunction:
        """VF ``index`` for the server, asked for by its flavor."""
        settings = dataclasses.replace(baseline(f"02:00:00:00:f1:{index:02x}"), **other)
        return DesiredFunction(self.vf(index), PF, index, generation, Purpose.SERVE, settings, server_id)

    def interface(self, index: int, vnic_type: str = "direct") -> DesiredInterface:
        return DesiredInterface(
            port_id=f"7c9e6679-7425-40de-944b-e07fc1f90a{index:02x}",
            mac=port_mac(index),
            vnic_type=vnic_type,
            vif_type="hw_veb",
            address=self.vf(index),
            vlan_id=100 + index,
        )


def port_mac(index: int) -> str:
    return f"fa:16:3e:00:00:{index:02x}"


def server(
    interfaces: Iterable[DesiredInterface], server_id: str = WEB, generation: int = 1, is_wanted: bool = True,
    passthrough: Iterable[PciAddress] = (),
) -> DesiredServer:  # fmt: skip
    return DesiredServer(
        server_id, "web1", generation, is_wanted, 1, 64, interfaces=tuple(interfaces), passthrough=tuple(passthrough)
    )


def desired(
    functions: Iterable[DesiredFunction] = (), servers: Iterable[DesiredServer] = (), sequence: int = 1, epoch: int = 1
) -> Desired:
    return Desired("host1", epoch, sequence, tuple(functions), tuple(servers))


def outcomes(report: Report) -> list[FunctionOutcome | ServerOutcome]:
    """Of the functions, then of the servers."""
    return [*(one.outcome for one in report.functions), *(one.outcome for one in report.servers)]


def boot(host: Host, *indices: int, sequence: int = 1, **settings: Any) -> Desired:
    """WEB with these VFs."""
    functions = [host.serving(index, **settings) for index in indices]
    return desired(functions, [server(host.interface(index) for index in indices)], sequence)
