"""A whole simulated host in one folder: sysfs, VF table, PCI bus, hypervisor, disks. It outlives every process.

``sys/`` is what the real reader reads, ``vf/`` what the cards hold, ``hypervisor/`` the domains. ``agent.toml`` is
left beside them, ready for ``mooring agent --config``.
"""

import tomllib
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mooring.errors import NotFound
from mooring.host.machine import HypervisorFacts, Machine
from mooring.host.sysfs import find_root, read_functions
from mooring.host.traits import CardTraits
from mooring.model.host import NumaCell
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.vf import VfSettings
from mooring.testing.cards import Card, in_switchdev
from mooring.testing.dhcp import SimulatedDhcp
from mooring.testing.disks import SimulatedDisks
from mooring.testing.hypervisor import SimulatedHypervisor
from mooring.testing.numa_tree import build_nodes, two_sockets
from mooring.testing.occupants import SimulatedOccupants
from mooring.testing.pci_kernel import KNOWN_CARDS
from mooring.testing.pcibus import SimulatedPciBus
from mooring.testing.plumbing import SimulatedPlumbing, add_nic
from mooring.testing.sysfs_tree import SimulatedPf, build, folder_of, set_link, unpack_recording
from mooring.testing.vf_table import SimulatedVfTable
from mooring.testing.watch import SimulatedWatch

