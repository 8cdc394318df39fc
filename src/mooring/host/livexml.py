"""Domain XML read back: whose domain it is, of which generation, and which functions it holds.

Only what ``host/domainxml.py`` writes is read. A domain without our marker is somebody else's: ``parse_marker``
answers ``None`` for it, and nobody may touch it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from mooring.errors import Conflict, Invalid, Stale
from mooring.host.domainxml import ALIAS_PREFIX, NAMESPACE, UUID
from mooring.host.machine import DomainState
from mooring.model.pci import PciAddress

#: Ours are some 10 KiB. More than this is not read.
XML_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LiveInterface:
    """One network device, or passed-through function, of a domain of ours."""

    port_id: str
    """From the alias; empty for what a flavor asked for, and for a device that somebody else added."""
    kind: str
    """``bridge``, ``direct`` (macvtap) or ``hostdev`` for an ``<interface>``; ``physical`` for a ``<hostdev>``."""
    source: str
    """The bridge, the VF's network device, or the PCI address."""
    mac: str | None = None
    """``None`` for ``physical``: the XML of a plain PCI device has no place for it."""
    vlan_id: int | None = None
    profile_id: str | None = None
    mode: str | None = None
    """Of ``direct``: ``passthrough`` is a macvtap that has its VF for itself, ``bridge`` one that shares its NIC."""

    @property
    def is_of_host(self) -> bool:
        """No function is behind it, only a bridge or a NIC that the host keeps."""
        return self.kind == "bridge" or (self.kind == "direct" and self.mode != "passthrough")

    @property
    def address(self) -> PciAddress | None:
        """The PCI function that the guest itself holds; ``None`` where the host keeps the driver."""
        return PciAddress.parse(self.source) if self.kind in ("hostdev", "physical") else None


@dataclass(frozen=True, slots=True)
class OwnDomain:
    """A domain that carries our marker."""

    server_id: str
    generation: int
    interfaces: tuple[LiveInterface, ...] = ()

    def state(self, is_running: bool) -> DomainState:
        """The same, as the agent sees it."""
        return DomainState(
            server_id=self.server_id,
            generation=self.generation,
            is_running=is_running,
            interface_macs=tuple(interface.mac for interface in self.interfaces if interface.mac is not None),
            port_ids=tuple(interface.port_id for interface in self.interfaces if interface.port_id),
            functions=tuple(interface.address for interface in self.interfaces if interface.address is not None),
        )

    def interface(self, port_id: str) -> LiveInterface | None:
        return next((interface for interface in self.interfaces if interface.port_id == port_id), None)


def parse_marker(xml: str) -> OwnDomain | None:
    """Our domain, or ``None`` when the marker is not there.

    Raises Invalid for what is not XML, has a document type (libvirt writes none, and entities grow), is over
    ``XML_MAX_BYTES``, or carries our marker and does not hold together.
    """
    domain = parse(xml)
    marker = domain.find(f"metadata/{{{NAMESPACE}}}server")
    if domain.tag != "domain" or marker is None:
        return None
    server_id = domain.findtext("uuid", "")
    generation = marker.get("generation", "")
    if UUID.fullmatch(server_id) is None or not (generation.isascii() and generation.isdigit()):
        raise Invalid(f"domain {server_id!r} carries a Mooring marker of generation {generation!r}")
    return OwnDomain(server_id, int(generation), tuple(_read(device) for device in _network_devices(domain)))


def readable_marker(xml: str) -> OwnDomain | None:
    """``parse_marker`` for lists: one domain that somebody made unreadable must not hide all of ours."""
    try:
        return parse_marker(xml)
    except Invalid:
        return None


def parse_interface(xml: str) -> LiveInterface:
    """One device, as ``domainxml.interface_xml`` builds it. Raises Invalid as ``parse_marker`` does."""
    device = parse(xml)
    if device.tag not in ("interface", "hostdev"):
        raise Invalid(f"expected an interface or hostdev element, got {device.tag}")
    return _read(device)


def find_device(domain: Element, port_id: str) -> Element | None:
    """The element of the port's device."""
    return next((device for device in _network_devices(domain) if _port_id(device) == port_id), None)


def parse(xml: str) -> Element:
    """The root element. Raises Invalid as ``parse_marker`` does."""
    size_bytes = len(xml.encode(errors="surrogatepass"))
    if size_bytes > XML_MAX_BYTES:
        raise Invalid(f"domain XML of {size_bytes} bytes is over the limit of {XML_MAX_BYTES}")
    if "<!DOCTYPE" in xml:
        raise Invalid("domain XML has a document type, which libvirt never writes")
    try:
        return ET.fromstring(xml)  # noqa: S314 - sized, and without a document type there are no entities
    except (ET.ParseError, UnicodeEncodeError) as error:
        raise Invalid(f"domain XML does not parse: {error}") from error


def is_started(wanted: OwnDomain, live: OwnDomain, is_running: bool) -> bool:
    """Whether a start of ``wanted`` has nothing left to do, ``live`` being what the hypervisor has for that server.

    Raises Stale when the live one is of a newer generation, and Conflict when it runs and is another one: a guest
    is never redefined under its feet.
    """
    if live.generation > wanted.generation:
        raise Stale(
            f"server {wanted.server_id} is here at generation {live.generation}, and {wanted.generation} is older"
        )
    if is_running and live != wanted:
        raise Conflict(
            f"server {wanted.server_id} runs already, at generation {live.generation} and not as generation "
            f"{wanted.generation} wants it",
            hint="destroy it first, or attach and detach what differs",
        )
    return is_running


def taken_name(name: str, uuid: str) -> Conflict:
    """A domain of that name is here, and it is not the one that was to be started."""
    return Conflict(
        f"domain {name} is here already, with UUID {uuid}: it is somebody else's",
        hint="Mooring will not touch it; rename it, or undefine it",
    )


def _network_devices(domain: Element) -> Iterator[Element]:
    yield from domain.iterfind("devices/interface")
    yield from domain.iterfind("devices/hostdev[@type='pci']")


def _read(device: Element) -> LiveInterface:
    kind = "physical" if device.tag == "hostdev" else device.get("type", "")
    return LiveInterface(
        port_id=_port_id(device),
        kind=kind,
        source=_source(device, kind),
        mac=_attribute(device, "mac", "address"),
        vlan_id=_number(_attribute(device, "vlan/tag", "id"), 10),
        profile_id=_attribute(device, "virtualport/parameters", "profileid"),
        mode=_attribute(device, "source", "mode") if kind == "direct" else None,
    )


def _source(device: Element, kind: str) -> str:
    if kind not in ("hostdev", "physical"):
        return _attribute(device, "source", "bridge") or _attribute(device, "source", "dev") or ""
    fields = [_number(_attribute(device, "source/address", name) or "0x0", 16) or 0 for name in _ADDRESS_FIELDS]
    return str(PciAddress(*fields))


_ADDRESS_FIELDS = ("domain", "bus", "slot", "function")


def _port_id(device: Element) -> str:
    alias = _attribute(device, "alias", "name") or ""
    return alias.removeprefix(ALIAS_PREFIX) if alias.startswith(ALIAS_PREFIX) else ""


def _attribute(device: Element, path: str, name: str) -> str | None:
    element = device.find(path)
    return None if element is None else element.get(name)


def _number(text: str | None, base: int) -> int | None:
    if text is None:
        return None
    try:
        return int(text, base)
    except ValueError as error:
        raise Invalid(f"{text!r} is not a number that libvirt writes") from error
