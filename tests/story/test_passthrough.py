"""Functions that a flavor asked for, from the claim to the guest, through restarts, and back again."""

from collections.abc import Sequence

import pytest

from mooring.core.reconcile import baseline
from mooring.host.livexml import parse
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.port import PortStatus, VnicType
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.flavors import set_extra_specs
from mooring.service.groups import GroupWish, create_group
from mooring.store import claims, devices
from mooring.store.devices import counts
from mooring.testing.cloud import ADMIN
from mooring.testing.hosts import DEVICES
from mooring.testing.schemas import validate_domain
from tests.story.conftest import MakeCloud, Told

GPUS = [PciAddress.parse("0000:17:00.0"), PciAddress.parse("0000:b3:00.0")]
DRIVE, FPGA = PciAddress.parse("0000:65:00.0"), PciAddress.parse("0000:af:00.0")


@pytest.fixture
def workshop(make_cloud: MakeCloud) -> Told:
    """One host with two GPUs, an NVMe drive, an FPGA with VFs, and a NIC."""
    return make_cloud({"h1": DEVICES})


def ask(told: Told, alias: str, selector: PciSelector, **specs: str) -> None:
    """The flavor asks for it from now on; the PCI group is made for it."""
    group = GroupWish(alias.partition(":")[0], (selector,))
    told.write(lambda tx: create_group(tx, told.world, ADMIN, group))
    asked = told.flavor.extra_specs.get("pci_passthrough:alias")
    wanted = {"pci_passthrough:alias": alias if asked is None else f"{asked},{alias}", **specs}
    told.flavor = told.write(lambda tx: set_extra_specs(tx, ADMIN, told.flavor.id, wanted))


def boot(told: Told, count: int = 1) -> tuple[Server, Sequence[PciAddress]]:
    """A server on sim1 with one port, and with VFs that its flavor asks for."""
    ask(told, f"fast:{count}", PciSelector(kind=FunctionKind.VF, physical_networks=("physnet1",)))
    server = told.boot(told.port(told.network("physnet1", 100), VnicType.DIRECT), forced_host="sim1")
    held = told.read(lambda tx: claims.of_server(tx, server.id))
    addresses = sorted(claim.address for claim in held if claim.port_id is None)
    assert len(addresses) == count
    return server, addresses


def hostdevs(told: Told, server: Server) -> list[PciAddress]:
    """What its domain has beside its interfaces."""
    domain = parse(told.cloud.nodes[server.host or ""].host.hypervisor().xml(server.id))
    found = domain.findall("devices/hostdev/source/address")
    fields = ("domain", "bus", "slot", "function")
    return [PciAddress(*(int(one.get(field, ""), 16) for field in fields)) for one in found]


def states(told: Told, *addresses: PciAddress) -> list[VfState | None]:
    known = told.read(lambda tx: devices.of_host(tx, "h1"))
    return [known[address].state if address in known else None for address in addresses]


def drivers(told: Told, *addresses: PciAddress) -> list[str | None]:
    return [told.cloud.nodes["h1"].host.pci_bus.driver(address) for address in addresses]


# VFs of NICs


def test_server_has_its_port_and_its_functions_and_gives_all_of_them_back_clean(told: Told) -> None:
    before = told.read(counts)
    server, addresses = boot(told, 2)
    assert server.status is ServerStatus.ACTIVE
    assert hostdevs(told, server) == list(addresses)
    held = {claim.address: claim for claim in told.read(lambda tx: claims.of_server(tx, server.id))}
    programmed = told.on_card("sim1")
    for address in addresses:
        desired = held[address].desired
        assert desired == baseline(desired.mac or "")
        assert desired in programmed
    (port,) = told.ports(server)
    assert told.stored(port).status is PortStatus.ACTIVE
    told.delete(server)
    assert told.is_gone(server)
    assert told.read(counts) == before
    macs = {settings.mac for settings in told.on_card("sim1")}
    assert not macs & {claim.desired.mac for claim in held.values()}


@pytest.mark.requires("schemas")
def test_domain_with_functions_is_valid_by_libvirts_own_schema(told: Told) -> None:
    server, _ = boot(told, 2)
    validate_domain(told.cloud.nodes["sim1"].host.hypervisor().xml(server.id))


