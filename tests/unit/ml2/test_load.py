"""Loading drivers: by name, in the configuration's order, and a mistake is told before anything runs."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from mooring.errors import Invalid
from mooring.ml2.driver import MechanismDriver
from mooring.ml2.linuxbridge import LinuxBridgeDriver
from mooring.ml2.load import ENTRY_POINT_GROUP, Loader, load_drivers
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver


class CountingDriver(MechanismDriver):
    """Knows how often it was initialized."""

    initialized = 0

    def initialize(self) -> None:
        self.initialized += 1


class Stranger:
    """Registered as a driver, and none of ours."""


class DyingDriver(MechanismDriver):
    """Does not get as far as being asked."""

    def initialize(self) -> None:
        raise OSError("no route to the switch")


def missing_library() -> type[MechanismDriver]:
    raise ModuleNotFoundError("No module named 'ucsmsdk'")


AVAILABLE: dict[str, Loader] = {
    "linuxbridge": lambda: LinuxBridgeDriver,
    "sriovnicswitch": lambda: SriovNicSwitchDriver,
    "counting": lambda: CountingDriver,
    "broken": missing_library,
    "dying": lambda: DyingDriver,
    "foreign": lambda: Stranger,  # type: ignore[dict-item,return-value]  # what is not checked is what is installed
}


def test_drivers_come_in_the_order_of_the_configuration() -> None:
    drivers = load_drivers(["sriovnicswitch", "linuxbridge"], AVAILABLE)
    assert [driver.name for driver in drivers] == ["sriovnicswitch", "linuxbridge"]


def test_a_driver_is_called_what_the_configuration_calls_it_and_initialized_once() -> None:
    [driver] = load_drivers(["counting"], AVAILABLE)
    assert isinstance(driver, CountingDriver)
    assert (driver.name, driver.initialized) == ("counting", 1)


def test_options_reach_the_driver_that_they_are_for() -> None:
    options = {"sriovnicswitch": {"supported_pci_vendor_info": ["8086:10ca"]}}
    [driver, _] = load_drivers(["sriovnicswitch", "linuxbridge"], AVAILABLE, options)
    assert isinstance(driver, SriovNicSwitchDriver)
    assert driver.supported_pci_vendor_info == {"8086:10ca"}


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["ovn"], {}, "mechanism driver 'ovn' is not installed"),
        (["linuxbridge", "linuxbridge"], {}, "linuxbridge is named more than once"),
        (["broken"], {}, "'broken' does not load: ModuleNotFoundError: No module named 'ucsmsdk'"),
        (
            ["sriovnicswitch"],
            {"sriovnicswitch": {"supported_pci_vendor_info": "8086:10ca"}},
            "supported_pci_vendor_info = '8086:10ca' is not a list",
        ),
        (
            ["sriovnicswitch"],
            {"sriovnicswitch": {"agents_report_pfs": "no"}},
            "agents_report_pfs = 'no' is not true or false",
        ),
        (["linuxbridge"], {"linuxbridge": {"speed": 10}}, r"\[controller.driver.linuxbridge\] has no option speed"),
        (["linuxbridge"], {"linuxbrigde": {}}, r"\[controller.driver.linuxbrigde\] is for .* not named"),
        (["foreign"], {}, "'foreign' is a Stranger, and no mooring.ml2.driver.MechanismDriver"),
        (["dying"], {}, "'dying' does not start: OSError: no route to the switch"),
        (["sriovnicswitch"], {"sriovnicswitch": {"supported_pci_vendor_info": ["x"]}}, "supported_pci_vendor_info"),
    ],
)
def test_a_mistake_in_the_configuration_is_told(
    names: list[str], options: dict[str, dict[str, object]], message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        load_drivers(names, AVAILABLE, options)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(Invalid) as caught:
        load_drivers(["ovn"], AVAILABLE)
    assert caught.value.hint == "installed are broken, counting, dying, foreign, linuxbridge, sriovnicswitch"


def test_our_own_drivers_are_registered_under_their_own_names() -> None:
    pyproject = tomllib.loads(Path(__file__).parents[3].joinpath("pyproject.toml").read_text())
    registered = pyproject["project"]["entry-points"][ENTRY_POINT_GROUP]
    for name, target in registered.items():
        module, _, attribute = target.partition(":")
        assert getattr(import_module(module), attribute).name == name
    assert set(registered) == {
        "linuxbridge", "macvtap", "mlnx", "noop", "openvswitch", "sriovnicswitch", "vmfex"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"sriovnicswitch": {"supported_pci_vendor_inf": []}}, "did you mean supported_pci_vendor_info?"),
        ({"sriovnicswitch": {"colour": 1}}, "its options are supported_pci_vendor_info, agents_report_pfs"),
        ({"sriovnicswich": {}}, "did you mean sriovnicswitch?"),
    ],
)
def test_a_slip_in_an_option_is_answered_with_what_was_meant(options: dict[str, dict[str, object]], hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        load_drivers(["sriovnicswitch"], AVAILABLE, options)
    assert caught.value.hint == hint
