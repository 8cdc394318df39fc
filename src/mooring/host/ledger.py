"""The agent's journal: what it is about to do, on disk before it is done.

One file of JSON lines, appended and fsynced record by record. A last line without its newline is a write that the
power cut off: nothing was done on its word, so it is ignored. Anything else that does not parse is a fault that a
person must look at. The file is compacted, by an atomic rename, when it is opened and when it has grown long.

What it refuses: an epoch, or a generation of a function or a server, older than one on record; and within one
generation everything but a repetition or the way from serving to baseline, from wanted to unwanted.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from mooring import wire
from mooring.errors import HostFault, Invalid, Stale
from mooring.model.desired import DesiredFunction, DesiredServer, Purpose
from mooring.model.pci import PciAddress
from mooring.model.vf import VfSettings

_RECORDS_MAX = 50_000
_UNWANTED_SERVERS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class FunctionRecord:
    address: PciAddress
    pf: PciAddress | None
    generation: int
    purpose: Purpose
    server_id: str | None
    boot_id: str
    """The boot in which it was intended; a reboot takes the settings away, so another boot's record proves nothing."""
    proven: VfSettings | None = None
    """All that was written and read back; ``None`` until then."""


@dataclass(frozen=True, slots=True)
class ServerRecord:
    id: str
    generation: int
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class VfCountRecord:
    pf: PciAddress
    count: int
    """How many VFs it had before they were taken away."""
    boot_id: str
    """The boot that this was in: whoever made them makes them again in another, or does not."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line; exactly one of the four is set."""

    epoch: int | None = None
    function: FunctionRecord | None = None
    server: ServerRecord | None = None
    vf_count: VfCountRecord | None = None


