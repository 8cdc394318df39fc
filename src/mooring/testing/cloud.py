"""A whole cloud in one process: a real controller's stories, real agents, simulated machines; stepped by hand.

Nothing here waits: ``Cloud.settle`` lets each agent take its turns until nothing changes any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mooring.agent.loop import Agent, HostRules, Outside, is_settled
from mooring.api.call import Controller
from mooring.config import ControllerConfig, load_agent
from mooring.core.devspec_entries import parse_device_specs
from mooring.host.ledger import Ledger
from mooring.ml2.load import Loader
from mooring.model.desired import Desired, Report, Welcome
from mooring.model.host import HostSnapshot
from mooring.model.identity import Caller
from mooring.model.outside import Clock, Ids, NoSteps, Steps
from mooring.service.audit import Finding, audit
from mooring.service.desired import desired_of
from mooring.service.hosts import add_host, get_host
from mooring.service.inventory import take_inventory
from mooring.service.reports import take_report
from mooring.testing.controller import make_controller
from mooring.testing.host import Plan, SimulatedHost

_TURNS_MAX = 20
ADMIN = Caller("admin-id", "admin", "admin-project", "admin", frozenset({"admin"}))


class DirectUplink:
    """``Uplink`` without a wire: the stories of the controller, called in the agent's own thread."""

    def __init__(self, controller: Controller, host: str):
        self._controller = controller
        self._host = host

    def announce(self, snapshot: HostSnapshot) -> Welcome:
        world, host = self._controller.world, self._host
        world.heartbeats.hear(host)
        return self._controller.store.write_now(lambda tx: take_inventory(tx, world, get_host(tx, host), snapshot))

    def desired(self, after: int, wait_s: float) -> Desired | None:  # noqa: ARG002 - there is nothing to wait for
        newest = self._controller.store.read_now(lambda tx: desired_of(tx, get_host(tx, self._host)))
        return newest if newest.sequence > after else None

    def report(self, report: Report) -> None:
        world, host = self._controller.world, self._host
        world.heartbeats.hear(host)
        self._controller.store.write_now(lambda tx: take_report(tx, world, get_host(tx, host), report))


@dataclass(slots=True)
class Node:
    """One simulated host and the agent that serves it now."""

    name: str
    host: SimulatedHost
    agent: Agent


class Cloud:
    """``plans`` by host name. Closing it closes the store."""

    def __init__(
        self, folder: Path, plans: Mapping[str, Plan], *, clock: Clock, ids: Ids, steps: Steps | None = None,
        config: ControllerConfig | None = None, drivers: Mapping[str, Loader] | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self._config, self._drivers = config, drivers
        self._clock, self._ids, self._steps = clock, ids, steps or NoSteps()
        self.controller = make_controller(folder / "controller", config, clock, ids, steps, drivers)
        self.nodes: dict[str, Node] = {}
        for name, plan in plans.items():
            story = partial(add_host, world=self.controller.world, who=ADMIN, name=name)
            _, key = self.controller.store.write_now(story)
            host = SimulatedHost.create(folder / name, plan, controller="http://in-process", key=key)
            self.nodes[name] = Node(name, host, self._agent(name, host))
        for node in self.nodes.values():
            node.agent.announce()
        self.settle()

    def _agent(self, name: str, host: SimulatedHost) -> Agent:
        file = load_agent(host.folder / "agent.toml")
        rules = HostRules(
            parse_device_specs(file.device_specs), file.agent.bridge_mappings, file.agent.interface_mappings
        )
        outside = Outside(self._clock, self._ids, self._steps, sleep=lambda _: None)
        ledger = Ledger(host.folder / "agent-state")
        return Agent(host.machine(), DirectUplink(self.controller, name), ledger, rules, outside)

    def uplink(self, name: str) -> DirectUplink:
        return DirectUplink(self.controller, name)

    def epoch(self, name: str) -> int:
        return self.controller.store.read_now(lambda tx: get_host(tx, name)).epoch

    def exclude(self, name: str, pf_netdev: str) -> None:
        """The operator takes a PF's VFs back, in the host's own file, and restarts the agent."""
        file = self.nodes[name].host.folder / "agent.toml"
        entry = f'[[device_spec]]\npf = "{pf_netdev}"\nexclude = true\n\n'
        head, mark, tail = file.read_text().partition("[[device_spec]]")
        file.write_text(head + entry + mark + tail)
        self.restart_agent(name)

    def restart_agent(self, name: str) -> None:
        """As after ``kill -9`` and a start: a new process's agent over what the old one left."""
        node = self.nodes[name]
        node.agent = self._agent(name, node.host)
        node.agent.announce()

    def restart_controller(self, steps: Steps | None = None) -> None:
        """A new controller over the same database; every agent announces itself to it."""
        self.controller.store.close()
        self._steps = steps or NoSteps()
        self.controller = make_controller(
            self.folder / "controller", self._config, self._clock, self._ids, self._steps, self._drivers
        )
        for name in self.nodes:
            self.restart_agent(name)

    def settle(self) -> None:
        """Turns for every agent until all of them are settled twice in a row, or never will be."""
        for _ in range(_TURNS_MAX):
            steps = [self._step(node) for node in self.nodes.values()]
            if all(steps):
                return

    def _step(self, node: Node) -> bool:
        desired = self.uplink(node.name).desired(-1, 0)
        if desired is None:
            return True
        report = node.agent.carry_out(desired)
        after = self.uplink(node.name).desired(-1, 0)
        is_same = after is not None and _wants(after) == _wants(desired)
        return is_same and (is_settled(desired, report) or not desired.functions)

    def findings(self) -> Sequence[Finding]:
        return self.controller.store.read_now(lambda tx: audit(tx, self.controller.world))

    def close(self) -> None:
        self.controller.store.close()


def _wants(desired: Desired) -> object:
    return desired.functions, desired.servers, desired.dhcp
