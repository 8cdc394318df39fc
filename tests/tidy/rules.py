"""The rules of the house that one file at a time can keep or break, as pure functions from sources to findings.

``test_rules.py`` shows for each of them a breach that it catches and a neighbour that it lets pass.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.tidy.sources import Finding, Source

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

Sources = Iterable[Source]


def long_files(sources: Sources) -> Iterator[Finding]:
    for source in sources:
        count = len(source.lines)
        if count > FILE_LINES_MAX:
            yield source.found(count, f"{count} lines, of {FILE_LINES_MAX} at most")


def long_functions(sources: Sources) -> Iterator[Finding]:
    """Functions that do not fit a screen, from ``def`` to the last line, docstring included."""
    for source in sources:
        for node in source.nodes:
            match node:
                case (
                    ast.FunctionDef(lineno=start, end_lineno=int(end))
                    | ast.AsyncFunctionDef(lineno=start, end_lineno=int(end))
                ) if end - start >= FUNCTION_LINES_MAX:
                    yield source.found(start, f"{node.name}: {end - start + 1} lines, of {FUNCTION_LINES_MAX} at most")


#: A name that fits every file says nothing about any.
EMPTY_NAMES = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})
#: The class in it has this name in the draft that it follows (SriovMechanismDriverBase, 2014).
NAMED_BY_OTHERS = frozenset({"sriov_base"})
#: ML2's own word for it: every author of a driver knows the mechanism manager.
PATHS_NAMED_BY_OTHERS = frozenset({"src/mooring/ml2/manager.py", "tests/unit/ml2/test_manager.py"})


def empty_names(sources: Sources) -> Iterator[Finding]:
    for source in sources:
        if str(source.path) in PATHS_NAMED_BY_OTHERS:
            continue
        for part in PurePosixPath(source.path).with_suffix("").parts:
            if EMPTY_NAMES.intersection(part.lower().split("_")) and part.removeprefix("test_") not in NAMED_BY_OTHERS:
                yield source.found(1, f"{part!r} names no noun")


_PATCHERS = frozenset({"mock", "pytest_mock", "unittest.mock"})
_PATCHING_METHODS = frozenset({"delattr", "delitem", "setattr", "setitem"})


def patching(sources: Sources) -> Iterator[Finding]:
    """Test doubles put in from outside: ``mock`` in any form, and ``monkeypatch`` on objects.

    ``monkeypatch.setenv``, ``delenv`` and ``chdir`` change the process, not the code, and pass.
    """
    for source in sources:
        for node in source.nodes:
            match node:
                case ast.Import(names=names):
                    named = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), names=names):
                    named = [module, *(f"{module}.{alias.name}" for alias in names)]
                case ast.arg(arg="mocker"):
                    named = ["pytest_mock"]
                case ast.Attribute(value=ast.Name(id="monkeypatch" | "patch"), attr=attr) if attr in _PATCHING_METHODS:
                    yield source.found(node.lineno, f"monkeypatch.{attr}")
                    continue
                case _:
                    continue
            if patcher := _PATCHERS.intersection(named):
                yield source.found(node.lineno, f"uses {min(patcher)}")


def broad_excepts(sources: Sources) -> Iterator[Finding]:
    """``except:``, ``except Exception`` and ``except BaseException``, alone or in a tuple."""
    for source in sources:
        for node in source.nodes:
            if not isinstance(node, ast.ExceptHandler):
                continue
            if node.type is None:
                yield source.found(node.lineno, "bare except")
                continue
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for each in caught:
                if isinstance(each, ast.Name) and each.id in {"BaseException", "Exception"}:
                    yield source.found(node.lineno, f"except {each.id}")


def prints(sources: Sources) -> Iterator[Finding]:
    for source in sources:
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    yield source.found(node.lineno, "print()")


#: A letter in brackets keeps the pattern from finding itself.
UNFINISHED = re.compile(r"\b([T]ODO|[F]IXME|[X]XX|[H]ACK|[N]otImplementedError)\b")


def unfinished(sources: Sources) -> Iterator[Finding]:
    for source in sources:
        for number, line in enumerate(source.lines, start=1):
            if match := UNFINISHED.search(line):
                yield source.found(number, match[0])


_SUPPRESSION = re.compile(r"#\s*(?P<what>noqa|type:\s*ignore)\b(?P<rest>.*)", re.IGNORECASE)
_REASON = re.compile(
    r"""(?: :\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*     # noqa's codes
        | \[[a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*\] )         # type: ignore's
        [\s#-]+ (?P<why>\S.*)""",
    re.VERBOSE,
)
_REASON_WORDS_MIN = 2


def unexplained_suppressions(sources: Sources) -> Iterator[Finding]:
    """``noqa`` and ``type: ignore`` without a code, or without a reason of at least two words behind it."""
    for source in sources:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            match = _SUPPRESSION.search(token.string) if token.type == tokenize.COMMENT else None
            if match is None:
                continue
            reason = _REASON.match(match["rest"])
            if reason is None or len(reason["why"].split()) < _REASON_WORDS_MIN:
                yield source.found(token.start[0], f"{match['what']} without a code and a reason")


_REGISTRY = re.compile(
    r"""pypi\.(?:org|python\.org) | pythonhosted\.org | npmjs\.(?:org|com) | yarnpkg\.com | crates\.io
        | (?:deb|ftp|security|snapshot|mirrors?)\.debian\.org | (?:archive|security|ports)\.ubuntu\.com
        | proxy\.golang\.org | conda\.anaconda\.org
        | --(?:extra-)?index-url | --find[-]links | --registr[y]\b | \b(?:extra_)?index[_]url\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MACHINE_PATH = re.compile(r"(?<![\w.$}~)>-])/(?:root|work|home/\w+|Users/\w+|opt/(?:pypi|wheels)|tmp/\w*venv)\b/?")


def named_registries(sources: Sources) -> Iterator[Finding]:
    """Addresses of package registries, and options that name one: which one to use is the machine's business."""
    yield from _matches(sources, _REGISTRY, "names a package registry")


def machine_paths(sources: Sources) -> Iterator[Finding]:
    """Paths that only one machine has."""
    yield from _matches(sources, _MACHINE_PATH, "names a path of one machine")


def _matches(sources: Sources, pattern: re.Pattern[str], says: str) -> Iterator[Finding]:
    for source in sources:
        for number, line in enumerate(source.lines, start=1):
            if match := pattern.search(line):
                yield source.found(number, f"{says}: {match[0]}")
