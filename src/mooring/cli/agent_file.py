"""The text of a new host's ``agent.toml``: where its controller is, and an entry for each PF, behind a ``#``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mooring.cli.text import plain
from mooring.cli.tree import speed
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_START = """\
# Written by mooring host join. All settings: mooring config show agent
[agent]
controller = {controller}
key_file = {key_file}

# For `normal` ports: the VLAN-aware bridge that is on each physical network.
# [agent.bridge_mappings]
# physnet1 = "br-physnet1"

# Which VFs this host hands out. Nothing, until you take the # from an entry and name the physical network that the
# port is plugged into; servers reach the networks of that name. mooring host check shows what comes of it.
"""
_NONE = """
# No network function with SR-IOV was found here: mooring host check says why.
# [[device_spec]]
# pf = "ens1f0"
# physical_network = "physnet1"
"""
_LINK = {True: "link up", False: "link down", None: "link unknown"}


def agent_toml(
    controller: str, key_file: Path, functions: Sequence[PciFunction], uses: Mapping[PciAddress, str]
) -> str:
    """``uses`` says why the host itself uses a function."""
    pfs = [one for one in functions if one.kind is FunctionKind.PF]
    start = _START.format(controller=json.dumps(controller), key_file=json.dumps(str(key_file)))
    return start + ("".join(_entry(pf, uses.get(pf.address)) for pf in pfs) or _NONE)


def _entry(pf: PciFunction, use: str | None) -> str:
    return "\n" + "".join(f"# {line}\n" for line in _lines(pf, use))


def _lines(pf: PciFunction, use: str | None) -> Iterator[str]:
    link = speed(pf.link_speed_mbps) if pf.link_is_up is not False else None
    facts = (pf.netdev, pf.address, pf.driver, f"link up, {link}" if link else _LINK[pf.link_is_up])
    yield f"{', '.join(plain(fact) for fact in facts if fact)}: {pf.vf_count or 0} of {pf.vf_total or 0} VFs"
    if use is not None:
        yield f"The host itself uses the PF ({plain(use)}); its VFs may be handed out all the same."
    yield "[[device_spec]]"
    yield f"pf = {json.dumps(pf.netdev or str(pf.address))}"
    yield 'physical_network = "physnet1"'
    if not pf.vf_count and pf.vf_total:
        yield f"num_vfs = {pf.vf_total}    # made when the agent starts"
