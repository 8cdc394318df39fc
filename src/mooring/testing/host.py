"""A whole simulated host in one folder: sysfs, VF table, hypervisor, boot id. It outlives every process.

``sys/`` is what the real reader reads, ``vf/`` what the cards hold, ``hypervisor/`` the domains. ``agent.toml`` is
left beside them, ready for ``mooring agent --config``.
"""

import tomllib
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mooring.errors import NotFound
from mooring.host.machine import HypervisorFacts, Machine
from mooring.host.sysfs import find_root, read_functions
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import INTEL_82576, INTEL_E810, INTEL_X710, MELLANOX_CX6, Card
from mooring.testing.hypervisor import SimulatedHypervisor
from mooring.testing.sysfs_tree import SimulatedPf, build, rebind, unpack_recording
from mooring.testing.vf_table import SimulatedVfTable

_CARDS = {card.product_id: card for card in (INTEL_82576, INTEL_X710, INTEL_E810, MELLANOX_CX6)}
_ZERO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Spec:
    """One ``[[device_spec]]`` of the host's own file."""

    pf: str
    physical_network: str
    vfs: str | None = None
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a simulated host is made of. No ports means the recording of a real kernel."""

    ports: Sequence[SimulatedPf]
    specs: Sequence[Spec]
    bridge_mappings: Mapping[str, str]
    vcpus: int = 64
    memory_mib: int = 262_144
    disk_gib: int = 4_000


class SimulatedHost:
    """A host in ``folder``; ``create`` makes it, the constructor finds it again."""

    def __init__(self, folder: Path):
        if not (folder / "boot_id").exists():
            raise NotFound("simulated host", str(folder), hint="mooring up --simulate makes some")
        self.folder = folder
        self.vf_table = SimulatedVfTable(folder / "vf")
        self._root = find_root(folder)

    @classmethod
    def create(cls, folder: Path, plan: Plan, *, controller: str, key: str) -> "SimulatedHost":
        """Build it, and write the agent's file for it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if plan.ports:
            build(folder / "sys", plan.ports)
        else:
            unpack_recording(folder)
        facts = HypervisorFacts("QEMU", 7_002_000, plan.vcpus, plan.memory_mib, plan.disk_gib)
        (folder / "facts.toml").write_text(_facts_toml(facts))
        key_file = folder / "agent.key"
        key_file.touch(mode=0o600)
        key_file.write_text(key + "\n")
        (folder / "agent.toml").write_text(_agent_toml(folder, plan, controller))
        (folder / "boot_id").write_text(str(uuid.uuid4()))
        host = cls(folder)
        host.plug_cards()
        return host

    def functions(self) -> tuple[PciFunction, ...]:
        return read_functions(self._root)

    def functions_at(self, source: str) -> tuple[PciFunction, ...]:
        """The function at an address or behind a netdev, and its PF; none when there is none."""
        link = self._root / "class/net" / source / "device"
        try:
            address = PciAddress.parse(link.readlink().name if link.is_symlink() else source)
            pf = (self._root / "bus/pci/devices" / str(address) / "physfn").readlink().name
        except (ValueError, OSError):
            return ()
        return read_functions(self._root, only={address, PciAddress.parse(pf)})

    def plug_cards(self) -> None:
        """Every PF with newborn VFs, as after power-on."""
        found = self.functions()
        for pf in (one for one in found if one.kind is FunctionKind.PF and one.netdev is not None):
            vfs = sorted((one for one in found if one.pf == pf.address), key=lambda one: one.vf_index or 0)
            macs = tuple(vf.mac or _ZERO_MAC for vf in vfs)
            self.vf_table.plug(str(pf.netdev), self.card_of(pf), macs)

    def card_of(self, pf: PciFunction) -> Card:
        return _CARDS[pf.product_id]

    def hypervisor(self) -> SimulatedHypervisor:
        facts = tomllib.loads((self.folder / "facts.toml").read_text())
        return SimulatedHypervisor(
            self.folder / "hypervisor", facts=HypervisorFacts(**facts), functions=self.functions_at,
            rebind=partial(_rebind, self._root), vf_table=self.vf_table,
        )  # fmt: skip

    def machine(self) -> Machine:
        return Machine(self._root, self.vf_table, self.hypervisor(), (self.folder / "boot_id").read_text().strip())

    def remove_function(self, address: PciAddress) -> None:
        """The function falls off the bus: its links are gone from sysfs, as after a hot unplug."""
        for folder in ("bus/pci/devices", "class/net"):
            for link in (self._root / folder).iterdir():
                if str(address) in (link.name, *link.readlink().parts):
                    link.unlink()

    def reboot(self) -> None:
        """Power off and on: guests are gone, VFs are newborn, the boot id is new."""
        hypervisor = self.hypervisor()
        for domain in hypervisor.domains():
            if domain.is_running:
                hypervisor.power_off(domain.server_id)
        self.plug_cards()
        (self.folder / "boot_id").write_text(str(uuid.uuid4()))


def _rebind(root: Path, address: PciAddress, driver: str) -> None:
    """A function that fell off the bus has no driver to come back to; libvirt logs that and goes on, and so do we."""
    with suppress(NotFound):
        rebind(root, address, driver)


def _facts_toml(facts: HypervisorFacts) -> str:
    return (
        f'type = "{facts.type}"\nversion = {facts.version}\nvcpus = {facts.vcpus}\n'
        f"memory_mib = {facts.memory_mib}\ndisk_gib = {facts.disk_gib}\n"
    )


def _agent_toml(folder: Path, plan: Plan, controller: str) -> str:
    lines = [
        "[agent]", f'controller = "{controller}"', f'key_file = "{folder / "agent.key"}"',
        f'state = "{folder / "agent-state"}"', f'simulate = "{folder}"', "",
    ]  # fmt: skip
    if plan.bridge_mappings:
        lines += ["[agent.bridge_mappings]", *(f'{net} = "{name}"' for net, name in plan.bridge_mappings.items()), ""]
    for spec in plan.specs:
        lines += ["[[device_spec]]", f'pf = "{spec.pf}"']
        lines += [f'vfs = "{spec.vfs}"'] if spec.vfs else []
        lines += ["exclude = true"] if spec.exclude else [f'physical_network = "{spec.physical_network}"']
        lines.append("")
    return "\n".join(lines)
