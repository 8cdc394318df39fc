"""What the agent tells of its machine: every function, what the host's own rule says of it, and what its PF shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mooring import __version__
from mooring.core.devspec import DeviceSpec, offer
from mooring.errors import MooringError
from mooring.host.host_use import host_uses, open_elsewhere
from mooring.host.machine import Machine, PfView
from mooring.host.sysfs import read_functions
from mooring.model.host import HostSnapshot, OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction


class Inventory:
    """Reads one machine, by one set of device specs."""

    def __init__(
        self, machine: Machine, agent_id: str, specs: Sequence[DeviceSpec], bridge_mappings: Mapping[str, str]
    ):
        self._machine = machine
        self._agent_id = agent_id
        self._specs = specs
        self._bridge_mappings = bridge_mappings
        self._open_elsewhere: Mapping[PciAddress, str] = {}
        self._serials: Mapping[PciAddress, str | None] = {}

    def follow(self, specs: Sequence[DeviceSpec]) -> None:
        """From now on by these device specs."""
        self._specs = tuple(specs)

    def functions(self) -> tuple[PciFunction, ...]:
        """All of them, with what their cards say of themselves. Raises NotFound or HostFault without sysfs."""
        functions = tuple(self._machine.traits.added_to(read_functions(self._machine.sysfs_root)))
        self._serials = {function.address: function.serial for function in functions}
        return functions

    def offers(self, only: Collection[PciAddress] | None = None) -> tuple[OfferedFunction, ...]:
        """All functions, or these, offered or not, without what their PFs show.

        What other programs drive, and the cards' serials, are as of the last look at all functions: both take long.
        Raises NotFound or HostFault without sysfs, HostFault when the kernel does not tell who uses its netdevs.
        """
        functions = read_functions(self._machine.sysfs_root, only=only)
        return self._offered([replace(one, serial=self._serials.get(one.address)) for one in functions])

    def snapshot(self) -> HostSnapshot:
        """The whole machine. A VF whose PF does not show it is listed and not offered. Raises as ``offers`` does."""
        root, facts = self._machine.sysfs_root, self._machine.hypervisor.facts()
        functions = self.functions()
        guests = {address for domain in self._machine.hypervisor.domains() for address in domain.functions}
        self._open_elsewhere = open_elsewhere(root, functions, self._machine.occupants, guests)
        offers = self._offered(functions)
        netdevs = {offered.function.address: offered.function.netdev for offered in offers}
        shown: dict[str, PfView | MooringError] = {}
        return HostSnapshot(
            boot_id=self._machine.boot_id,
            agent_id=self._agent_id,
            vcpus=facts.vcpus,
            memory_mib=facts.memory_mib,
            disk_gib=facts.disk_gib,
            hypervisor_type=facts.type,
            hypervisor_version=facts.version,
            functions=tuple(self._observed(offered, netdevs, shown) for offered in offers),
            bridge_mappings=self._bridge_mappings,
            version=__version__,
        )

    def _offered(self, functions: Sequence[PciFunction]) -> tuple[OfferedFunction, ...]:
        uses = host_uses(self._machine.sysfs_root, functions, self._machine.occupants)
        return offer(functions, self._specs, {**self._open_elsewhere, **uses})

    def _observed(
        self,
        offered: OfferedFunction,
        netdevs: Mapping[PciAddress, str | None],
        shown: dict[str, PfView | MooringError],
    ) -> OfferedFunction:
        """With what the PF shows; ``shown`` remembers the answer of each PF."""
        function = offered.function
        pf_netdev = netdevs.get(function.pf) if function.pf is not None else None
        if pf_netdev is None or function.vf_index is None:
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

    A VF's settings go into reports, and its driver and netdev come and go with every guest.
    """
    return replace(snapshot, functions=tuple(_lasting(offered) for offered in snapshot.functions))


def _lasting(offered: OfferedFunction) -> OfferedFunction:
    function = offered.function
    if function.kind is FunctionKind.VF:
        function = replace(
            function, driver=None, netdev=None, mac=None, link_is_up=None, link_speed_mbps=None, features=None
        )
    return replace(offered, function=function, observed=None)
