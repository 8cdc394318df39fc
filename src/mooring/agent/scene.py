"""What one turn sees of its machine: functions, domains, and what the PFs show for their VFs."""

from collections.abc import Mapping, Sequence

from mooring.agent.domain import Guest, Guests, netdevs_of
from mooring.agent.vf import Vf
from mooring.errors import Forbidden, HostFault, Invalid, NotFound
from mooring.host.machine import VfTable
from mooring.model.desired import DesiredFunction
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.vf import VfSettings


class Scene:
    """One look at the machine. Raises what the hypervisor raises: a list of domains that cannot be had is not empty."""

    def __init__(self, offers: Sequence[OfferedFunction], guests: Guests, table: VfTable):
        """``offers`` are the functions that the turn is about, those that the host does not hand out included."""
        self._offers = {offered.function.address: offered for offered in offers}
        self._functions = {address: offered.function for address, offered in self._offers.items()}
        self._table = table
        self._shown: dict[str, Mapping[int, VfSettings]] = {}
        self.netdevs = netdevs_of(self._functions)
        self.guests: Mapping[str, Guest] = guests.observe(self.netdevs)

    def locate(self, address: PciAddress) -> Vf:
        """The VF at that address. Raises NotFound, Invalid for what is no VF, HostFault for a PF without netdev."""
        function = self._functions.get(address)
        if function is None:
            raise NotFound("function", str(address), hint="is its PF's driver loaded, and sriov_numvfs set?")
        if function.kind is not FunctionKind.VF or function.pf is None or function.vf_index is None:
            raise Invalid(f"{address} is a {function.kind}, not a VF")
        pf_netdev = self.netdevs.get(function.pf)
        if pf_netdev is None:
            raise HostFault(f"PF {function.pf} has no network device", hint="bind it to its own driver again")
        return Vf(address, pf_netdev, function.vf_index)

    def locate_wanted(self, wanted: DesiredFunction, *, is_owed: bool = False) -> Vf:
        """``locate``, for a function that this host hands out, and the one that the controller means.

        A boot may number the addresses anew. Raises Forbidden for a function that the host's own device_spec does not
        hand out, whatever the controller says, unless a guest has it already or a baseline ``is_owed`` to it.
        """
        vf = self.locate(wanted.address)
        offered = self._offers[wanted.address]
        if not offered.is_offered and not is_owed and self.holder(wanted.address) is None:
            raise Forbidden(f"this host does not hand out {wanted.address}: {offered.reason}")
        function = self._functions[wanted.address]
        if (function.pf, function.vf_index) != (wanted.pf, wanted.vf_index):
            raise Invalid(
                f"{wanted.address} is VF {function.vf_index} of {function.pf} here, "
                f"not VF {wanted.vf_index} of {wanted.pf}"
            )
        return vf

    def shown(self, vf: Vf) -> VfSettings:
        """What the PF showed at the first question for any of its VFs: one request for all of them."""
        if vf.pf_netdev not in self._shown:
            self._shown[vf.pf_netdev] = self._table.read_all(vf.pf_netdev)
        if vf.index not in self._shown[vf.pf_netdev]:
            raise NotFound("vf", str(vf))
        return self._shown[vf.pf_netdev][vf.index]

    def holder(self, address: PciAddress) -> Guest | None:
        """The domain that has the function, or would have it when started."""
        return next((guest for guest in self.guests.values() if address in guest.holds), None)
