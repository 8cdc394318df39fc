"""What the reference pages owe: the names that the code has, read from the code itself, and what a page says of them.

A page names a thing by writing it between backticks. A command has a heading of its own, and its options stand below
that heading, or above the first command's where they are everybody's.
"""

import ast
import dataclasses
import inspect
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import click

from mooring.errors import MooringError
from tests.tidy.sources import ROOT, Source

_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
_ROUTE = re.compile(r"^(GET|POST|PUT|PATCH|DELETE|HEAD) (/\S*)$")


def page(name: str) -> str:
    """The text of ``docs/reference/NAME.md``; of a page that is not there, nothing."""
    path = ROOT / "docs" / "reference" / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def spans(text: str) -> set[str]:
    """Everything between backticks."""
    return set(_SPAN.findall(text))


def commands(command: click.Command, named: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its whole name: ``mooring host list``."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            if not below.hidden:
                yield from commands(below, f"{named} {name}")
        if not command.invoke_without_command:
            return
    yield named, command


def options(command: click.Command) -> set[str]:
    """The long spelling of each option that is not hidden."""
    return {
        name
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
        for name in option.opts
        if name.startswith("--")
    }


def command_sections(text: str) -> tuple[str, Mapping[str, str]]:
    """What a page says of each command that a heading names, and what it says before the first of them."""
    headings = [match for match in _HEADING.finditer(text) if any(s.startswith("mooring ") for s in spans(match[0]))]
    ends = [*(match.start() for match in headings[1:]), len(text)]
    sections = {
        name: text[match.end() : end]
        for match, end in zip(headings, ends, strict=False)
        for name in spans(match[0])
        if name.startswith("mooring ")
    }
    return (text[: headings[0].start()] if headings else text), sections


def documented_routes(text: str) -> set[str]:
    """``GET /network/v2.0/ports`` and the like, as the page writes them."""
    return {span for span in spans(text) if _ROUTE.match(span)}


def config_keys(module: ModuleType) -> set[str]:
    """``controller.listen`` and the like: each documented field of each ``...Config`` dataclass of the module.

    A dataclass that is a field of another is a table in a table, as ``controller.quotas.port`` is of one.
    """
    kinds = [
        (f"{name.removesuffix('Config').lower()}", kind)
        for name, kind in inspect.getmembers(module, dataclasses.is_dataclass)
        if kind.__module__ == module.__name__ and name.endswith("Config")
    ]
    below = {
        each for _, kind in kinds for each in typing.get_type_hints(kind).values() if dataclasses.is_dataclass(each)
    }
    return {key for name, kind in kinds if kind not in below for key in _keys_of(name, kind)}


def _keys_of(section: str, kind: Any) -> Iterator[str]:
    types = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if "doc" in field.metadata and dataclasses.is_dataclass(types[field.name]):
            yield from _keys_of(f"{section}.{field.name}", types[field.name])
        elif "doc" in field.metadata:
            yield f"{section}.{field.name}"


def error_classes() -> list[type[MooringError]]:
    """The whole tree, root first."""
    found: list[type[MooringError]] = [MooringError]
    for kind in found:
        found += kind.__subclasses__()
    return found


def error_codes(sources: Iterable[Source]) -> set[str]:
    """Every ``code`` that an error may carry: its class's own, and those given where one is raised."""
    kinds = error_classes()
    names = {kind.__name__ for kind in kinds}
    codes = {kind.code for kind in kinds}
    for source in sources:
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in names:
                    codes |= {text for k in keywords if k.arg == "code" and (text := _text(k.value))}
    return codes


def _text(node: ast.AST) -> str:
    """What a string constant holds; for any other node, nothing."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
