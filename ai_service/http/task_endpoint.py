"""The endpoint of a task, as raw ASGI: a cached answer costs tens of microseconds, most of them the server's."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from ai_service.answers.caller import ANONYMOUS
from ai_service.cache.compression import CODING, accepts_zstd, may_pack
from ai_service.errors import Disconnected, HTTPError
from ai_service.http.accept import prefers_event_stream
from ai_service.http.answer_headers import AnswerHeaders, clamped_header, stream_start
from ai_service.http.cache_control import Directives, parse_cache_control
from ai_service.http.error_response import error_response, internal_error
from ai_service.http.event_stream import EventStream
from ai_service.http.request_parts import CALLER, REQUEST_ID, has_body, join_lists, read_posted_body, request_id_of
from ai_service.http.wire_format import TaskFormat
from ai_service.tasks.request_parser import RequestParser

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.answers.answer_service import AnswerService
    from ai_service.answers.caller import Caller
    from ai_service.http.event_stream import Headers
    from ai_service.http.wire_format import WireFormat
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog
    from ai_service.skipped_providers import Skipped
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest

logger = logging.getLogger(__name__)

_NO_DIRECTIVES = Directives()
_PLAIN = frozenset({b"*/*", b"application/json"})
"""What `Accept` mostly is; read no further."""
_VARY = (b"vary", b"accept-encoding")
_ZSTD = (b"content-encoding", CODING)


class TaskEndpoint:
    """`POST` on one task's route.

    Args:
        task: The task.
        answers: Answers it.
        metrics: Where requests are counted.
        access_log: Where they are logged.
        wire_format: How its answers look.
    """

    def __init__(
        self,
        task: Task,
        answers: AnswerService,
        metrics: Metrics,
        access_log: AccessLog,
        *,
        wire_format: WireFormat | None = None,
    ) -> None:
        self.task = task
        self._answers = answers
        self._metrics = metrics
        self._access_log = access_log
        self._headers = AnswerHeaders()
        self._format = wire_format or TaskFormat(task)
        self._reader = RequestParser(task)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        started = time.perf_counter()
        headers = dict(lines := scope["headers"])
        if len(headers) != len(lines):
            headers = join_lists(lines)
        request_id = request_id_of(headers)
        caller: Caller = scope.get(CALLER, ANONYMOUS)
        status, cache, provider, code = 200, "none", "", ""
        skipped: tuple[Skipped, ...] = ()
        sent: bytes | None = None
        parsed: ParsedRequest | None = None
        stream: EventStream | None = None
        try:
            sent = await read_posted_body(
                scope["method"],
                self.task.path,
                headers,
                receive,
                limit=self.task.max_body_bytes,
                any_type=self._format.reads_any_type,
            )
            parsed = self._reader.read(sent)
            control = headers.get(b"cache-control")
            directives = _NO_DIRECTIVES if control is None else parse_cache_control(control)
            if self._wants_stream(headers.get(b"accept")) if parsed.stream is None else parsed.stream:
                events = self._format.events(parsed)
                first = [*stream_start(events.media_type), (REQUEST_ID, request_id), *clamped_header(parsed.clamped)]
                stream = EventStream(events, partial(self._headers.stream, first, started), send, started=started)
                answer = partial(self._answers.answer, self.task, parsed, directives, caller=caller)
                result = await stream.run(answer, receive)
            else:
                result = await self._answers.answer(self.task, parsed, directives, receive=receive, caller=caller)
        except HTTPError as error:
            status, code = error.status, error.code
            skipped = error.skipped
            unread = sent is None and has_body(headers)
            body, head = error_response(error, request_id, self.task.path, unread=unread)
        except Disconnected:
            status, body, head = 499, b"", None
        except Exception:
            logger.exception("request %s failed unexpectedly", request_id.decode())
            status, code = 500, HTTPError.code
            body, head = error_response(internal_error(request_id), request_id, self.task.path)
        else:
            cache, provider, skipped = result.cache, result.entry.provider, result.skipped
            body, head = result.entry.body, None
            if stream is None:
                body, head = self._whole(parsed, result, headers, request_id=request_id, started=started)
        if stream is not None and stream.begun and head is not None:
            await stream.fail(body)
        elif head is not None:
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - started
        self._count(cache, status, seconds, stream)
        self._access_log.write(
            request_id.decode(),
            self.task.name,
            status=status,
            cache=cache,
            provider=provider,
            seconds=seconds,
            key=caller.name,
            skipped=skipped,
            error=code,
            request=parsed.request if parsed else None,
        )

    def _count(self, cache: str, status: int, seconds: float, stream: EventStream | None) -> None:
        self._metrics.request(self.task.name, cache, status, seconds)
        if stream is not None and stream.first_part_s is not None:
            self._metrics.first_part(self.task.name, cache, stream.first_part_s)

    def _whole(
        self,
        parsed: ParsedRequest,
        result: AnswerResult,
        headers: dict[bytes, bytes],
        *,
        request_id: bytes,
        started: float,
    ) -> tuple[bytes, Headers]:
        """Return the body, in an encoding accepted by the client, and the headers."""
        body, head = result.entry.body, self._headers.whole(result, request_id, started)
        if parsed.clamped:
            head += clamped_header(parsed.clamped)
        if self._format.renders:
            body = self._format.render(result, time.perf_counter() - started)
        elif may_pack(body):
            head.append(_VARY)
            packed = result.entry.packed
            if packed is not None and accepts_zstd(headers.get(b"accept-encoding", b"")):
                body = packed
                head.append(_ZSTD)
        head.append((b"content-length", b"%d" % len(body)))
        return body, head

    def _wants_stream(self, accept: bytes | None) -> bool:
        if self._format.streams_by_default:
            return True
        return accept is not None and accept not in _PLAIN and prefers_event_stream(accept)
