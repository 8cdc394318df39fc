"""A watch that hears what a test, or another process, says: lines of a file."""

from collections.abc import Sequence
from pathlib import Path


class SimulatedWatch:
    """``Watch`` over ``file``, which need not be there. Hears what is said from now on, each watch for itself."""

    def __init__(self, file: Path):
        self._file = file
        self._read_bytes = len(self._said())

    def say(self, words: str) -> None:
        """What every watch over this file then hears, this one too."""
        with self._file.open("ab") as file:
            file.write(words.encode() + b"\n")

    def heard(self) -> Sequence[str]:
        fresh = self._said()[self._read_bytes :]
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return tuple(dict.fromkeys(whole.decode().splitlines()))

    def close(self) -> None:
        """Nothing is held open."""

    def _said(self) -> bytes:
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return b""
