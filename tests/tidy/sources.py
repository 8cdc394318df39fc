"""The files that the rules read, and what a rule answers."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Folders that hold nothing of ours: what tools left, and what can be made again.
NOT_OURS = frozenset({"__pycache__", "build", "dist", "node_modules"})


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place that breaks a rule."""

    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


@dataclass(frozen=True, slots=True)
class Source:
    """One text file: its path from the repository's root, with slashes, and what it holds."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parse(self.text)

    @property
    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def module(self) -> str:
        """``mooring.core.placing`` for ``src/mooring/core/placing.py``; a package is named without ``__init__``."""
        parts = Path(self.path).with_suffix("").parts
        parts = parts[1:] if parts[0] == "src" else parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def found(self, line: int, says: str) -> Finding:
        return Finding(self.path, line, says)


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


def python_sources(*folders: str) -> list[Source]:
    """Every Python file under these folders of the repository; a folder that is not there holds none."""
    return [source for source in text_sources(*folders) if source.path.endswith(".py")]


@cache
def text_sources(*folders: str) -> list[Source]:
    """Every file of ours that is text, under these folders; without a folder, in the whole repository.

    Folders that begin with a dot are tools' own, but for ``.ci``.
    """
    tops = [ROOT / folder for folder in folders] or [ROOT]
    return [source for top in tops if top.is_dir() for source in _texts(top)]


def _texts(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name in NOT_OURS or (path.name.startswith(".") and not _is_ours(path)):
            continue
        if path.is_dir():
            yield from _texts(path)
            continue
        try:
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue


def _is_ours(path: Path) -> bool:
    return path.name in {".ci", ".gitignore"}


def assert_none(findings: Iterable[Finding], advice: str) -> None:
    """Fail with every finding, one a line, and what to do about them."""
    listed = sorted(set(findings))
    assert not listed, "\n".join([f"{len(listed)} to mend: {advice}", *map(str, listed)])
