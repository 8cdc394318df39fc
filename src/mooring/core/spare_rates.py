"""What of the links of PFs is left, once the minimum rates that owners of VFs were promised are taken off."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from mooring.model.pci import PciAddress
from mooring.model.request import Device


def with_spare_rates(mine: Collection[Device], promised: Mapping[PciAddress, int]) -> Collection[Device]:
    """All functions of one host, each with what of its PF's link is not promised yet; ``promised`` is Mb/s by PF."""
    if not promised:
        return mine
    known = {device.address: device for device in mine}
    return [_with_spare_rate(device, known.get(device.pf or device.address, device), promised) for device in mine]


def _with_spare_rate(device: Device, pf: Device, promised: Mapping[PciAddress, int]) -> Device:
    speed_mbps = pf.link_speed_mbps or device.link_speed_mbps or 0
    return replace(device, link_speed_mbps=max(speed_mbps - promised.get(pf.address, 0), 0))
