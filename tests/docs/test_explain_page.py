"""The pages on explaining have every constraint, every key of a file and every field of an answer, and no other."""

import ast
import re
from collections.abc import Iterable

from mooring.cli.device_export import DEVICE_KEYS, HOST_KEYS
from mooring.core.fitting import CONSTRAINTS
from mooring.core.plan_file import FUNCTIONS_MAX, REQUEST_KEYS, REQUESTS_MAX, WISH_KEYS
from mooring.core.plan_host import DEVICES_MAX
from mooring.core.pools import CONDITIONS
from mooring.model.request import Lack
from mooring.service.explain import lack_view
from tests.docs.examples import DOCS
from tests.tidy.sources import ROOT, python_sources

WHY = (DOCS / "how-to/read-why-no-host.md").read_text(encoding="utf-8")
PAGE = (DOCS / "reference/explain.md").read_text(encoding="utf-8")
_SPAN = re.compile(r"`([^`\n]+)`")
_READERS = frozenset({"amount", "ratio", "one_of", "required_one_of", "_address", "objects", "get", "text", "texts"})
_READERS |= {"required_text", "number", "flag", "moment", "properties"}


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def rows(text: str, head: str) -> set[str]:
    """The names in the first column of the table that begins with this head."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    return {name for line in table.splitlines()[2:] for name in _SPAN.findall(line.split("|")[1])}


def same(real: Iterable[str], told: Iterable[str]) -> None:
    missing, stale = sorted(set(real) - set(told)), sorted(set(told) - set(real))
    assert (missing, stale) == ([], [])


def listed_constraints() -> set[str]:
    """What the model says that there are."""
    text = (ROOT / "src/mooring/model/request.py").read_text(encoding="utf-8")
    told = text.partition("    constraint: str\n")[2].split('"""')[1]
    return set(re.findall(r"``(\w+)``", told))


def named_constraints() -> set[str]:
    """Those that the code names where it makes a lack."""
    found = set(CONSTRAINTS)
    for source in python_sources("src/mooring"):
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Name(id="Lack"), args=[ast.Constant(value=str(name)), *_]):
                    found.add(name)
    return found


def test_every_constraint_has_its_row_with_what_it_means_and_the_way_out() -> None:
    told = rows(WHY, "constraint")
    same(listed_constraints(), told)
    assert named_constraints() <= told
    assert {"devices", "numa_policy", "binding", "search"} <= named_constraints()
    table = WHY.partition("| constraint |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [row for row in cells if len(row) != 4 or not row[1] or not row[3]] == []


def test_every_word_for_why_a_function_is_not_free_is_explained() -> None:
    same(CONDITIONS, rows(WHY, "word"))


def keys_read_of_hosts() -> set[str]:
    """The keys that the reader of hosts asks for."""
    (source,) = (one for one in python_sources("src/mooring/core") if one.path.endswith("plan_host.py"))
    found = set()
    for node in source.nodes:
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            told = [one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            found |= set(told[:1]) if name in _READERS else set()
    return found


def test_every_key_of_a_file_of_hosts_has_its_row() -> None:
    told = rows(section("Hosts"), "key of a host") | rows(section("Hosts"), "key of a device")
    same(keys_read_of_hosts() - {"metadata"}, told)


def test_every_key_of_a_file_of_requests_has_its_row() -> None:
    same(WISH_KEYS, rows(section("Requests"), "key"))
    same(REQUEST_KEYS, rows(section("Requests"), "key of a request"))


def test_what_is_exported_is_what_a_plan_reads() -> None:
    assert set(HOST_KEYS) | set(DEVICE_KEYS) <= keys_read_of_hosts()


def test_bounds_are_the_codes() -> None:
    assert f"at most {DEVICES_MAX}" in PAGE
    assert f"at most {REQUESTS_MAX}, for {FUNCTIONS_MAX} functions in all" in PAGE
    assert f"| 1 to {FUNCTIONS_MAX} functions" in PAGE


def test_every_field_of_a_lack_is_named() -> None:
    (row,) = (line for line in section("Of the cloud").splitlines() if line.startswith("| `lacks` |"))
    assert set(lack_view(Lack("a", "b", "c"))) <= set(_SPAN.findall(row))
