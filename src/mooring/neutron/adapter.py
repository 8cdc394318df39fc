"""Mooring's mechanism drivers inside a real Neutron: the same classes, below what Neutron's ML2 plugin expects.

Entry points of the group ``neutron.ml2.mechanism_drivers`` name the classes at the end. Each delegates to the class in
``mooring.ml2`` that Mooring itself loads, and adds what only Neutron has: settings from oslo.config, the block that
keeps a port from being ACTIVE before its agent wired it, bandwidth from placement. Why a driver refuses a port is in
neutron-server's log at level INFO, where Neutron's own drivers say it at DEBUG.

To run a Mooring driver of your own there, derive from ``Adapted``, or from ``AdaptedAgent`` if it binds through an
agent, and register that.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from neutron.plugins.ml2.drivers.mech_agent import AgentMechanismDriverBase
from neutron.services.qos.drivers.sriov import driver as sriov_qos
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg

from mooring.ml2.agent_driver import AgentMechanismDriver
from mooring.ml2.driver import HOOKS, MechanismDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.ml2.vmfex import VENDOR_INFO, VmfexDriver


class Adapted(api.MechanismDriver):  # type: ignore[misc]  # neutron-lib ships no types
    """One of our drivers, as Neutron sees it. A subclass names it, its settings, and how it is made.

    Raises errors.Invalid when Neutron starts with settings that the driver does not take.
    """

    section: ClassVar[str]
    """The entry point's name, and the section of its settings in neutron.conf or ml2_conf.ini."""
    options: ClassVar[tuple[cfg.Opt, ...]] = ()

    def __init__(self) -> None:  # Neutron's own bases are not called: they want what only a subclass knows
        cfg.CONF.register_opts(self.options, group=self.section)
        self.driver = self.make(cfg.CONF[self.section])
        self.driver.name = self.section

    def make(self, settings: Any) -> MechanismDriver:
        """Our driver, with ``settings.OPTION`` for each of ``options``."""
        raise TypeError(f"{type(self).__name__} does not say how it is made of {settings}")

    def initialize(self) -> None:
        self.driver.initialize()

    @property
    def connectivity(self) -> str:
        return self.driver.connectivity

    def bind_port(self, context: Any) -> None:
        """Neutron's context has the members that our driver asks for, and nowhere to keep a reason: that is logged."""
        self.driver.bind_port(context)


def _hook(name: str) -> Callable[[Adapted, Any], None]:
    """Neutron's own part first, then our driver's."""

    def hook(self: Adapted, context: Any) -> None:
        getattr(super(Adapted, self), name)(context)
        getattr(self.driver, name)(context)

    hook.__name__ = name
    return hook


for _name in HOOKS:
    setattr(Adapted, _name, _hook(_name))


class AdaptedAgent(Adapted, AgentMechanismDriverBase):  # type: ignore[misc]  # neutron ships no types
    """One of our drivers that bind through an agent on the port's host.

    Neutron's base keeps the port DOWN until that agent reports it, and finds the agent behind a placement allocation.
    """

    driver: AgentMechanismDriver

    def __init__(self) -> None:
        super().__init__()
        AgentMechanismDriverBase.__init__(self, str(self.driver.agent_type), list(self.driver.supported_vnic_types))

    def bind_port(self, context: Any) -> None:
        """Ours: the loop over agents and segments gives reasons."""
        self.driver.bind_port(context)

    def try_to_bind_segment_for_agent(self, context: Any, segment: Any, agent: Any) -> bool:
        return self.driver.try_to_bind_segment_for_agent(context, segment, agent)

    def filter_hosts_with_segment_access(
        self,
        context: Any,
        segments: Iterable[Any],
        candidate_hosts: Iterable[str],
        agent_getter: Callable[..., Iterable[Mapping[str, Any]]],
    ) -> set[str]:
        """The hosts with an agent of ours, alive or not, that serves one of the segments."""
        wanted = {"host": list(candidate_hosts), "agent_type": [self.agent_type]}
        offered = list(segments)
        serves = self.driver.check_segment_for_agent
        return {
            agent["host"]
            for agent in agent_getter(context, filters=wanted)
            if any(serves(segment, agent, self.agent_type) for segment in offered)  # type: ignore[arg-type]  # Neutron's dicts have their keys
        }


class SriovNicSwitch(AdaptedAgent):
    """``mooring_sriovnicswitch``: in the place of Neutron's ``sriovnicswitch``, with vendor checks and with reasons."""

    section = "mooring_sriovnicswitch"
    options = (
        cfg.ListOpt(
            "supported_pci_vendor_info",
            default=[],
            help="Cards to bind, as vendor_id:product_id in hex, compared with pci_vendor_info in the port's "
            "binding:profile. Empty: any card.",
        ),
        cfg.BoolOpt(
            "agents_report_pfs",
            default=False,
            help="Bind direct-physical ports only where a live agent maps the physical network. Neutron's NIC agent "
            "knows nothing of whole PFs, so that by default such a port is bound without it and is ACTIVE at once.",
        ),
    )
    #: Neutron's NIC agents report their bandwidth below this one, whichever driver binds.
    resource_provider_uuid5_namespace = uuid.UUID("87f1895c-73bb-11e8-9008-c4d987b2a692")

    def make(self, settings: Any) -> SriovNicSwitchDriver:
        return SriovNicSwitchDriver(settings.supported_pci_vendor_info, agents_report_pfs=settings.agents_report_pfs)

    def initialize(self) -> None:
        """Tells Neutron's QoS service, too, which rules SR-IOV ports may have; they are the agent's to apply."""
        super().initialize()
        sriov_qos.register()


class Vmfex(Adapted):
    """``mooring_vmfex``: 802.1Qbh bindings without an agent, for switches that were told of their port profiles.

    Neutron knows no port profiles: a port's is named in its binding:profile, else by the segment's VLAN. Mooring's
    controller makes profiles on the upstream manager, and here nobody does.
    """

    section = "mooring_vmfex"
    options = (
        cfg.ListOpt(
            "supported_pci_vendor_info",
            default=list(VENDOR_INFO),
            help="Cards to bind, as vendor_id:product_id in hex, compared with pci_vendor_info in the port's "
            "binding:profile. Empty: any card.",
        ),
        cfg.StrOpt(
            "profile_format",
            default="OS-PP-{vlan}",
            help="The name of the port profile of a port whose binding:profile has no port_profile; {vlan} is the VLAN "
            "of its segment.",
        ),
    )

    def make(self, settings: Any) -> VmfexDriver:
        return VmfexDriver(settings.supported_pci_vendor_info, profile_format=settings.profile_format)
