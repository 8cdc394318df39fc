"""The PCI groups that wishes name: there is such a one, and the caller may ask for it."""

from collections.abc import Mapping

from mooring.core.function_wish import read_wish
from mooring.errors import Invalid, NotFound
from mooring.model.group import PciGroup
from mooring.model.identity import Caller
from mooring.service.groups import usable_group
from mooring.store.tx import Tx


def asked_group(tx: Tx, who: Caller, name: str) -> PciGroup:
    """Raises Invalid when there is none of this name, or none for the caller's project."""
    try:
        return usable_group(tx, who, name)
    except NotFound as missing:
        raise Invalid(f"{missing.message}.", hint=missing.hint) from missing


def check_asked(tx: Tx, who: Caller, profile: Mapping[str, object]) -> None:
    """The same for the PCI group of a port's profile, if it names one."""
    group = read_wish(profile).group
    if group is not None:
        asked_group(tx, who, group)
