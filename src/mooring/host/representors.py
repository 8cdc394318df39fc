"""The representors of VFs: the netdevs by which the host reaches them while their card's switch is in switchdev mode.

By the rules that os-vif finds one by: a netdev of the PF's own switch (``phys_switch_id``), whose ``phys_port_name``
names PF and VF (``pf0vf3``, the number of the PF being that of its PCI function) or, with older drivers, the VF alone.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from mooring.errors import HostFault
from mooring.host.attribute import read_file
from mooring.model.pci import PciFunction

_PORT_NAME = re.compile(r"(?:pf([0-9]{1,5}))?vf([0-9]{1,5})|([0-9]{1,5})", re.ASCII)


def representors_of(root: Path, pf: PciFunction) -> Mapping[int, str]:
    """Netdevs by VF index; none in legacy mode. Raises HostFault when two of them claim to be the same VF's."""
    found: dict[int, str] = {}
    if pf.phys_switch_id is None:
        return found
    try:
        names = sorted(path.name for path in (root / "class/net").iterdir())
    except OSError:
        return found
    for name in names:
        port = _PORT_NAME.fullmatch(_text(root / "class/net" / name / "phys_port_name"))
        if port is None or _text(root / "class/net" / name / "phys_switch_id") != pf.phys_switch_id:
            continue
        if port[1] is not None and int(port[1]) != pf.address.function:
            continue
        vf_index = int(port[2] or port[3])
        if vf_index in found:
            raise HostFault(f"{found[vf_index]} and {name} are both the representor of VF {vf_index} of {pf.address}")
        found[vf_index] = name
    return found


def _text(path: Path) -> str:
    """Empty for what the driver does not say."""
    try:
        return read_file(path).decode("ascii", errors="replace").strip()
    except OSError:
        return ""
