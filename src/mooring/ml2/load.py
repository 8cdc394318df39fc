"""From the names in the configuration to drivers, in that order, through entry points.

Our own drivers are registered in the same group as anybody else's.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mooring.errors import Invalid, MooringError
from mooring.ml2.calling import raised_by, sentence
from mooring.ml2.driver import MechanismDriver

ENTRY_POINT_GROUP = "mooring.mechanism_drivers"
ADAPTER_GROUP = "mooring.driver_adapters"


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a file may give for an option, known by the option's default."""

    defaults: tuple[type, ...]
    values: tuple[type, ...]
    name: str
    example: str


# A text where a list belongs would be read letter by letter, and the text "no" is true.
_SHAPES = (
    _Shape((bool,), (bool,), "true or false", "without quotes, as in true"),
    _Shape((str,), (str,), "a text", 'in quotes, as in "OS-PP-{vlan}"'),
    _Shape((tuple, list), (tuple, list), "a list", 'in brackets, as in ["8086:10ca"]'),
)

#: A name's loader: imports the driver's module and gives its class.
Loader = Callable[[], Callable[..., MechanismDriver]]


@dataclass(frozen=True, slots=True)
class Installed:
    """A driver that an installed distribution registers, not imported yet."""

    name: str
    target: str
    """``package.module:Class``."""
    distribution: str
    version: str
    load: Loader


def registered_drivers() -> tuple[Installed, ...]:
    """Every registered driver, by name; those that are registered for another system have its prefix."""
    ours = (_installed(entry.name, entry, entry.load) for entry in entry_points(group=ENTRY_POINT_GROUP))
    return tuple(sorted((*ours, *_foreign_drivers()), key=lambda each: each.name))


def _installed(name: str, entry: EntryPoint, load: Loader) -> Installed:
    return Installed(
        name, entry.value, entry.dist.name if entry.dist else "", entry.dist.version if entry.dist else "", load
    )


def _foreign_drivers() -> Iterator[Installed]:
    """Drivers made for another system, as ``neutron:sriovnicswitch``.

    An entry point of ``ADAPTER_GROUP`` has the name of the group in which they register there, and gives what makes a
    driver of ours of such a class. The prefix is the first word of the group's name. What we register there ourselves
    is here already.
    """
    for adapter in entry_points(group=ADAPTER_GROUP):
        for entry in entry_points(group=adapter.name):
            if adapter.dist is None or entry.dist is None or adapter.dist.name != entry.dist.name:
                name = f"{adapter.name.partition('.')[0]}:{entry.name}"
                yield _installed(name, entry, partial(_adapted, adapter, entry))


def _adapted(adapter: EntryPoint, entry: EntryPoint) -> Callable[..., MechanismDriver]:
    made: Callable[..., MechanismDriver] = adapter.load()(entry.load())
    return made


def installed_drivers() -> Mapping[str, Loader]:
    """Name to loader of every registered driver."""
    return {each.name: each.load for each in registered_drivers()}


def load_drivers(
    names: Sequence[str], available: Mapping[str, Loader], options: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[MechanismDriver, ...]:
    """Construct and initialize the named drivers, in order.

    ``options`` are keyword arguments of a driver's constructor, by driver name. Raises Invalid for a name that is
    unknown or said twice, for options of a driver that is not named or that it does not know, and for a driver that
    does not load.
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Invalid(f"mechanism driver {', '.join(repeated)} is named more than once")
    options = options or {}
    for name in options:
        if name not in names:
            hint = _nearest(name, names) or f"mechanism_drivers names {', '.join(names) or 'none'}"
            raise Invalid(f"[controller.driver.{name}] is for a mechanism driver that is not named", hint=hint)
    for name in names:
        if name not in available:
            known = ", ".join(sorted(available)) or "none: is mooring installed, or only on the path?"
            raise Invalid(f"mechanism driver {name!r} is not installed", hint=f"installed are {known}")
    drivers = tuple(make_driver(name, available[name], options.get(name, {})) for name in names)
    for driver in drivers:
        fault = raised_by(driver.initialize)
        if fault is not None:
            raise Invalid(f"mechanism driver {driver.name!r} does not start: {sentence(fault)}") from fault
    return drivers


def make_driver(name: str, load: Loader, options: Mapping[str, Any]) -> MechanismDriver:
    """Import and construct one driver, without starting it. Raises Invalid, whatever its code raises."""
    made: list[MechanismDriver] = []
    fault = raised_by(lambda: made.append(_made(name, load(), options)))
    if isinstance(fault, MooringError):
        raise Invalid(f"mechanism driver {name!r} does not load: {fault.message}", hint=fault.hint) from fault
    if fault is not None:
        raise Invalid(f"mechanism driver {name!r} does not load: {sentence(fault)}") from fault
    driver = made[0]
    if not isinstance(driver, MechanismDriver):
        raise Invalid(
            f"mechanism driver {name!r} is a {type(driver).__name__}, and no mooring.ml2.driver.MechanismDriver",
            hint=f"a driver that was written for Neutron is named neutron:{name}",
        )
    driver.name = name
    return driver


def _made(name: str, make: Callable[..., MechanismDriver], options: Mapping[str, Any]) -> MechanismDriver:
    known = options_of(make)
    parameters = inspect.signature(make).parameters
    for option, value in options.items():
        if option not in known:
            hint = _nearest(option, known) or f"its options are {', '.join(known) or 'none'}"
            raise Invalid(f"[controller.driver.{name}] has no option {option}", hint=hint)
        shape = next((each for each in _SHAPES if type(parameters[option].default) in each.defaults), None)
        if shape is not None and type(value) not in shape.values:
            raise Invalid(f"[controller.driver.{name}] {option} = {value!r} is not {shape.name}", hint=shape.example)
    return make(**options)


def options_of(make: Callable[..., MechanismDriver]) -> tuple[str, ...]:
    """The names of the options that a driver's constructor takes."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(each.name for each in inspect.signature(make).parameters.values() if each.kind in named)


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=1)
    return f"did you mean {near[0]}?" if near else ""
