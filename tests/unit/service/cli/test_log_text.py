"""Logs as people read them, and as programs do."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ai_service.cli.container import OllamaContainer
from ai_service.cli.errors import CliError
from ai_service.cli.log_text import as_record, for_people, parse_since, run_lines
from ai_service.cli.service import LogLine
from ai_service.cli.units import Units

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
REQUEST = {
    "time": "2026-11-30T11:00:00Z",
    "level": "info",
    "logger": "ai_service.access",
    "message": "request",
    "request_id": "ab-1",
    "task": "recipe",
    "status": 200,
    "cache": "miss",
    "provider": "openai",
    "key": "web",
    "duration_ms": 7912.3,
    "fallback": ["ollama: timeout"],
}


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    """Have local time be UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("10m", datetime(2026, 11, 30, 11, 50, tzinfo=UTC)),
        ("2h", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("1d", datetime(2026, 11, 29, 12, tzinfo=UTC)),
        ("2026-11-28", datetime(2026, 11, 28, tzinfo=UTC)),
        ("2026-11-28T10:00+01:00", datetime(2026, 11, 28, 9, tzinfo=UTC)),
    ],
)
def test_since_is_a_duration_or_a_date(text: str, since: datetime) -> None:
    """Durations count back from now; a date without a zone is local."""
    assert parse_since(text, NOW) == since


@pytest.mark.parametrize("text", ["soon", "10", "-5m", "5 m", "yesterday", ""])
def test_another_since_is_refused_with_what_would_be_right(text: str) -> None:
    """Before any log is read."""
    with pytest.raises(CliError, match="Invalid time") as refused:
        parse_since(text, NOW)
    assert "10m" in refused.value.hint


def test_a_request_is_one_readable_line() -> None:
    """Status, task, duration, where it came from, and the ID that the caller got."""
    line = for_people(LogLine(NOW, "ai@1", json.dumps(REQUEST))).plain
    assert line == (
        "2026-11-30 12:00:00 ai@1  info    200  recipe  7912.3 ms  miss  openai  "
        "fallback=ollama: timeout  key=web  id=ab-1"
    )


def test_other_lines_keep_their_message_and_fields() -> None:
    """A traceback follows on lines of its own; text that is no JSON is left as it is."""
    fields = {
        "time": "t",
        "level": "error",
        "logger": "x",
        "message": "lost",
        "url": "u",
        "exception": "Traceback\n  E",
    }
    assert for_people(LogLine(None, "", json.dumps(fields))).plain == "error   lost  url=u\nTraceback\n  E"
    assert for_people(LogLine(None, "redis", "{ not json [x]")).plain == "redis  { not json [x]"


def test_programs_get_one_object_a_line() -> None:
    """The service's own as they were logged."""
    assert json.loads(as_record(LogLine(NOW, "ai@1", json.dumps(REQUEST)))) == REQUEST
    other = {"time": "2026-11-30T12:00:00+00:00", "source": "redis", "message": "Ready"}
    assert json.loads(as_record(LogLine(NOW, "redis", "Ready"))) == other


def test_the_journals_entries_are_read() -> None:
    """Also those of systemd about a unit, and bytes that are no text."""
    units = Units("alchemorsel-ai@*.service")
    entry = {"__REALTIME_TIMESTAMP": "1796040000000000", "_SYSTEMD_UNIT": "alchemorsel-ai@2.service", "MESSAGE": "x"}
    assert units.read_log_line(json.dumps(entry)) == LogLine(NOW, "ai@2", "x")
    about = entry | {"_SYSTEMD_UNIT": "init.scope", "UNIT": "alchemorsel-ai@1.service", "MESSAGE": [104, 105, 255]}
    assert units.read_log_line(json.dumps(about)) == LogLine(NOW, "ai@1", "hi\N{REPLACEMENT CHARACTER}")
    assert units.read_log_line("No journal files.") == LogLine(None, "", "No journal files.")


def test_docker_is_asked_for_times_and_its_lines_are_read() -> None:
    """With nanoseconds."""
    container = OllamaContainer("o")
    assert container.read_log_line("2026-11-30T12:00:00.000000001Z ready") == LogLine(NOW, "o", "ready")
    assert container.read_log_line("Error: no such container") == LogLine(None, "o", "Error: no such container")


def test_both_are_asked_for_the_time_and_the_number_of_lines() -> None:
    """None of either for all of them."""
    container, units = OllamaContainer("o"), Units("u.service")
    stamp = "2026-11-30T12:00:00+00:00"
    assert container.log_command(lines=5, since=None, follow=True) == [
        "docker", "logs", "--timestamps", "--tail=5", "--follow", "o",
    ]  # fmt: skip
    assert f"--since={stamp}" in container.log_command(lines=None, since=NOW, follow=False)
    assert {"--lines=all", "--since=@1796040000"} <= set(units.log_command(lines=None, since=NOW, follow=False))
    assert {"--lines=5", "--follow"} <= set(units.log_command(lines=5, since=None, follow=True))


def test_a_program_that_fails_ends_with_its_status() -> None:
    """After what it has printed."""
    lines = run_lines(["sh", "-c", "echo one; echo two >&2; exit 3"])
    assert [next(lines), next(lines)] == ["one", "two"]
    with pytest.raises(CliError, match="exit status 3"):
        next(lines)
    with pytest.raises(CliError, match="no-such-program is not on this host"):
        list(run_lines(["no-such-program"]))
