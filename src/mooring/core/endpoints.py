"""What sort of thing a PCI function is: a NIC or another, handed to a program or driven by the host, alone or not.

Pure. What is no NIC reaches no physical network, and has neither a netdev nor settings that its PF could hold.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from mooring.model.pci import PciAddress, PciFunction

_NETWORK_CLASS = "02"
_PASSTHROUGH = frozenset({"pci-stub", "pciback", "igb_uio"})


def is_network(function: PciFunction, pf: PciFunction | None = None) -> bool | None:
    """By its class, and without one by its netdev or that of its PF; ``None``: it cannot be told."""
    if function.device_class:
        return function.device_class.startswith(_NETWORK_CLASS)
    return True if function.netdev or (pf is not None and pf.netdev) else None


def is_passthrough(driver: str | None) -> bool:
    """Whether a driver hands the function to a program, and makes nothing of it: VFIO and its variants, UIO, a stub."""
    return driver is not None and ("vfio" in driver or driver.startswith("uio_") or driver in _PASSTHROUGH)


def held_by_group(functions: Sequence[PciFunction], handed_out: Collection[PciAddress]) -> Mapping[PciAddress, str]:
    """Why functions that are no NICs cannot be handed out although nothing is wrong with themselves, by address.

    VFIO takes an IOMMU group as a whole, and none in which a host's driver has a function
    (Documentation/driver-api/vfio.rst). ``functions`` are all of the host, bridges apart.
    """
    by_group: dict[int, list[PciFunction]] = defaultdict(list)
    for one in functions:
        if one.iommu_group is not None:
            by_group[one.iommu_group].append(one)
    held: dict[PciAddress, str] = {}
    for number, members in by_group.items():
        strangers = [
            one
            for one in members
            if one.address not in handed_out and one.driver is not None and not is_passthrough(one.driver)
        ]
        if strangers:
            other = strangers[0]
            text = f"it shares IOMMU group {number} with {other.address}, which {other.driver} has for the host"
            held |= {one.address: text for one in members if one.address in handed_out and is_network(one) is False}
    return held
