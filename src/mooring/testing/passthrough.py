"""What libvirt does to a VF when a guest takes it and when the guest is gone, for the simulated hypervisor.

By src/hypervisor/virhostdev.c and src/util/virnetdev.c, and the same seen on emulated cards:

- at start, ``managed='yes'`` binds vfio-pci, and then the MAC and the VLAN of the XML are written through the PF;
- at the end the MAC and the VLAN from before come back, without the priority, and then the VF's own driver; what
  fails there is logged and nothing more, so that only a read-back shows it;
- macvtap sets MAC and VLAN alike and leaves the driver; a port profile and a plain ``<hostdev>`` set neither.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from mooring.errors import HostFault, MooringError, Unsupported
from mooring.host.livexml import LiveInterface
from mooring.host.machine import VfTable
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.vf import VfField, VfSettings, Vlan

VFIO_DRIVER = "vfio-pci"


@dataclass(frozen=True, slots=True)
class Held:
    """A function that a guest holds, and what comes back when the guest is gone."""

    port_id: str
    address: PciAddress
    driver: str | None
    """The one to bind again; ``None`` when it stays (macvtap), when it was vfio-pci already, or when there was none."""
    pf_netdev: str = ""
    """Empty when neither MAC nor VLAN is touched."""
    vf_index: int = 0
    mac: str | None = None
    vlan_id: int | None = None


class Passthrough:
    def __init__(
        self,
        functions: Callable[[str], Iterable[PciFunction]],
        rebind: Callable[[PciAddress, str], None],
        vf_table: VfTable,
    ) -> None:
        self._functions = functions
        self._rebind = rebind
        self._vf_table = vf_table

    def inspect(self, interface: LiveInterface) -> Held:
        """What a guest with this interface would hold, as found now.

        Raises Unsupported for an address without a VF, HostFault for a network device that is not there.
        """
        functions = {function.address: function for function in self._functions(interface.source)}
        function = _find(interface, functions.values())
        keeps_driver = interface.kind == "direct" or function.driver == VFIO_DRIVER
        held = Held(interface.port_id, function.address, None if keeps_driver else function.driver)
        if interface.kind == "physical" or interface.profile_id is not None:
            return held
        pf = functions.get(function.pf) if function.pf is not None else None
        if pf is None or pf.netdev is None or function.vf_index is None:
            raise HostFault(f"VF {function.address} has no PF with a network device")
        found = self._vf_table.read(pf.netdev, function.vf_index)
        vlan_id = None if found.vlan is None else found.vlan.id
        return Held(held.port_id, held.address, held.driver, pf.netdev, function.vf_index, found.mac, vlan_id)

    def take(self, held: Held, interface: LiveInterface) -> None:
        """Raises HostFault when the card refuses the MAC or the VLAN; what was done until then stays done."""
        if interface.kind != "direct":
            self._rebind(held.address, VFIO_DRIVER)
        if held.pf_netdev:
            try:
                self._program(held, interface.mac, interface.vlan_id)
            except MooringError as refusal:
                raise HostFault(
                    f"cannot set interface MAC/vlanid to {interface.mac}/{interface.vlan_id} for ifname "
                    f"{held.pf_netdev} vf {held.vf_index}: {refusal.message}"
                ) from refusal

    def give_back(self, held: Held) -> None:
        if held.pf_netdev:
            with suppress(MooringError):  # libvirt logs it, and the guest is gone all the same
                self._program(held, held.mac, held.vlan_id)
        if held.driver is not None:
            self._rebind(held.address, held.driver)

    def _program(self, held: Held, mac: str | None, vlan_id: int | None) -> None:
        """An absent VLAN is written as 0; priority and protocol are always the default ones."""
        if mac is not None:
            self._vf_table.write(held.pf_netdev, held.vf_index, (VfField.MAC,), VfSettings(mac=mac))
        vlan = VfSettings(vlan=Vlan(vlan_id or 0))
        self._vf_table.write(held.pf_netdev, held.vf_index, (VfField.VLAN,), vlan)


def _find(interface: LiveInterface, functions: Iterable[PciFunction]) -> PciFunction:
    """The function behind an interface; the refusals are libvirt's own."""
    if interface.kind == "direct":
        for function in functions:
            if function.netdev == interface.source:
                return function
        raise HostFault(f"cannot get interface index on {interface.source!r}: no such device")
    kinds = set(FunctionKind) if interface.kind == "physical" else {FunctionKind.VF}
    for function in functions:
        if function.address == interface.address and function.kind in kinds:
            return function
    raise Unsupported(
        "interface type hostdev is currently supported on SR-IOV Virtual Functions only, and "
        f"{interface.source} is none of this host"
    )
