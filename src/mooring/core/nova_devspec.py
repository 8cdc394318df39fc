"""Nova's ``[pci] device_spec`` and ``passthrough_whitelist``, with Nova's own semantics: for moving a nova.conf over.

Told as Nova 34 answers (``nova/pci/devspec.py``, ``nova/pci/whitelist.py``): the first spec that matches decides, there
is no exclusion, and any key that is not a selector is a tag. Errors carry Nova's exception as their code.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mooring.core.json_text import load_json
from mooring.core.nova_address import ANY, NovaAddress, hex_field, read_address, split_address
from mooring.core.quoting import shown
from mooring.errors import Invalid

_OPTIONS = {"pci": ("device_spec", "passthrough_whitelist"), "DEFAULT": ("pci_passthrough_whitelist",)}
_SECTION = re.compile(r"\[([^\]]*)\]")
_OPTION = re.compile(r"([A-Za-z_]+)\s*[=:]\s*(.*)")
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_DOMAIN_MAX = 0xFFFF


@dataclass(frozen=True, slots=True)
class NovaDevice:
    """A function, as libvirt's driver tells Nova of it."""

    address: str
    vendor_id: str = ""
    product_id: str = ""
    parent: str | None = None
    """The address of a VF's PF."""
    serial: str | None = None
    """``card_serial_number``, a VF's own or its PF's."""


@dataclass(frozen=True, slots=True)
class NovaHost:
    """What the specs are held against."""

    devices: Sequence[NovaDevice]
    interfaces: Mapping[str, tuple[str, bool]]
    """By a netdev's name the address of its function, and whether that is a PF."""
    pfs: frozenset[str]
    """The addresses with ``sriov_totalvfs`` over 0."""


@dataclass(frozen=True, slots=True)
class NovaSpec:
    """One object of the option."""

    vendor_id: str
    product_id: str
    devname: str | None
    address: NovaAddress | None
    """Without ``devname``; a ``devname`` is looked up at every match."""
    tags: Mapping[str, object]
    needs_serial: bool

    def address_on(self, host: NovaHost) -> NovaAddress | None:
        """``None``: no netdev of the name."""
        if self.devname is None:
            return self.address
        address, is_pf = host.interfaces.get(self.devname, ("", False))
        return NovaAddress(split_address(address), None, is_pf or address in host.pfs) if address else None

    def matches(self, device: NovaDevice, host: NovaHost) -> bool:
        address = self.address_on(host)
        if address is None or int(split_address(device.address)[0], 16) > _DOMAIN_MAX:
            return False
        return (
            self.vendor_id in (ANY, device.vendor_id)
            and self.product_id in (ANY, device.product_id)
            and address.matches(device.address, device.parent)
            and bool(device.serial or not self.needs_serial)
        )


def nova_matches(specs: Sequence[NovaSpec], host: NovaHost) -> Mapping[str, int]:
    """Each device that Nova would hand out, with the index of the spec that decides, in the order of the devices."""
    found: dict[str, int] = {}
    for device in host.devices:
        index = next((index for index, spec in enumerate(specs) if spec.matches(device, host)), None)
        if index is not None:
            found[device.address] = index
    return found


def parse_nova_specs(entries: Iterable[Mapping[str, object]], host: NovaHost) -> tuple[NovaSpec, ...]:
    """Nova checks its option on the host itself, and so does this.

    Raises Invalid, naming the entry (counted from 1), for what Nova refuses or breaks on.
    """
    specs: list[NovaSpec] = []
    for number, entry in enumerate(entries, start=1):
        try:
            specs.append(_parse(entry, host))
        except Invalid as wrong:
            text = f"device_spec entry {number}: {wrong.message}"
            raise Invalid(text, code=wrong.code, hint=wrong.hint, facts={"entry": number}) from wrong
    return tuple(specs)


