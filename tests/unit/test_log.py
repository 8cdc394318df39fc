"""One line for each message, whatever somebody called a server."""

import json
import logging

import pytest

from mooring import log

_FORGED = "name=x\n2026-01-01 error mooring: all is lost\x1b[31m\r\x7f"


def lines(capsys: pytest.CaptureFixture[str], log_format: str) -> list[str]:
    log.configure(log_format)
    logging.getLogger("mooring.test").info("created %s", _FORGED)
    return capsys.readouterr().err.splitlines()


def test_a_name_cannot_forge_a_line_or_a_colour(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(capsys, "text")
    assert line.isprintable()
    assert r"name=x\n2026" in line


def test_json_holds_the_message_whole_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(capsys, "json")
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("info", "mooring.test", f"created {_FORGED}")
