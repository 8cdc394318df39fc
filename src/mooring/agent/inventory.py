"""What the agent tells of its machine: every function, what the host's own rule says of it, and what its PF shows."""

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from mooring import __version__
from mooring.core.devspec import DeviceSpec, concerned, num_vfs_of, offer
from mooring.core.endpoints import is_network
from mooring.errors import MooringError, NotFound
from mooring.host.host_use import host_uses, open_elsewhere
from mooring.host.machine import Machine, PfView
from mooring.host.numa import read_numa_cells
from mooring.host.sysfs import group_of, read_functions, vfs_of
from mooring.model.host import HostSnapshot, OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction, is_held_upstream

_log = logging.getLogger(__name__)

_ROUNDS_MAX = 3
"""From a function to its group, from there to PFs, from those to all their VFs."""


class Inventory:
    """Reads one machine, by one set of device specs."""

    def __init__(
        self,
        machine: Machine,
        agent_id: str,
        specs: Sequence[DeviceSpec],
        bridge_mappings: Mapping[str, str],
        is_ours: Callable[[PciAddress], bool] = lambda _: False,
        interface_mappings: Mapping[str, str] = MappingProxyType({}),
    ):
        """``is_ours``: whether this host ever made something of the function, so that it is told of for ever."""
        self._machine = machine
        self._agent_id = agent_id
        self._specs = specs
        self._bridge_mappings = bridge_mappings
        self._interface_mappings = interface_mappings
        self._is_ours = is_ours
        self._features: Mapping[tuple[PciAddress, str, str], tuple[str, ...] | None] = {}
        self._open_elsewhere: Mapping[PciAddress, str] = {}
        self._serials: Mapping[PciAddress, str | None] = {}

    def follow(self, specs: Sequence[DeviceSpec]) -> None:
        """From now on by these device specs."""
        self._specs = tuple(specs)

    def functions(self) -> tuple[PciFunction, ...]:
        """All of them, with what their cards say of themselves. Raises NotFound or HostFault without sysfs."""
        seen = self._machine.traits.added_to(read_functions(self._machine.sysfs_root))
        # A netdev's features come and go with it, and a guest changes nothing of what it had switched on.
        functions = tuple(
            one if one.features is not None else replace(one, features=self._features.get(_key(one))) for one in seen
        )
        self._features = {_key(function): function.features for function in functions}
        self._serials = {function.address: function.serial for function in functions}
        return functions

    def offers(self, only: Collection[PciAddress] | None = None) -> tuple[OfferedFunction, ...]:
        """All functions, or these and what they depend on, offered or not, without what their PFs show.

        What other programs drive, and the cards' serials, are as of the last look at all functions: both take long.
        Raises NotFound or HostFault without sysfs, HostFault when the kernel does not tell who uses its netdevs.
        """
        functions = self._known(only)
        wanted = frozenset(only) if only is not None else frozenset[PciAddress]()
        for _ in range(_ROUNDS_MAX if only is not None else 0):
            wanted |= frozenset(self._related(functions))
            if wanted <= {one.address for one in functions}:
                break
            functions = self._known(wanted)
        return self._offered(functions)

    def pf(self, address: PciAddress) -> tuple[PciFunction, int | None]:
        """A PF as it is now, and how many VFs the device specs give it. Raises NotFound, Invalid when they disagree."""
        function = next(iter(self._known([address])), None)
        if function is None:
            raise NotFound("PF", str(address))
        return function, num_vfs_of(function, self._specs)

    def snapshot(self) -> HostSnapshot:
        """The whole machine: NICs, and of all else what an entry names, what a guest has, and what was ever ours.

        A VF whose PF does not show it is listed and not offered. Raises as ``offers`` does.
        """
        root, facts = self._machine.sysfs_root, self._machine.hypervisor.facts()
        functions = self.functions()
        guests = {address for domain in self._machine.hypervisor.domains() for address in domain.functions}
        named = concerned(functions, self._specs)
        handed = [one for one in functions if one.address in named]
        self._open_elsewhere = open_elsewhere(root, handed, self._machine.occupants, guests)
        told = {*named, *guests, *(one.address for one in functions if self._is_ours(one.address))}
        offers = [one for one in self._offered(functions) if one.function.address in told]
        netdevs = {offered.function.address: offered.function.netdev for offered in offers}
        shown: dict[str, PfView | MooringError] = {}
        ovs = {name: self._is_ovs(name) for name in self._bridge_mappings.values()}
        return HostSnapshot(
            boot_id=self._machine.boot_id,
            agent_id=self._agent_id,
            vcpus=facts.vcpus,
            memory_mib=facts.memory_mib,
            disk_gib=facts.disk_gib,
            hypervisor_type=facts.type,
            hypervisor_version=facts.version,
            functions=tuple(self._observed(offered, netdevs, shown) for offered in offers),
            bridge_mappings={net: name for net, name in self._bridge_mappings.items() if ovs.get(name) is not None},
            ovs_bridges=tuple(sorted(name for name, is_ovs in ovs.items() if is_ovs)),
            interface_mappings={net: name for net, name in self._interface_mappings.items() if self._has(name)},
            version=__version__,
            numa_cells=read_numa_cells(root),
            dhcp_interfaces=tuple(self._machine.dhcp.interfaces()),
        )

    def _is_ovs(self, bridge: str) -> bool | None:
        """``None`` while Open vSwitch does not say: nothing is bound to a bridge that could be either's."""
        try:
            return bridge in self._machine.plumbing.ovs_bridges([bridge])
        except MooringError as silent:
            _log.warning("bridge-left-out name=%s reason=%r", bridge, silent.message)
            return None

    def _has(self, netdev: str) -> bool:
        is_there = os.sep not in netdev and (self._machine.sysfs_root / "class/net" / netdev).exists()
        if not is_there:
            _log.warning("interface-left-out name=%s reason='it is not here'", netdev)
        return is_there

    def _known(self, only: Collection[PciAddress] | None) -> Sequence[PciFunction]:
        functions = read_functions(self._machine.sysfs_root, only=only)
        return [replace(one, serial=self._serials.get(one.address)) for one in functions]

    def _related(self, functions: Sequence[PciFunction]) -> Iterator[PciAddress]:
        """Whatever else decides whether these are handed out: PFs, VFs of whole PFs, what shares a group."""
        root = self._machine.sysfs_root
        for one in functions:
            if one.pf is not None:
                yield one.pf
            if one.kind is FunctionKind.PF and one.vf_count and self._may_be_whole(one):
                yield from vfs_of(root, one.address)
            if is_network(one) is False and one.iommu_group is not None:
                yield from group_of(root, one.address)

    def _may_be_whole(self, pf: PciFunction) -> bool:
        return self._is_ours(pf.address) or any(spec.whole and spec.matches(pf, None) for spec in self._specs)

    def _offered(self, functions: Sequence[PciFunction]) -> tuple[OfferedFunction, ...]:
        named = concerned(functions, self._specs)
        handed = [one for one in functions if one.address in named]
        uses = host_uses(self._machine.sysfs_root, handed, self._machine.occupants)
        return offer(functions, self._specs, {**self._open_elsewhere, **uses, **self._dhcp_uses(functions)})

    def _dhcp_uses(self, functions: Sequence[PciFunction]) -> Mapping[PciAddress, str]:
        """The functions by which this host serves DHCP, each with what for."""
        served = {one.netdev: one.physical_network for one in self._machine.dhcp.interfaces()}
        return {
            one.address: f"{one.netdev} is used by DHCP of {served[one.netdev]}"
            for one in functions
            if one.netdev in served
        }

    def _observed(
        self,
        offered: OfferedFunction,
        netdevs: Mapping[PciAddress, str | None],
        shown: dict[str, PfView | MooringError],
    ) -> OfferedFunction:
        """With what the PF shows; ``shown`` remembers the answer of each PF."""
        function = offered.function
        pf_netdev = netdevs.get(function.pf) if function.pf is not None else None
        if pf_netdev is None or function.vf_index is None or is_held_upstream(function.vendor_id, function.product_id):
            return offered
        if pf_netdev not in shown:
            try:
                shown[pf_netdev] = self._machine.vf_table.look(pf_netdev)
            except MooringError as failed:
                shown[pf_netdev] = failed
        answer = shown[pf_netdev]
        if isinstance(answer, MooringError):
            reason = offered.reason or answer.message
        elif function.vf_index not in answer.vfs:
            reason = offered.reason or f"{pf_netdev} does not show VF {function.vf_index}"
        else:
            return replace(offered, observed=answer.vfs[function.vf_index])
        return replace(offered, is_offered=False, reason=reason)


def without_observations(snapshot: HostSnapshot) -> HostSnapshot:
    """What has to change for the controller to be told anew.

    A VF's settings go into reports, and its driver and netdev come and go with every guest, as does the driver of what
    is no NIC.
    """
    return replace(snapshot, functions=tuple(_lasting(offered) for offered in snapshot.functions))


def _lasting(offered: OfferedFunction) -> OfferedFunction:
    function = offered.function
    if function.kind is FunctionKind.VF:
        function = replace(function, driver=None, netdev=None, mac=None, link_is_up=None, link_speed_mbps=None)
    elif is_network(function) is False:
        function = replace(function, driver=None)
    return replace(offered, function=function, observed=None)


def _key(function: PciFunction) -> tuple[PciAddress, str, str]:
    """Another card at the same address is another function."""
    return function.address, function.vendor_id, function.product_id
