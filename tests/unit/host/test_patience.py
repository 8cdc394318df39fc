"""A call that hangs in the kernel costs its caller some seconds, and nobody a second thread in the same driver."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from mooring.errors import Conflict, HostFault, MooringError
from mooring.host.machine import PfView
from mooring.host.patience import Patience, PatientPciBus, PatientVfTable
from mooring.model.pci import PciAddress
from mooring.model.vf import VfField, VfSettings

SHORT_S = 0.02
LONG_S = 30.0
PF = "enp1s0"
VF = PciAddress.parse("0000:01:10.0")
SETTINGS = VfSettings(mac="02:00:00:00:00:01")


class Driver:
    """Hangs while told to, as a table and as a bus; keeps what it was called with, PF or function first."""

    def __init__(self) -> None:
        self.may_return = threading.Event()
        self.may_return.set()
        self.called: list[tuple[object, ...]] = []
        self.refusal: MooringError | None = None

    def _enter(self, *arguments: object) -> None:
        self.called.append(arguments)
        self.may_return.wait(LONG_S)
        if self.refusal is not None:
            raise self.refusal

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        self._enter(pf_netdev, vf_index)
        return SETTINGS

    def look(self, pf_netdev: str) -> PfView:
        self._enter(pf_netdev)
        return PfView(True, True, {0: SETTINGS})

    def bring_up(self, pf_netdev: str) -> None:
        self._enter(pf_netdev)

    def write(self, pf_netdev: str, vf_index: int, fields: Sequence[VfField], wanted: VfSettings) -> None:
        self._enter(pf_netdev, vf_index, fields, wanted)

    def driver(self, address: PciAddress) -> str | None:
        self._enter(address)
        return "igbvf"

    def unbind(self, address: PciAddress) -> None:
        self._enter(address)

    def bind(self, address: PciAddress) -> None:
        self._enter(address)

    def reset(self, address: PciAddress, *, any_method: bool = False) -> bool:
        self._enter(address, any_method)
        return True

    def set_vf_count(self, pf: PciAddress, count: int) -> None:
        self._enter(pf, count)

    def remove_vfs(self, pf: PciAddress) -> None:
        self._enter(pf)


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.may_return.set()


FIELDS = (VfField.MAC, VfField.VLAN)
#: What each call is called, the call, its answer, and what reaches the table behind.
TABLE_CALLS: dict[str, tuple[Callable[[PatientVfTable], object], object, tuple[object, ...]]] = {
    "reading VF 3": (lambda table: table.read(PF, 3), SETTINGS, (PF, 3)),
    "reading the VFs": (lambda table: table.look(PF), PfView(True, True, {0: SETTINGS}), (PF,)),
    "bringing up the link": (lambda table: table.bring_up(PF), None, (PF,)),
    "writing mac, vlan of VF 3": (lambda table: table.write(PF, 3, FIELDS, SETTINGS), None, (PF, 3, FIELDS, SETTINGS)),
}


@pytest.mark.parametrize("what", TABLE_CALLS)
def test_a_table_answers_as_the_one_behind_it(driver: Driver, what: str) -> None:
    call, answer, arguments = TABLE_CALLS[what]
    assert call(PatientVfTable(driver)) == answer
    assert driver.called == [arguments]
    driver.refusal = Conflict("the VF is in reset")
    with pytest.raises(Conflict, match="in reset"):
        call(PatientVfTable(driver))


@pytest.mark.parametrize("what", TABLE_CALLS)
def test_a_call_that_hangs_is_a_fault_that_says_which(driver: Driver, what: str) -> None:
    driver.may_return.clear()
    with pytest.raises(HostFault, match=f"^{what} of enp1s0 has not returned for 0 s$"):
        TABLE_CALLS[what][0](PatientVfTable(driver, SHORT_S))


def test_while_a_call_hangs_its_pf_is_not_called_again_and_others_are(driver: Driver) -> None:
    now_s = [0.0]
    table = PatientVfTable(driver, SHORT_S, Patience(lambda: now_s[0]))
    driver.may_return.clear()
    with pytest.raises(HostFault):
        table.look(PF)
    now_s[0] = 37.0
    with pytest.raises(HostFault, match="reading the VFs of enp1s0 has not returned for 37 s"):
        table.read(PF, 0)
    with pytest.raises(HostFault, match="enp2s0"):
        table.look("enp2s0")
    assert driver.called == [(PF,), ("enp2s0",)]


def test_once_the_call_has_returned_its_pf_is_called_again(driver: Driver) -> None:
    patience = Patience()
    driver.may_return.clear()
    with pytest.raises(HostFault):
        PatientVfTable(driver, SHORT_S, patience).look(PF)
    driver.may_return.set()
    table = PatientVfTable(driver, LONG_S, patience)
    for _ in range(int(LONG_S / SHORT_S)):
        with suppress(HostFault):
            assert table.read(PF, 0) == SETTINGS
            return
        time.sleep(SHORT_S)
    pytest.fail("the call has returned, and its PF is still not called")


def test_what_nobody_foresaw_reaches_the_caller_and_the_next_call_goes_through() -> None:
    patience = Patience()
    with pytest.raises(ZeroDivisionError):
        patience.call(PF, "work", LONG_S, lambda: 1 // 0)
    assert patience.call(PF, "work", LONG_S, lambda: 7) == 7


def test_a_time_limit_of_the_works_own_is_not_ours() -> None:
    def late() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        Patience().call(PF, "work", LONG_S, late)


def test_calls_one_after_the_other_need_one_thread() -> None:
    patience = Patience()
    threads = {patience.call(f"pf{number}", "work", LONG_S, threading.get_ident) for number in range(50)}
    assert len(threads) == 1


def test_threads_that_ask_of_one_pf_take_turns() -> None:
    patience = Patience()
    inside, most = [0], [0]
    guard = threading.Lock()

    def work() -> None:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with guard:
            inside[0] -= 1

    def ask() -> None:
        for _ in range(20):
            patience.call(PF, "work", LONG_S, work)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


BUS_CALLS: dict[str, tuple[Callable[[PatientPciBus], object], object, tuple[object, ...]]] = {
    "driver": (lambda bus: bus.driver(VF), "igbvf", (VF,)),
    "unbind": (lambda bus: bus.unbind(VF), None, (VF,)),
    "bind": (lambda bus: bus.bind(VF), None, (VF,)),
    "reset": (lambda bus: bus.reset(VF), True, (VF, False)),
    "any reset": (lambda bus: bus.reset(VF, any_method=True), True, (VF, True)),
    "set_vf_count": (lambda bus: bus.set_vf_count(VF, 4), None, (VF, 4)),
    "remove_vfs": (lambda bus: bus.remove_vfs(VF), None, (VF,)),
}


@pytest.mark.parametrize("name", BUS_CALLS)
def test_a_bus_answers_as_the_one_behind_it(driver: Driver, name: str) -> None:
    call, answer, arguments = BUS_CALLS[name]
    assert call(PatientPciBus(driver)) == answer
    assert driver.called == [arguments]


@pytest.mark.parametrize("name", BUS_CALLS)
def test_while_a_function_hangs_nothing_is_done_to_it(driver: Driver, name: str) -> None:
    patience = Patience()
    driver.may_return.clear()
    with pytest.raises(HostFault):
        patience.call(str(VF), "the reset", SHORT_S, lambda: driver.reset(VF))
    with pytest.raises(HostFault, match="the reset has not returned"):
        BUS_CALLS[name][0](PatientPciBus(driver, patience))
    assert driver.called == [(VF, False)]
