"""libvirt itself, by its test driver: what the contract has no word for.

The contract is in ``tests/unit/host/test_hypervisor_contract.py`` and runs on the same driver.
"""

import importlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mooring.errors import Conflict, Invalid, Unreachable
from mooring.host.domain_events import DomainEvents
from mooring.host.domainxml import DomainKind, Wiring, domain_xml
from mooring.host.libvirt_answers import FROM_RPC, ErrorCode
from mooring.host.libvirtd import Libvirtd
from mooring.host.livexml import parse, parse_marker
from mooring.host.machine import DomainFiles
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.host import NumaCell
from mooring.model.pci import PciAddress

pytestmark = pytest.mark.requires("libvirt")

TEST_URI = f"test://{Path(__file__).parents[1] / 'data' / 'libvirt-test-node.xml'}"
VF = PciAddress.parse("0000:01:10.0")
WIRING = Wiring({VF: "enp1s0v0"})
FILES = DomainFiles(Path("/var/lib/mooring/servers/1/config-drive.iso"), Path("/var/lib/mooring/servers/1/console.log"))
DIRECT = DesiredInterface("7c9e6679-7425-40de-944b-e07fc1f90ae7", "02:00:00:00:02:00", "direct", "hw_veb", VF, 100)
SERVER = DesiredServer(
    "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1 & söhne", 3, True, vcpus=2, memory_mib=64, interfaces=(DIRECT,)
)


def build(server: DesiredServer = SERVER, kind: DomainKind = DomainKind.TEST) -> str:
    return domain_xml(server, kind, WIRING, FILES)


@pytest.fixture
def binding() -> ModuleType:
    return importlib.import_module("libvirt")


@pytest.fixture
def libvirtd(tmp_path: Path) -> Libvirtd:
    return Libvirtd.connect(TEST_URI, disk_dir=tmp_path)


def test_numbers_of_the_table_are_those_of_the_binding(binding: ModuleType) -> None:
    assert {code.name: getattr(binding, f"VIR_ERR_{code.name}") for code in ErrorCode} == {
        code.name: code.value for code in ErrorCode
    }
    assert binding.VIR_FROM_RPC == FROM_RPC


def test_facts_are_those_of_the_connection(libvirtd: Libvirtd, tmp_path: Path) -> None:
    facts = libvirtd.facts()
    assert (facts.type, facts.version, facts.vcpus, facts.memory_mib) == ("TEST", 2, 16, 3072)
    not_yet = tmp_path / "made" / "later"
    assert Libvirtd.connect(TEST_URI, disk_dir=not_yet).facts().disk_gib == facts.disk_gib > 0


def test_socket_that_nobody_listens_on_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"facts of the host: .*No such file"):
        Libvirtd.connect(f"qemu+unix:///system?socket={tmp_path}/nobody")


def test_title_and_alias_survive_libvirt(libvirtd: Libvirtd) -> None:
    libvirtd.start(build())
    assert libvirtd.connection().lookupByName(f"mooring-{SERVER.id}").XMLDesc().count("web1 &amp; söhne") == 1
    assert libvirtd.domains()[0].port_ids == (DIRECT.port_id,)


def test_domain_with_passed_through_functions_and_numa_cells_is_what_was_asked_for(libvirtd: Libvirtd) -> None:
    """The second start finds nothing to do: what libvirt made of the XML reads back as the XML does."""
    gpu, disk = PciAddress.parse("0000:41:00.0"), PciAddress.parse("0000:c1:00.0")
    server = replace(SERVER, passthrough=(gpu, disk), numa_nodes=(0, 1))
    cells = (NumaCell(0, (0, 1), 1024, 0), NumaCell(1, (2, 3), 1024, 1))
    xml = domain_xml(server, DomainKind.TEST, replace(WIRING, numa_cells=cells), FILES)
    for _ in range(2):
        libvirtd.start(xml)
    assert libvirtd.domains()[0].functions == (VF, gpu, disk)
    shown = parse(libvirtd.xml(SERVER.id))
    assert [cell.get("memory") for cell in shown.iterfind("cpu/numa/cell")] == ["32768", "32768"]
    assert [node.get("nodeset") for node in shown.iterfind("numatune/memnode")] == ["0", "1"]
    assert [pin.get("cpuset") for pin in shown.iterfind("cputune/vcpupin")] == ["0-1", "2-3"]


def test_xml_that_libvirts_grammar_refuses_is_invalid_and_defines_nothing(libvirtd: Libvirtd) -> None:
    with pytest.raises(Invalid, match=r"start of server .* failed to validate against schema"):
        libvirtd.start(build().replace("<vcpu>", "<vcpus>").replace("</vcpu>", "</vcpus>"))
    assert libvirtd.domains() == []


def test_guest_that_shut_itself_down_is_listed_as_not_running_and_starts_anew(libvirtd: Libvirtd) -> None:
    libvirtd.start(build())
    libvirtd.connection().lookupByUUIDString(SERVER.id).destroy()
    assert [state.is_running for state in libvirtd.domains()] == [False]
    libvirtd.start(build(replace(SERVER, generation=4)))
    assert [(state.is_running, state.generation) for state in libvirtd.domains()] == [(True, 4)]


def test_domain_that_is_defined_and_does_not_run_is_destroyed_too(libvirtd: Libvirtd) -> None:
    libvirtd.connection().defineXML(build())
    libvirtd.destroy(SERVER.id)
    assert libvirtd.domains() == []


