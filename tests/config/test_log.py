"""The record is whole and holds no secret; the terminal hears what matters, once."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from config.log import configure_logging
from config.sections.surroundings import LogSettings


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """The record and the terminal of a process whose logs are configured; put back afterwards."""
    record, terminal = io.StringIO(), io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", record)
    configure_logging(LogSettings(), service="idp", terminal=terminal)
    yield record, terminal
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_one_json_object_and_hides_secrets(streams: tuple[io.StringIO, io.StringIO]) -> None:
    structlog.get_logger("test").info("signed_in", sub="mina", token="eyJ", inner={"password": "hunter2"})
    line = json.loads(streams[0].getvalue())
    assert line["service"] == "idp"
    assert line["sub"] == "mina"
    assert line["token"] == line["inner"]["password"] == "[secret]"
    assert streams[1].getvalue() == ""


def test_the_terminal_hears_a_warning_once(streams: tuple[io.StringIO, io.StringIO]) -> None:
    log = structlog.get_logger("test")
    for attempt in range(5):
        log.warning("engine_away", attempt=attempt, token="eyJ")
    log.warning("another")
    assert streams[1].getvalue().splitlines() == [
        "idp: warning: engine_away attempt=0 token=[secret]",
        "idp: warning: another",
    ]
    assert len(streams[0].getvalue().splitlines()) == 6


def test_an_error_is_one_line_there_and_has_its_traceback_in_the_record(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    try:
        json.loads("{\n")
    except ValueError:
        logging.getLogger("library").exception("failed")
    assert len(streams[1].getvalue().splitlines()) == 1
    assert streams[1].getvalue().startswith("idp: error: failed (Expecting property name")
    assert "Traceback" in json.loads(streams[0].getvalue())["exception"]


def test_a_library_that_logs_tokens_is_held_back(streams: tuple[io.StringIO, io.StringIO]) -> None:
    logging.getLogger("authlib.oauth2").debug("token %s", "eyJ")
    logging.getLogger("httpx2").info("HTTP Request: GET https://example.org/?code=abc")
    assert streams[0].getvalue() == ""
