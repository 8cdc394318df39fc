"""Binding a port to a host: the mechanism drivers are asked, and their answer is stored with the port.

Asking changes nothing, so "could this port be bound there?" and binding it are one code path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from mooring.core.macs import canonical_mac
from mooring.core.port_profiles import fitting
from mooring.core.profiles import DEVICE_MAC, check_profile_vlan, without_device
from mooring.errors import Conflict, Invalid
from mooring.ml2.agents import agents_of
from mooring.ml2.binding import Bound, Unbound
from mooring.ml2.context import PortContext
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment
from mooring.model.pci import PciAddress
from mooring.model.port import Binding, Port, PortStatus, Refusal, VifType, VnicType
from mooring.service.dynamic_segments import InStory
from mooring.service.ml2_hooks import port_changed
from mooring.service.port_addresses import exchange
from mooring.service.port_macs import with_device_mac
from mooring.service.port_profiles import check_for, profile_of
from mooring.service.world import World
from mooring.store import networks, ports
from mooring.store.claims import CLAIMS
from mooring.store.hosts import HOSTS
from mooring.store.networks import NETWORKS, SUBNETS
from mooring.store.ports import PORTS
from mooring.store.tx import Event, Tx


def ask(tx: Tx, world: World, port: Port, host: str, profile: Mapping[str, object]) -> Bound | Unbound:
    """Whether ``port`` could be bound on ``host`` with ``profile``, and how. Changes nothing."""
    network = NETWORKS.get(tx, port.network_id)
    if network is None:
        return Unbound((Refusal("", f"network {port.network_id} does not exist"),))
    return ask_about(tx, world, port, network, networks.every_segment_of(tx, network.id), host, profile)


def ask_about(
    tx: Tx, world: World, port: Port, network: Network, segments: Sequence[Segment], host: str,
    profile: Mapping[str, object],
) -> Bound | Unbound:  # fmt: skip
    """The same for a network that was read already."""
    port_profile = profile_of(tx, port, network)
    static = [segment for segment in segments if not segment.is_dynamic]
    try:
        offered = _addressed(tx, port, _fitting(static, profile))
        if port_profile is not None:
            check_for(port_profile, network, offered)
            offered = fitting(port_profile, offered)
    except Conflict as clash:
        return Unbound((Refusal("", clash.message),))
    found = HOSTS.get(tx, host)
    agents = () if found is None else agents_of(found, world.heartbeats.of(host))
    candidate = replace(port, binding=Binding(host, port.binding.vnic_type, profile))
    make_context = partial(
        PortContext.of, candidate, network, segments, host, agents, profile=port_profile, offered=offered,
        dynamic=InStory(tx, world, network),
    )  # fmt: skip
    return world.ml2.bind(make_context)


def _fitting(segments: Sequence[Segment], profile: Mapping[str, object]) -> list[Segment]:
    """The segments that the profile's VLAN, if it has one, agrees with. Raises Conflict when it agrees with none."""
    agreeing, clash = list[Segment](), None
    for segment in segments:
        try:
            check_profile_vlan(profile, segment.segmentation_id)
            agreeing.append(segment)
        except Conflict as different:
            clash = different
    if clash is not None and not agreeing:
        raise clash
    return agreeing


def _addressed(tx: Tx, port: Port, segments: list[Segment]) -> list[Segment]:
    """The segments that the port's addresses are for; raises Conflict when those are for others.

    A subnet may be of one segment of its network only, as Neutron's segments plugin has it.
    """
    if len(segments) < 2:  # noqa: PLR2004 - with one there is nothing to choose
        return segments
    subnets = [SUBNETS.get(tx, ident) for ident in {fixed.subnet_id for fixed in port.fixed_ips}]
    wanted = {subnet.segment_id for subnet in subnets if subnet is not None and subnet.segment_id is not None}
    if not wanted:
        return segments
    left = [segment for segment in segments if {segment.id} == wanted]
    if not left:
        raise Conflict(f"the port's addresses are for segment {' and '.join(sorted(wanted))}, which it cannot be on")
    return left


