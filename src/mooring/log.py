"""Logging: one line for each decision and each change of the world, as text for people or JSON for machines.

Control characters in what is logged are escaped, so that nobody's name for a server can forge a line.
"""

import logging
import sys
from datetime import UTC, datetime

import msgspec

_ONE_LINE = {**{code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F)}, ord("\n"): "\\n"}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        line = f"{when} {record.levelname.lower()} {record.name} {record.getMessage().translate(_ONE_LINE)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def configure(log_format: str) -> None:
    """Log to standard error from now on. ``log_format`` is ``text`` or ``json``; anything else is text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
