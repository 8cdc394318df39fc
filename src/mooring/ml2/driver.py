"""The contract of a mechanism driver: Neutron's method names, with bodies that do nothing."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from mooring.ml2.context import NetworkContext, PortContext, SegmentDict, SubnetContext
from mooring.ml2.qos_rules import SupportedRules

LOG = logging.getLogger(__name__)

Extensions = TypeVar("Extensions")


class MechanismDriver:
    """Decides whether, and how, a port is bound; is told of changes to networks, subnets and ports.

    ``bind_port`` may be called twice, called and discarded, or called for a host that is never used: it answers
    through ``context.set_binding`` or gives a reason through ``refuse``, and keeps nothing. The precommit methods
    run inside the transaction, and an error there rolls it back; the postcommit methods run after it. Signatures
    and meanings are those of ``neutron_lib.plugins.ml2.api.MechanismDriver``.
    """

    name: str = ""
    """The entry point's name: what configuration says, and what ``bound_drivers`` shows."""

    answers_at_once: ClassVar[bool] = False
    """True promises that no method waits for anything; then no thread and no limit of time are put around it."""

    supported_qos_rules: ClassVar[SupportedRules] = {}
    """Which QoS rules its ports can have (``qos_rules.py``); a policy with another is refused on its ports."""

    resource_provider_uuid5_namespace: ClassVar[UUID | None] = None
    """The namespace of the UUIDs of resource providers, of a driver whose ports have allocations in Placement."""

    @property
    def connectivity(self) -> str:
        """``l2`` binds ports without addresses too; ``legacy``, Neutron's default, does not."""
        return "legacy"

    @property
    def _supports_port_binding(self) -> bool:
        """Whether it means to bind ports at all: whether it has a ``bind_port`` of its own."""
        return type(self).bind_port is not MechanismDriver.bind_port

    def hears(self, method: str) -> bool:
        """Whether a hook, as ``update_port_postcommit``, is worth calling: whether the class has one of its own."""
        return getattr(type(self), method) is not getattr(MechanismDriver, method)

    def initialize(self) -> None:
        """Called once, after every driver was constructed."""

    def start_rpc_listeners(self) -> list[Any]:
        """Servers of messages that the driver starts; none."""
        return []

    def get_workers(self) -> Sequence[Any]:
        """Processes that the driver needs beside the controller; none."""
        return ()

    def bind_port(self, context: PortContext) -> None:
        """Call ``context.set_binding``, or ``refuse`` with a reason."""

    def refuse(self, context: Any, reason: str) -> None:
        """Give the reason to a context that keeps reasons, and to the log where it does not (in a real Neutron)."""
        keep_reason = getattr(context, "refuse", None)
        if keep_reason is None:
            LOG.info("mechanism driver %s refuses port %s: %s", self.name, context.current["id"], reason)
        else:
            keep_reason(reason)

    def check_vlan_transparency(self, context: NetworkContext) -> bool | None:
        """Whether a network may carry its guests' own VLAN tags; ``None`` abstains."""

    def check_vlan_qinq(self, context: NetworkContext) -> bool | None:
        """The same for tags of type 0x88a8."""

    @classmethod
    def is_host_filtering_supported(cls) -> bool:
        """Whether ``filter_hosts_with_segment_access`` is the driver's own."""
        own: object = cls.filter_hosts_with_segment_access
        return own is not MechanismDriver.filter_hosts_with_segment_access

    def filter_hosts_with_segment_access(
        self, context: Any, segments: Sequence[SegmentDict], candidate_hosts: set[str], agent_getter: Callable[..., Any]
    ) -> set[str]:
        """The hosts among ``candidate_hosts`` that reach one of ``segments``; all of them, where nobody looks."""
        del context, segments, agent_getter
        return candidate_hosts

    def responsible_for_ports_allocation(self, context: PortContext) -> bool:
        """Whether the resource providers in ``binding:profile["allocation"]`` are this driver's."""
        del context
        return False

    @staticmethod
    def provider_network_attribute_updates_supported() -> list[str]:
        """The ``provider:`` attributes that may change while ports of this driver are bound."""
        return []

    def supported_extensions(self, extensions: Extensions) -> Extensions:
        """What of a set of extension aliases goes together with this driver: all of them."""
        return extensions

    def create_network_precommit(self, context: NetworkContext) -> None:
        """The network is about to be stored."""

    def create_network_postcommit(self, context: NetworkContext) -> None:
        """The network was stored; an error deletes it again."""

    def update_network_precommit(self, context: NetworkContext) -> None:
        """The network is about to change; ``context.original`` is what it was."""

    def update_network_postcommit(self, context: NetworkContext) -> None:
        """The network was changed."""

    def delete_network_precommit(self, context: NetworkContext) -> None:
        """The network is about to go."""

    def delete_network_postcommit(self, context: NetworkContext) -> None:
        """The network is gone."""

    def create_subnet_precommit(self, context: SubnetContext) -> None:
        """The subnet is about to be stored."""

    def create_subnet_postcommit(self, context: SubnetContext) -> None:
        """The subnet was stored; an error deletes it again."""

    def update_subnet_precommit(self, context: SubnetContext) -> None:
        """The subnet is about to change."""

    def update_subnet_postcommit(self, context: SubnetContext) -> None:
        """The subnet was changed."""

    def delete_subnet_precommit(self, context: SubnetContext) -> None:
        """The subnet is about to go."""

    def delete_subnet_postcommit(self, context: SubnetContext) -> None:
        """The subnet is gone."""

    def create_port_precommit(self, context: PortContext) -> None:
        """The port is about to be stored, not bound yet."""

    def create_port_postcommit(self, context: PortContext) -> None:
        """The port was stored; an error deletes it again."""

    def update_port_precommit(self, context: PortContext) -> None:
        """The port is about to change, which binding it is too."""

    def update_port_postcommit(self, context: PortContext) -> None:
        """The port was changed."""

    def delete_port_precommit(self, context: PortContext) -> None:
        """The port is about to go. Drivers are called in the opposite order."""

    def delete_port_postcommit(self, context: PortContext) -> None:
        """The port is gone. Drivers are called in the opposite order."""


#: Every hook, by verb, noun and moment, as the manager calls it.
HOOKS = tuple(
    f"{verb}_{noun}_{moment}"
    for noun in ("network", "subnet", "port")
    for verb in ("create", "update", "delete")
    for moment in ("precommit", "postcommit")
)


def about(driver: MechanismDriver) -> Mapping[str, Any]:
    """What a list of drivers says of one: its vnic types and its agent's type, as far as it tells them."""
    vnic_types = getattr(driver, "supported_vnic_types", ())
    agent_type = getattr(driver, "agent_type", None)
    return {
        "vnic_types": [str(each) for each in vnic_types] if isinstance(vnic_types, (tuple, list)) else [],
        "agent_type": str(agent_type) if agent_type else None,
    }
