"""Plumbing with the host's own tools: ``ovs-vsctl`` for Open vSwitch's ports, ``ip`` for VLANs and links.

What is ours carries our mark, so that nobody else's is ever removed: an external id on the interface in Open vSwitch's
database, an alias on a VLAN's netdev (``ip link set NAME alias``).
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mooring.errors import Conflict, HostFault, NotFound
from mooring.host.attribute import read_file
from mooring.host.bridges import OVS_VSCTL, OVS_WAIT_S, TIME_MAX_S, ovs_among
from mooring.host.machine import RepresentorPort, VlanNetdev
from mooring.host.programs import SEARCH_PATH, Program, run

IP = Program(("ip",), ("iproute2",))
#: The mark, and where it stands in Open vSwitch's database.
MARK = "mooring"
_OWNER = "owner"
_IFF_UP = 1


class HostPlumbing:
    """``Plumbing`` of the machine whose sysfs is at ``root``."""

    def __init__(self, root: Path, search_path: str = SEARCH_PATH):
        self._root = root
        self._search_path = search_path

    def ovs_bridges(self, names: Collection[str]) -> frozenset[str]:
        return ovs_among(self._root, sorted(names), self._search_path)

    def representor_ports(self) -> Sequence[RepresentorPort]:
        interfaces, ports, bridges = self._ovs_tables(
            ("--columns=name,external_ids", "find", "Interface", f"external_ids:{_OWNER}={MARK}"),
            ("--columns=_uuid,name,tag", "list", "Port"),
            ("--columns=name,ports", "list", "Bridge"),
        )
        by_port = {port: str(bridge["name"]) for bridge in bridges for port in _set(bridge["ports"])}
        places = {port["name"]: (by_port.get(port["_uuid"], ""), next(iter(_set(port["tag"])), 0)) for port in ports}
        found = []
        for interface in interfaces:
            name, said = str(interface["name"]), dict(interface["external_ids"])
            bridge, tag = places.get(name, ("", 0))
            port_id, mac, server = (str(said.get(key, "")) for key in ("iface-id", "attached-mac", "vm-uuid"))
            found.append(RepresentorPort(bridge, name, int(tag), port_id, mac, server))
        return found

    def plug(self, port: RepresentorPort) -> None:
        if not self._is_up(port.representor):
            self._ip("set", "dev", port.representor, "up")
        tag = [f"tag={port.vlan_id}"] if port.vlan_id else []
        said = {
            "iface-id": port.port_id, "attached-mac": port.mac, "iface-status": "active", "vm-uuid": port.server_id,
            _OWNER: MARK,
        }  # fmt: skip
        self._ovs(
            "--if-exists", "del-port", port.representor,
            "--", "add-port", port.bridge, port.representor, *tag,
            "--", "set", "Interface", port.representor, *(f"external_ids:{key}={text}" for key, text in said.items()),
        )  # fmt: skip

    def unplug(self, representor: str) -> None:
        self._ovs("--if-exists", "del-port", representor)
        if (self._root / "class/net" / representor).exists() and self._is_up(representor):
            self._ip("set", "dev", representor, "down")

    def vlan_netdevs(self) -> Sequence[VlanNetdev]:
        return [netdev for netdev, alias in self._vlans() if alias == MARK]

    def add_vlan(self, wanted: VlanNetdev) -> None:
        there = next((netdev for netdev, _ in self._vlans() if netdev.name == wanted.name), None)
        if there is None and (self._root / "class/net" / wanted.name).exists():
            raise Conflict(f"{wanted.name} is here already, and is no VLAN's sub-interface")
        if there is not None and there != wanted:
            raise Conflict(f"{wanted.name} is here already, for VLAN {there.vlan_id} of {there.parent}")
        if not self._is_up(wanted.parent):
            self._ip("set", "dev", wanted.parent, "up")
        if there is None:
            self._ip("add", "link", wanted.parent, "name", wanted.name, "type", "vlan", "id", str(wanted.vlan_id))
            self._ip("set", "dev", wanted.name, "alias", MARK)
        if not self._is_up(wanted.name):
            self._ip("set", "dev", wanted.name, "up")

    def remove_vlan(self, name: str) -> None:
        if (self._root / "class/net" / name).exists():
            self._ip("delete", "dev", name, "type", "vlan")

    def _vlans(self) -> Iterator[tuple[VlanNetdev, str]]:
        """Every VLAN's sub-interface, with its alias."""
        for link in filter(None, _json(run([IP.find(self._search_path), "-d", "-j", "link", "show", "type", "vlan"]))):
            try:
                vlan_id = int(link["linkinfo"]["info_data"]["id"])
                yield VlanNetdev(link["ifname"], link.get("link", ""), vlan_id), str(link.get("ifalias", ""))
            except (LookupError, TypeError, ValueError) as odd:
                raise HostFault(f"ip shows a VLAN's netdev of another form: {type(odd).__name__}: {odd}") from odd

    def _ip(self, *words: str) -> None:
        run([IP.find(self._search_path), "link", *words])

    def _is_up(self, netdev: str) -> bool:
        """``IFF_UP``: somebody wants it up. Raises NotFound for a netdev that is not there."""
        try:
            return bool(int(read_file(self._root / "class/net" / netdev / "flags"), 16) & _IFF_UP)
        except (OSError, ValueError) as gone:
            raise NotFound("netdev", netdev) from gone

    def _ovs(self, *words: str) -> str:
        command = [OVS_VSCTL.find(self._search_path), f"--timeout={OVS_WAIT_S}", "--format=json", "--", *words]
        return run(command, time_max_s=TIME_MAX_S)

    def _ovs_tables(self, *questions: Sequence[str]) -> list[list[Mapping[str, Any]]]:
        """The answers to several questions, asked in one transaction: a line of JSON for each."""
        words = [word for question in questions for word in ("--", *question)][1:]
        lines = self._ovs(*words).splitlines()
        if len(lines) != len(questions):
            raise HostFault(f"ovs-vsctl answered {len(questions)} questions with {len(lines)} lines")
        return [_rows(_json(line)) for line in lines]


def _json(text: str) -> Any:
    try:
        return json.loads(text or "[]")
    except ValueError as broken:
        raise HostFault(f"a program's JSON does not parse: {broken}") from broken


def _rows(table: Any) -> list[Mapping[str, Any]]:
    """A table of OVSDB's (RFC 7047, 5.1), each row by column names, its values made plain."""
    try:
        return [dict(zip(table["headings"], map(_plain, row), strict=True)) for row in table["data"]]
    except (LookupError, TypeError, ValueError) as odd:
        raise HostFault(f"ovs-vsctl shows a table of another form: {type(odd).__name__}: {odd}") from odd


def _plain(value: Any) -> Any:
    """``["set", [...]]``, ``["map", [[key, value], ...]]`` and ``["uuid", text]`` without their tags."""
    if not isinstance(value, list):
        return value
    tag, content = value
    return [_plain(one) for one in content] if tag == "set" else content


def _set(value: Any) -> Sequence[Any]:
    """OVSDB writes a set of one as the one."""
    return value if isinstance(value, list) else [value]
