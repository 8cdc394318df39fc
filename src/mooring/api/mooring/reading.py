"""What the nouns of ``/mooring/v1`` that admins write have in common in reading a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.api.call import Call
from mooring.api.checks import Check
from mooring.core.quoting import shown
from mooring.errors import Invalid

DESCRIPTION_MAX_CHARS = 255
PROJECTS_MAX = 256
REVISION_MAX = 2**62


def wrong(field: str, value: object, what: str, hint: str) -> Invalid:
    return Invalid(f"{field} = {shown(value)} {what}", hint=hint, facts={"field": field, "value": shown(value)})


def fields_of(
    noun: str, checks: Mapping[str, Check], body: Mapping[str, Any], needed: Sequence[str] = ()
) -> dict[str, Any]:
    """The fields of a body, checked one by one. Raises Invalid, with field, value and the way out."""
    for field in needed:
        if field not in body:
            raise Invalid(f"{noun} has no {field}", hint=f"needed: {', '.join(needed)}", facts={"field": field})
    for field, value in body.items():
        if field not in checks:
            hint = f"known: {', '.join(checks)}"
            raise Invalid(f"{noun} has the unknown key {shown(field)}", hint=hint, facts={"value": shown(value)})
    return {field: checks[field](field, value) for field, value in body.items()}


def take_revision(body: dict[str, Any], words: str) -> int | None:
    """Take ``revision_number`` out of a body; ``words`` name the thing that has it. Raises Invalid."""
    field = "revision_number"
    value = body.pop(field, None)
    if value is not None and (type(value) is not int or not 0 <= value < REVISION_MAX):
        raise wrong(field, value, "is not a revision", f"the number that the {words} has, or leave it out")
    return None if value is None else int(value)


def refuse_unknown(call: Call, *known: str) -> None:
    """Raises Invalid for a parameter of the query that is none of these."""
    for name in call.query:
        if name not in known:
            hint = f"known: {', '.join(known)}" if known else "this takes none"
            raise Invalid(f"unknown query parameter {shown(name)}", hint=hint)
