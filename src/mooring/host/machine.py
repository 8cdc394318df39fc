"""A machine, as the agent sees it: three protocols, each with a real and a simulated implementation.

The real ones are ``host/netlink.py`` and ``host/libvirtd.py``; the simulated ones are in ``mooring.testing``.
Discovery has one implementation for both, ``host/sysfs.py``: a simulated host is a sysfs tree on disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mooring.model.pci import PciAddress
from mooring.model.vf import VfField, VfSettings

__all__ = ["DomainState", "Hypervisor", "HypervisorFacts", "Machine", "VfField", "VfTable"]


class VfTable(Protocol):
    """What a PF's driver holds for its VFs: ``ip link show/set PF vf N``."""

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        """What the kernel shows for one VF; ``None`` fields are ones that this card does not report.

        Raises NotFound when the PF or the VF is not there, HostFault when the list is truncated.
        """

    def read_all(self, pf_netdev: str) -> Mapping[int, VfSettings]:
        """Every VF of the PF, by index. A list shorter than ``sriov_numvfs`` is a HostFault, never a result."""

    def write(self, pf_netdev: str, vf_index: int, field: VfField, wanted: VfSettings) -> None:
        """Write that one field of ``wanted``.

        Raises Unsupported (EOPNOTSUPP, EPROTONOSUPPORT), Invalid (EINVAL, ERANGE), NotFound (ENODEV),
        Conflict (EBUSY) or HostFault (anything else). Success is not proof: the caller reads back.
        """


@dataclass(frozen=True, slots=True)
class DomainState:
    """One domain of ours, as the hypervisor shows it. Domains without our marker are never listed."""

    server_id: str
    generation: int
    """From the metadata marker that ``host/domainxml.py`` writes."""
    is_running: bool
    interface_macs: tuple[str, ...]
    """Of every interface but direct-physical ones: a plain PCI device has no MAC in domain XML."""
    port_ids: tuple[str, ...] = ()
    """Of every interface; direct-physical ones last."""
    functions: tuple[PciAddress, ...] = ()
    """The PCI functions that the guest holds; a macvtap port's VF stays with the host and is not among them."""


@dataclass(frozen=True, slots=True)
class HypervisorFacts:
    type: str
    """As libvirt spells it: ``QEMU``."""
    version: int
    """The hypervisor's, as libvirt counts: major * 1,000,000 + minor * 1,000 + release."""
    vcpus: int
    memory_mib: int
    disk_gib: int


class Hypervisor(Protocol):
    """What the agent asks of libvirt. Every call names a server by its id, which is the domain's UUID.

    Every call may raise Unreachable (libvirt does not answer), Unsupported (this libvirt cannot), Forbidden (it
    may not) and HostFault (it broke, or what was done does not show). Calls block; success was read back.
    """

    def facts(self) -> HypervisorFacts:
        """What the machine has, in all."""

    def domains(self) -> Sequence[DomainState]:
        """The domains that carry our marker; others are none of our business."""

    def start(self, domain_xml: str) -> None:
        """Define and start. Starting a domain that runs already with the same XML is no error.

        A start that fails leaves no domain running. Raises Invalid for XML that is malformed or not marked as ours,
        Stale when the domain is here at a newer generation, and Conflict when it runs as another one, when the
        UUID is taken by a domain that is not ours, or when another domain holds one of its functions.
        """

    def destroy(self, server_id: str) -> None:
        """Stop at once and undefine. A domain that is not there is no error; one without our marker is a Conflict."""

    def attach(self, server_id: str, interface_xml: str) -> None:
        """Plug one more device in; one that is there already, the same, is no error.

        Raises NotFound when the domain is not there, Conflict when it is not ours or the port is plugged otherwise.
        """

    def detach(self, server_id: str, port_id: str) -> None:
        """Unplug the port's device; one that is not there is no error.

        By port and not by MAC: a direct-physical device shows none, and ports of two networks may have the same.
        The guest may take its time: raises Conflict while it has not let go, and then it is worth asking again.
        Raises NotFound when the domain is not there.
        """

    def xml(self, server_id: str) -> str:
        """The live XML; raises NotFound, also for a domain that is not ours."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything that one agent does things to."""

    sysfs_root: Path
    vf_table: VfTable
    hypervisor: Hypervisor
    boot_id: str
