"""An unmodified ML2 mechanism driver of Neutron, or made for it, inside Mooring.

``mechanism_drivers = ["neutron:sriovnicswitch"]`` loads the class that the group ``neutron.ml2.mechanism_drivers``
registers as ``sriovnicswitch``; ``adapted`` makes a driver of ours of it. Its contexts are derived from neutron-lib's,
so that it may check what it is given. Its ``context._plugin`` answers what drivers ask of ML2's plugin while they bind
and nothing else, and there is no Neutron database behind ``plugin_context``: a driver that keeps its own state there
(OVN, l2population) does not work here, and says so with an error that is kept as its reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from neutron_lib.plugins.ml2 import api
from oslo_config import cfg

from mooring.errors import Invalid
from mooring.ml2.driver import HOOKS, MechanismDriver
from mooring.neutron.contexts import ForeignNetworkContext, ForeignPortContext, ForeignSubnetContext
from mooring.neutron.overheard import Overheard

#: By noun, what a hook's context is wrapped in.
CONTEXTS: Mapping[str, Callable[[Any], Any]] = {
    "network": ForeignNetworkContext,
    "subnet": ForeignSubnetContext,
    "port": ForeignPortContext,
}

#: Modules whose hooks keep Neutron's own books (the provisioning block of a port), which Mooring has others for.
NEUTRON_BOOKS = frozenset({"neutron_lib.plugins.ml2.api", "neutron.plugins.ml2.drivers.mech_agent"})


class ForeignDriver(MechanismDriver):
    """Wraps an instance of a Neutron driver. Reasons are what the driver logs while it does not bind."""

    def __init__(self, foreign: Any) -> None:
        self.foreign = foreign
        self.agent_type: str | None = getattr(foreign, "agent_type", None)
        self.supported_vnic_types = tuple(map(str, getattr(foreign, "supported_vnic_types", ())))
        self._overheard = Overheard(type(foreign))

    @property
    def connectivity(self) -> str:
        return str(self.foreign.connectivity)

    def initialize(self) -> None:
        self.foreign.initialize()

    def bind_port(self, context: Any) -> None:
        with self._overheard.listening() as heard:
            self.foreign.bind_port(ForeignPortContext(context))
        if context.answer is None and context.continuation is None:
            for reason in heard:
                self.refuse(context, reason)


def adapted(foreign_class: type[Any]) -> Callable[..., MechanismDriver]:
    """A maker of Mooring drivers from a Neutron driver class.

    The maker takes ``config_files``, paths of oslo.config files with the driver's own settings. What it makes has those
    hooks only that the Neutron driver overrides. Raises Invalid for a class that is no mechanism driver.
    """
    if not issubclass(foreign_class, api.MechanismDriver):
        raise Invalid(f"{foreign_class!r} is no neutron_lib.plugins.ml2.api.MechanismDriver")
    hooks = {name: _hook(name) for name in _overridden_hooks(foreign_class)}
    wrapper = type(f"Foreign{foreign_class.__name__}", (ForeignDriver,), hooks)

    def make(config_files: Sequence[str] = ()) -> MechanismDriver:
        read_config(config_files)
        made: MechanismDriver = wrapper(foreign_class())
        return made

    return make


def read_config(files: Sequence[str]) -> None:
    """Read ``files`` into the settings of the process, which all Neutron drivers share, after those read before."""
    known = list(cfg.CONF.config_file or ()) if "config_file" in cfg.CONF else []
    wanted = list(dict.fromkeys([*known, *files]))
    try:
        cfg.CONF([], project="neutron", default_config_files=wanted, default_config_dirs=[])
    except cfg.Error as cause:
        raise Invalid(f"the settings of a Neutron driver are not readable: {cause}") from cause


def _overridden_hooks(foreign_class: type[Any]) -> Iterator[str]:
    return (name for name in HOOKS if getattr(foreign_class, name).__module__ not in NEUTRON_BOOKS)


def _hook(name: str) -> Callable[[ForeignDriver, Any], None]:
    make_context = CONTEXTS[name.split("_")[1]]

    def hook(self: ForeignDriver, context: Any) -> None:
        getattr(self.foreign, name)(make_context(context))

    hook.__name__ = name
    return hook
