"""Why a function is not handed out although a device spec matches it. An empty answer: nothing keeps it."""

from collections.abc import Mapping, Sequence

from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction


def unfit(
    function: PciFunction,
    pf: PciFunction | None,
    host_uses: Mapping[PciAddress, str],
    *,
    is_nic: bool,
    is_whole: bool,
) -> str:
    """What stands in the way of the function itself. ``is_whole``: its entry hands out whole functions."""
    if function.kind is FunctionKind.PCI and is_nic and not is_whole:
        return "it is a NIC without SR-IOV, and such a one is handed out by whole = true alone"
    if function.kind is FunctionKind.VF:
        if pf is None or function.vf_index is None:
            return f"its PF {function.pf} does not say which of its VFs it is"
        if is_nic and pf.netdev is None:
            return f"its PF {function.pf} has no netdev, so that it cannot be programmed"
    if function.address in host_uses:
        return f"the host itself uses it: {host_uses[function.address]}"
    return ""


def unfit_whole(pf: PciFunction, vfs: Sequence[OfferedFunction]) -> str:
    """What its VFs say against handing out a PF whole: they go away then, so each has to be ours to take away."""
    if pf.vf_count is None:
        return "it is to be handed out whole, and sriov_numvfs cannot be told"
    if len(vfs) != pf.vf_count:
        return f"it is to be handed out whole, and of its {pf.vf_count} VFs {len(vfs)} are known"
    for vf in vfs:
        if not vf.is_offered:
            return f"it is to be handed out whole, and its VF {vf.function.vf_index} is not to be had: {vf.reason}"
    return ""


def without_network(entry: int) -> str:
    """For a NIC that an entry matches which names no physical network; ``entry`` counts from 1."""
    return f"it is a NIC, and device_spec entry {entry} names no physical_network"
