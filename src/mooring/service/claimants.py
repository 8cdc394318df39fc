"""What a claim is for, in the words of events and faults: a port, or what a server's flavor asked for."""

from mooring.model.request import Claim


def claimant(held: Claim) -> dict[str, object]:
    """In the detail of an event: ``port``, or the ``server`` and the ``pci_group``."""
    if held.port_id is not None:
        return {"port": held.port_id}
    return {"server": held.server_id, "pci_group": held.request_id}


def claimants_name(held: Claim) -> str:
    """In a sentence, after "of"."""
    return f"PCI group {held.request_id}" if held.port_id is None else f"port {held.port_id}"
