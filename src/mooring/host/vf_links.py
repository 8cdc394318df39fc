"""Putting functions together: which VF is number N of which PF, and every disagreement about it as a fault.

Pure: it judges what ``host/sysfs.py`` has read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class SeenFunction:
    """One function as its own folder shows it, before the others are asked."""

    function: PciFunction
    """Kind PF when it has SR-IOV files of its own, PCI otherwise: whether it is a VF is decided here."""
    has_physfn: bool = False
    physfn: PciAddress | None = None
    """Where ``physfn`` points; ``None`` with ``has_physfn`` is a link to nowhere sensible."""
    virtfns: Mapping[int, PciAddress | None] | None = None
    """A PF's ``virtfnN`` links by N; ``None`` values lead nowhere sensible."""
    absent: frozenset[str] = frozenset()
    """Files that a kernel shows for all functions or for none, and that are not there."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """One ``virtfnN`` link of a PF."""

    pf: PciAddress
    vf_index: int

    def __str__(self) -> str:
        return f"virtfn{self.vf_index} of {self.pf}"


def judge(seen: Sequence[SeenFunction]) -> tuple[PciFunction, ...]:
    """The functions in the order of their addresses, with kind, PF and index settled and all faults named."""
    known = {one.function.address: one for one in seen}
    claims: dict[PciAddress, list[_Claim]] = {}
    for one in seen:
        for vf_index, target in sorted((one.virtfns or {}).items()):
            if target is not None:
                claims.setdefault(target, []).append(_Claim(one.function.address, vf_index))
    shown_somewhere = {name for one in seen for name in ("numa_node", "iommu_group") if name not in one.absent}
    return tuple(_settled(known[address], known, claims.get(address, []), shown_somewhere) for address in sorted(known))


def _settled(
    one: SeenFunction,
    known: Mapping[PciAddress, SeenFunction],
    claims: Sequence[_Claim],
    shown_somewhere: set[str],
) -> PciFunction:
    function = one.function
    faults = [f"{name} is missing, although other functions have one" for name in sorted(one.absent & shown_somewhere)]
    if function.kind is FunctionKind.PF:
        faults += _pf_faults(one, known, claims)
    elif one.has_physfn or claims:
        pf = claims[0].pf if claims else one.physfn
        vf_index = claims[0].vf_index if claims else None
        function = replace(function, kind=FunctionKind.VF, pf=pf, vf_index=vf_index)
        faults += _vf_faults(one, known, claims)
    return replace(function, faults=(*function.faults, *faults))


def _pf_faults(one: SeenFunction, known: Mapping[PciAddress, SeenFunction], claims: Sequence[_Claim]) -> Iterator[str]:
    pf = one.function
    if one.has_physfn:
        yield "it has a physfn link, although it is a PF"
    for claim in claims:
        yield f"{claim} points to it, although it is a PF"
    virtfns = one.virtfns or {}
    for vf_index, target in sorted(virtfns.items()):
        if target is not None and target not in known:
            yield f"virtfn{vf_index} points to {target}, which is no network function of this host"
        elif target is not None and known[target].function.kind is FunctionKind.PF:
            yield f"virtfn{vf_index} points to {target}, which is a PF"
    if pf.vf_count is None:
        return
    if pf.vf_total is not None and pf.vf_count > pf.vf_total:
        yield f"sriov_numvfs is {pf.vf_count}, more than sriov_totalvfs, {pf.vf_total}"
    missing = [n for n in range(pf.vf_count) if n not in virtfns]
    if missing:
        yield f"sriov_numvfs is {pf.vf_count}, but there is no {_named(missing)}"
    surplus = sorted(n for n in virtfns if n >= pf.vf_count)
    if surplus:
        yield f"sriov_numvfs is {pf.vf_count}, but there is {_named(surplus)}"


def _vf_faults(one: SeenFunction, known: Mapping[PciAddress, SeenFunction], claims: Sequence[_Claim]) -> Iterator[str]:
    address = one.function.address
    if one.physfn == address:
        yield "physfn points to itself"
    if not claims:
        yield f"physfn is {one.physfn}, and no virtfn link of a PF points to it"
    elif not one.has_physfn:
        yield f"physfn is missing, although {claims[0]} points to it"
    elif one.physfn is not None and one.physfn != claims[0].pf:
        yield f"physfn is {one.physfn}, but {claims[0]} points to it"
    if len(claims) > 1:
        yield f"{' and '.join(str(claim) for claim in claims[:_NAMED_MAX])} point to it"
    pf = claims[0].pf if claims else one.physfn
    if pf is None:
        return
    if pf not in known:
        yield f"its PF {pf} is no network function of this host"
    elif known[pf].function.kind is not FunctionKind.PF:
        yield f"its PF {pf} has no SR-IOV files"
    elif claims:
        vf_count = known[pf].function.vf_count
        if vf_count is None:
            yield f"sriov_numvfs of its PF {pf} cannot be told"
        elif claims[0].vf_index >= vf_count:
            yield f"{claims[0]} points to it, but sriov_numvfs there is {vf_count}"


def _named(indices: Sequence[int]) -> str:
    more = f" and {len(indices) - _NAMED_MAX} more" if len(indices) > _NAMED_MAX else ""
    return ", ".join(f"virtfn{n}" for n in indices[:_NAMED_MAX]) + more
