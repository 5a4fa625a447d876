"""Logs as JSON, one line a record, on standard error: what journald and every collector reads without a parser.

A thread writes them (`log_writer`). Python's own QueueHandler would hand over records, each formatted on its own, and
print its complaint about a full queue to the very stream that nobody reads.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ai_service.observability.log_writer import LogWriter
from ai_service.schemas import TaskRequest  # noqa: TC001 - msgspec reads the types of the fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.skipped_providers import Skipped

FLUSH_AFTER_S = 0.2
FLUSH_AT_LINES = 256
"""Some 64 KiB, where requests are not logged."""

_encoder = msgspec.json.Encoder(enc_hook=str)
STANDARD_ERROR = LogWriter(2)


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
        return _encoder.encode(line).decode()


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is logged of a request.

    Attributes:
        task: "" where the request is for none of the tasks.
        key: Name of the API key; "" where none was presented.
        route: Method and path, where the task does not tell them.
        fallback: The providers that gave no answer, and why.
        error: The `code` of an error.
        request: What was asked, in its canonical form; only where the operator wants it.
    """

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
    route: str = ""
    fallback: tuple[str, ...] = ()
    error: str = ""
    request: TaskRequest | None = None


class AccessLog:
    """One line a request, written some at a time: a line of its own through `logging` costs more than a cached answer.

    Args:
        writer: What writes.
        enabled: Whether requests are logged at all.
        debug: Whether those of level debug are, too.
        prompts: Whether what they ask is logged as well.
        keep: Called with the last ones, logged or not.
    """

    def __init__(
        self,
        writer: LogWriter,
        *,
        enabled: bool = True,
        debug: bool = False,
        prompts: bool = False,
        keep: Callable[[Sequence[Access]], None] | None = None,
    ) -> None:
        self._debug = debug
        self._keep = keep
        self._prompts = prompts
        self._writer = writer
        self._enabled = enabled
        self._pending: list[Access] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(
        self,
        request_id: str,
        task: str,
        *,
        status: int,
        cache: str,
        provider: str,
        seconds: float,
        key: str = "",
        route: str = "",
        level: Literal["debug", "info"] = "info",
        skipped: Sequence[Skipped] = (),
        error: str = "",
        request: TaskRequest | None = None,
    ) -> None:
        """Log a request within 0.2 s; see Access for the fields."""
        if level == "debug" and not self._debug:
            return
        self._pending.append(
            Access(
                time=datetime.now(UTC),
                level=level,
                logger="ai_service.access",
                message="request",
                request_id=request_id,
                task=task,
                status=status,
                cache=cache,
                provider=provider,
                key=key,
                route=route,
                duration_ms=int(seconds * 1e6 + 0.5) / 1000,  # A quarter of the time that `round` takes.
                fallback=tuple(map(str, skipped)) if skipped else (),
                error=error,
                request=request if self._prompts else None,
            )
        )
        if len(self._pending) >= FLUSH_AT_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        """Write the pending lines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            lines, self._pending = self._pending, []
            if self._enabled:
                self._writer.write(_encoder.encode_lines(lines), len(lines))
            if self._keep is not None:
                self._keep([line for line in lines if line.level == "info"] if self._debug else lines)


class WriterHandler(logging.Handler):
    """Pass formatted records on to a writer.

    Args:
        writer: What writes.
    """

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        try:
            self._writer.write(f"{self.format(record)}\n".encode())
        except (TypeError, ValueError):  # Arguments that do not fit the message; logging would print the traceback.
            self._writer.write(f"{self.format(_malformed(record))}\n".encode())


def configure(level: str, writer: LogWriter = STANDARD_ERROR) -> None:
    """Send all records from a level on to standard error."""
    handler = WriterHandler(writer)
    handler.setFormatter(JSONFormatter())
    writer.report = _report_dropped
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def _malformed(record: logging.LogRecord) -> logging.LogRecord:
    return logging.LogRecord(
        record.name, logging.ERROR, record.pathname, record.lineno, "malformed log record: %r", (record.msg,), None
    )


def _report_dropped(dropped: int) -> bytes:
    line = {
        "time": datetime.now(UTC),
        "level": "warning",
        "logger": __name__,
        "message": f"{dropped} log lines were dropped: standard error took no more; read it, or free its disk",
    }
    return _encoder.encode(line) + b"\n"
