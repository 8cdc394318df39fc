"""From the names in the configuration to drivers, in that order, through entry points.

Our own drivers are registered in the same group as anybody else's.
"""

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mooring.errors import Invalid
from mooring.ml2.driver import MechanismDriver

ENTRY_POINT_GROUP = "mooring.mechanism_drivers"

#: A name's loader: imports the driver's module and gives its class.
Loader = Callable[[], Callable[..., MechanismDriver]]


def installed_drivers() -> Mapping[str, Loader]:
    """Every driver that an installed distribution registers, not imported yet."""
    return {entry.name: entry.load for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


def load_drivers(
    names: Sequence[str], available: Mapping[str, Loader], options: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[MechanismDriver, ...]:
    """Construct and initialize the named drivers, in order.

    ``options`` are keyword arguments of a driver's constructor, by driver name. Raises Invalid for a name that is
    unknown or said twice, and for a driver that does not load or take its options.
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Invalid(f"mechanism driver {', '.join(repeated)} is named more than once")
    drivers = tuple(_construct(name, available, (options or {}).get(name, {})) for name in names)
    for driver in drivers:
        driver.initialize()
    return drivers


def _construct(name: str, available: Mapping[str, Loader], options: Mapping[str, Any]) -> MechanismDriver:
    if name not in available:
        known = ", ".join(sorted(available)) or "none: is mooring installed, or only on the path?"
        raise Invalid(f"mechanism driver {name!r} is not installed", hint=f"installed are {known}")
    try:
        driver = available[name]()(**options)
    except (ImportError, AttributeError, TypeError, ValueError) as cause:
        raise Invalid(f"mechanism driver {name!r} does not load: {type(cause).__name__}: {cause}") from cause
    driver.name = name
    return driver
