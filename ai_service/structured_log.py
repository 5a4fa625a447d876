"""Logs as JSON, one line a record, on standard error: what journald and every collector reads without a parser."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from typing import TextIO

FLUSH_AFTER_S = 0.2
FLUSH_AT_BYTES = 64 * 1024

_encode = msgspec.json.Encoder(enc_hook=str).encode


class JSONFormatter(logging.Formatter):
    """Writes a record, and what is in its `fields`, as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()


class Access(msgspec.Struct, frozen=True):
    """What is logged of a request; never what it asked for."""

    time: datetime
    level: str
    logger: str
    message: str
    request_id: str
    task: str
    status: int
    cache: str
    provider: str
    key: str
    duration_ms: float


class AccessLog:
    """One line a request, written some at a time: a line of its own through `logging` costs more than a cached answer.

    Args:
        stream: Where to.
        enabled: Whether requests are logged at all.
    """

    def __init__(self, stream: TextIO | None = None, *, enabled: bool = True) -> None:
        self._stream = stream or sys.stderr
        self._enabled = enabled
        self._pending = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def write(
        self, request_id: str, task: str, *, status: int, cache: str, provider: str, seconds: float, key: str = ""
    ) -> None:
        """Logs a request, with the name of the API key behind it; the line is written within 0.2 s."""
        if not self._enabled:
            return
        self._pending += _encode(
            Access(
                time=datetime.now(UTC),
                level="info",
                logger="ai_service.access",
                message="request",
                request_id=request_id,
                task=task,
                status=status,
                cache=cache,
                provider=provider,
                key=key,
                duration_ms=round(seconds * 1000, 3),
            )
        )
        self._pending += b"\n"
        if len(self._pending) >= FLUSH_AT_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        """Writes what is pending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            text = self._pending.decode()
            self._pending.clear()
            self._stream.write(text)
            self._stream.flush()


def configure(level: str) -> None:
    """Sends all records from a level on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