def test_restarts_leave_a_guest_with_functions_alone(told: Told) -> None:
    server, addresses = boot(told)
    before = (told.on_card("sim1"), told.cloud.nodes["sim1"].host.hypervisor().xml(server.id))
    told.cloud.restart_controller()
    told.cloud.settle()
    assert (told.on_card("sim1"), told.cloud.nodes["sim1"].host.hypervisor().xml(server.id)) == before
    assert (told.server(server.id).status, hostdevs(told, server)) == (ServerStatus.ACTIVE, list(addresses))


def test_rebooted_host_starts_the_guest_with_the_same_functions_again(told: Told) -> None:
    server, addresses = boot(told)
    told.cloud.nodes["sim1"].host.reboot()
    told.cloud.restart_agent("sim1")
    assert told.server(server.id).status is ServerStatus.HARD_REBOOT
    told.cloud.settle()
    assert (told.server(server.id).status, hostdevs(told, server)) == (ServerStatus.ACTIVE, list(addresses))


def test_function_that_falls_off_the_bus_puts_its_server_in_error(told: Told) -> None:
    server, (address,) = boot(told)
    told.cloud.nodes["sim1"].host.remove_function(address)
    told.cloud.nodes["sim1"].agent.announce()
    told.cloud.settle()
    failed = told.server(server.id)
    assert failed.status is ServerStatus.ERROR
    assert failed.fault is not None
    assert failed.fault.details.startswith(f"{address} of PCI group fast is gone")
    told.delete(server)
    assert told.is_gone(server)


# Anything else


def test_guest_has_the_gpus_and_the_disk_that_its_flavor_asks_for_and_the_host_has_them_back(workshop: Told) -> None:
    ask(workshop, "gpu:2", PciSelector(tags=("gpu",)))
    ask(workshop, "disk:1", PciSelector(device_class="0108"))
    own = drivers(workshop, *GPUS, DRIVE)
    server = workshop.boot()
    assert server.status is ServerStatus.ACTIVE
    assert hostdevs(workshop, server) == [GPUS[0], DRIVE, GPUS[1]]
    assert drivers(workshop, *GPUS, DRIVE) == ["vfio-pci"] * 3
    refused = workshop.boot()
    assert refused.status is ServerStatus.ERROR
    workshop.delete(refused)
    workshop.delete(server)
    assert workshop.is_gone(server)
    assert states(workshop, *GPUS, DRIVE) == [VfState.AVAILABLE] * 3
    assert drivers(workshop, *GPUS, DRIVE) == own


def test_guests_cells_are_laid_beside_the_gpus(workshop: Told) -> None:
    specs = {"hw:numa_nodes": "1", "hw:pci_numa_affinity_policy": "required"}
    ask(workshop, "gpu:1", PciSelector(addresses=(str(GPUS[1]),)), **specs)
    server = workshop.boot()
    assert (server.status, server.numa_nodes) == (ServerStatus.ACTIVE, (1,))
    xml = workshop.cloud.nodes["h1"].host.hypervisor().xml(server.id)
    (memory,) = parse(xml).iterfind("numatune/memory")
    assert (memory.get("mode"), memory.get("nodeset")) == ("strict", "1")
    assert hostdevs(workshop, server) == [GPUS[1]]


def test_vfs_of_an_fpga_are_served_without_settings(workshop: Told) -> None:
    ask(workshop, "fpga-part:2", PciSelector(kind=FunctionKind.VF, addresses=("0000:af:*.*",)))
    server = workshop.boot()
    assert server.status is ServerStatus.ACTIVE
    held = workshop.read(lambda tx: claims.of_server(tx, server.id))
    assert {claim.desired.mac for claim in held} == {None}
    assert states(workshop, *(claim.address for claim in held)) == [VfState.IN_USE] * 2
    workshop.delete(server)
    assert workshop.is_gone(server)


def test_fpga_goes_whole_without_its_vfs_and_has_them_again_afterwards(workshop: Told) -> None:
    ask(workshop, "fpga:1", PciSelector(kind=FunctionKind.PF, addresses=("0000:af:*.*",)))
    vfs = [one.address for one in workshop.cloud.nodes["h1"].host.functions() if one.pf == FPGA]
    server = workshop.boot()
    assert (server.status, hostdevs(workshop, server)) == (ServerStatus.ACTIVE, [FPGA])
    assert set(states(workshop, *vfs)) == {VfState.GONE}
    workshop.delete(server)
    assert workshop.is_gone(server)
    workshop.cloud.settle()
    assert states(workshop, FPGA, *vfs) == [VfState.AVAILABLE] * (1 + len(vfs))
