"""Logs as people read them, and as programs do."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ai_service.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ai_service.cli.service import LogLine

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LEVELS = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_SHOWN = {"time", "level", "logger", "message", "exception"}
"""Fields of the service's lines that have a place of their own."""
_REQUEST = {"request_id", "task", "route", "status", "cache", "provider", "key", "duration_ms", "fallback", "error"}


def parse_since(text: str, now: datetime) -> datetime:
    """Parse the time of the oldest line that is wanted.

    Args:
        text: A duration before now, such as 10m, 2h or 1d, or a date, with a time or without, in local time.
        now: The present time, with its zone.

    Raises:
        CliError: It is neither.
    """
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        hint = "Use 30s, 10m, 2h, 1d or 1w, or a date: 2026-11-30, 2026-11-30T12:00."
        raise CliError(f"Invalid time: {text}.", hint=hint) from None
    return since.astimezone()


def run_lines(command: Sequence[str]) -> Iterator[str]:
    """Run a program and return the lines it prints, as they come.

    Raises:
        CliError: The program is not installed, or fails; it has printed why.
    """
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1
        )
    except FileNotFoundError:
        raise CliError(f"{command[0]} is not on this host.") from None
    with process:
        assert process.stdout
        try:
            yield from (line.rstrip("\n") for line in process.stdout)
        finally:
            process.terminate()
    if process.returncode > 0:
        raise CliError(f"{command[0]} failed with exit status {process.returncode}.")


def as_record(line: LogLine) -> str:
    """Return a line as a JSON object: the service's own as they were logged, others with time, source and message."""
    if fields := _fields(line.text):
        return json.dumps(fields, ensure_ascii=False)
    time = line.time.isoformat() if line.time else None
    return json.dumps({"time": time, "source": line.source, "message": line.text}, ensure_ascii=False)


def for_people(line: LogLine) -> Text:
    """Return a line for people: local time, source, and what happened."""
    fields = _fields(line.text)
    text = Text()
    if line.time:
        text.append(f"{line.time.astimezone():%Y-%m-%d %H:%M:%S} ", style="dim")
    if line.source:
        text.append(f"{line.source}  ", style="cyan")
    if not fields:
        return text.append(line.text)
    level = str(fields.get("level", "info"))
    style = _LEVELS.get(level, "")
    text.append(f"{level:<7} ", style=style)
    known = _SHOWN
    if fields.get("message") == "request":
        known = _SHOWN | _REQUEST
        text.append(_request(fields), style="red" if _number(fields, "status") >= 500 else "")
    else:
        text.append(str(fields.get("message", "")), style=style)
    for name, value in fields.items():
        if name not in known:
            text.append(f"  {name}={value if isinstance(value, str) else json.dumps(value)}", style="dim")
    if exception := fields.get("exception"):
        text.append(f"\n{exception}")
    return text


def _request(fields: dict[str, Any]) -> str:
    fallback = fields.get("fallback")
    words = [
        str(fields.get("status", "")),
        str(fields.get("task") or fields.get("route") or ""),
        f"{_number(fields, 'duration_ms'):.1f} ms",
        str(fields.get("cache") or ""),
        str(fields.get("provider") or ""),
        f"error={fields['error']}" if fields.get("error") else "",
        f"fallback={'; '.join(map(str, fallback))}" if isinstance(fallback, list) else "",
        f"key={fields['key']}" if fields.get("key") else "",
        f"id={fields.get('request_id', '')}",
    ]
    return "  ".join(filter(None, words))


def _number(fields: dict[str, Any], name: str) -> float:
    value = fields.get(name)
    return value if isinstance(value, int | float) else 0.0


def _fields(text: str) -> dict[str, Any]:
    """Return the fields of one of the service's own lines; an empty dictionary for any other line."""
    if not text.startswith("{"):
        return {}
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) and "message" in fields and "level" in fields else {}
