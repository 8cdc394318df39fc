"""The pages of ``docs/reference`` name everything that a user can type, send, set, get back or watch.

Names are read from the running code, never from a list beside it. ``reference.py`` says how a page names a thing.
"""

import importlib
from collections.abc import Iterable

import click

from tests.tidy.reference import (
    command_sections,
    commands,
    config_keys,
    documented_routes,
    error_codes,
    options,
    page,
    spans,
)
from tests.tidy.sources import Source, python_sources

PRODUCT = python_sources("src")


def assert_same(real: set[str], documented: set[str], name: str) -> None:
    """Both ways: what is there is written down, and what is written down is there."""
    missing, stale = sorted(real - documented), sorted(documented - real)
    assert not missing, f"docs/reference/{name}.md says nothing of: {', '.join(missing)}"
    assert not stale, f"docs/reference/{name}.md speaks of what is not there: {', '.join(stale)}"


def test_every_command_and_option_is_documented_and_no_other() -> None:
    root = importlib.import_module("mooring.cli.main").main
    before, sections = command_sections(page("cli"))
    real = dict(commands(root, "mooring"))
    assert "mooring device list" in real
    assert_same(set(real), set(sections), "cli")
    for name, command in real.items():
        missing = options(command) - option_names(before) - option_names(sections[name])
        assert not missing, f"docs/reference/cli.md, {name}: says nothing of {', '.join(sorted(missing))}"


def option_names(text: str) -> set[str]:
    """``--dir`` from ``--dir FOLDER`` and from ``-d, --dir``."""
    return {word.rstrip(",=") for span in spans(text) for word in span.split() if word.startswith("--")}


def test_every_route_is_documented_and_no_other() -> None:
    routes = {f"{route.method} {route.path}" for route in importlib.import_module("mooring.api.routes").ROUTES}
    assert "GET /network/v2.0/ports" in routes
    assert_same(routes, documented_routes(page("api")), "api")


def test_every_setting_is_documented_and_no_other() -> None:
    keys = config_keys(importlib.import_module("mooring.config"))
    assert "controller.listen" in keys
    documented = {span for span in spans(page("configuration")) if span.startswith(("agent.", "controller."))}
    assert_same(keys, documented, "configuration")


def test_every_error_code_is_documented() -> None:
    codes = error_codes(PRODUCT)
    assert_same(codes, codes & spans(page("errors")), "errors")


def test_every_metric_is_documented_and_no_other() -> None:
    real = {name for name, _, _ in importlib.import_module("mooring.api.counters").METRICS}
    assert "mooring_requests_total" in real
    assert_same(real, {span for span in spans(page("metrics")) if span.startswith("mooring_")}, "metrics")


def names_of(found: Iterable[tuple[str, click.Command]]) -> list[str]:
    return [name for name, _ in found]


def test_commands_and_options_are_read_from_the_whole_tree() -> None:
    @click.group()
    def top() -> None: ...

    @top.group()
    def host() -> None: ...

    @host.command("list")
    @click.option("-j", "--json", is_flag=True)
    @click.option("--secret", hidden=True)
    def listing(json: bool, secret: str) -> None: ...

    found = list(commands(top, "mooring"))
    assert names_of(found) == ["mooring host list"]
    assert options(found[0][1]) == {"--json"}


def test_a_page_is_cut_into_the_sections_of_its_commands() -> None:
    before, sections = command_sections(
        "# All\n`--json`\n## `mooring up`\n`--dir DIR`\n### more\nx\n## `mooring down`\ny"
    )
    assert option_names(before) == {"--json"}
    assert option_names(sections["mooring up"]) == {"--dir"}
    assert list(sections) == ["mooring up", "mooring down"]


def test_error_codes_are_read_from_classes_and_from_where_errors_are_raised() -> None:
    raising = Source("src/mooring/x.py", 'raise Conflict("taken", code="VlanIdInUse")\nf(code="NotAnError")')
    codes = error_codes([raising])
    assert {"VlanIdInUse", "Conflict", "NoValidHost"} <= codes
    assert "NotAnError" not in codes
