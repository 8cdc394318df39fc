"""``extra_dhcp_opts`` of a port: what an update leaves of them (``neutron/db/extradhcpopt_db.py``)."""

from collections.abc import Sequence
from dataclasses import dataclass

from mooring.errors import Invalid
from mooring.model.port import DhcpOption

#: Options that may be said empty, which keeps a guest from being told the subnet's.
BLANK_OPTIONS = frozenset({"router", "classless-static-route"})
OPTIONS_MAX = 64


@dataclass(frozen=True, slots=True)
class OptionWish:
    """One entry as it was asked for; ``None`` as value takes the option away."""

    opt_name: str
    opt_value: str | None
    ip_version: int = 4


def with_wishes(options: Sequence[DhcpOption], wishes: Sequence[OptionWish]) -> tuple[DhcpOption, ...]:
    """The options with those changed, added or taken away that the wishes name; the others stay.

    An empty value is none, but for ``BLANK_OPTIONS``, and changes nothing. Raises Invalid for too many.
    """
    left = {(option.opt_name, option.ip_version): option for option in options}
    for wish in wishes:
        key = (wish.opt_name, wish.ip_version)
        if wish.opt_value is None:
            left.pop(key, None)
        elif wish.opt_value or wish.opt_name in BLANK_OPTIONS:
            left[key] = DhcpOption(wish.opt_name, wish.opt_value, wish.ip_version)
    if len(left) > OPTIONS_MAX:
        raise Invalid(f"Invalid input for operation: {len(left)} extra_dhcp_opts are more than {OPTIONS_MAX}.")
    return tuple(left.values())
