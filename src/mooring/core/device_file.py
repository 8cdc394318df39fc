"""Devices written down in a file: what a spec is tried on with no host at hand.

``{"devices": [...], "interfaces": {...}}``: of a device ``address``, ``vendor_id``, ``product_id`` and, of a VF,
``parent_addr``, as Nova's own inventory has them, and more where a spec asks for it; of an interface, by its name, the
address of its function and whether that is a PF.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.core.nova_devspec import NovaDevice, NovaHost
from mooring.core.quoting import shown
from mooring.errors import Invalid
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_DEVICES_MAX = 65536
_TEXTS = (
    "address", "vendor_id", "product_id", "parent_addr", "dev_type", "driver", "mac", "serial", "switch_id",
    "link_type", "class",
)  # fmt: skip
_NUMBERS = ("vf_index", "numa_node", "link_speed_mbps", "vf_count", "iommu_group")
_HINT = '{"devices": [{"address": "0000:0a:00.0", "vendor_id": "8086", "product_id": "1572"}], "interfaces": {}}'

Row = Mapping[str, object]
"""One device, checked: the keys of ``_TEXTS`` hold text or ``None``, those of ``_NUMBERS`` a number or ``None``."""


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """A checked file."""

    rows: Sequence[Row]
    interfaces: Mapping[str, tuple[str, bool]]

    @property
    def pfs(self) -> frozenset[str]:
        """What an interface, a VF or its own ``dev_type`` says to be a PF."""
        told = {address for address, is_pf in self.interfaces.values() if is_pf}
        told |= {str(row["parent_addr"]) for row in self.rows if row["parent_addr"]}
        return frozenset(told | {str(row["address"]) for row in self.rows if row["dev_type"] == FunctionKind.PF})

    def nova_host(self) -> NovaHost:
        """For Nova's specs. A PF that is not among the devices is Nova's to look for, and is no error."""
        serials = {row["address"]: row["serial"] for row in self.rows}
        devices = [
            NovaDevice(
                address=str(row["address"]),
                vendor_id=str(row["vendor_id"] or ""),
                product_id=str(row["product_id"] or ""),
                parent=_text(row["parent_addr"]),
                serial=_text(row["serial"] or serials.get(row["parent_addr"])),
            )
            for row in self.rows
        ]
        return NovaHost(devices, self.interfaces, self.pfs)

    def functions(self) -> tuple[PciFunction, ...]:
        """For our own specs, in the file's order. VFs without ``vf_index`` are numbered by their addresses.

        Raises Invalid for a VF whose PF is not in the file.
        """
        known = {row["address"] for row in self.rows}
        below: dict[object, list[PciAddress]] = defaultdict(list)
        for row in self.rows:
            if row["parent_addr"] is None:
                continue
            if row["parent_addr"] not in known:
                raise Invalid(
                    f"device {row['address']} names the PF {row['parent_addr']}, which is not in the file",
                    hint="add the PF to devices, or take out parent_addr",
                )
            below[row["parent_addr"]].append(PciAddress.parse(str(row["address"])))
        indices = {address: n for addresses in below.values() for n, address in enumerate(sorted(addresses))}
        # A file need not name netdevs: one that is not told is another thing than none.
        netdevs = {address: name for name, (address, _) in reversed(list(self.interfaces.items()))}
        return tuple(
            self._function(row, indices, len(below[row["address"]]), netdevs.get(str(row["address"]), ""))
            for row in self.rows
        )

    def _function(self, row: Row, indices: Mapping[PciAddress, int], vf_count: int, netdev: str) -> PciFunction:
        address, parent = PciAddress.parse(str(row["address"])), row["parent_addr"]
        kind, vf_index = FunctionKind.PCI, None
        if parent is not None:
            kind, vf_index = FunctionKind.VF, _number(row["vf_index"])
            vf_index = indices[address] if vf_index is None else vf_index
        elif str(address) in self.pfs:
            kind = FunctionKind.PF
        told_count = _number(row["vf_count"])
        return PciFunction(
            address=address,
            kind=kind,
            vendor_id=str(row["vendor_id"] or "").lower(),
            product_id=str(row["product_id"] or "").lower(),
            driver=_text(row["driver"]),
            netdev=netdev,
            mac=_text(row["mac"]),
            pf=None if parent is None else PciAddress.parse(str(parent)),
            vf_index=vf_index,
            vf_count=vf_count if told_count is None and kind is FunctionKind.PF else told_count,
            numa_node=_number(row["numa_node"]),
            iommu_group=_number(row["iommu_group"]),
            link_speed_mbps=_number(row["link_speed_mbps"]),
            phys_switch_id=_text(row["switch_id"]),
            serial=_text(row["serial"]),
            device_class=str(row["class"] or "").lower(),
            link_type=_text(row["link_type"]),
        )


def parse_device_file(text: str) -> DeviceFile:
    """Raises Invalid for what is no such file, naming the device. Keys that are not known here are left alone."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise Invalid(f"the devices are no JSON: {wrong}", hint=_HINT) from wrong
    if not isinstance(value, dict) or not isinstance(value.get("devices"), list):
        raise Invalid("the file holds no list of devices", hint=_HINT)
    devices, interfaces = value["devices"], value.get("interfaces", {})
    if len(devices) > _DEVICES_MAX:
        raise Invalid(f"the file holds {len(devices)} devices", hint=f"{_DEVICES_MAX} at most")
    rows = [_row(number, device) for number, device in enumerate(devices, start=1)]
    seen: set[object] = set()
    for number, row in enumerate(rows, start=1):
        if row["address"] in seen:
            raise Invalid(f"device {number} has the address {row['address']} of one before it", hint="list each once")
        seen.add(row["address"])
    if not isinstance(interfaces, dict):
        raise Invalid(f"interfaces = {shown(interfaces)} is no object", hint='as in {"eth0": ["0000:0a:00.0", true]}')
    return DeviceFile(rows, {name: _interface(name, told) for name, told in interfaces.items()})


def _row(number: int, device: object) -> Row:
    if not isinstance(device, dict):
        raise Invalid(f"device {number} is {shown(device)}, no object", hint=_HINT)
    row: dict[str, object] = {}
    for key in _TEXTS:
        value = row[key] = device.get(key)
        if not (value is None or isinstance(value, str)):
            raise Invalid(f"device {number}: {key} = {shown(value)} is not text", hint=f'as in "{key}": "..."')
    for key in _NUMBERS:
        value = row[key] = device.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise Invalid(f"device {number}: {key} = {shown(value)} is not a number", hint=f'as in "{key}": 0')
    row["address"] = _address(f"device {number}: address", row["address"])
    if row["parent_addr"] is not None:
        row["parent_addr"] = _address(f"device {number}: parent_addr", row["parent_addr"])
        if row["parent_addr"] == row["address"]:
            raise Invalid(f"device {number} is its own PF", hint="parent_addr is that of a VF's PF")
    return row


def _interface(name: str, told: object) -> tuple[str, bool]:
    match told:
        case [str(address), bool(is_pf)]:
            return _address(f"interface {shown(name)}", address), is_pf
    raise Invalid(
        f"interface {shown(name)} is {shown(told)}, not an address and whether that is a PF",
        hint='as in ["0000:0a:00.0", true]',
    )


def _address(what: str, value: object) -> str:
    try:
        return str(PciAddress.parse(value if isinstance(value, str) else ""))
    except ValueError as wrong:
        raise Invalid(f"{what} = {shown(value)} is not a PCI address", hint='as in "0000:0a:02.3"') from wrong


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
