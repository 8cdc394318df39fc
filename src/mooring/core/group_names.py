"""What a PCI group may be called."""

import re

from mooring.core.quoting import shown
from mooring.errors import Invalid

NAME_MAX_CHARS = 63
_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{NAME_MAX_CHARS}}}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def read_group_name(field: str, value: object) -> str:
    """A name that stands in paths, in nics and in ``pci_passthrough:alias``, and is no id. Raises Invalid."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None or set(value) == {"."}:
        what, hint = "is not a name", f"1 to {NAME_MAX_CHARS} letters, digits, _, . and -"
    elif _ID.fullmatch(value):
        what, hint = "looks like an id", "take a name that no id could be"
    else:
        return value
    raise Invalid(f"{field} = {shown(value)} {what}", hint=hint, facts={"field": field, "value": shown(value)})
