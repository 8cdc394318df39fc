"""The values of one ``[[device_spec]]`` entry: what each key may hold, and the errors when it does not."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

from mooring.core.pci_pattern import AddressSelector, PatternError, parse_addresses
from mooring.core.quoting import shown
from mooring.errors import Invalid
from mooring.model.pci import PciAddress

HEADER = ""
"""Where an entry's own line stands among those of its keys."""
KEYS = (
    "pf", "address", "vfs", "physical_network", "exclude", "num_vfs", "whole", "vendor_id", "product_id", "class",
    "driver", "serial", "switch_id", "link_type", "min_link_speed_mbps", "numa_node", "trusted", "tags",
)  # fmt: skip
VF_INDEX_MAX = 65534
PHYSICAL_NETWORK_MAX_CHARS = 64
"""The width of Neutron's column."""
TAGS_MAX = 32
TAG_MAX_CHARS = 60
_GROUP_BIT = 1

_IFNAME = re.compile(r"[!-.0-9;-~]{1,15}", re.ASCII)  # printable, and neither a slash nor a colon
_MAC = re.compile(r"([0-9a-f]{2})(?::[0-9a-f]{2}){5}", re.ASCII)
_PHYSICAL_NETWORK = re.compile(rf"[!-)+\-.-9;-~]{{1,{PHYSICAL_NETWORK_MAX_CHARS}}}", re.ASCII)  # nor * , or :
_VF_RANGE = re.compile(r"\s*([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?\s*", re.ASCII)
_HEX_ID = re.compile(r"(?:0x)?([0-9a-f]{4})", re.ASCII)
_CLASS = re.compile(r"(?:0x)?([0-9a-f]{2}|[0-9a-f]{4}|[0-9a-f]{6})", re.ASCII)
_DRIVER = re.compile(r"[!-.0-~]{1,64}", re.ASCII)
_SERIAL = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?", re.ASCII)
_SWITCH_ID = re.compile(r"(?:[0-9a-f]{2}){1,32}", re.ASCII)
_TAG = re.compile(rf"[!-+\-.-~]{{1,{TAG_MAX_CHARS}}}", re.ASCII)
_LINK_TYPES = ("ethernet", "infiniband")