class Ledger:
    """The journal in ``directory``, which is made, private to its owner, if need be. One agent at a time."""

    def __init__(self, directory: Path):
        """Raises HostFault when the journal cannot be read, or is damaged in other than its last line."""
        self._file = directory / "ledger.jsonl"
        self._epoch = 0
        self._functions: dict[PciAddress, FunctionRecord] = {}
        self._servers: dict[str, ServerRecord] = {}
        self._vf_counts: dict[PciAddress, VfCountRecord] = {}
        self._records = 0
        self._size_bytes = 0
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = self._file.read_bytes() if self._file.exists() else b""
        except OSError as failed:
            raise _fault(self._file, failed) from failed
        for number, text in enumerate(content.split(b"\n")[:-1], start=1):
            try:
                self._remember(wire.decode(_Line, text))
            except Invalid as damaged:
                raise HostFault(
                    f"{self._file}: line {number} is damaged: {damaged}",
                    hint="move the file away and restart the agent: every function is then baselined or verified anew",
                ) from damaged
        self._compact()

    @property
    def epoch(self) -> int:
        """The highest epoch ever obeyed; 0 before the first."""
        return self._epoch

    def obey(self, epoch: int) -> None:
        """Put a new epoch on record. Raises Stale for an older one."""
        if epoch < self._epoch:
            raise Stale(
                f"epoch {epoch} is older than {self._epoch}, which this host has obeyed already",
                hint="was the controller restored from a backup, or is this the state of another host?",
            )
        if epoch > self._epoch:
            self._append(_Line(epoch=epoch))

    def intend(self, wanted: DesiredFunction, boot_id: str) -> None:
        """Put on record what a function is about to be made for. Raises Stale for what this host is beyond."""
        known = self._functions.get(wanted.address)
        if known is not None:
            if wanted.generation < known.generation:
                raise Stale(f"generation {wanted.generation} of {wanted.address} is older than {known.generation}")
            if wanted.generation == known.generation:
                if _is_same(known, wanted) and known.boot_id == boot_id:
                    return
                if not _is_same(known, wanted) and wanted.purpose is not Purpose.BASELINE:
                    raise Stale(
                        f"generation {wanted.generation} of {wanted.address} is on record as {known.purpose} "
                        f"for {known.server_id}, not for {wanted.server_id}"
                    )
        self._append(_Line(function=_record(wanted, boot_id)))

    def intend_server(self, wanted: DesiredServer) -> None:
        """Put on record what a server is about to become. Raises Stale for what this host is beyond."""
        known = self._servers.get(wanted.id)
        fresh = ServerRecord(wanted.id, wanted.generation, wanted.is_wanted)
        if known == fresh:
            return
        if known is not None and wanted.generation < known.generation:
            raise Stale(f"generation {wanted.generation} of server {wanted.id} is older than {known.generation}")
        if known is not None and wanted.generation == known.generation and wanted.is_wanted:
            raise Stale(f"generation {wanted.generation} of server {wanted.id} is on record as unwanted")
        self._append(_Line(server=fresh))

    def prove(self, wanted: DesiredFunction, boot_id: str, settings: VfSettings) -> None:
        """Every field of ``settings`` was written for this generation and read back, in this boot."""
        fresh = replace(_record(wanted, boot_id), proven=settings)
        if self._functions.get(wanted.address) != fresh:
            self._append(_Line(function=fresh))

    def proven(self, wanted: DesiredFunction, boot_id: str) -> VfSettings | None:
        """What was read back last for this generation of the function, in this boot; ``None``: nothing yet."""
        known = self._functions.get(wanted.address)
        return known.proven if known is not None and _is_same(known, wanted) and known.boot_id == boot_id else None

    def has_touched(self, address: PciAddress) -> bool:
        """Whether this host ever made something of that function, and so owes it a clean state."""
        return address in self._functions

    def has_begun(self, wanted: DesiredFunction, boot_id: str) -> bool:
        """Whether this very thing was put on record before, in this boot."""
        known = self._functions.get(wanted.address)
        return known is not None and _is_same(known, wanted) and known.boot_id == boot_id

    def is_clean(self, address: PciAddress) -> bool:
        """Whether the last thing that this host made of that function was its baseline, and was proven."""
        known = self._functions.get(address)
        return known is not None and known.purpose is Purpose.BASELINE and known.proven is not None

    def is_unclean(self, address: PciAddress) -> bool:
        """Whether a server may have had that function since it was clean. Of an unknown one nothing is told."""
        return address in self._functions and not self.is_clean(address)

    def serving(self, boot_id: str) -> tuple[FunctionRecord, ...]:
        """The functions that were made, or about to be made, for a server in this boot."""
        return tuple(
            record
            for record in self._functions.values()
            if record.purpose is Purpose.SERVE and record.boot_id == boot_id
        )

    def let_go(self, record: FunctionRecord) -> None:
        """The function is gone and nobody wants it: it serves no longer. Its generation is remembered."""
        self._append(_Line(function=replace(record, purpose=Purpose.BASELINE, server_id=None, proven=None)))

    def take_vfs_away(self, pf: PciAddress, count: int, boot_id: str) -> None:
        """The PF is about to lose its VFs. Their number is remembered, and nothing that was proven of them holds."""
        fresh = VfCountRecord(pf, count, boot_id)
        if self._vf_counts.get(pf) != fresh:
            self._append(_Line(vf_count=fresh))
        for record in [one for one in self._functions.values() if one.pf == pf and one.proven is not None]:
            self.let_go(record)

    def vfs_taken_away(self, pf: PciAddress, boot_id: str) -> int:
        """How many VFs the PF had before it lost them last, in this boot; 0: none, or nobody knows."""
        known = self._vf_counts.get(pf)
        return known.count if known is not None and known.boot_id == boot_id else 0

    def is_unwanted(self, server_id: str) -> bool:
        """Whether the last word on that server was that it should go."""
        known = self._servers.get(server_id)
        return known is not None and not known.is_wanted

    def _remember(self, line: _Line) -> None:
        self._records += 1
        if line.epoch is not None:
            self._epoch = max(self._epoch, line.epoch)
        if line.function is not None:
            self._functions[line.function.address] = line.function
        if line.server is not None:
            self._servers.pop(line.server.id, None)
            self._servers[line.server.id] = line.server
        if line.vf_count is not None:
            self._vf_counts[line.vf_count.pf] = line.vf_count

    def _append(self, line: _Line) -> None:
        text = wire.encode(line) + b"\n"
        try:
            with self._file.open("r+b") as journal:
                journal.truncate(self._size_bytes)  # what a full disk let through of an earlier record
                journal.seek(self._size_bytes)
                journal.write(text)
                journal.flush()
                os.fsync(journal.fileno())
        except OSError as failed:
            raise _fault(self._file, failed) from failed
        self._size_bytes += len(text)
        self._remember(line)
        if self._records > _RECORDS_MAX:
            self._compact()

    def _compact(self) -> None:
        unwanted = [record.id for record in self._servers.values() if not record.is_wanted]
        for forgotten in unwanted[:-_UNWANTED_SERVERS_MAX]:
            del self._servers[forgotten]
        lines = [_Line(epoch=self._epoch)]
        lines += [_Line(function=record) for record in self._functions.values()]
        lines += [_Line(server=record) for record in self._servers.values()]
        lines += [_Line(vf_count=record) for record in self._vf_counts.values()]
        content = b"".join(wire.encode(line) + b"\n" for line in lines)
        fresh = self._file.with_suffix(".new")
        try:
            with open(fresh, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as journal:
                journal.write(content)
                journal.flush()
                os.fsync(journal.fileno())
            fresh.replace(self._file)
            _sync_directory(self._file.parent)
        except OSError as failed:
            raise _fault(self._file, failed) from failed
        self._records, self._size_bytes = len(lines), len(content)


def _record(wanted: DesiredFunction, boot_id: str) -> FunctionRecord:
    return FunctionRecord(wanted.address, wanted.pf, wanted.generation, wanted.purpose, wanted.server_id, boot_id)


def _is_same(known: FunctionRecord, wanted: DesiredFunction) -> bool:
    return (known.generation, known.purpose, known.server_id) == (wanted.generation, wanted.purpose, wanted.server_id)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fault(file: Path, failed: OSError) -> HostFault:
    return HostFault(
        f"{file}: {failed.strerror or failed}",
        hint="without its journal the agent changes nothing: free some space, or correct the folder's owner",
    )
