"""Putting functions together: which VF is number N of which PF, and every disagreement about it as a fault.

Pure: it judges what ``host/sysfs.py`` has read. Functions are known by their addresses as text here, in the kernel's
own spelling, since text is quick to look up and there may be thousands.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_NAMED_MAX = 5


class SeenNetdev(NamedTuple):
    """What a function's netdev shows; the fields are those of ``PciFunction``."""

    name: str | None = None
    mac: str | None = None
    link_speed_mbps: int | None = None
    link_is_up: bool | None = None
    mtu: int | None = None
    phys_switch_id: str | None = None
    link_type: str | None = None


NO_NETDEV = SeenNetdev()


@dataclass(slots=True)
class SeenFunction:
    """One function as its own folder shows it, before the others are asked."""

    name: str
    address: PciAddress
    faults: list[str]
    is_pf: bool = False
    """It has SR-IOV files of its own. Whether it is a VF is decided here."""
    vendor_id: str = ""
    product_id: str = ""
    device_class: str = ""
    driver: str | None = None
    vf_total: int | None = None
    vf_count: int | None = None
    numa_node: int | None = None
    iommu_group: int | None = None
    netdev: SeenNetdev = NO_NETDEV
    has_physfn: bool = False
    physfn: str | None = None
    """Where ``physfn`` points; ``None`` with ``has_physfn`` is a link to nowhere sensible."""
    virtfns: Mapping[int, str | None] = field(default_factory=dict)
    """A PF's ``virtfnN`` links by N; ``None`` values lead nowhere sensible."""
    absent: Collection[str] = ()
    """Files that a kernel shows for all functions or for none, and that are not there."""


class _Claim(NamedTuple):
    """One ``virtfnN`` link of a PF."""

    pf: SeenFunction
    vf_index: int

    def __str__(self) -> str:
        return f"virtfn{self.vf_index} of {self.pf.name}"


def judge(seen: Sequence[SeenFunction], *, is_all: bool = True) -> tuple[PciFunction, ...]:
    """The functions in the same order, with kind, PF and index settled and all faults named.

    ``is_all``: there are no others, so that a link to one is a fault.
    """
    known = {one.name: one for one in seen}
    claims: dict[str, list[_Claim]] = {}
    for one in seen:
        for vf_index, target in sorted(one.virtfns.items()):
            if target is not None:
                claims.setdefault(target, []).append(_Claim(one, vf_index))
    shown_somewhere = {name for one in seen for name in ("numa_node", "iommu_group") if name not in one.absent}
    settled = []
    for one in seen:
        if one.is_pf and is_all:
            one.faults += _lost_vfs(one, known)
        settled.append(_settled(one, known, claims.get(one.name, ()), shown_somewhere))
    return tuple(settled)


def _settled(
    one: SeenFunction, known: Mapping[str, SeenFunction], claims: Sequence[_Claim], shown_somewhere: Collection[str]
) -> PciFunction:
    kind, pf, vf_index, faults = FunctionKind.PCI, None, None, one.faults
    if one.absent:
        missing = sorted(name for name in one.absent if name in shown_somewhere)
        faults += [f"{name} is missing, although other functions have one" for name in missing]
    if one.is_pf:
        kind = FunctionKind.PF
        faults += _pf_faults(one, known, claims)
    elif one.has_physfn or claims:
        kind = FunctionKind.VF
        faults += _vf_faults(one, known, claims)
        if claims:
            pf, vf_index = claims[0].pf.address, claims[0].vf_index
        elif one.physfn is not None:
            pf = known[one.physfn].address if one.physfn in known else PciAddress.parse(one.physfn)
    netdev = one.netdev
    return PciFunction(
        address=one.address,
        kind=kind,
        vendor_id=one.vendor_id,
        product_id=one.product_id,
        driver=one.driver,
        netdev=netdev.name,
        mac=netdev.mac,
        pf=pf,
        vf_index=vf_index,
        vf_total=one.vf_total,
        vf_count=one.vf_count,
        numa_node=one.numa_node,
        iommu_group=one.iommu_group,
        link_speed_mbps=netdev.link_speed_mbps,
        link_is_up=netdev.link_is_up,
        mtu=netdev.mtu,
        phys_switch_id=netdev.phys_switch_id,
        device_class=one.device_class,
        link_type=netdev.link_type,
        faults=tuple(faults),
    )


def _lost_vfs(one: SeenFunction, known: Mapping[str, SeenFunction]) -> Iterator[str]:
    for vf_index, target in sorted(one.virtfns.items()):
        if target is not None and target not in known:
            yield f"virtfn{vf_index} points to {target}, which is no device of this host"


def _pf_faults(one: SeenFunction, known: Mapping[str, SeenFunction], claims: Sequence[_Claim]) -> Iterator[str]:
    if one.has_physfn:
        yield "it has a physfn link, although it is a PF"
    for claim in claims:
        yield f"{claim} points to it, although it is a PF"
    for vf_index, target in sorted(one.virtfns.items()):
        if target is None or target not in known:
            continue
        if known[target].is_pf:
            yield f"virtfn{vf_index} points to {target}, which is a PF"
        elif not known[target].has_physfn:
            yield f"virtfn{vf_index} points to {target}, which is no VF"
    if one.vf_count is None:
        return
    if one.vf_total is not None and one.vf_count > one.vf_total:
        yield f"sriov_numvfs is {one.vf_count}, more than sriov_totalvfs, {one.vf_total}"
    missing = [n for n in range(one.vf_count) if n not in one.virtfns]
    if missing:
        yield f"sriov_numvfs is {one.vf_count}, but there is no {_named(missing)}"
    surplus = sorted(n for n in one.virtfns if n >= one.vf_count)
    if surplus:
        yield f"sriov_numvfs is {one.vf_count}, but there is {_named(surplus)}"


def _vf_faults(one: SeenFunction, known: Mapping[str, SeenFunction], claims: Sequence[_Claim]) -> Iterator[str]:
    if one.physfn == one.name:
        yield "physfn points to itself"
    if not claims:
        yield f"physfn is {one.physfn}, and no virtfn link of a PF points to it"
    elif not one.has_physfn:
        yield f"physfn is missing, although {claims[0]} points to it"
    elif one.physfn is not None and one.physfn != claims[0].pf.name:
        yield f"physfn is {one.physfn}, but {claims[0]} points to it"
    if len(claims) > 1:
        yield f"{' and '.join(str(claim) for claim in claims[:_NAMED_MAX])} point to it"
    pf = claims[0].pf if claims else known.get(one.physfn or "")
    if pf is None:
        if one.physfn is not None:
            yield f"its PF {one.physfn} is no device of this host"
    elif not pf.is_pf:
        yield f"its PF {pf.name} has no SR-IOV files"
    elif claims and pf.vf_count is None:
        yield f"sriov_numvfs of its PF {pf.name} cannot be told"
    elif claims and claims[0].vf_index >= (pf.vf_count or 0):
        yield f"{claims[0]} points to it, but sriov_numvfs there is {pf.vf_count}"


def _named(indices: Sequence[int]) -> str:
    more = f" and {len(indices) - _NAMED_MAX} more" if len(indices) > _NAMED_MAX else ""
    return ", ".join(f"virtfn{n}" for n in indices[:_NAMED_MAX]) + more
