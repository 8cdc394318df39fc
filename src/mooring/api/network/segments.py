"""``/segments``: the attributes, the stories behind the calls, and the view. For admins; others see none."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.network.attributes import Attribute, Attributes, column
from mooring.api.network.collection import Collection, View
from mooring.api.network.filters import number, stamp
from mooring.api.network.values import integer, or_none, text, text_or_none, uuid
from mooring.model.identity import Caller
from mooring.model.network import Segment
from mooring.service.segments import (
    NewSegment,
    SegmentWish,
    create_segment,
    delete_segment,
    get_segment,
    list_segments,
    update_segment,
)
from mooring.service.world import World
from mooring.store.networks import SEGMENTS
from mooring.store.tx import Tx

_PLACE = ("network_type", "physical_network", "segmentation_id")

ATTRIBUTES = Attributes(
    "segment",
    [
        Attribute("id", filter=column("id"), sort="id"),
        Attribute("name", text_or_none(), filter=column("name"), sort="name", is_null_first=True),
        Attribute("network_id", uuid, in_put=False, is_required=True, filter=column("network_id"), sort="network_id"),
        Attribute(
            "network_type", text(32), in_put=False, is_required=True, filter=column("network_type"),
            sort="network_type",
        ),
        Attribute(
            "physical_network", text(64), in_put=False, filter=column("physical_network"), sort="physical_network",
        ),
        Attribute(
            "segmentation_id", or_none(integer), in_put=False, filter=number("segmentation_id"),
            sort="segmentation_id", is_null_first=True,
        ),
        Attribute("description", text(), filter=column("description"), sort="description"),
        Attribute("created_at", sort="created_at"),
        Attribute("updated_at", sort="updated_at"),
        Attribute("revision_number", filter=number("revision_number")),
    ],
)  # fmt: skip


def _create(tx: Tx, world: World, who: Caller, values: dict[str, Any]) -> Segment:
    wish = SegmentWish(**{name: values.pop(name) for name in _PLACE if name in values})
    return create_segment(tx, world, who, NewSegment(values.pop("network_id"), wish, **values))


def _update(tx: Tx, _world: World, who: Caller, ident: str, values: Mapping[str, Any]) -> Segment:
    return update_segment(tx, who, ident, values)


def _views(_tx: Tx, _who: Caller, rows: Sequence[Segment]) -> list[View]:
    return [_view(segment) for segment in rows]


def _view(segment: Segment) -> Mapping[str, Any]:
    return {
        "id": segment.id,
        "network_id": segment.network_id,
        "name": segment.name,
        "description": segment.description,
        "network_type": segment.network_type,
        "physical_network": segment.physical_network,
        "segmentation_id": segment.segmentation_id,
        "created_at": None if segment.created_at is None else stamp(segment.created_at),
        "updated_at": None if segment.updated_at is None else stamp(segment.updated_at),
        "revision_number": segment.revision_number,
    }


SEGMENT_COLLECTION = Collection(
    "segment", "segments", ATTRIBUTES,
    get=get_segment, find=list_segments, create=_create, update=_update, delete=delete_segment,
    views=_views, stored=SEGMENTS.flat, made={}, has_tags=False,
)  # fmt: skip
