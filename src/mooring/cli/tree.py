"""How devices are shown: PFs with their VFs beneath them, and what there is to say of single ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.cli.text import Column, Group, filled, on_off, plain, print_groups, say

Device = Mapping[str, Any]
"""As ``/mooring/v1/pci-devices`` shows it."""

_COLUMNS = (
    Column("VF", is_number=True),
    Column("ADDRESS"),
    Column("STATE"),
    Column("MAC"),
    Column("VLAN", is_number=True),
    Column("SPOOF"),
    Column("TRUST"),
    Column("OWNER", folds=True),
)


def print_devices(devices: Sequence[Device]) -> None:
    """One host's: a table for each PF, then why functions are held back, and what is wrong with those in use."""
    groups = [Group(_heading(pf, below), [_row(one) for one in below]) for pf, below in trees(devices)]
    print_groups(_COLUMNS, groups)
    told = [one for one in devices if one["kind"] == "type-VF" or _goes_whole(one)]
    print_notes("held back", [(one["address"], one["reason"]) for one in told if one["owner"] is None])
    print_notes("not as wanted", [(one["address"], one["reason"]) for one in told if one["owner"] is not None])


def _goes_whole(pf: Device) -> bool:
    """A PF that a device spec hands out, or handed out to somebody who has it still."""
    return pf["kind"] == "type-PF" and (pf["is_offered"] or pf["state"] not in ("unavailable", "gone"))


def trees(devices: Sequence[Device]) -> list[tuple[Device | None, Sequence[Device]]]:
    """Each PF with its VFs by index; last, under ``None``, what has no PF or whose PF is not there."""
    pfs = {one["address"]: one for one in devices if one["kind"] == "type-PF"}
    below: dict[str | None, list[Device]] = {address: [] for address in pfs}
    for one in devices:
        if one["address"] not in pfs:
            below.setdefault(one["pf"] if one["pf"] in pfs else None, []).append(one)
    return [
        (pfs.get(address or ""), sorted(found, key=lambda one: (one["vf_index"] or 0, one["address"])))
        for address, found in below.items()
    ]


def print_notes(title: str, notes: Sequence[tuple[str, str]]) -> None:
    """What there is to say of single functions: each text once, the addresses below it; empty texts say nothing."""
    by_text: dict[str, list[str]] = {}
    for address, text in notes:
        if text:
            by_text.setdefault(plain(text), []).append(address)
    for text, addresses in by_text.items():
        say("\n" + filled(f"{title}: {text}", indent="    "))
        say(filled(", ".join(addresses), "  ", "  "))


def speed(mbps: int | None) -> str | None:
    """A link's speed as a person says it."""
    if not mbps:
        return None
    return f"{mbps / 1000:g} Gb/s" if mbps >= 1000 else f"{mbps} Mb/s"  # noqa: PLR2004 - 1000 Mb are a Gb


def _heading(pf: Device | None, vfs: Sequence[Device]) -> str:
    if pf is None:
        return "without a PF"
    free = sum(vf["state"] == "available" for vf in vfs)
    node = None if pf["numa_node"] is None else f"NUMA {pf['numa_node']}"
    parts = [pf["netdev"], pf["address"], pf["driver"], pf["physical_network"], speed(pf["link_speed_mbps"]), node]
    owner = (pf["owner"] or {}).get("server_name") or (pf["owner"] or {}).get("server_id") or ""
    use = f"whole: {pf['state']} {owner}" if _goes_whole(pf) else f"{free} of {len(vfs)} VFs free"
    return "  ".join([*(plain(part) for part in parts if part), plain(use).rstrip()])


def _row(vf: Device) -> Sequence[object]:
    """What was read back; where nothing was, what is wanted."""
    settings = vf["observed"] or vf["desired"] or {}
    vlan, owner = settings.get("vlan"), vf["owner"] or {}
    return (
        vf["vf_index"],
        vf["address"],
        vf["state"],
        settings.get("mac"),
        vlan["id"] if vlan else None,
        on_off(settings.get("spoof_check")),
        on_off(settings.get("trust")),
        owner.get("server_name") or owner.get("server_id"),
    )
