"""The ``[[device_spec]]`` entries of an agent's file, read again when somebody asks for it (SIGHUP)."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from mooring.config import load_agent
from mooring.core.devspec import DeviceSpec
from mooring.core.devspec_entries import parse_device_specs
from mooring.errors import Invalid

_log = logging.getLogger(__name__)


class RuleFile:
    """Asked by the agent in each of its passes, and told by a signal handler in between."""

    def __init__(self, path: Path | None) -> None:
        """``None``: the rules came from no file, and there is nothing to read again."""
        self._path = path
        self._is_wanted = threading.Event()

    def read_again(self) -> None:
        """At the next pass. Does so little that a signal handler may call it."""
        self._is_wanted.set()

    def new_specs(self) -> Sequence[DeviceSpec] | None:
        """The entries, when they were to be read again; ``None`` when not, or when the file is wrong.

        A file that is wrong is logged, and the rules that were in force stay. Only the entries are taken over: every
        other setting counts at the next start.
        """
        if self._path is None or not self._is_wanted.is_set():
            return None
        self._is_wanted.clear()
        try:
            file = load_agent(self._path)
            specs = parse_device_specs(file.device_specs, file.device_spec_lines)
        except Invalid as wrong:
            _log.error("device-specs-kept file=%s reason=%r hint=%r", self._path, wrong.message, wrong.hint)
            return None
        _log.info("device-specs-read file=%s entries=%d", self._path, len(specs))
        return specs
