"""Which bridges of this host are Open vSwitch's: their ports want another XML, and their VLANs are its business."""

import os
from collections.abc import Iterable
from pathlib import Path

from mooring.errors import HostFault, Unsupported
from mooring.host.programs import SEARCH_PATH, Program, ask

OVS_VSCTL = Program(("ovs-vsctl",), ("openvswitch-switch",))
_NO_SUCH_BRIDGE = 2
OVS_WAIT_S = 5
#: Longer than ovs-vsctl's own limit, so that its own words are heard.
TIME_MAX_S = 10.0


def ovs_among(sysfs_root: Path, names: Iterable[str], search_path: str = SEARCH_PATH) -> frozenset[str]:
    """Those of the names that are Open vSwitch bridges.

    Every bridge has a network device by its name; the kernel's own bridges show a ``bridge`` folder there, and for the
    rest Open vSwitch is asked, where it is installed. Raises HostFault when it does not answer.
    """
    return frozenset(name for name in names if _is_ovs(sysfs_root / "class/net", name, search_path))


def _is_ovs(folder: Path, name: str, search_path: str) -> bool:
    if not name or os.sep in name or not (folder / name).exists() or (folder / name / "bridge").exists():
        return False
    try:
        program = OVS_VSCTL.find(search_path)
    except Unsupported:
        return False
    answer = ask([program, f"--timeout={OVS_WAIT_S}", "br-exists", name], time_max_s=TIME_MAX_S)
    if answer.exit_code not in (0, _NO_SUCH_BRIDGE):
        raise HostFault(
            f"Open vSwitch did not say whether {name} is its bridge: {answer.complaint or answer.exit_code}",
            hint="is ovsdb-server running?",
        )
    return answer.exit_code == 0