def _parse(entry: Mapping[str, object], host: NovaHost) -> NovaSpec:
    tags = dict(entry)
    vendor_id = tags.pop("vendor_id", ANY)
    product_id = tags.pop("product_id", ANY)
    devname, address = tags.pop("devname", None), tags.pop("address", None)
    if not isinstance(vendor_id, str):
        raise Invalid(f"vendor_id = {shown(vendor_id)} is no text, and Nova breaks on it", code="AttributeError")
    vendor, product = hex_field("vendor_id", vendor_id.strip()), hex_field("product_id", product_id)
    if address and devname:
        raise Invalid("it has both devname and address", code="PciDeviceInvalidDeviceName", hint="leave one out")
    spec = NovaSpec(
        vendor_id=vendor,
        product_id=product,
        devname=str(devname) if devname else None,
        address=None if devname else read_address(address, host.pfs.__contains__),
        tags=tags,
        needs_serial=str(tags.get("remote_managed")).strip().lower() in _TRUE,
    )
    if spec.needs_serial:
        _check_remote_managed(spec, host)
    return spec


def _check_remote_managed(spec: NovaSpec, host: NovaHost) -> None:
    """Only VFs may be. Raises Invalid for a PF's own address, unless the ids are those of its VFs."""
    address = spec.address_on(host)
    if address is None:
        raise Invalid(f"remote_managed, and no netdev {spec.devname}", code="PciDeviceRemoteManagedNotPresent")
    if not address.is_physical_function:
        return
    pf = next((one for one in host.devices if one.address == str(address)), NovaDevice(str(address)))
    of_vfs = {one.product_id for one in host.devices if one.parent == pf.address}
    is_vendor = spec.vendor_id in (ANY, pf.vendor_id)
    if is_vendor and spec.product_id in of_vfs:
        return
    if is_vendor and spec.product_id in (ANY, pf.product_id):
        raise Invalid(f"remote_managed, and {address} is a PF", code="PciDeviceInvalidPFRemoteManaged")
    raise Invalid(f"remote_managed, and the VFs of PF {address} have other ids", code="PciConfigInvalidSpec")


def read_nova_text(text: str) -> tuple[Mapping[str, object], ...]:
    """The objects of a file: one JSON object, a list of them, one of either a line, or a whole nova.conf.

    Raises Invalid (``PciConfigInvalidSpec``) for anything else, and for a nova.conf without the option.
    """
    try:
        return _objects(load_json(text))
    except ValueError as wrong:
        values = list(option_values(text, _OPTIONS))
        lines = [line for line in text.splitlines() if line.strip()]
        if not values and len(lines) > 1 and all(line.lstrip().startswith(("{", "[{")) for line in lines):
            values = lines
        if not values:
            hint = "one JSON object, a list of them, one a line, or a nova.conf with device_spec in [pci]"
            raise Invalid(f"this is no device_spec of Nova: {wrong}", code="PciConfigInvalidSpec", hint=hint) from wrong
    found: list[Mapping[str, object]] = []
    for value in values:
        try:
            found += _objects(load_json(value))
        except ValueError as broken:
            raise Invalid(f"{shown(value)} is no JSON: {broken}", code="PciConfigInvalidSpec") from broken
    return tuple(found)


def _objects(value: object) -> tuple[Mapping[str, object], ...]:
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if not isinstance(entry, dict):
            raise Invalid(
                f"{shown(entry)} is no JSON object",
                code="PciConfigInvalidSpec",
                hint='as in {"address": "0000:0a:00.0"}',
            )
    return tuple(entries)


def option_values(text: str, options: Mapping[str, Collection[str]]) -> Iterator[str]:
    """The values in a nova.conf of these options, by section, in their order.

    A line that is indented goes on with the one before.
    """
    section, value = "DEFAULT", ""
    for line in [*text.splitlines(), "["]:
        if value and line[:1] in (" ", "\t") and line.strip():
            value += f"\n{line.strip()}"
            continue
        if value:
            yield value
            value = ""
        header, option = _SECTION.match(line), _OPTION.match(line)
        if header is not None:
            section = header[1]
        elif option is not None and option[1] in options.get(section, ()):
            value = option[2].strip().strip("'")
