"""What the agent tells of its machine: every function, what the host's own rule says of it, and what its PF shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mooring import __version__
from mooring.core.devspec import DeviceSpec, offer
from mooring.errors import MooringError
from mooring.host.machine import Machine
from mooring.host.sysfs import host_use, read_functions
from mooring.model.host import HostSnapshot, OfferedFunction
from mooring.model.pci import PciAddress
from mooring.model.vf import VfSettings


class Inventory:
    """Reads one machine, by one set of device specs."""

    def __init__(
        self, machine: Machine, agent_id: str, specs: Sequence[DeviceSpec], bridge_mappings: Mapping[str, str]
    ):
        self._machine = machine
        self._agent_id = agent_id
        self._specs = specs
        self._bridge_mappings = bridge_mappings

    def offers(self, only: Collection[PciAddress] | None = None) -> tuple[OfferedFunction, ...]:
        """All functions, or these, offered or not, without what their PFs show.

        Raises NotFound or HostFault without sysfs.
        """
        functions = read_functions(self._machine.sysfs_root, only=only)
        uses = {function.address: host_use(self._machine.sysfs_root, function) for function in functions}
        return offer(functions, self._specs, {address: use for address, use in uses.items() if use is not None})

    def snapshot(self) -> HostSnapshot:
        """The whole machine. A VF whose PF does not show it is listed and not offered."""
        facts = self._machine.hypervisor.facts()
        offers = self.offers()
        netdevs = {offered.function.address: offered.function.netdev for offered in offers}
        shown: dict[str, Mapping[int, VfSettings] | MooringError] = {}
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

    def _observed(
        self,
        offered: OfferedFunction,
        netdevs: Mapping[PciAddress, str | None],
        shown: dict[str, Mapping[int, VfSettings] | MooringError],
    ) -> OfferedFunction:
        """With what the PF shows; ``shown`` remembers the answer of each PF."""
        function = offered.function
        pf_netdev = netdevs.get(function.pf) if function.pf is not None else None
        if pf_netdev is None or function.vf_index is None:
            return offered
        if pf_netdev not in shown:
            try:
                shown[pf_netdev] = self._machine.vf_table.read_all(pf_netdev)
            except MooringError as failed:
                shown[pf_netdev] = failed
        answer = shown[pf_netdev]
        if isinstance(answer, MooringError):
            reason = offered.reason or answer.message
        elif function.vf_index not in answer:
            reason = offered.reason or f"{pf_netdev} does not show VF {function.vf_index}"
        else:
            return replace(offered, observed=answer[function.vf_index])
        return replace(offered, is_offered=False, reason=reason)


def without_observations(snapshot: HostSnapshot) -> HostSnapshot:
    """What has to change for the controller to be told anew: settings change all the time, and go into reports."""
    return replace(snapshot, functions=tuple(replace(offered, observed=None) for offered in snapshot.functions))
