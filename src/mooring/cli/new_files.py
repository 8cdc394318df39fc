"""Several new files that appear together, or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Self

from mooring.errors import Conflict, Invalid

_FOLDER_MODE = 0o755


class NewFiles:
    """A context manager: it takes room for every file at once, ``place`` fills them and gives them their names.

    A file that exists is a Conflict, unless ``is_forced``: then it is kept as ``NAME.old``. A folder that cannot be
    written is Invalid. Both are raised before anything is there; when ``place`` fails (Conflict, Invalid), what it
    placed is taken back.
    """

    def __init__(self, modes: Mapping[Path, int], *, is_forced: bool) -> None:
        self._modes = modes
        self._is_forced = is_forced
        self._fresh: dict[Path, Path] = {}
        self._open: dict[Path, IO[str]] = {}

    def __enter__(self) -> Self:
        taken = [path for path in self._modes if os.path.lexists(path)]
        if taken and not self._is_forced:
            raise Conflict(
                f"{' and '.join(map(str, taken))} exist{'s' if len(taken) == 1 else ''}",
                hint="--force replaces what is there, and keeps it as NAME.old",
            )
        try:
            for path, mode in self._modes.items():
                path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
                descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
                self._fresh[path] = Path(name)
                # Held open: a name that went away and came back would be somebody else's file, of another mode.
                self._open[path] = open(descriptor, "w", encoding="utf-8")  # noqa: PTH123 - closed by _drop
                os.fchmod(descriptor, mode)
        except OSError as broken:
            self._drop()
            raise Invalid(
                f"{broken.filename or 'the file system'}: {broken.strerror}", hint="run it as root, or give --config"
            ) from broken
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def place(self, texts: Mapping[Path, str]) -> None:
        """Write each file, sync it, and give it its name; in this order."""
        for path, text in texts.items():
            stream = self._open[path]
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        with ExitStack() as undo:
            for path in texts:
                try:
                    had_old = self._name(path)
                except OSError as failed:
                    raise Invalid(f"{failed.filename}: {failed.strerror}", hint="look who else is at it") from failed
                undo.callback(_take_back, path, had_old=had_old)
            undo.pop_all()

    def _name(self, path: Path) -> bool:
        """Whether there was one before, which is kept."""
        if self._is_forced and os.path.lexists(path):
            old = _old(path)
            old.unlink(missing_ok=True)
            os.link(path, old, follow_symlinks=False)
            self._fresh.pop(path).replace(path)
            return True
        try:
            os.link(self._fresh[path], path)
        except FileExistsError as there:
            raise Conflict(f"{path} exists", hint="somebody made it just now; look who") from there
        return False

    def _drop(self) -> None:
        for stream in self._open.values():
            with suppress(OSError):  # a full disk, which was told already
                stream.close()
        self._open.clear()
        for fresh in self._fresh.values():
            with suppress(OSError):
                fresh.unlink()
        self._fresh.clear()


def _take_back(path: Path, *, had_old: bool) -> None:
    with suppress(OSError):
        if had_old:
            _old(path).replace(path)
        else:
            path.unlink()


def _old(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")