class WrongValue(ValueError):
    """What is wrong with a text, and ``hint``, what would do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def read_physical_network(text: str) -> str:
    """Raises WrongValue, as all of these do."""
    if _PHYSICAL_NETWORK.fullmatch(text) is None:
        raise WrongValue(
            "is not a physical network's name",
            f"use 1 to {PHYSICAL_NETWORK_MAX_CHARS} printable characters without space, comma, colon and asterisk",
        )
    return text


def read_hex_id(text: str) -> str:
    match = _HEX_ID.fullmatch(text.lower())
    if match is None:
        raise WrongValue("is not four hex digits", 'as in "8086"; leave it out for any')
    return match[1]


def read_class(text: str) -> str:
    match = _CLASS.fullmatch(text.lower())
    if match is None:
        raise WrongValue("is not a PCI class", 'write two, four or six hex digits, as in "0200" for Ethernet')
    return match[1]


def read_driver(text: str) -> str:
    if _DRIVER.fullmatch(text) is None:
        raise WrongValue("is not a driver's name", 'that of the PF, as in "ice"')
    return text


def read_serial(text: str) -> str:
    if _SERIAL.fullmatch(text) is None:
        raise WrongValue("is not a serial number", "mooring device list --sysfs /sys --json shows those that are there")
    return text


def read_switch_id(text: str) -> str:
    if _SWITCH_ID.fullmatch(text.lower()) is None:
        raise WrongValue("is not the id of a switch", "phys_switch_id of the PF: hex digits, two for each byte")
    return text.lower()


def read_link_type(text: str) -> str:
    if text not in _LINK_TYPES:
        raise WrongValue("is not a link type", f"one of {', '.join(_LINK_TYPES)}")
    return text


def read_tag(text: object) -> str:
    if not isinstance(text, str) or _TAG.fullmatch(text) is None:
        raise WrongValue("is no tag", f"each has 1 to {TAG_MAX_CHARS} printable characters without space and comma")
    return text


class Reader:
    """One raw entry: its values as what they mean, and errors that say where they are."""

    def __init__(self, number: int, values: Mapping[str, object], lines: Mapping[str, int]) -> None:
        self.entry = number
        self.values = values
        self.lines = lines

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Raises Invalid for a key that is none, with the nearest that is one."""
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                raise self.invalid(f"unknown key {shown(key)}", hint, key=str(key))

    def read(self, key: str, read: Callable[[str], str]) -> str | None:
        """The text of a key, read by ``read``; ``None`` when it is not given."""
        text = self._text(key)
        if text is None:
            return None
        try:
            return read(text)
        except WrongValue as wrong:
            raise self.wrong(key, str(wrong), wrong.hint) from wrong

    def pf(self) -> PciAddress | str | None:
        """A PF by its address, its netdev's name, or its MAC address."""
        text = self._text("pf")
        if text is None:
            return None
        try:
            return PciAddress.parse(text)
        except ValueError:
            pass
        mac = _MAC.fullmatch(text.lower())
        if mac is not None:
            if int(mac[1], 16) & _GROUP_BIT or text.strip("0:") == "":
                raise self.wrong("pf", "is not the MAC address of one device", "ip link shows that of each")
            return text.lower()
        if _IFNAME.fullmatch(text) is None or text in (".", ".."):
            raise self.wrong(
                "pf",
                "is neither a netdev's name, nor a PCI address, nor a MAC address",
                'write pf = "ens1f0" or "0000:81:00.0"',
            )
        return text

    def addresses(self) -> AddressSelector | None:
        """One address, or a pattern of them."""
        text = self._text("address")
        if text is None:
            return None
        try:
            return parse_addresses(text)
        except PatternError as wrong:
            raise self.wrong("address", str(wrong), wrong.hint) from wrong

    def vf_indices(self) -> frozenset[int] | None:
        text = self._text("vfs")
        if text is None:
            return None
        chosen: set[int] = set()
        for part in text.split(","):
            match = _VF_RANGE.fullmatch(part)
            if match is None:
                raise self.wrong("vfs", f"has {shown(part)}, which is no index and no range", 'write vfs = "0-3,8"')
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise self.wrong("vfs", f"has {shown(part)}, which runs backwards", f'write "{last}-{first}"')
            if last > VF_INDEX_MAX:
                raise self.wrong("vfs", f"has {shown(part)}, over {VF_INDEX_MAX}", "indices are those of virtfnN")
            chosen.update(range(first, last + 1))
        return frozenset(chosen)

    def number(self, key: str, low: int, high: int, *, example: int, hint: str) -> int | None:
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "is not a whole number", f"write {key} = {example}, without quotes")
        if not low <= value <= high:
            raise self.wrong(key, f"is not from {low} to {high}", hint)
        return value

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "is not true or false", f"write {key} = true, without quotes")
        return value

    def tags(self) -> tuple[str, ...]:
        if "tags" not in self.values:
            return ()
        value = self.values["tags"]
        if not isinstance(value, list) or not value:
            raise self.wrong("tags", "is not a list of texts", 'write tags = ["gold"], or leave it out')
        if len(value) > TAGS_MAX:
            raise self.wrong("tags", f"has {len(value)} tags", f"{TAGS_MAX} at most")
        for tag in value:
            try:
                read_tag(tag)
            except WrongValue as wrong:
                raise self.wrong("tags", f"has {shown(tag)}, which {wrong}", wrong.hint) from wrong
        if len(set(value)) != len(value):
            raise self.wrong("tags", "has a tag twice", "give each once")
        return tuple(value)

    def wrong(self, key: str, what: str, hint: str) -> Invalid:
        """For a key whose value will not do."""
        return self.invalid(f"{key} = {shown(self.values[key])} {what}", hint, key=key)

    def invalid(self, what: str, hint: str, *, key: str | None = None) -> Invalid:
        """An error of this entry, or of one of its keys."""
        line = self.lines.get(HEADER) if key is None else self.lines.get(key, self.lines.get(HEADER))
        facts: dict[str, object] = {"entry": self.entry}
        if key is not None:
            facts |= {"field": key, "value": self.values[key]}
        if line is not None:
            facts["line"] = line
        at = "" if line is None else f" (line {line})"
        return Invalid(f"device_spec entry {self.entry}: {what}{at}", hint=hint, facts=facts)

    def _text(self, key: str) -> str | None:
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, str):
            raise self.wrong(key, "is not text", f'write it in quotes: {key} = "..."')
        return value
