"""What libvirt says of our domains between two calls, over a connection of its own; and that it came back.

libvirt tells events through one loop for the whole process, so a thread runs that loop for as long as the process
lives. A second thread, of each ``DomainEvents``, subscribes, and again when libvirtd was restarted.
"""

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mooring.host.domainxml import NAME_PREFIX

_log = logging.getLogger(__name__)

LOST = "messages were lost"
RESUMED = "domain events resumed"
"""What happened before is unknown: look."""
WORDS_MAX = 256
#: Between two tries to subscribe, and between two looks whether the connection lives.
RETRY_S = 2.0
_CLOSE_WAIT_S = 5.0

#: ``virDomainEventType``, as far as it ends a guest: what started, was asked to.
_WORDS = {1: "undefined", 5: "stopped", 6: "shut down", 8: "crashed"}


def run_loop(binding: Any) -> None:
    """Start libvirt's event loop in a thread that never ends. Once a process, before the first connection."""
    binding.virEventRegisterDefaultImpl()
    pause = threading.Event()

    def run() -> None:
        while True:
            try:
                binding.virEventRunDefaultImpl()
            except binding.libvirtError as failed:
                _log.warning("libvirt-event-loop reason=%r", str(failed))
                pause.wait(RETRY_S)

    threading.Thread(target=run, name="mooring-libvirt-loop", daemon=True).start()


class DomainEvents:
    """``Watch`` on the domains of one libvirt. Begins with the first ``heard``; a libvirt that is away is no error."""

    def __init__(self, binding: Any, uri: str, retry_s: float = RETRY_S) -> None:
        self._binding = binding
        self._uri = uri
        self._retry_s = retry_s
        self._lock = threading.Lock()
        self._words: dict[str, None] = {}
        self._turned = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def heard(self) -> Sequence[str]:
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._run, name="mooring-domain-events", daemon=True)
            self._thread.start()
        with self._lock:
            words, self._words = self._words, {}
        return tuple(words)

    def close(self) -> None:
        self._is_closed = True
        self._turned.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_WAIT_S)

    def _run(self) -> None:
        is_first = True
        while not self._is_closed:
            try:
                connection = self._binding.open(self._uri)
            except self._binding.libvirtError as refused:
                _log.debug("domain-events-away reason=%r", str(refused))
            else:
                self._follow(connection, is_first)
                is_first = False
            self._turned.clear()
            if not self._is_closed:
                self._turned.wait(self._retry_s)

    def _follow(self, connection: Any, is_first: bool) -> None:
        """Subscribe, and stay until the connection is lost or this watch is closed."""
        lifecycle = self._binding.VIR_DOMAIN_EVENT_ID_LIFECYCLE
        self._turned.clear()
        with suppress(self._binding.libvirtError):  # the test driver cannot tell; the look at isAlive can
            connection.registerCloseCallback(self._lost, None)
        try:
            callback = connection.domainEventRegisterAny(None, lifecycle, self._happened, None)
            if not is_first:
                self._say(RESUMED)
            while not self._is_closed and connection.isAlive():
                if self._turned.wait(self._retry_s):
                    break
            with suppress(self._binding.libvirtError):
                connection.domainEventDeregisterAny(callback)
        except self._binding.libvirtError as refused:
            _log.warning("domain-events-refused reason=%r", str(refused))
        with suppress(self._binding.libvirtError):
            connection.unregisterCloseCallback()
        with suppress(self._binding.libvirtError):
            connection.close()

    def _happened(self, _connection: Any, domain: Any, event: int, _detail: int, _opaque: object) -> None:
        """Called by libvirt's loop."""
        if event in _WORDS and str(domain.name()).startswith(NAME_PREFIX):
            self._say(f"domain {_WORDS[event]} {domain.UUIDString()}")

    def _lost(self, _connection: Any, _reason: int, _opaque: object) -> None:
        """Called by libvirt's loop."""
        self._turned.set()

    def _say(self, words: str) -> None:
        with self._lock:
            self._words[words if len(self._words) < WORDS_MAX - 1 else LOST] = None
