"""The MAC of a VF that nobody owns: fresh for each generation, the same each time it is asked for."""

import hashlib

_LOCAL_UNICAST = 0x02


def baseline_mac(device_id: str, generation: int) -> str:
    """A unicast, locally administered MAC that no other device or generation has.

    Never the one found before, which after a leak is the last tenant's; derived, so that a command repeated after a
    restart is the same command.
    """
    digest = hashlib.sha256(f"{device_id}/{generation}".encode()).digest()
    return bytes([_LOCAL_UNICAST, *digest[:5]]).hex(":")
