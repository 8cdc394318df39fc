"""``mooring config show``: every setting, as its own documentation has it, in a form that can be kept as the file."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import click

from mooring.cli.options import as_json
from mooring.cli.text import print_json, say

_WIDTH = 78
_TYPES = {"str": "text", "int": "integer", "float": "number", "bool": "boolean", "tuple": "list of texts"}
_TABLES = {"str": "table of texts", "int": "table of integers"}
_DEVICE_SPEC = """
# Which VFs and other PCI functions this host hands out, and what NICs reach.
# One entry for each PF:
# [[device_spec]]
# pf = "ens1f0"                 # its netdev or its address
# vfs = "0-3,8"                 # only these of its VFs; left out: all
# address = "0000:81:10.4"      # instead of pf: this one VF
# physical_network = "physnet1"
# exclude = false               # never hand these out, whatever else matches
# num_vfs = 8                   # made at the agent's start, from 0 only
# whole = false                 # the PF itself too, for a direct-physical port"""


@click.group(short_help="Show every setting, explained.")
def config() -> None:
    """The settings of controller and agent, explained."""


@config.command(short_help="Print every setting, explained.")
@click.argument("section", type=click.Choice(["controller", "agent"]), required=False)
@as_json
def show(section: str | None, is_json: bool) -> None:
    """Print every setting with its default and its meaning, as a file that can be edited.

    With a SECTION only those of controller.toml or of agent.toml.
    """
    settings = [one for one in _settings() if section in (None, str(one["section"]).partition(".")[0])]
    if is_json:
        print_json(settings)
        return
    for name in dict.fromkeys(str(one["section"]) for one in settings):
        gap = "" if settings[0]["section"] == name else "\n"
        say(f"{gap}[{name}]" if "." in name else f"{gap}# {name}.toml\n[{name}]")
        for one in settings:
            if one["section"] == name:
                say("\n" + _commented(one))
        if name == "agent":
            say(_DEVICE_SPEC)


def _settings() -> list[Mapping[str, object]]:
    from mooring.config import AgentConfig, ControllerConfig

    return [*_of_section("controller", ControllerConfig), *_of_section("agent", AgentConfig)]


def _of_section(section: str, kind: type[Any]) -> list[Mapping[str, object]]:
    """Its own settings, and then those of each table in it: TOML has them in that order."""
    found: list[Mapping[str, object]] = []
    tables: list[Mapping[str, object]] = []
    types, defaults = typing.get_type_hints(kind), kind()
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(types[field.name]):
            tables += _of_section(f"{section}.{field.name}", types[field.name])
        else:
            one = {"section": section, "key": field.name, "type": _type(types[field.name])}
            found.append({**one, "default": getattr(defaults, field.name), **field.metadata})
    return found + tables


def _type(annotation: Any) -> str:
    origin = typing.get_origin(annotation) or annotation
    if origin is not Mapping:
        return _TYPES[origin.__name__]
    return _TABLES.get(getattr(typing.get_args(annotation)[1], "__name__", ""), "table of tables")


def _commented(one: Mapping[str, object]) -> str:
    import textwrap

    bounds = "" if one["low"] is None else f" From {one['low']} to {'any' if one['high'] is None else one['high']}."
    meaning = textwrap.fill(f"{one['doc']}{bounds}", _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return f"{meaning}\n{one['key']} = {_toml(one['default'])}"


def _toml(value: object) -> str:
    """Texts, numbers and lists of texts are written in TOML as in JSON; of tables, the defaults are empty."""
    import json

    return json.dumps(value)
