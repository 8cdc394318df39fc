"""A hypervisor on disk, with libvirt's manners, and mishaps to order.

``domains/<uuid>.xml`` is a defined domain and ``domains/<uuid>.json`` what it holds while it runs, both replaced
atomically: like libvirtd, it outlives the agent, and a domain is found again after a ``kill -9`` and a restart. A start
or an end that such a death cut short is put right by the next call.
"""

import fcntl
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

from mooring import wire
from mooring.errors import Conflict, HostFault, Invalid, MooringError, NotFound, Unreachable
from mooring.host.livexml import (
    LiveInterface,
    OwnDomain,
    find_device,
    is_started,
    parse,
    parse_interface,
    parse_marker,
    readable_marker,
    taken_name,
)
from mooring.host.machine import DomainState, Hypervisor, HypervisorFacts, VfTable
from mooring.model.pci import PciAddress, PciFunction
from mooring.testing.passthrough import Held, Passthrough

_TEXTS_MAX = 1024
#: The same few texts are asked for again and again, and reading XML is most of what this costs.
_marker = lru_cache(maxsize=_TEXTS_MAX)(parse_marker)
_readable = lru_cache(maxsize=_TEXTS_MAX)(readable_marker)


@dataclass(frozen=True, slots=True)
class HypervisorMishaps:
    """How many of the next calls go wrong."""

    start: int = 0
    """The guest's process dies at once: HostFault, with every VF given back."""
    destroy: int = 0
    """The guest's process cannot be killed: HostFault, and it runs on."""
    attach: int = 0
    """HostFault, and nothing is plugged in."""
    detach: int = 0
    """The guest does not let go: Conflict."""
    unreachable: int = 0
    """Of any call: the daemon is restarting."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What a domain holds. Not running with something held: a start or an end that was cut short."""

    is_running: bool = False
    held: tuple[Held, ...] = ()


