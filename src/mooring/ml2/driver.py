"""The contract of a mechanism driver: Neutron's method names, with bodies that do nothing."""

import logging
from typing import Any

from mooring.ml2.context import PortContext

LOG = logging.getLogger(__name__)


class MechanismDriver:
    """Decides whether, and how, a port is bound; is told of changes to networks, subnets and ports.

    ``bind_port`` may be called twice, called and discarded, or called for a host that is never used: it answers
    through ``context.set_binding`` or gives a reason through ``refuse``, and keeps nothing. The precommit methods
    run inside the transaction, and an error there rolls it back; the postcommit methods run after it. Signatures
    and meanings are those of ``neutron_lib.plugins.ml2.api.MechanismDriver``.
    """

    name: str = ""
    """The entry point's name: what configuration says, and what ``bound_drivers`` shows."""

    @property
    def connectivity(self) -> str:
        """``l2`` binds ports without addresses too; ``legacy``, Neutron's default, does not."""
        return "legacy"

    def initialize(self) -> None:
        """Called once, after every driver was constructed."""

    def bind_port(self, context: PortContext) -> None:
        """Call ``context.set_binding``, or ``refuse`` with a reason."""

    def refuse(self, context: Any, reason: str) -> None:
        """Give the reason to a context that keeps reasons, and to the log where it does not (in a real Neutron)."""
        keep_reason = getattr(context, "refuse", None)
        if keep_reason is None:
            LOG.info("mechanism driver %s refuses port %s: %s", self.name, context.current["id"], reason)
        else:
            keep_reason(reason)

    def create_network_precommit(self, context: Any) -> None:
        """The network is about to be stored."""

    def create_network_postcommit(self, context: Any) -> None:
        """The network was stored."""

    def update_network_precommit(self, context: Any) -> None:
        """The network is about to change; ``context.original`` is what it was."""

    def update_network_postcommit(self, context: Any) -> None:
        """The network was changed."""

    def delete_network_precommit(self, context: Any) -> None:
        """The network is about to go."""

    def delete_network_postcommit(self, context: Any) -> None:
        """The network is gone."""

    def create_subnet_precommit(self, context: Any) -> None:
        """The subnet is about to be stored."""

    def create_subnet_postcommit(self, context: Any) -> None:
        """The subnet was stored."""

    def update_subnet_precommit(self, context: Any) -> None:
        """The subnet is about to change."""

    def update_subnet_postcommit(self, context: Any) -> None:
        """The subnet was changed."""

    def delete_subnet_precommit(self, context: Any) -> None:
        """The subnet is about to go."""

    def delete_subnet_postcommit(self, context: Any) -> None:
        """The subnet is gone."""

    def create_port_precommit(self, context: Any) -> None:
        """The port is about to be stored."""

    def create_port_postcommit(self, context: Any) -> None:
        """The port was stored."""

    def update_port_precommit(self, context: Any) -> None:
        """The port is about to change."""

    def update_port_postcommit(self, context: Any) -> None:
        """The port was changed."""

    def delete_port_precommit(self, context: Any) -> None:
        """The port is about to go."""

    def delete_port_postcommit(self, context: Any) -> None:
        """The port is gone."""
