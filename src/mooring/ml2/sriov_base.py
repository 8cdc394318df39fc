"""The base of SR-IOV mechanism drivers, as the thread "PCI pass-through SRIOV binding of ports" drafted it (2014).

A subclass names the vnic types and the cards that it supports, and writes one or two of the three methods for
authors: ``try_to_bind_segment_for_agent`` and ``check_segment_for_agent`` with an agent type,
``try_to_bind_segment`` without one. The draft's mutable defaults are gone, ``check_segment_for_agent`` is told the
agent type, and every no carries its reason.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from mooring.errors import Invalid
from mooring.ml2.agent_driver import AgentMechanismDriver
from mooring.ml2.context import PortContext, SegmentDict

_VENDOR_INFO = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")

Method = TypeVar("Method", bound=Callable[..., Any])


def check_vnic_type_and_vendor_info(method: Method) -> Method:
    """Skip ports whose vnic type or card is not the driver's own; the reason is kept as a refusal.

    For ``bind_port``, ``unbind_port`` and all precommit and postcommit methods, all of which answer ``None``; so does
    a skipped call. Networks and subnets have no vnic type and no card: their methods are called.
    """

    @functools.wraps(method)
    def checked(driver: AgentMechanismDriver, context: Any) -> Any:
        is_port = "binding:vnic_type" in context.current
        reason = driver.why_not_ours(context.current) if is_port else None
        if reason is None:
            return method(driver, context)
        driver.refuse(context, reason)
        return None

    return cast("Method", checked)


class SriovMechanismDriverBase(AgentMechanismDriver):
    """Binds SR-IOV ports, with an L2 agent on the host or without.

    ``supported_pci_vendor_info`` is "vendor_id:product_id", each four hex digits; none at all means any card. With
    an ``agent_type`` a live agent has to serve the segment; without, the driver is agentless and its bindings are
    always valid. Raises Invalid for vendor info of another form.
    """

    def __init__(
        self,
        agent_type: str | None,
        vif_details: Mapping[str, Any],
        supported_vnic_types: Iterable[str],
        supported_pci_vendor_info: Iterable[str] = (),
    ) -> None:
        super().__init__(agent_type, vif_details, supported_vnic_types)
        self.supported_pci_vendor_info = frozenset(vendor_info(text) for text in supported_pci_vendor_info)

    def why_not_ours(self, port: Mapping[str, Any]) -> str | None:
        return super().why_not_ours(port) or self._why_not_card(port["binding:profile"])

    def _why_not_card(self, profile: Mapping[str, Any]) -> str | None:
        if not self.supported_pci_vendor_info:
            return None
        supported = ", ".join(sorted(self.supported_pci_vendor_info))
        card = profile.get("pci_vendor_info")
        if card is None:
            return f"the port's profile names no pci_vendor_info, and only {supported} will do"
        if str(card).lower() not in self.supported_pci_vendor_info:
            return f"card {card} is not one of {supported}"
        return None

    @check_vnic_type_and_vendor_info
    def bind_port(self, context: PortContext) -> None:
        if self.agent_type is not None:
            self.bind_through_agents(context)
            return
        if not context.segments_to_bind:
            self.refuse(context, f"network {context.current['network_id']} has no segment")
        for segment in context.segments_to_bind:
            if self.try_to_bind_segment(context, segment):
                return

    @check_vnic_type_and_vendor_info
    def unbind_port(self, context: PortContext) -> None:
        """The binding ends. For drivers that told somebody else of it; here there is nobody to tell."""

    def try_to_bind_segment(self, context: PortContext, segment: SegmentDict) -> bool:
        """Without an agent: ``set_binding`` on ``segment`` and answer True, or ``refuse`` and answer False."""
        del segment
        self.refuse(context, f"driver {self.name} does not bind without an agent")
        return False


def vendor_info(text: object) -> str:
    """``vendor_id:product_id`` in lower case; raises Invalid for anything else."""
    lowered = text.lower() if isinstance(text, str) else ""
    if _VENDOR_INFO.fullmatch(lowered) is None:
        raise Invalid(
            f"supported_pci_vendor_info holds {text!r}", hint="write vendor_id:product_id in hex, as in 8086:10ca"
        )
    return lowered
