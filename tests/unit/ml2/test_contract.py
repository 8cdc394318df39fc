"""Our own drivers keep to the contract that authors of others are given; and a driver that breaks it is caught."""

from collections.abc import Sequence

import pytest

from mooring.ml2.context import PortContext
from mooring.ml2.driver import MechanismDriver
from mooring.ml2.linuxbridge import LinuxBridgeDriver
from mooring.ml2.macvtap import MacvtapDriver
from mooring.ml2.mlnx import MlnxDriver
from mooring.ml2.noop import NoopDriver
from mooring.ml2.openvswitch import OpenvswitchDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.ml2.vmfex import VmfexDriver
from mooring.model.host import AgentType
from mooring.model.port import VnicType
from mooring.model.port_profile import PortProfile
from mooring.testing.mechanism_driver import NOW, MechanismDriverContract, Question, agent, flat_segment

NIC_SWITCH = agent(AgentType.NIC_SWITCH, {"device_mappings": {"physnet1": ["ens1f0"]}})
CARD = {"pci_slot": "0000:81:10.0", "physical_network": "physnet1"}


class TestSriovNicSwitch(MechanismDriverContract):
    """``sriovnicswitch``, which QEMU on bare VFs uses."""

    binds = (
        Question("direct", {**CARD, "pci_vendor_info": "8086:10ca"}, agents=[NIC_SWITCH]),
        Question("macvtap", CARD, [flat_segment()], [NIC_SWITCH]),
        Question("accelerator-direct", CARD, agents=[NIC_SWITCH]),
        Question("direct-physical", CARD, agents=[NIC_SWITCH]),
    )

    def make_driver(self) -> MechanismDriver:
        return SriovNicSwitchDriver()


class TestSriovNicSwitchWithCards(MechanismDriverContract):
    """The same, for one kind of card, and with PFs that no agent reports."""

    binds = (Question("direct", {**CARD, "pci_vendor_info": "8086:10ca"}, agents=[NIC_SWITCH]),)

    def make_driver(self) -> MechanismDriver:
        return SriovNicSwitchDriver(["8086:10ca"], agents_report_pfs=False)


class TestLinuxBridge(MechanismDriverContract):
    """``linuxbridge``."""

    binds = (Question("normal", agents=[agent(AgentType.LINUX_BRIDGE, {"bridge_mappings": {"physnet1": "br1"}})]),)

    def make_driver(self) -> MechanismDriver:
        return LinuxBridgeDriver()


class TestOpenvswitch(MechanismDriverContract):
    """``openvswitch``, on a bridge and offloaded."""

    _AGENT = agent(AgentType.OPEN_VSWITCH, {"bridge_mappings": {"physnet1": "br-ex"}})
    binds = (
        Question("normal", agents=[_AGENT]),
        Question("direct", {**CARD, "capabilities": ["switchdev"]}, agents=[_AGENT]),
    )

    def make_driver(self) -> MechanismDriver:
        return OpenvswitchDriver()


class TestMacvtap(MechanismDriverContract):
    """``macvtap`` on an ordinary NIC."""

    binds = (Question("normal", agents=[agent(AgentType.MACVTAP, {"interface_mappings": {"physnet1": "eth1"}})]),)

    def make_driver(self) -> MechanismDriver:
        return MacvtapDriver()


class TestMlnx(MechanismDriverContract):
    """``mlnx``, on Ethernet and on InfiniBand."""

    binds = (
        Question("direct", {**CARD, "pci_vendor_info": "15b3:101e"}, agents=[NIC_SWITCH]),
        Question(
            "direct",
            {**CARD, "pci_vendor_info": "15b3:101e"},
            agents=[
                agent(
                    AgentType.NIC_SWITCH,
                    {"device_mappings": {"physnet1": ["ib0"]}, "infiniband_networks": ["physnet1"]},
                )
            ],
        ),
    )

    def make_driver(self) -> MechanismDriver:
        return MlnxDriver()


class TestVmfex(MechanismDriverContract):
    """``vmfex``, which no agent has a part in."""

    binds = (
        Question(
            "direct",
            {**CARD, "pci_vendor_info": "1137:0071"},
            port_profile=PortProfile("profile", "gold", NOW, NOW, (100,), ("physnet1",)),
        ),
    )

    def make_driver(self) -> MechanismDriver:
        return VmfexDriver()


class TestNoop(MechanismDriverContract):
    """``noop``, which is there to be copied."""

    def make_driver(self) -> MechanismDriver:
        return NoopDriver()


class Careless(MechanismDriver):
    """Shares one dict between ports, says no without a word, and expects somebody to listen."""

    name = "careless"
    details: dict[str, object] = {"list": []}  # noqa: RUF012 - what it is caught for

    @property
    def connectivity(self) -> str:
        return "l4"

    def bind_port(self, context: PortContext) -> None:
        first = context.segments_to_bind[0]
        if context.current["binding:vnic_type"] == "direct":
            context.set_binding(first["id"], "hw_veb", self.details, "DOWN")

    def update_port_postcommit(self, context: PortContext) -> None:
        raise OSError(f"nobody at {context.host}")


class CarelessContract(MechanismDriverContract):
    """Not collected: its tests fail, one by one, below."""

    binds: Sequence[Question] = (Question("direct", CARD),)

    def make_driver(self) -> MechanismDriver:
        return Careless()


def test_the_contract_catches_a_careless_driver() -> None:
    contract, driver = CarelessContract(), Careless()
    with pytest.raises(AssertionError):
        contract.test_its_connectivity_is_one_that_neutron_knows(driver)
    with pytest.raises(AssertionError):
        contract.test_details_of_one_port_are_not_those_of_the_next(driver)
    with pytest.raises(AssertionError, match="neither bound nor refused"):
        contract.test_every_no_has_a_reason_and_none_is_an_exception(driver, VnicType.NORMAL)
    with pytest.raises(AssertionError, match="nobody at host1"):
        contract.test_no_hook_fails_on_a_port_a_subnet_or_a_network_of_any_kind(driver, "update_port_postcommit")
