"""A mechanism driver of somebody else's that writes down what it is told, and fails where its test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mooring.ml2.context import PortContext
from mooring.ml2.driver import HOOKS, MechanismDriver
from mooring.ml2.load import Loader


@dataclass(slots=True)
class Script:
    """What the drivers of one test do, and what they saw."""

    told: list[tuple[str, str, Any]] = field(default_factory=list)
    """(driver, hook, context), in order; the contexts are values that stay as they were."""
    fail: dict[str, BaseException] = field(default_factory=dict)
    """What to raise, by ``DRIVER HOOK``."""
    bind: dict[str, Callable[[PortContext], None]] = field(default_factory=dict)
    """What to do in ``bind_port``, by driver."""

    def hooks(self, noun: str = "") -> list[str]:
        """``DRIVER HOOK`` of all that were told, of one kind of thing if it is named."""
        return [f"{driver} {hook}" for driver, hook, _ in self.told if noun in hook]

    def loaders(self, *names: str) -> Mapping[str, Loader]:
        return {name: self._loader(name) for name in names}

    def _loader(self, name: str) -> Loader:
        def make() -> MechanismDriver:
            return _Recording(name, self)

        return lambda: make


class _Recording(MechanismDriver):
    """One of them. Its hooks are made below, for there are eighteen of them."""

    def __init__(self, name: str, script: Script) -> None:
        self.name = name
        self.script = script

    @property
    def connectivity(self) -> str:
        return "l2"

    def bind_port(self, context: PortContext) -> None:
        act = self.script.bind.get(self.name)
        if act is None:
            self.refuse(context, "nothing to do")
        else:
            act(context)


def _hook(hook: str) -> Callable[[_Recording, Any], None]:
    def tell(driver: _Recording, context: Any) -> None:
        driver.script.told.append((driver.name, hook, context))
        fault = driver.script.fail.get(f"{driver.name} {hook}")
        if fault is not None:
            raise fault

    return tell


for _name in HOOKS:
    setattr(_Recording, _name, _hook(_name))
