"""The hypervisor of a real host: libvirt, over its local socket.

libvirt-python is imported when a connection is wanted and not before: it has no wheel, and a controller needs none.
What a call did is read back from libvirt before it counts. A domain without our marker is never changed.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from mooring.errors import Conflict, HostFault, Invalid, NotFound, Unsupported
from mooring.host.domain_events import DomainEvents, run_loop
from mooring.host.libvirt_answers import ErrorCode, from_libvirt
from mooring.host.livexml import (
    OwnDomain,
    find_device,
    is_started,
    parse,
    parse_interface,
    parse_marker,
    readable_marker,
    taken_name,
)
from mooring.host.machine import DomainState, Hypervisor, HypervisorFacts

SYSTEM_URI = "qemu:///system"
SERVERS_DIR = Path("/var/lib/mooring/servers")
#: No host between the slashes, no transport but the local socket: what the agent does, it does here.
_LOCAL_URI = re.compile(r"(?:qemu|qemu\+unix|test):///[\x21-\x7e]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs the guests, numbers as libvirt counts: major * 1,000,000 + minor * 1,000 + release."""

    libvirt: int
    hypervisor: int
    without_kvm: str
    """Why KVM cannot be used; empty when it can."""


class Libvirtd(Hypervisor):
    """libvirt's daemon on this host, and a ``Watch`` on our domains of it.

    When the daemon was restarted, the first call finds the connection broken (Unreachable) and the next one opens
    another. Guests do not notice.

    Calls block for as long as libvirt does; give them a thread. libvirt-python ships no types, hence the ``Any``.
    """

    def __init__(self, binding: Any, uri: str, disk_dir: Path) -> None:
        self._binding = binding
        self._uri = uri
        self._disk_dir = disk_dir
        self._connection: Any = None
        self._events = DomainEvents(binding, uri)

    @classmethod
    def connect(cls, uri: str = SYSTEM_URI, disk_dir: Path = SERVERS_DIR) -> "Libvirtd":
        """A hypervisor that has answered once.

        Raises Invalid for a URI that leaves this host, Unsupported without libvirt-python, Unreachable and
        Forbidden as libvirt answers.
        """
        if _LOCAL_URI.fullmatch(uri) is None:
            raise Invalid(
                f"{uri!r} is not a local libvirt, and the agent drives no other",
                hint=f"give {SYSTEM_URI}, qemu:///session or test:///default",
            )
        hypervisor = cls(_load_binding(), uri, disk_dir)
        hypervisor.facts()
        return hypervisor

    def facts(self) -> HypervisorFacts:
        with self._translated("facts of the host"):
            connection = self.connection()
            _, memory_mib, vcpus, *_ = connection.getInfo()
            kind, version = connection.getType(), connection.getVersion()
        return HypervisorFacts(kind, version, vcpus, memory_mib, _disk_gib(self._disk_dir))

    def versions(self) -> Versions:
        """For a person who checks the host; asking for KVM's capabilities may take seconds the first time."""
        with self._translated("versions on the host"):
            connection = self.connection()
            libvirt, hypervisor = connection.getLibVersion(), connection.getVersion()
        try:
            connection.getDomainCapabilities(None, "x86_64", "q35", "kvm")
        except self._binding.libvirtError as refused:
            return Versions(libvirt, hypervisor, refused.get_error_message() or str(refused))
        return Versions(libvirt, hypervisor, "")

    def heard(self) -> Sequence[str]:
        """``domain stopped UUID`` and the like since the last call, of domains that have our names."""
        return self._events.heard()

    def close(self) -> None:
        """End the listening. Calls go on to work."""
        self._events.close()

    def domains(self) -> Sequence[DomainState]:
        with self._translated("list of domains"):
            return [state for domain in self.connection().listAllDomains() if (state := self._state(domain))]

    def start(self, domain_xml: str) -> None:
        wanted = parse_marker(domain_xml)
        if wanted is None:
            raise Invalid("the domain XML does not carry the Mooring marker")
        with self._translated(f"start of server {wanted.server_id}"):
            domain = self._find(wanted.server_id)
            if domain is not None and is_started(wanted, self._own(domain), bool(domain.isActive())):
                return
            self._refuse_taken_name(wanted.server_id, domain_xml)
            self._define_and_create(domain_xml)
            found = self._find(wanted.server_id)
            if found is None or not found.isActive() or parse_marker(found.XMLDesc()) != wanted:
                raise HostFault(
                    f"libvirt started server {wanted.server_id} and does not show it running as it was defined"
                )

    def destroy(self, server_id: str) -> None:
        with self._translated(f"destroy of server {server_id}"):
            domain = self._find(server_id)
            if domain is None:
                return
            self._own(domain)
            # The guest may go by itself at any moment, and a transient domain goes with it.
            with self._unless(ErrorCode.OPERATION_INVALID, ErrorCode.NO_DOMAIN):
                domain.destroy()
            with self._unless(ErrorCode.NO_DOMAIN):
                domain.undefineFlags(
                    self._binding.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
                    | self._binding.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                )
            if self._find(server_id) is not None:
                raise HostFault(f"libvirt destroyed server {server_id} and still shows it")

    def attach(self, server_id: str, interface_xml: str) -> None:
        wanted = parse_interface(interface_xml)
        with self._translated(f"attach of port {wanted.port_id} to server {server_id}"):
            domain, own = self._require(server_id)
            there = own.interface(wanted.port_id)
            if there == wanted:
                return
            if there is not None:
                raise Conflict(f"port {wanted.port_id} is plugged into server {server_id} otherwise: {there}")
            # The definition too, or it would differ from the guest at its next start.
            live = self._binding.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
            domain.attachDeviceFlags(interface_xml, self._binding.VIR_DOMAIN_AFFECT_CONFIG | live)
            if self._own(domain).interface(wanted.port_id) != wanted:
                raise HostFault(f"libvirt attached port {wanted.port_id} and does not show it in server {server_id}")

    def detach(self, server_id: str, port_id: str) -> None:
        with self._translated(f"detach of port {port_id} from server {server_id}"):
            domain, _ = self._require(server_id)
            device = find_device(parse(domain.XMLDesc()), port_id)
            if device is None:
                return
            self._unplug(domain, ET.tostring(device, encoding="unicode"))
            if self._own(domain).interface(port_id) is not None:
                raise Conflict(
                    f"the guest of server {server_id} has not let go of port {port_id}",
                    hint="it is worth another try; a guest without a PCI hotplug driver never lets go",
                )

    def xml(self, server_id: str) -> str:
        with self._translated(f"XML of server {server_id}"):
            domain = self._find(server_id)
            text = "" if domain is None else str(domain.XMLDesc())
        if not text or parse_marker(text) is None:
            raise NotFound("domain", server_id)
        return text

    def connection(self) -> Any:
        """The libvirt connection itself, alive when this returns; for what the protocol has no word for."""
        if self._connection is None or not self._connection.isAlive():
            self._connection = self._binding.open(self._uri)
        return self._connection

    def _define_and_create(self, domain_xml: str) -> None:
        domain = self.connection().defineXMLFlags(domain_xml, self._binding.VIR_DOMAIN_DEFINE_VALIDATE)
        try:
            domain.create()
        except self._binding.libvirtError:
            # Why the start failed is what the caller must hear. A definition that stays behind runs nothing, is
            # listed as ours, and is replaced by the next start. One that runs all the same lost its answer only.
            with suppress(self._binding.libvirtError):
                if not domain.isActive():
                    domain.undefine()
            raise

    def _refuse_taken_name(self, server_id: str, domain_xml: str) -> None:
        name = parse(domain_xml).findtext("name", "")
        with self._unless(ErrorCode.NO_DOMAIN):
            holder = str(self.connection().lookupByName(name).UUIDString())
            if holder != server_id:
                raise taken_name(name, holder)

    def _find(self, server_id: str) -> Any | None:
        try:
            return self.connection().lookupByUUIDString(server_id)
        except self._binding.libvirtError as error:
            if error.get_error_code() != ErrorCode.NO_DOMAIN:
                raise
            return None

    def _require(self, server_id: str) -> tuple[Any, OwnDomain]:
        domain = self._find(server_id)
        if domain is None:
            raise NotFound("domain", server_id)
        return domain, self._own(domain)

    def _own(self, domain: Any) -> OwnDomain:
        """What our marker on it says; raises Conflict when it is not there."""
        own = parse_marker(domain.XMLDesc())
        if own is None:
            raise Conflict(
                f"domain {domain.name()} with UUID {domain.UUIDString()} does not carry the Mooring marker",
                hint="somebody else defined it: Mooring will not touch it",
            )
        return own

    def _state(self, domain: Any) -> DomainState | None:
        """``None`` for somebody else's domain, and for one that went away since it was listed."""
        try:
            xml, is_running = domain.XMLDesc(), bool(domain.isActive())
        except self._binding.libvirtError as error:
            if error.get_error_code() != ErrorCode.NO_DOMAIN:
                raise
            return None
        own = readable_marker(xml)
        return None if own is None else own.state(is_running)

    def _unplug(self, domain: Any, device_xml: str) -> None:
        """From the definition and from the guest, each by itself.

        In one call, the second try finds the definition without the device and never gets to the guest.
        """
        with self._unless(ErrorCode.DEVICE_MISSING):
            domain.detachDeviceFlags(device_xml, self._binding.VIR_DOMAIN_AFFECT_CONFIG)
        if domain.isActive():
            domain.detachDeviceFlags(device_xml, self._binding.VIR_DOMAIN_AFFECT_LIVE)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._binding.libvirtError as error:
            raise from_libvirt(
                error.get_error_code(), error.get_error_domain(), error.get_error_message() or str(error), what
            ) from error

    @contextmanager
    def _unless(self, *codes: ErrorCode) -> Iterator[None]:
        """Pass over the answers that say that there was nothing to do."""
        try:
            yield
        except self._binding.libvirtError as error:
            if error.get_error_code() not in codes:
                raise


@cache
def _load_binding() -> Any:
    """The library, with its event loop running: that has to be there before the first connection is."""
    try:
        import libvirt  # noqa: PLC0415 - an extra: the module must import on hosts without it
    except ImportError as error:
        raise Unsupported(
            "libvirt-python is not installed on this host",
            hint="install the libvirt extra (pip install 'mooring[libvirt]') or python3-libvirt",
        ) from error
    # The library would print each error on standard error, before it is raised as well.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    run_loop(libvirt)
    return libvirt


def _disk_gib(folder: Path) -> int:
    """Whole GiB of the file system that servers' disks are on, or will be: the folder is made for the first one."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).total >> 30
