"""What one turn sees of its machine: functions, domains, and what the PFs show of themselves and of their VFs."""

from collections.abc import Mapping, Sequence

from mooring.agent.domain import Guest, Guests, netdevs_of
from mooring.agent.vf import Vf
from mooring.core.baselines import has_settings
from mooring.errors import Forbidden, HostFault, Invalid, NotFound
from mooring.host.machine import PfView, VfTable
from mooring.host.representors import representors_of
from mooring.model.desired import DesiredFunction
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction, is_held_upstream
from mooring.model.vf import VfSettings


class Scene:
    """One look at the machine. Raises what the hypervisor raises: a list of domains that cannot be had is not empty."""

    def __init__(self, offers: Sequence[OfferedFunction], guests: Guests, table: VfTable):
        """``offers`` are the functions that the turn is about, those that the host does not hand out included."""
        self._offers = {offered.function.address: offered for offered in offers}
        self._functions = {address: offered.function for address, offered in self._offers.items()}
        self._table = table
        self._views: dict[str, PfView] = {}
        self._sysfs_root = guests.sysfs_root
        self._representors: dict[PciAddress, Mapping[int, str]] = {}
        self.netdevs = netdevs_of(self._functions)
        self.guests: Mapping[str, Guest] = guests.observe(self.netdevs)

    def has(self, address: PciAddress) -> bool:
        return address in self._functions

    def has_settings(self, address: PciAddress) -> bool:
        """Whether the function is here, and its PF has settings of it, be the PF's netdev there now or not."""
        function = self._functions.get(address)
        if function is None or function.kind is not FunctionKind.VF:
            return False
        if is_held_upstream(function.vendor_id, function.product_id):
            return False
        return has_settings(function.kind, function.device_class) or function.pf in self.netdevs

    def vfs_of(self, pf: PciAddress) -> tuple[PciAddress, ...]:
        """The VFs that the PF has now. Raises HostFault when not all of them are known."""
        count = self._found(pf).vf_count or 0
        vfs = tuple(address for address, function in self._functions.items() if function.pf == pf)
        if len(vfs) != count:
            raise HostFault(f"PF {pf} has {count} VFs, of which {len(vfs)} are known")
        return vfs

    def locate(self, address: PciAddress) -> Vf:
        """The VF at that address. Raises NotFound, Invalid for what is no VF, HostFault for a PF without netdev."""
        function = self._found(address)
        if function.kind is not FunctionKind.VF or function.pf is None or function.vf_index is None:
            raise Invalid(f"{address} is a {function.kind}, not a VF")
        pf_netdev = self.netdevs.get(function.pf)
        if pf_netdev is None:
            raise HostFault(f"PF {function.pf} has no network device", hint="bind it to its own driver again")
        return Vf(address, pf_netdev, function.vf_index)

    def representor(self, address: PciAddress) -> str | None:
        """The netdev by which the host reaches a VF in switchdev mode; ``None``: its card's own switch forwards."""
        function = self._functions.get(address)
        pf = self._functions.get(function.pf) if function is not None and function.pf is not None else None
        if pf is None or function is None or function.vf_index is None:
            return None
        if pf.address not in self._representors:
            self._representors[pf.address] = representors_of(self._sysfs_root, pf)
        return self._representors[pf.address].get(function.vf_index)

    def require(self, wanted: DesiredFunction, *, is_owed: bool = False) -> None:
        """Nothing, if this host hands the function out, and it is the one that the controller means.

        A boot may number the addresses anew. Raises NotFound for a function that is not here, Invalid for another
        one, and Forbidden for one that the host's own device_spec does not hand out, whatever the controller says,
        unless a guest has it already or a baseline ``is_owed`` to it.
        """
        function = self._found(wanted.address)
        offered = self._offers[wanted.address]
        if not offered.is_offered and not is_owed and self.holder(wanted.address) is None:
            raise Forbidden(f"this host does not hand out {wanted.address}: {offered.reason}")
        if (function.pf, function.vf_index) != (wanted.pf, wanted.vf_index):
            raise Invalid(
                f"{wanted.address} is VF {function.vf_index} of {function.pf} here, "
                f"not VF {wanted.vf_index} of {wanted.pf}"
            )

    def view(self, pf_netdev: str) -> PfView:
        """What the PF showed at the first question about it: one request for it and all of its VFs."""
        if pf_netdev not in self._views:
            self._views[pf_netdev] = self._table.look(pf_netdev)
        return self._views[pf_netdev]

    def shown(self, vf: Vf) -> VfSettings:
        """Raises NotFound when its PF does not list the VF."""
        vfs = self.view(vf.pf_netdev).vfs
        if vf.index not in vfs:
            raise NotFound("vf", str(vf))
        return vfs[vf.index]

    def holder(self, address: PciAddress) -> Guest | None:
        """The domain that has the function, or would have it when started."""
        return next((guest for guest in self.guests.values() if address in guest.holds), None)

    def _found(self, address: PciAddress) -> PciFunction:
        function = self._functions.get(address)
        if function is None:
            raise NotFound("function", str(address), hint="is its PF's driver loaded, and sriov_numvfs set?")
        return function
