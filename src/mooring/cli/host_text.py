"""How hosts are shown: a row for each, or one with what it has, what is used of it and what is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.cli.device_free import FREE, free_of
from mooring.cli.device_text import print_devices
from mooring.cli.text import Column, filled, moment, plain, print_facts, print_table, say
from mooring.cli.tree import ranges

Host = Mapping[str, Any]
"""As ``/mooring/v1/hosts`` shows it."""
_States = Mapping[str, int]

_AGENT_STYLES = {"alive": "green", "dead": "bold red"}
_TROUBLES = ("quarantined", "removed-pending")
_MIB_OF_GIB = 1024


def _agent_style(text: str) -> str:
    return _AGENT_STYLES.get(text.partition(",")[0], "yellow")


_HOSTS = (
    Column("NAME", folds=True),
    Column("AGENT", style=_agent_style),
    Column("ZONE", folds=True),
    Column("SERVERS", is_number=True),
    Column("VCPUS", is_number=True),
    Column("MEMORY, GIB", is_number=True),
    Column("FREE", folds=True),
)
_PHYSNETS = (Column("PHYSICAL NETWORK"), Column("VFS", is_number=True), Column("STATES", folds=True))
_NUMA = (
    Column("NUMA", is_number=True),
    Column("SOCKET", is_number=True),
    Column("CPUS", folds=True),
    Column("MEMORY, GIB", is_number=True),
    Column("FREE FUNCTIONS"),
)
_GROUPS = (Column("PCI GROUP", folds=True), Column("FREE"))


def print_hosts(hosts: Sequence[Host]) -> None:
    print_table(_HOSTS, [_row(one) for one in hosts])


def print_host(one: Host) -> None:
    """Facts, then tables: VFs by physical network, NUMA nodes, PCI groups, and the functions as the tree of them."""
    print_facts({name: value for name, value in _facts(one).items() if value is not None})
    devices = one["devices"]
    groups = sorted({name for device in devices for name in device["groups"]})
    for columns, rows in (
        (_PHYSNETS, [_states_row(physnet, states) for physnet, states in one["vfs"].items()]),
        (_NUMA, [_cell_row(cell, devices) for cell in one["numa_cells"]]),
        (_GROUPS, [(name, free_of([each for each in devices if name in each["groups"]])) for name in groups]),
    ):
        if rows:
            say()
            print_table(columns, rows)
    if devices:
        say()
        print_devices(devices)
    for each in one["dhcp_interfaces"]:
        if each["reason"]:
            say("\n" + filled(f"DHCP is not served on {_dhcp(each)}: {plain(each['reason'])}"))
    if one["liveness"] != "alive":
        say("\n" + filled(_silence(one)))


def _row(one: Host) -> Sequence[object]:
    return (
        one["name"],
        one["liveness"] if one["is_enabled"] else f"{one['liveness']}, disabled",
        one["availability_zone"],
        one["servers"],
        f"{one['used_vcpus']}/{one['vcpus']}",
        f"{_gib(one['used_memory_mib'])}/{_gib(one['memory_mib'])}",
        _free(one),
    )


def _free(one: Host) -> str:
    """VFs by physical network, then whole PFs and other functions, where there are any to have."""
    told = [f"{plain(physnet)} {_share(states)}" for physnet, states in one["vfs"].items() if physnet]
    for noun, kind in (("whole PFs", "pfs"), ("others", "others")):
        states = _sum(one[kind].values())
        if set(states) - {"unavailable", "gone"}:
            told.append(f"{noun} {_share(states)}")
    return ", ".join(told)


def _share(states: _States) -> str:
    share = f"{states.get(FREE, 0)}/{sum(states.values())}"
    troubles = [f"{states[state]} {state}" for state in _TROUBLES if states.get(state)]
    return f"{share} ({', '.join(troubles)})" if troubles else share


def _sum(all_states: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for states in all_states:
        for state, number in states.items():
            total[state] = total.get(state, 0) + number
    return total


def _facts(one: Host) -> Mapping[str, object]:
    enabled = "yes" if one["is_enabled"] else f"no: {plain(one['disabled_reason'])}"
    whole = _sum(one["pfs"].values())
    others = _sum(one["others"].values())
    return {
        "name": one["name"],
        "agent": one["liveness"],
        "heard from": moment(one["heard_at"]),
        "enabled": enabled,
        "zone": one["availability_zone"],
        "aggregates": ", ".join(one["aggregates"]),
        "epoch": one["epoch"],
        "boot id": one["boot_id"],
        "started at": moment(one["started_at"]),
        "hypervisor": f"{one['hypervisor_type']} {_version(one['hypervisor_version'])}".rstrip(),
        "servers": one["servers"],
        "vcpus": f"{one['used_vcpus']} of {one['vcpus']} used",
        "memory": f"{one['used_memory_mib']} of {one['memory_mib']} MiB used",
        "disk": f"{one['used_disk_gib']} of {one['disk_gib']} GiB used",
        "bridges": ", ".join(f"{physnet} by {bridge}" for physnet, bridge in one["bridge_mappings"].items()),
        "PFs": "; ".join(f"{physnet} by {', '.join(pfs)}" for physnet, pfs in one["device_mappings"].items()),
        "DHCP": ", ".join(_dhcp(each) for each in one["dhcp_interfaces"] if not each["reason"]) or None,
        "whole PFs": _told(whole) if whole else None,
        "others": _told(others) if others else None,
    }


def _dhcp(served: Mapping[str, Any]) -> str:
    return f"{plain(served['physical_network'])} by {plain(served['netdev'])}"


def _silence(one: Host) -> str:
    if one["heard_at"] is None:
        return "its agent was never heard from; on the host itself begin with: mooring host join"
    return "nothing new is placed on it while its agent is silent; what it runs goes on: systemctl status mooring-agent"


def _states_row(physnet: str, states: _States) -> Sequence[object]:
    return (physnet, sum(states.values()), _told(states))


def _told(states: _States) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items()))


def _cell_row(cell: Mapping[str, Any], devices: Sequence[Mapping[str, Any]]) -> Sequence[object]:
    near = [one for one in devices if one["numa_node"] == cell["id"]]
    return (cell["id"], cell["socket"], ranges(cell["cpus"]), _gib(cell["memory_mib"]), free_of(near))


def _version(number: int) -> str:
    """libvirt's: major, minor and release in one number."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}" if number else ""


def _gib(mib: int) -> str:
    return f"{mib / _MIB_OF_GIB:.0f}"