class SimulatedHypervisor(Hypervisor):
    """``Hypervisor`` over a folder, which is made if need be. Any number of processes may share it.

    ``functions`` lists what the host has now at an address or behind a netdev, with its PF, or more
    (``host.sysfs.read_functions`` of its tree), ``rebind``
    binds one of them to a driver there, and ``vf_table`` is the table of its PFs.
    """

    def __init__(
        self,
        directory: Path,
        *,
        facts: HypervisorFacts,
        functions: Callable[[str], Iterable[PciFunction]],
        rebind: Callable[[PciAddress, str], None],
        vf_table: VfTable,
    ) -> None:
        self._directory = directory
        self._domains = directory / "domains"
        self._mishaps_file = directory / "mishaps.json"
        self._facts = facts
        self._passthrough = Passthrough(functions, rebind, vf_table)
        self._domains.mkdir(parents=True, exist_ok=True)

    def misbehave(self, mishaps: HypervisorMishaps) -> None:
        """From now on; ``HypervisorMishaps()`` ends it."""
        with self._locked():
            _replace(self._mishaps_file, wire.encode(mishaps))

    def power_off(self, server_id: str) -> None:
        """The guest shuts itself down: the domain stays defined, and its VFs go back. Raises NotFound."""
        with self._answering():
            self._own(server_id)
            self._end(server_id)

    def facts(self) -> HypervisorFacts:
        with self._answering():
            return self._facts

    def domains(self) -> Sequence[DomainState]:
        with self._answering():
            owns = (_readable(file.read_text("utf-8")) for file in sorted(self._domains.glob("*.xml")))
            return [own.state(self._run(own.server_id).is_running) for own in owns if own is not None]

    def xml(self, server_id: str) -> str:
        with self._answering():
            text = self._text(server_id)
        if _marker(text) is None:
            raise NotFound("domain", server_id)
        return text

    def start(self, domain_xml: str) -> None:
        wanted = _marker(domain_xml)
        if wanted is None:
            raise Invalid("the domain XML does not carry the Mooring marker")
        server_id = wanted.server_id
        with self._answering():
            file = self._xml_file(server_id)
            if file.exists() and is_started(wanted, self._own(server_id), self._run(server_id).is_running):
                return
            self._refuse_taken_name(server_id, domain_xml)
            _replace(file, domain_xml.encode())
            try:
                for interface in wanted.interfaces:
                    self._take(server_id, interface)
                if self._stumbles("start"):
                    raise HostFault("internal error: process exited while connecting to monitor")
            except MooringError:
                self._end(server_id)
                file.unlink()
                raise
            self._save(server_id, replace(self._run(server_id), is_running=True))
            _boot(domain_xml)

    def destroy(self, server_id: str) -> None:
        with self._answering():
            if not self._xml_file(server_id).exists():
                return
            self._own(server_id)
            if self._stumbles("destroy"):
                raise HostFault(f"failed to terminate the process of server {server_id} with SIGKILL")
            self._end(server_id)
            self._xml_file(server_id).unlink()

    def attach(self, server_id: str, interface_xml: str) -> None:
        wanted = parse_interface(interface_xml)
        with self._answering():
            there = self._own(server_id).interface(wanted.port_id)
            if there == wanted:
                return
            if there is not None:
                raise Conflict(f"port {wanted.port_id} is plugged into server {server_id} otherwise: {there}")
            if self._stumbles("attach"):
                raise HostFault("internal error: unable to execute QEMU command 'device_add'")
            if self._run(server_id).is_running:
                self._take(server_id, wanted)
            domain = parse(self._text(server_id))
            devices = domain.find("devices")
            (ET.SubElement(domain, "devices") if devices is None else devices).append(parse(interface_xml))
            _replace(self._xml_file(server_id), ET.tostring(domain))

    def detach(self, server_id: str, port_id: str) -> None:
        with self._answering():
            self._own(server_id)
            domain = parse(self._text(server_id))
            device, devices = find_device(domain, port_id), domain.find("devices")
            if device is None or devices is None:
                return
            if self._stumbles("detach"):
                raise Conflict(f"the guest of server {server_id} has not let go of port {port_id}")
            devices.remove(device)
            _replace(self._xml_file(server_id), ET.tostring(domain))
            self._give_back(server_id, {port_id})

    def _refuse_taken_name(self, server_id: str, domain_xml: str) -> None:
        name = parse(domain_xml).findtext("name", "")
        for file in self._domains.glob("*.xml"):
            if file.stem != server_id and f"<name>{name}</name>" in file.read_text("utf-8"):
                raise taken_name(name, file.stem)

    def _take(self, server_id: str, interface: LiveInterface) -> None:
        """Journal what is found, then change it: what the journal holds is what ``_end`` gives back."""
        if interface.is_of_host:
            return
        held = self._passthrough.inspect(interface)
        for holder, run in self._runs().items():
            if any(other.address == held.address for other in run.held):
                raise Conflict(f"PCI device {held.address} is in use by driver QEMU, domain {holder}")
        run = self._run(server_id)
        self._save(server_id, replace(run, held=(*run.held, held)))
        self._passthrough.take(held, interface)

    def _end(self, server_id: str) -> None:
        """Nothing runs and nothing is held; once more does no harm."""
        run = replace(self._run(server_id), is_running=False)
        self._save(server_id, run)
        self._give_back(server_id, {held.port_id for held in run.held})
        self._run_file(server_id).unlink()

    def _give_back(self, server_id: str, port_ids: Collection[str]) -> None:
        run = self._run(server_id)
        for held in run.held:
            if held.port_id in port_ids:
                self._passthrough.give_back(held)
        self._save(server_id, replace(run, held=tuple(held for held in run.held if held.port_id not in port_ids)))

    def _recover(self) -> None:
        """Nothing stays held by a domain that does not run, or does not name the port."""
        for server_id, run in self._runs().items():
            file = self._xml_file(server_id)
            if not (run.is_running and file.exists()):
                self._end(server_id)
                continue
            own = self._own(server_id)
            unnamed = {held.port_id for held in run.held if own.interface(held.port_id) is None}
            if unnamed:
                self._give_back(server_id, unnamed)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        with self._locked():
            if self._stumbles("unreachable"):
                raise Unreachable("cannot recv data: connection reset by peer")
            self._recover()
            yield

    def _stumbles(self, what: str) -> bool:
        """Whether a mishap of this kind is due; if so, it is used up."""
        if not self._mishaps_file.exists():
            return False
        mishaps = wire.decode(HypervisorMishaps, self._mishaps_file.read_bytes())
        count: int = getattr(mishaps, what)
        if count > 0:
            _replace(self._mishaps_file, wire.encode(replace(mishaps, **{what: count - 1})))
        return count > 0

    def _own(self, server_id: str) -> OwnDomain:
        own = parse_marker(self._text(server_id))
        if own is None:
            raise Conflict(f"domain {server_id} does not carry the Mooring marker")
        return own

    def _text(self, server_id: str) -> str:
        try:
            return self._xml_file(server_id).read_text("utf-8")
        except FileNotFoundError as missing:
            raise NotFound("domain", server_id) from missing

    def _runs(self) -> dict[str, _Run]:
        return {file.stem: self._run(file.stem) for file in sorted(self._domains.glob("*.json"))}

    def _run(self, server_id: str) -> _Run:
        try:
            return wire.decode(_Run, self._run_file(server_id).read_bytes())
        except FileNotFoundError:
            return _Run()

    def _save(self, server_id: str, run: _Run) -> None:
        _replace(self._run_file(server_id), wire.encode(run))

    def _xml_file(self, server_id: str) -> Path:
        return self._domains / f"{server_id}.xml"

    def _run_file(self, server_id: str) -> Path:
        return self._domains / f"{server_id}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _boot(domain_xml: str) -> None:
    """The guest's first words, where the domain keeps its console."""
    domain = parse(domain_xml)
    log = domain.find("devices/serial/log")
    file = Path("" if log is None else log.get("file", ""))
    if log is not None and file.parent.is_dir():
        with file.open("a", encoding="utf-8") as console:
            console.write(f"{domain.findtext('title', '')} login: ")


def _replace(target: Path, body: bytes) -> None:
    fresh = target.with_name(f"{target.name}.new")
    fresh.write_bytes(body)
    fresh.replace(target)
