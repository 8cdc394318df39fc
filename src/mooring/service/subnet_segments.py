"""Which segment of its network a subnet is for: Neutron's rules of routed provider networks.

Either all subnets of a network are of segments, or none is. Codes and words are those of
``neutron/services/segments/exceptions.py``. Addresses are not given by where a port's host is, so a network whose
subnets are of segments has one segment: with more of them, the subnet would promise what nobody keeps.
"""

from collections.abc import Sequence

from mooring.errors import Invalid, NotFound, Unsupported
from mooring.model.network import Subnet
from mooring.store.networks import SEGMENTS, segments_of, subnets_of
from mooring.store.tx import Tx


def check_new_segment(tx: Tx, network_id: str, segment_id: str | None, others: Sequence[Subnet]) -> None:
    """Raises Invalid, and NotFound for the segment, unless a new subnet beside the ``others`` may be of it."""
    if any((other.segment_id is None) != (segment_id is None) for other in others):
        raise _mixed(network_id)
    if segment_id is None:
        return
    _check_segment(tx, network_id, segment_id)
    if len(segments_of(tx, [network_id]).get(network_id, ())) > 1:
        raise _not_served(network_id)


def check_one_segment(tx: Tx, network_id: str) -> None:
    """Raises Unsupported for another segment of a network whose subnets are of its only one."""
    if any(subnet.segment_id is not None for subnet in subnets_of(tx, network_id)):
        raise _not_served(network_id)


def _not_served(network_id: str) -> Unsupported:
    return Unsupported(
        f"network {network_id} would have several segments and subnets that are for one of them: addresses are not "
        "given by segment here",
        hint="make a network for each segment, or subnets without segment_id",
    )


def check_segment_change(tx: Tx, before: Subnet, segment_id: str | None, others: Sequence[Subnet]) -> None:
    """The same for a subnet that is there: it may only be given a segment, where there is no choice of them."""
    if others:
        raise _mixed(before.network_id)
    if before.segment_id is not None:
        raise Invalid(
            "A subnet that is already associated with a segment cannot have its segment association changed.",
            code="SubnetSegmentAssociationChangeNotAllowed",
        )
    if len(segments_of(tx, [before.network_id]).get(before.network_id, ())) > 1:
        raise Invalid(
            f"The network '{before.network_id}' has multiple segments, it is only possible to associate an existing "
            "subnet with a segment on networks with a single segment.",
            code="NoUpdateSubnetWhenMultipleSegmentsOnNetwork",
        )
    if segment_id is not None:
        _check_segment(tx, before.network_id, segment_id)


def _mixed(network_id: str) -> Invalid:
    return Invalid(
        f"All of the subnets on network '{network_id}' must either all be associated with segments or all not "
        "associated with any segment.",
        code="SubnetsNotAllAssociatedWithSegments",
    )


def _check_segment(tx: Tx, network_id: str, segment_id: str) -> None:
    segment = SEGMENTS.get(tx, segment_id)
    if segment is None:
        raise NotFound("segment", segment_id)
    if segment.network_id != network_id:
        raise Invalid(
            f"The subnet's network id, '{network_id}', doesn't match the network_id of segment '{segment_id}'.",
            code="NetworkIdsDontMatch",
        )
    if segment.is_dynamic:
        raise Invalid(
            "A subnet cannot be associated with a dynamic segment.", code="SubnetCantAssociateToDynamicSegment"
        )