_CARDS = {card.product_id: card for card in KNOWN_CARDS}
_ZERO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Spec:
    """One ``[[device_spec]]`` of the host's own file."""

    pf: str = ""
    physical_network: str = ""
    vfs: str | None = None
    exclude: bool = False
    num_vfs: int | None = None
    whole: bool = False
    address: str = ""
    vendor_id: str = ""
    product_id: str = ""
    device_class: str = ""
    trusted: bool = False
    tags: Sequence[str] = ()

    def toml(self) -> Sequence[str]:
        """Its lines, without what is not given."""
        texts = {
            "pf": self.pf, "address": self.address, "vendor_id": self.vendor_id, "product_id": self.product_id,
            "class": self.device_class, "vfs": self.vfs,
            "physical_network": "" if self.exclude else self.physical_network,
        }  # fmt: skip
        flags = {"whole": self.whole, "exclude": self.exclude, "trusted": self.trusted}
        return [
            "[[device_spec]]",
            *(f'{key} = "{text}"' for key, text in texts.items() if text),
            *([f"num_vfs = {self.num_vfs}"] if self.num_vfs is not None else []),
            *(f"{key} = true" for key, flag in flags.items() if flag),
            *([f"tags = {list(self.tags)}"] if self.tags else []),
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a simulated host is made of. No ports means the recording of a real kernel."""

    ports: Sequence[SimulatedPf]
    specs: Sequence[Spec]
    bridge_mappings: Mapping[str, str]
    vcpus: int = 64
    memory_mib: int = 262_144
    disk_gib: int = 4_000
    numa_cells: Sequence[NumaCell] | None = None
    """``None``: a node in each of two sockets."""
    ovs_bridges: Sequence[str] = ()
    interface_mappings: Mapping[str, str] = field(default_factory=dict)
    """Physical network to an ordinary network device, which is made."""
    dhcp_interfaces: Mapping[str, str] = field(default_factory=dict)
    """Physical network to the netdev by which DHCP is served; empty: it is not."""


class SimulatedHost:
    """A host in ``folder``; ``create`` makes it, the constructor finds it again."""

    def __init__(self, folder: Path):
        if not (folder / "boot_id").exists():
            raise NotFound("simulated host", str(folder), hint="mooring up --simulate makes some")
        self.folder = folder
        self.root = find_root(folder)
        self.watch = SimulatedWatch(folder / "watch.txt")
        self.vf_table = SimulatedVfTable(folder / "vf", tell=self.watch.say)
        self.pci_bus = SimulatedPciBus(folder / "pci", self.root, self.vf_table, tell=self.watch.say)
        self.occupants = SimulatedOccupants(folder / "occupants.json")
        self.dhcp = SimulatedDhcp(folder / "dhcp", _dhcp_interfaces(folder), self.root)
        self.plumbing = SimulatedPlumbing(folder / "plumbing.json", self.root)

    @classmethod
    def create(cls, folder: Path, plan: Plan, *, controller: str, key: str) -> "SimulatedHost":
        """Build it, and write the agent's file for it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if plan.ports:
            build(folder / "sys", plan.ports)
        else:
            unpack_recording(folder)
        cells = two_sockets(plan.vcpus, plan.memory_mib) if plan.numa_cells is None else plan.numa_cells
        build_nodes(find_root(folder), cells)
        facts = HypervisorFacts("QEMU", 7_002_000, plan.vcpus, plan.memory_mib, plan.disk_gib)
        (folder / "facts.toml").write_text(_facts_toml(facts))
        key_file = folder / "agent.key"
        key_file.touch(mode=0o600)
        key_file.write_text(key + "\n")
        (folder / "agent.toml").write_text(_agent_toml(folder, plan, controller))
        (folder / "boot_id").write_text(str(uuid.uuid4()))
        host = cls(folder)
        for name in plan.interface_mappings.values():
            add_nic(host.root, name)
        for name in plan.ovs_bridges:
            host.plumbing.make_ovs_bridge(name)
        host.plug_cards()
        return host

    def functions(self) -> tuple[PciFunction, ...]:
        return read_functions(self.root)

    def functions_at(self, source: str) -> tuple[PciFunction, ...]:
        """The function at an address or behind a netdev, and its PF; none when there is none."""
        link = self.root / "class/net" / source / "device"
        try:
            address = PciAddress.parse(link.readlink().name if link.is_symlink() else source)
        except (ValueError, OSError):
            return ()
        pf = self.root / "bus/pci/devices" / str(address) / "physfn"
        both = {address, PciAddress.parse(pf.readlink().name)} if pf.is_symlink() else {address}
        return read_functions(self.root, only=both)

    def plug_cards(self) -> None:
        """Every PF with newborn VFs, as after power-on."""
        found = self.functions()
        for pf in (one for one in found if one.kind is FunctionKind.PF and one.netdev is not None):
            vfs = sorted((one for one in found if one.pf == pf.address), key=lambda one: one.vf_index or 0)
            macs = tuple(vf.mac or _ZERO_MAC for vf in vfs)
            self.vf_table.plug(str(pf.netdev), self.card_of(pf), macs)

    def card_of(self, pf: PciFunction) -> Card:
        card = _CARDS[pf.product_id]
        return card if pf.phys_switch_id is None else in_switchdev(card)

    def hypervisor(self) -> SimulatedHypervisor:
        facts = tomllib.loads((self.folder / "facts.toml").read_text())
        return SimulatedHypervisor(
            self.folder / "hypervisor", facts=HypervisorFacts(**facts), functions=self.functions_at,
            rebind=self._rebind, vf_table=self.vf_table,
        )  # fmt: skip

    def machine(self) -> Machine:
        return Machine(
            self.root, self.vf_table, self.pci_bus, self.hypervisor(), SimulatedDisks(self.folder / "disks"),
            SimulatedWatch(self.folder / "watch.txt"), (self.folder / "boot_id").read_text().strip(), self.occupants,
            CardTraits(self.root, read_features=None, read_eswitch_mode=self._eswitch_mode), plumbing=self.plumbing,
            dhcp=self.dhcp,
        )  # fmt: skip

    def _eswitch_mode(self, pf: PciAddress) -> str | None:
        (function,) = read_functions(self.root, only={pf})
        return None if function.phys_switch_id is None else "switchdev"

    def remove_function(self, address: PciAddress) -> None:
        """The function falls off the bus: its links are gone from sysfs, as after a hot unplug."""
        for folder in ("bus/pci/devices", "class/net"):
            for link in (self.root / folder).iterdir():
                if str(address) in (link.name, *link.readlink().parts):
                    link.unlink()

    def reboot(self) -> None:
        """Power off and on: guests are gone, functions are on their own drivers, VFs are newborn, the boot id is new.

        A PF whose VFs the agent makes (``num_vfs``) has none; others get theirs from the host's own boot.
        """
        hypervisor = self.hypervisor()
        for domain in hypervisor.domains():
            if domain.is_running:
                hypervisor.power_off(domain.server_id)
        made = self._pfs_of_the_agent()
        for function in self.functions():
            with suppress(NotFound):  # it went with its PF's VFs
                self._switch_on(function, has_vfs=not made & {str(function.address), function.netdev})
        self.plug_cards()
        self.occupants.leave()
        self.dhcp.reboot()
        self.plumbing.reboot()
        (self.folder / "boot_id").write_text(str(uuid.uuid4()))

    def pf_down(self, netdev: str) -> None:
        """``ip link set PF down``."""
        self._set_link(netdev, up=False)

    def pf_up(self, netdev: str) -> None:
        self._set_link(netdev, up=True)

    def cut_cable(self, netdev: str) -> None:
        self._set_link(netdev, carrier=False)

    def mend_cable(self, netdev: str) -> None:
        self._set_link(netdev, carrier=True)

    def tamper(self, netdev: str, vf_index: int, **fields: object) -> VfSettings:
        """``ip link set PF vf N ...`` by somebody else; answer what the card holds then."""
        settings = replace(self.vf_table.read(netdev, vf_index), **fields)  # type: ignore[arg-type]  # named by the test
        self.vf_table.overwrite(netdev, vf_index, settings)
        return settings

    def set_vf_count_by_hand(self, netdev: str, count: int) -> None:
        """``echo COUNT > sriov_numvfs``, with 0 before it."""
        self.pci_bus.set_vf_count_by_hand(self._address(netdev), count)

    def reload_driver(self, netdev: str) -> None:
        """``modprobe -r`` and ``modprobe`` of the PF's driver: its VFs are gone."""
        self.pci_bus.reload_driver(self._address(netdev))

    def _address(self, netdev: str) -> PciAddress:
        return PciAddress.parse((self.root / "class/net" / netdev / "device").readlink().name)

    def _set_link(self, netdev: str, *, up: bool | None = None, carrier: bool | None = None) -> None:
        self.vf_table.set_link(netdev, up=up, carrier=carrier)
        (pf,) = (one for one in self.functions_at(netdev) if one.netdev == netdev)
        has_carrier = self.vf_table.look(netdev).has_carrier
        set_link(self.root, netdev, self.card_of(pf).speed_mbps if has_carrier else None)

    def _switch_on(self, function: PciFunction, *, has_vfs: bool) -> None:
        (folder_of(self.root, function.address) / "driver_override").write_text("(null)\n")
        own_driver = self.pci_bus.own_driver(function.address)
        if own_driver is not None and function.driver != own_driver:
            self.pci_bus.rebind(function.address, own_driver)
        if function.vf_count and not has_vfs:
            self.pci_bus.set_vf_count_by_hand(function.address, 0)

    def _pfs_of_the_agent(self) -> set[str | None]:
        """The PFs of which the agent's own file says how many VFs they have, as it names them."""
        entries = tomllib.loads((self.folder / "agent.toml").read_text()).get("device_spec", [])
        return {entry.get("pf") for entry in entries if "num_vfs" in entry}

    def _rebind(self, address: PciAddress, driver: str) -> None:
        """A function that fell off the bus has no driver to come back to; libvirt logs that and goes on; so do we."""
        with suppress(NotFound):
            self.pci_bus.rebind(address, driver)


def _dhcp_interfaces(folder: Path) -> Mapping[str, str]:
    """What the agent's own file says."""
    file = folder / "agent.toml"
    agent = tomllib.loads(file.read_text())["agent"] if file.exists() else {}
    return dict(agent.get("dhcp_interfaces", {})) if agent.get("dhcp") else {}


def _facts_toml(facts: HypervisorFacts) -> str:
    return (
        f'type = "{facts.type}"\nversion = {facts.version}\nvcpus = {facts.vcpus}\n'
        f"memory_mib = {facts.memory_mib}\ndisk_gib = {facts.disk_gib}\n"
    )


def _agent_toml(folder: Path, plan: Plan, controller: str) -> str:
    lines = [
        "[agent]", f'controller = "{controller}"', f'key_file = "{folder / "agent.key"}"',
        f'state = "{folder / "agent-state"}"', f'simulate = "{folder}"',
        *(["dhcp = true"] * bool(plan.dhcp_interfaces)), "",
    ]  # fmt: skip
    if plan.dhcp_interfaces:
        lines += ["[agent.dhcp_interfaces]", *(f'{net} = "{name}"' for net, name in plan.dhcp_interfaces.items()), ""]
    if plan.bridge_mappings:
        lines += ["[agent.bridge_mappings]", *(f'{net} = "{name}"' for net, name in plan.bridge_mappings.items()), ""]
    if plan.interface_mappings:
        mappings = (f'{net} = "{name}"' for net, name in plan.interface_mappings.items())
        lines += ["[agent.interface_mappings]", *mappings, ""]
    for spec in plan.specs:
        lines += [*spec.toml(), ""]
    return "\n".join(lines)
