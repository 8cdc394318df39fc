"""What the auditor compares of quotas, sharing, rates and free VLANs (``audit.py`` numbers the invariants)."""

from collections.abc import Iterator, Mapping, Sequence

from mooring.core.vlans import without
from mooring.model.pci import FunctionKind
from mooring.model.port import Port
from mooring.model.request import Claim, Device
from mooring.service.claims import desired_settings
from mooring.service.network_settings import settings_of
from mooring.store import quotas, rbac, vlans
from mooring.store.tx import Tx


def counts_of_quotas(tx: Tx) -> Iterator[str]:
    """What triggers counted, against the rows."""
    books, counted = quotas.books(tx), quotas.counted(tx)
    for project_id, resource in sorted(books.keys() | counted.keys()):
        said, there = books.get((project_id, resource), 0), counted.get((project_id, resource), 0)
        if said != there:
            yield f"project {project_id} is charged for {said} of {resource}, and has {there}"


def marks_of_sharing(tx: Tx) -> Iterator[str]:
    """``shared`` and ``external`` of the objects, against the entries."""
    for kind, column, object_id, is_marked in rbac.wrong_marks(tx):
        yield f"{kind} {object_id} is {'' if is_marked else 'not '}marked {column}, and its RBAC entries say otherwise"


def rates_of_claims(
    tx: Tx, claims: Sequence[Claim], devices: Mapping[str, Device], ports: Mapping[str, Port]
) -> Iterator[str]:
    """What the hosts are told of rates, against the policies that the ports go by."""
    for claim in claims:
        device, port = devices.get(claim.device_id), ports.get(claim.port_id or "")
        if device is None or port is None or claim.is_releasing or device.kind is not FunctionKind.VF:
            continue
        wanted = desired_settings(tx, port, device.kind, 0).rate
        if claim.desired.rate != wanted:
            yield f"{claim.host} {claim.address} is to have {claim.desired.rate}, and port {port.id} goes by {wanted}"


def free_vlans(tx: Tx) -> Iterator[str]:
    """What is free of the configured VLANs, and what segments have of them, is all of them, and neither is both."""
    ranges = settings_of(tx).ranges
    for physnet in sorted({*ranges.physical_networks, *vlans.physical_networks(tx)}):
        wanted = without(ranges.spans(physnet), vlans.vlans_in_use(tx, physnet))
        found = tuple(vlans.free_spans(tx, physnet))
        if found != wanted:
            yield f"free VLANs of {physnet} are {found}, and should be {wanted}"