def settle_profile(segments: Sequence[Segment], profile: Mapping[str, object]) -> dict[str, object]:
    """A profile as it is stored: its ``pci_slot`` and its MAC in one spelling.

    Raises Conflict when its VLAN is no segment's of the network, Invalid when it is not a VLAN.
    """
    _fitting([segment for segment in segments if not segment.is_dynamic], profile)
    settled = dict(profile)
    if settled.get("pci_slot") is not None:
        settled["pci_slot"] = str(PciAddress.parse(str(settled["pci_slot"])))
    if settled.get(DEVICE_MAC) is not None:
        settled[DEVICE_MAC] = canonical_mac(settled[DEVICE_MAC], DEVICE_MAC)
    return settled


def check_slot(tx: Tx, port_id: str, host: str, profile: Mapping[str, object]) -> None:
    """Raises Conflict, naming both ports, when another port or a server has the profile's device on that host."""
    slot = profile.get("pci_slot")
    if slot is None or not host:
        return
    held = CLAIMS.first(tx, host=host, address=str(slot))
    holder = held.port_id if held is not None else ports.holder_of_slot(tx, host, str(slot), port_id)
    if holder is not None and holder != port_id:
        raise Conflict(
            f"pci_slot {slot} of host {host} is port {holder}'s, and port {port_id} cannot have it too.",
            code="DeviceInUse",
            hint="choose another device, or unbind the other port first",
        )


def bound(
    port: Port, host: str, profile: Mapping[str, object], answer: Bound | Unbound, status: PortStatus | None = None
) -> Port:
    """The port with an answer written into it; ``status`` goes before the one that the driver asks for."""
    before = port.binding
    if isinstance(answer, Unbound):
        failed = Binding(host, before.vnic_type, profile, VifType.BINDING_FAILED, refusals=answer.refusals)
        return replace(port, binding=failed, status=status or PortStatus.DOWN)
    binding = Binding(
        host, before.vnic_type, profile, answer.vif_type, answer.vif_details, answer.driver, answer.segment_id,
        answer.levels,
    )  # fmt: skip
    asked = PortStatus(answer.status) if answer.status else port.status
    return replace(port, binding=binding, status=status or asked)


def unbound(port: Port) -> Port:
    """The port without host and device; what its owner put into the profile stays."""
    binding = Binding(vnic_type=port.binding.vnic_type, profile=without_device(port.binding.profile))
    return replace(port, binding=binding, status=PortStatus.DOWN, fault=None)


def store_binding(
    tx: Tx, world: World, who: Caller, port: Port, host: str, profile: Mapping[str, object], answer: Bound | Unbound, *,
    status: PortStatus | None = None,
) -> Port:  # fmt: skip
    """Write the drivers' answer for a stored port: a new revision, and an event."""
    if not host:
        raise Invalid(f"port {port.id} cannot be bound without a host")
    after = bound(port, host, profile, answer, status)
    return _store(tx, world, who, port, after, "port.bound" if after.binding.is_bound else "port.binding-failed")


def unbind(tx: Tx, world: World, who: Caller, port: Port) -> Port:
    """Take a port off its host, and write whatever else the caller changed in ``port``, addresses not among it."""
    return _store(tx, world, who, port, unbound(port), "port.unbound")


def _store(tx: Tx, world: World, who: Caller, before: Port, after: Port, kind: str) -> Port:
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    if VnicType.DIRECT_PHYSICAL in (before.binding.vnic_type, after.binding.vnic_type):
        subnets = networks.subnets_of(tx, before.network_id)
        after = with_device_mac(tx, world, subnets, before, after)
        ports.update(tx, after)
        exchange(tx, subnets, before, after)
    else:
        PORTS.update(tx, after)
    port_changed(tx, world, who, before, after)
    detail = {"host": after.binding.host, "vif_type": str(after.binding.vif_type)}
    tx.tell(Event(kind, after.id, after.project_id, None, who.user_id, who.request_id, detail))
    return after
