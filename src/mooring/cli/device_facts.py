"""One function whole, and functions as rows of one table."""

from collections.abc import Iterable, Mapping, Sequence

from mooring.cli.device_text import owner_name, state_style
from mooring.cli.text import Column, counted, moment, on_off, print_facts, print_table, say
from mooring.cli.tree import Device, speed

_SORTED = (
    Column("HOST", folds=True),
    Column("ADDRESS"),
    Column("KIND"),
    Column("STATE", style=state_style),
    Column("REACHES", folds=True),
    Column("NUMA", is_number=True),
    Column("GROUPS", folds=True),
    Column("OWNER", folds=True),
)
_TITLES = {
    "vf_index": "VF", "link_speed_mbps": "MB/S", "vendor_id": "VENDOR", "product_id": "PRODUCT", "pf_netdev": "PF",
    "iommu_group": "IOMMU", "device_class": "CLASS", "is_offered": "GIVEN", "verified_at": "READ BACK",
    "generation": "GEN.", "vf_count": "VFS", "vf_total": "MOST VFS",
}  # fmt: skip
_SHOWN = frozenset({"host", "address", "kind", "state", "physical_network", "numa_node", "server_name"})


def print_sorted(devices: Sequence[Device], keys: Iterable[str]) -> None:
    """In the order that they are in; what they are sorted by is shown."""
    more = [key for key in dict.fromkeys(keys) if key not in _SHOWN and key in devices[0]]
    columns = (*_SORTED[:-2], *(Column(_TITLES.get(key, key.upper()), folds=True) for key in more), *_SORTED[-2:])
    print_table(columns, [_row(one, more) for one in devices])
    say(f"\n{counted(len(devices), 'function')}")


def _row(one: Device, more: Sequence[str]) -> Sequence[object]:
    return (
        one["host"],
        one["address"],
        one["kind"].removeprefix("type-"),
        one["state"],
        one["physical_network"],
        one["numa_node"],
        *(one[key] for key in more),
        ", ".join(one["groups"]),
        owner_name(one),
    )


def print_facts_of(one: Device) -> None:
    print_facts({name: value for name, value in _facts(one).items() if value is not None})
    settings = [(name, _settings(one[name])) for name in ("observed", "desired") if one[name]]
    for name, shown in settings:
        say(f"\n{'as read back' if name == 'observed' else 'as wanted'}")
        print_facts({f"  {key}": value for key, value in shown.items()})


def _facts(one: Device) -> Mapping[str, object]:
    """What there is nothing to say of is ``None`` where it does not belong to every function."""
    owner = one["owner"] or {}
    return {
        "id": one["id"],
        "host": one["host"],
        "address": one["address"],
        "kind": one["kind"].removeprefix("type-"),
        "state": one["state"],
        "reason": one["reason"] or None,
        "owner": owner_name(one) or "",
        "server": owner.get("server_id"),
        "project": owner.get("project_id"),
        "port": owner.get("port_id"),
        "handed out": "yes" if one["is_offered"] else "no",
        "physical network": one["physical_network"] or "",
        "trusted": "yes" if one["trusted"] else "no",
        "tags": ", ".join(one["tags"]),
        "PCI groups": ", ".join(one["groups"]),
        "features": ", ".join(one["features"]),
        "device": f"{one['vendor_id']}:{one['product_id']}, class {one['device_class'] or 'not known'}",
        "driver": one["driver"] or "",
        "netdev": one["netdev"],
        "MAC": one["mac"],
        "PF": " ".join(filter(None, (one["pf_netdev"], one["pf"]))) or None,
        "VF": one["vf_index"],
        "VFs": None if one["vf_total"] is None else f"{one['vf_count']} of {one['vf_total']}",
        "link": speed(one["link_speed_mbps"]),
        "NUMA node": "" if one["numa_node"] is None else one["numa_node"],
        "IOMMU group": "" if one["iommu_group"] is None else one["iommu_group"],
        "generation": one["generation"],
        "read back at": moment(one["verified_at"]) or None,
        "changed at": moment(one["updated_at"]),
    }


def _settings(told: Mapping[str, object]) -> Mapping[str, object]:
    vlan, rate = told.get("vlan"), told.get("rate")
    guid = told.get("guid")
    shown: dict[str, object] = {"MAC": told.get("mac")} if guid is None else {"GUID": guid}
    if isinstance(vlan, Mapping):
        shown["VLAN"] = f"{vlan.get('id', 0)}, priority {vlan.get('qos', 0)}, {vlan.get('protocol', '802.1Q')}"
    for name, key in (("spoof check", "spoof_check"), ("trust", "trust")):
        value = told.get(key)
        shown[name] = on_off(value if isinstance(value, bool) else None)
    if isinstance(rate, Mapping):
        limits = (("at least", rate.get("min_mbps")), ("at most", rate.get("max_mbps")))
        shown["rate"] = ", ".join(f"{word} {mbps} Mb/s" for word, mbps in limits if mbps) or "not limited"
    shown["link state"] = told.get("link_state")
    return shown