def test_transient_domain_with_our_marker_is_destroyed_too(libvirtd: Libvirtd) -> None:
    libvirtd.connection().createXML(build())
    libvirtd.destroy(SERVER.id)
    assert libvirtd.domains() == []


def test_domain_with_a_servers_uuid_and_without_the_marker_is_never_redefined_or_destroyed(libvirtd: Libvirtd) -> None:
    xml = build()
    libvirtd.connection().defineXML(xml.replace("https://mooring.dev/xmlns/1", "urn:somebody"))
    with pytest.raises(Conflict, match="does not carry the Mooring marker"):
        libvirtd.start(xml)
    with pytest.raises(Conflict, match="does not carry the Mooring marker"):
        libvirtd.destroy(SERVER.id)
    assert parse_marker(libvirtd.connection().lookupByUUIDString(SERVER.id).XMLDesc()) is None


def test_nothing_is_printed_on_standard_error_for_an_error_that_is_raised(
    libvirtd: Libvirtd, capfd: pytest.CaptureFixture[str]
) -> None:
    libvirtd.destroy(SERVER.id)
    with pytest.raises(Invalid):
        libvirtd.start(build().replace("<vcpu>", "<vcpus>").replace("</vcpu>", "</vcpus>"))
    assert capfd.readouterr().err == ""


class Lossy:
    """Something of libvirt's. What is in ``lose`` is done, once each; then the connection is lost with the answer."""

    def __init__(self, target: Any, lose: set[str], lost: Exception) -> None:
        self._target, self._lose, self._lost = target, lose, lost

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value) or isinstance(value, type):
            return value

        def call(*arguments: Any) -> Any:
            answer = value(*arguments)
            if name in self._lose:
                self._lose.remove(name)
                raise self._lost
            is_plain = answer is None or isinstance(answer, (str, int, list, dict))
            return answer if is_plain else Lossy(answer, self._lose, self._lost)

        return call


@pytest.fixture
def lose() -> set[str]:
    return set()


@pytest.fixture
def lossy(binding: ModuleType, lose: set[str], tmp_path: Path) -> Libvirtd:
    class Lost(binding.libvirtError):  # type: ignore[misc, name-defined]  # the library ships no types
        def get_error_code(self) -> int:
            return ErrorCode.SYSTEM_ERROR

        def get_error_domain(self) -> int:
            return FROM_RPC

        def get_error_message(self) -> str:
            return "Cannot recv data: Connection reset by peer"

    return Libvirtd(Lossy(binding, lose, Lost("lost")), TEST_URI, tmp_path)


@pytest.mark.parametrize("answer", ["defineXMLFlags", "create"])
def test_start_whose_answer_was_lost_is_there_when_it_is_asked_for_again(
    lossy: Libvirtd, lose: set[str], answer: str
) -> None:
    lose.add(answer)
    with pytest.raises(Unreachable, match=r"start of server .* Connection reset by peer"):
        lossy.start(build())
    assert not lose
    lossy.start(build())
    assert [(state.is_running, state.generation) for state in lossy.domains()] == [(True, 3)]
    assert lossy.connection().lookupByUUIDString(SERVER.id).isPersistent() == 1


@pytest.mark.parametrize("answer", ["destroy", "undefineFlags"])
def test_destroy_whose_answer_was_lost_is_finished_when_it_is_asked_for_again(
    lossy: Libvirtd, lose: set[str], answer: str
) -> None:
    lossy.start(build())
    lose.add(answer)
    with pytest.raises(Unreachable, match="destroy of server"):
        lossy.destroy(SERVER.id)
    assert not lose
    lossy.destroy(SERVER.id)
    assert lossy.domains() == []


def test_event_numbers_are_those_of_the_binding(binding: ModuleType) -> None:
    numbers = [getattr(binding, f"VIR_DOMAIN_EVENT_{name}") for name in ("UNDEFINED", "STOPPED", "SHUTDOWN", "CRASHED")]
    assert numbers == [1, 5, 6, 8]


def test_end_of_a_guest_is_heard(tmp_path: Path) -> None:
    """On the driver's one shared host: a host of a file's own is another one in each connection."""
    libvirtd = Libvirtd.connect("test:///default", disk_dir=tmp_path)
    libvirtd.heard()
    said: list[str] = []
    deadline_s = time.monotonic() + 20
    try:
        while f"domain stopped {SERVER.id}" not in said:
            assert time.monotonic() < deadline_s
            libvirtd.start(build())
            libvirtd.destroy(SERVER.id)
            threading.Event().wait(0.05)
            said += libvirtd.heard()
    finally:
        libvirtd.destroy(SERVER.id)
        libvirtd.close()
    assert not [words for words in said if "start" in words]


def test_libvirt_that_is_not_there_is_no_error_to_listen_to(binding: ModuleType, tmp_path: Path) -> None:
    events = DomainEvents(binding, f"qemu+unix:///system?socket={tmp_path}/nobody", retry_s=0.01)
    events.heard()
    threading.Event().wait(0.05)
    assert events.heard() == ()
    events.close()


def test_versions_say_why_there_is_no_kvm(libvirtd: Libvirtd) -> None:
    versions = libvirtd.versions()
    assert versions.libvirt >= 9_000_000
    assert versions.hypervisor == 2
    assert "not supported" in versions.without_kvm
