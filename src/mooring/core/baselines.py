"""What there is of a function to be made clean: which have settings at all, and the MAC of a VF that nobody owns."""

import hashlib

from mooring.model.pci import FunctionKind

_LOCAL_UNICAST = 0x02
_NETWORK_CLASS = "02"


def has_settings(kind: FunctionKind, device_class: str) -> bool:
    """Whether its PF holds settings of the function: a VF of a NIC, and one whose class nobody told.

    A whole PF, a function without SR-IOV, and a VF of an accelerator or of a disk have none: they are reset, and that
    is all that can be done for their next owner.
    """
    return kind is FunctionKind.VF and (not device_class or device_class.startswith(_NETWORK_CLASS))


def baseline_mac(device_id: str, generation: int) -> str:
    """Fresh for each generation, the same each time it is asked for: unicast, locally administered, nobody else's.

    Never the one found before, which after a leak is the last tenant's; derived, so that a command repeated after a
    restart is the same command.
    """
    digest = hashlib.sha256(f"{device_id}/{generation}".encode()).digest()
    return bytes([_LOCAL_UNICAST, *digest[:5]]).hex(":")
