"""One JSON object a line."""

from __future__ import annotations

import json
import logging

from ai_service.observability.log_writer import LogWriter
from ai_service.observability.structured_log import FLUSH_AT_LINES, AccessLog, JSONFormatter, WriterHandler
from ai_service.schemas import IngredientsRequest
from ai_service.skipped_providers import Skipped


class Written(LogWriter):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.text = ""

    def write(self, data: bytes, lines: int = 1) -> None:
        """See LogWriter."""
        assert data.count(b"\n") == lines
        self.text += data.decode()


def test_a_record_is_one_line_of_json() -> None:
    """Fields beside the message, and a traceback inside the line."""
    error = ValueError("a\nb")
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it %s", ("broke",), (ValueError, error, None))
    record.fields = {"port": 3010}
    line = JSONFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line) | {"time": "", "exception": ""} == {
        "time": "",
        "level": "error",
        "logger": "x",
        "message": "it broke",
        "port": 3010,
        "exception": "",
    }


def test_a_record_whose_arguments_do_not_fit_is_a_line_too() -> None:
    """Python's logging would print a traceback to standard error itself, and wait for somebody to read it."""
    stream = Written()
    handler = WriterHandler(stream)
    handler.setFormatter(JSONFormatter())
    handler.handle(logging.LogRecord("x", logging.INFO, __file__, 1, "%d", ("one",), None))
    assert json.loads(stream.text)["message"] == "malformed log record: '%d'"


async def test_requests_are_logged_without_what_they_ask() -> None:
    """Nobody's diet belongs into a log."""
    stream = Written()
    log = AccessLog(stream)
    log.write("id-1", "recipe", status=200, cache="hit", provider="ollama", seconds=0.0001234)
    assert stream.text == ""
    log.flush()
    line = json.loads(stream.text)
    assert set(line) == {
        "time", "level", "logger", "message", "request_id", "task", "status", "cache", "provider", "key",
        "duration_ms",
    }  # fmt: skip
    assert (line["request_id"], line["duration_ms"]) == ("id-1", 0.123)


async def test_many_lines_are_written_before_their_time() -> None:
    """What waits is bounded."""
    stream = Written()
    log = AccessLog(stream)
    while not stream.text:
        log.write("id", "recipe", status=200, cache="hit", provider="ollama", seconds=0.1)
    assert stream.text.count("\n") == FLUSH_AT_LINES
    log.flush()


async def test_a_log_that_is_off_writes_nothing() -> None:
    """Level warning and above."""
    stream = Written()
    log = AccessLog(stream, enabled=False)
    log.write("id", "recipe", status=200, cache="hit", provider="ollama", seconds=0.1)
    log.flush()
    assert stream.text == ""


async def test_what_is_asked_is_logged_only_where_it_is_wanted() -> None:
    """With the reasons for every fallback, and an error's code, in any case."""
    lines = []
    for prompts in (False, True):
        stream = Written()
        log = AccessLog(stream, prompts=prompts)
        log.write(
            "id",
            "ingredients",
            status=503,
            cache="none",
            provider="",
            seconds=0.1,
            skipped=[Skipped("ollama", "timeout")],
            error="unavailable",
            request=IngredientsRequest(partial=["secret herb"]),
        )
        log.flush()
        lines.append(json.loads(stream.text))
    assert [line.get("request") for line in lines] == [None, {"partial": ["secret herb"]}]
    assert [(line["fallback"], line["error"]) for line in lines] == [(["ollama: timeout"], "unavailable")] * 2


async def test_what_machines_ask_every_few_seconds_is_logged_for_those_who_debug() -> None:
    """Else it would bury the rest."""
    written = []
    for debug in (False, True):
        stream = Written()
        log = AccessLog(stream, debug=debug)
        log.write("id", "", status=200, cache="none", provider="", seconds=0.1, route="GET /health", level="debug")
        log.flush()
        written.append(stream.text)
    assert written[0] == ""
    assert json.loads(written[1]) | {"time": ""} == {
        "time": "", "level": "debug", "logger": "ai_service.access", "message": "request", "request_id": "id",
        "task": "", "status": 200, "cache": "none", "provider": "", "key": "", "duration_ms": 100.0,
        "route": "GET /health",
    }  # fmt: skip
