"""What a driver answered, held against what it may answer. Each check gives the checked value, or what is wrong."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mooring.ml2.calling import raised_by, sentence
from mooring.ml2.context import BindingAnswer, Continuation, SegmentDict
from mooring.model.port import PortStatus, VifType

#: Neutron's columns: characters of a ``vif_type``, and of ``vif_details`` as JSON.
VIF_TYPE_CHARS_MAX = 64
DETAILS_CHARS_MAX = 4095
DETAILS_DEPTH_MAX = 20
_SEGMENTS_MAX = 16
_NO_BINDING = frozenset({VifType.UNBOUND.value, VifType.BINDING_FAILED.value})
_STATUSES = frozenset(str(status) for status in PortStatus)


def checked_binding(answer: BindingAnswer, offered: Sequence[SegmentDict]) -> BindingAnswer | str:
    """``set_binding``'s arguments: a segment on offer, a ``vif_type``, JSON, a port status or ``None``."""
    if _by_id(answer.segment_id, offered) is None:
        return f"bound segment {_shown(answer.segment_id)}, which was not offered"
    vif_type = _text(answer.vif_type) or ""
    if not vif_type or vif_type in _NO_BINDING or len(vif_type) > VIF_TYPE_CHARS_MAX:
        return f"bound with vif_type {_shown(answer.vif_type)}, which is none"
    status = _text(answer.status)
    if answer.status is not None and status not in _STATUSES:
        return f"asked for port status {_shown(answer.status)}, which is not one of {', '.join(sorted(_STATUSES))}"
    details = _as_json(answer.vif_details)
    if isinstance(details, str):
        return details
    return BindingAnswer(str(answer.segment_id), vif_type, details, status)


def why_without_profile(profile: Mapping[str, Any] | None, answer: BindingAnswer) -> str | None:
    """Why a binding is none for a port with a port profile: nothing in it would tell the upstream switch of it."""
    if profile is None or answer.vif_details.get("profileid") == profile["name"]:
        return None
    return f"bound the port without its port profile {profile['name']}"


def checked_next(
    answer: Continuation, offered: Sequence[SegmentDict], known: Mapping[str, SegmentDict]
) -> tuple[SegmentDict, list[SegmentDict]] | str:
    """``continue_binding``'s arguments: a segment on offer, and segments of the network for the level below."""
    segment = _by_id(answer.segment_id, offered)
    if segment is None:
        return f"continued from segment {_shown(answer.segment_id)}, which was not offered"
    below: list[SegmentDict] = []
    for each in answer.next_segments[:_SEGMENTS_MAX]:
        ident = _ident(each)
        found = None if ident is None else known.get(ident)
        if found is None:
            return f"continued with segment {_shown(ident)}, which is not the network's"
        below.append(found)
    return (segment, below) if below else "continued with no segment for the level below"


def named(segments: Sequence[SegmentDict]) -> str:
    """Segments as a person names them: ``segment vlan 100 on physnet1``."""
    return ", ".join(segment_name(segment) for segment in segments) or "no segment"


def segment_name(segment: SegmentDict) -> str:
    """``segment vlan 100 on physnet1``, ``segment flat on physnet1``."""
    number = segment["segmentation_id"]
    kind = segment["network_type"] if number is None else f"{segment['network_type']} {number}"
    return f"segment {kind} on {segment['physical_network']}"


def _text(value: object) -> str | None:
    """A plain text; drivers also hand out members of enumerations that are texts."""
    return str(value) if isinstance(value, str) else None


def _ident(segment: object) -> str | None:
    return _text(segment.get("id")) if isinstance(segment, dict) else None


def _by_id(ident: object, segments: Sequence[SegmentDict]) -> SegmentDict | None:
    return next((segment for segment in segments if segment["id"] == ident), None) if isinstance(ident, str) else None


def _as_json(details: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """The details as they are stored, nothing in them shared with the driver any more."""
    encoded: list[str] = []
    fault = raised_by(lambda: encoded.append(json.dumps(details, allow_nan=False)))
    if fault is not None:
        return f"gave vif_details that JSON cannot hold: {sentence(fault)}"
    if len(encoded[0]) > DETAILS_CHARS_MAX:
        return f"gave vif_details of {len(encoded[0])} characters, of {DETAILS_CHARS_MAX} at most"
    decoded: dict[str, Any] = json.loads(encoded[0])
    if _is_deeper(decoded, DETAILS_DEPTH_MAX):
        return f"gave vif_details of more than {DETAILS_DEPTH_MAX} levels"
    return decoded


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (levels == 0 or any(_is_deeper(each, levels - 1) for each in inner))


def _shown(value: object) -> str:
    """A value of any kind in a few characters; a text of sane length as it is."""
    if isinstance(value, str):
        return value[:VIF_TYPE_CHARS_MAX]
    return "None" if value is None else f"of type {type(value).__name__}"
