"""What a Neutron driver says in its log of why it does not bind, most of it at DEBUG, taken as its reasons."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REASONS_MAX = 8
REASON_MAX_CHARS = 300

_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class Overheard(logging.Filter):
    """Listens to the loggers of the modules that a class and its bases are from.

    Those loggers are opened to DEBUG; what would not have been logged before still is not, only heard. Nobody is heard
    in another thread.
    """

    def __init__(self, spoken_by: type) -> None:
        super().__init__()
        for module in sorted({base.__module__ for base in spoken_by.__mro__} - {"abc", "builtins"}):
            logger = logging.getLogger(module)
            if not any(isinstance(each, Overheard) for each in logger.filters):
                logger.addFilter(self)
                logger.setLevel(logging.DEBUG)

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _HEARD.get()
        if heard is not None and len(heard) < REASONS_MAX:
            heard.append(_shortened(record.getMessage()))
        above = logging.getLogger(record.name).parent or logging.root
        return record.levelno >= above.getEffectiveLevel()

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """The messages of this thread, in order, while the block runs and after."""
        heard: list[str] = []
        token = _HEARD.set(heard)
        try:
            yield heard
        finally:
            _HEARD.reset(token)


def _shortened(text: str) -> str:
    return text if len(text) <= REASON_MAX_CHARS else f"{text[: REASON_MAX_CHARS - 1]}…"
