"""PCI functions: addresses, kinds, and what sysfs says of one function."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

_ADDRESS = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", re.ASCII)
_SLOT_MAX = 0x1F


@dataclass(frozen=True, slots=True, order=True)
class PciAddress:
    """domain:bus:slot.function, as the kernel prints it (``0000:81:10.4``).

    On the wire, in ``binding:profile``, it is called ``pci_slot``. Domains may have up to 32 bits (Intel VMD
    numbers its own from 0x10000).
    """

    domain: int
    bus: int
    slot: int
    function: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``dddd:bb:ss.f``; the domain may be left out and is 0 then.

        Raises ValueError for anything else, a trailing newline and non-ASCII digits included.
        """
        match = _ADDRESS.fullmatch(text.lower())
        if match is None or int(match[3], 16) > _SLOT_MAX:
            raise ValueError(f"{text!r} is not a PCI address (dddd:bb:ss.f, as in 0000:81:10.4)")
        return cls(int(match[1] or "0", 16), int(match[2], 16), int(match[3], 16), int(match[4]))

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function}"

    @property
    def routing_id(self) -> int:
        """The 16-bit requester id: bus, slot and function in one number (PCIe base specification, 2.2.4.2)."""
        return (self.bus << 8) | (self.slot << 3) | self.function

    def virtual_function(self, offset: int, stride: int, vf_index: int) -> "PciAddress":
        """The address of this PF's VF, by First VF Offset and VF Stride (SR-IOV specification, 2.1.2).

        An 82576 has offset 128 and stride 2, so that the VFs of its two ports interleave.
        """
        routing_id = self.routing_id + offset + stride * vf_index
        return PciAddress(self.domain, routing_id >> 8, (routing_id >> 3) & 0x1F, routing_id & 7)


class FunctionKind(StrEnum):
    """What a function is to SR-IOV; the spelling is Nova's ``dev_type``."""

    PF = "type-PF"
    VF = "type-VF"
    PCI = "type-PCI"


#: Vendor and product of VFs of which no PF shows or takes a setting: their upstream switch has them, by port profile.
#: Of the kernel's drivers that is ``enic``, for Cisco's VIC (``ndo_set_vf_port``, and no ``ndo_get_vf_config``).
_HELD_UPSTREAM = frozenset({("1137", "0071")})


def is_held_upstream(vendor_id: str, product_id: str) -> bool:
    """Whether nothing but an upstream switch can set anything of such a VF."""
    return (vendor_id, product_id) in _HELD_UPSTREAM


@dataclass(frozen=True, slots=True)
class PciFunction:
    """One function as sysfs shows it. ``None`` means that the kernel does not say."""

    address: PciAddress
    kind: FunctionKind
    vendor_id: str = ""
    """Four hex digits, lower case, as in ``8086``."""
    product_id: str = ""
    driver: str | None = None
    netdev: str | None = None
    mac: str | None = None
    pf: PciAddress | None = None
    """The physical function of a VF."""
    vf_index: int | None = None
    """The PF's number for a VF: N of ``virtfnN``."""
    vf_total: int | None = None
    """``sriov_totalvfs`` of a PF."""
    vf_count: int | None = None
    """``sriov_numvfs`` of a PF."""
    numa_node: int | None = None
    iommu_group: int | None = None
    link_speed_mbps: int | None = None
    link_is_up: bool | None = None
    mtu: int | None = None
    """Of a PF, which no VF of it goes beyond."""
    phys_switch_id: str | None = None
    """Of a PF whose driver says which embedded switch its port is on; hex digits."""
    serial: str | None = None
    """Of a PF's or a plain function's card: SN of its Vital Product Data, else what an NVMe controller says."""
    eswitch_mode: str | None = None
    """Of a PF, as devlink says it: ``legacy`` or ``switchdev``."""
    device_class: str = ""
    """Six hex digits, lower case: base class, subclass and interface, as in ``020000`` for Ethernet."""
    link_type: str | None = None
    """Of a PF's netdev: ``ethernet`` or ``infiniband``."""
    features: tuple[str, ...] | None = None
    """What the netdev has switched on, in libvirt's and Nova's words (``rx``, ``tso``, ``hw-tc-offload``), sorted."""
    faults: tuple[str, ...] = field(default=())
    """What is wrong with it, in sentences. A function with faults is listed and never offered."""
