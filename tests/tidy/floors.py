"""The house's plan: which part of ``mooring`` stands on which floor, and what each may import.

Imports go down only. Parts on one floor do not know each other. An import inside a function or under
``TYPE_CHECKING`` is an import: it says "knows about".
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from tests.tidy.sources import Finding, Source

#: The floor of each part: the first name below ``mooring``. A new part has to be entered here.
FLOOR = {
    "errors": 0,
    "model": 0,
    "config": 1,
    "core": 1,
    "log": 1,
    "ml2": 1,
    "wire": 1,
    "host": 2,
    "neutron": 2,
    "store": 2,
    "upstream": 2,
    "agent": 3,
    "service": 3,
    "api": 4,
    "cli": 4,
    "system": 4,
    "web": 4,
    "root": 5,
    "testing": 5,
}

#: Composition roots: the only places that construct things, so they may know everything.
ROOTS = frozenset({"mooring.__main__", "mooring.agent.main", "mooring.demo", "mooring.main"})

#: Arrows that the floors alone would refuse, and why they are right.
EXCEPTIONS = {
    ("model", "errors"): "a noun that parses itself raises our errors",
    ("cli", "root"): "the commands `up`, `controller`, `agent` and `demo` start the roots",
    ("root", "testing"): "a root may be asked to simulate its hosts",
    ("testing", "root"): "a simulated cloud starts the real roots",
}

#: Third-party and standard modules that only one part may know.
OWNERS = {
    "click": {"cli"},
    "falcon": {"api"},
    "libvirt": {"host"},
    "neutron": {"neutron"},
    "neutron_lib": {"neutron"},
    "oslo_config": {"neutron"},
    "psycopg": {"store"},
    "pyroute2": {"host"},
    "pytest": {"testing"},
    "sqlalchemy": {"store"},
    "sqlite3": {"store"},
    "yaml": {"cli"},
}

#: Parts that decide and do nothing else: they wait for nothing and read no clock, no file, no randomness. A driver
#: may log, as Neutron's do: it warns of a dead agent.
PURE: dict[str, frozenset[str]] = {"core": frozenset(), "ml2": frozenset({"logging"})}

IMPURE_MODULES = frozenset(
    {
        "asyncio", "concurrent", "fcntl", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
        "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile",
        "threading", "time", "urllib",
    }
)  # fmt: skip
IMPURE_CALLS = frozenset({"open", "input", "print"})
IMPURE_METHODS = frozenset({"now", "today", "utcnow", "uuid1", "uuid4"})


@dataclass(frozen=True, slots=True)
class Import:
    line: int
    module: str


def imports_of(source: Source) -> Iterator[Import]:
    """Every module that the source names in an import, dotted; ``from a import b`` gives ``a.b``.

    Relative imports are not followed: ruff refuses them (TID252).
    """
    for node in source.nodes:
        match node:
            case ast.Import(names=names):
                yield from (Import(node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (Import(node.lineno, f"{module}.{alias.name}") for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module)), *_]):
                yield Import(node.lineno, module)


def part_of(module: str) -> str:
    """The part of ``mooring`` that a dotted module name belongs to; ``""`` is the package itself."""
    if any(module == root or module.startswith(f"{root}.") for root in ROOTS):
        return "root"
    return module.split(".")[1] if "." in module else ""


def wrong_arrows(sources: Iterable[Source]) -> Iterator[Finding]:
    """Imports between parts that do not go down, and parts that nobody entered in ``FLOOR``."""
    for source in sources:
        here = part_of(source.module)
        if here and here not in FLOOR:
            yield source.found(1, f"mooring.{here} has no floor: enter it in FLOOR")
            continue
        for each in imports_of(source):
            there = part_of(each.module)
            if not here or not each.module.startswith("mooring.") or there not in FLOOR or here == there:
                continue
            if FLOOR[here] <= FLOOR[there] and (here, there) not in EXCEPTIONS:
                yield source.found(
                    each.line, f"{here} (floor {FLOOR[here]}) imports {each.module} (floor {FLOOR[there]})"
                )


def import_graph(sources: Sequence[Source]) -> Mapping[str, set[str]]:
    """For each module of ours, the modules of ours that it imports."""
    known = {source.module for source in sources}
    graph: dict[str, set[str]] = {module: set() for module in known}
    for source in sources:
        for each in imports_of(source):
            target = each.module if each.module in known else each.module.rpartition(".")[0]
            if target in known and target != source.module:
                graph[source.module].add(target)
    return graph


def cycle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """One cycle, as the modules along it, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        return list(cycle.args[1])
    return []


def strangers(sources: Iterable[Source], declared: Iterable[str]) -> Iterator[Finding]:
    """Outside modules in the wrong part, outside the standard library in ``model``, or declared nowhere.

    ``declared`` are the import names of what pyproject.toml lists.
    """
    known = {*declared, *sys.stdlib_module_names}
    for source in sources:
        here = part_of(source.module)
        for each in imports_of(source):
            top = each.module.split(".")[0]
            if top == "mooring":
                continue
            owners = OWNERS.get(top, {here})
            if here not in owners and here != "testing":
                yield source.found(each.line, f"only {' and '.join(sorted(owners))} may import {top}")
            elif here in {"model", "errors"} and top not in sys.stdlib_module_names:
                yield source.found(each.line, f"{here} is standard library only, and imports {top}")
            elif top not in known:
                yield source.found(each.line, f"pyproject.toml declares no {top}")


def impurities(sources: Iterable[Source]) -> Iterator[Finding]:
    """Waiting, clocks, files and chance in the parts that only decide."""
    for source in sources:
        here = part_of(source.module)
        if here not in PURE:
            continue
        for each in imports_of(source):
            if each.module.split(".")[0] in IMPURE_MODULES - PURE[here]:
                yield source.found(each.line, f"{here} imports {each.module}: take what it gives as an argument")
        for node in source.nodes:
            match node:
                case ast.AsyncFunctionDef() | ast.Await():
                    yield source.found(node.lineno, f"{here} waits: if it has to wait, it is not a decision")
                case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                    yield source.found(node.lineno, f"{here} calls {name}()")
                case ast.Call(func=ast.Attribute(attr=name)) if name in IMPURE_METHODS:
                    yield source.found(node.lineno, f"{here} calls .{name}(): take the answer as an argument")
