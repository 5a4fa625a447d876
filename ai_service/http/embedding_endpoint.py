"""`POST` on a route of embeddings, in either wire format."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

from ai_service.answers.caller import ANONYMOUS
from ai_service.answers.embedding_service import MAX_TEXTS, TASK
from ai_service.errors import Disconnected, HTTPError, InvalidRequest, UnprocessableRequest
from ai_service.http.cache_control import Directives, parse_cache_control
from ai_service.http.error_response import error_response, internal_error
from ai_service.http.request_parts import CALLER, REQUEST_ID, has_body, join_lists, read_posted_body, request_id_of
from ai_service.providers.embedding import MAX_DIMENSIONS

if TYPE_CHECKING:
    import msgspec
    from starlette.types import Receive, Scope, Send

    from ai_service.answers.caller import Caller
    from ai_service.answers.embedding_service import EmbeddingRequest, Embeddings, EmbeddingService
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog

logger = logging.getLogger(__name__)

_NO_DIRECTIVES = Directives()


class EmbeddingFormat(Protocol):
    """How requests and answers of a route look.

    Attributes:
        path: The route.
        reads_any_type: Whether requests need not be said to be JSON.
    """

    path: str
    reads_any_type: bool

    def read(self, body: bytes) -> tuple[EmbeddingRequest, msgspec.Struct]:
        """Return what is asked, and the request as sent, for `render`.

        Raises:
            RequestError: It is wrong.
        """

    def render(self, asked: msgspec.Struct, embeddings: Embeddings, total_s: float) -> bytes:
        """Return the body of an answer."""


class EmbeddingEndpoint:
    """One route.

    Args:
        wire_format: How it looks.
        service: Answers it.
        metrics: Where requests are counted.
        access_log: Where they are logged.
        max_body_bytes: Largest body of a request.
    """

    def __init__(
        self,
        wire_format: EmbeddingFormat,
        service: EmbeddingService,
        metrics: Metrics,
        access_log: AccessLog,
        *,
        max_body_bytes: int,
    ) -> None:
        self._format = wire_format
        self._service = service
        self._metrics = metrics
        self._access_log = access_log
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        started = time.perf_counter()
        headers = join_lists(scope["headers"])
        request_id = request_id_of(headers)
        caller: Caller = scope.get(CALLER, ANONYMOUS)
        status, cache, provider, code = 200, "none", "", ""
        sent: bytes | None = None
        try:
            sent = await read_posted_body(
                scope["method"],
                self._format.path,
                headers,
                receive,
                limit=self._max_body_bytes,
                any_type=self._format.reads_any_type,
            )
            request, asked = self._read(sent)
            control = headers.get(b"cache-control")
            directives = _NO_DIRECTIVES if control is None else parse_cache_control(control)
            found = await self._service.embed(request, directives, caller=caller)
            cache = "bypass" if directives.bypass else "miss" if found.computed else "hit"
            provider = found.provider
            body = self._format.render(asked, found, time.perf_counter() - started)
            head = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"cache-status", b"alchemorsel; hit" if cache == "hit" else b"alchemorsel; fwd=%s" % cache.encode()),
                (REQUEST_ID, request_id),
                (b"x-ai-provider", provider.encode()),
                (b"x-ai-model", found.model.encode()),
            ]
        except HTTPError as error:
            status, code = error.status, error.code
            unread = sent is None and has_body(headers)
            body, head = error_response(error, request_id, self._format.path, unread=unread)
        except Disconnected:
            status, body, head = 499, b"", []
        except Exception:
            logger.exception("request %s failed unexpectedly", request_id.decode())
            status, code = 500, HTTPError.code
            body, head = error_response(internal_error(request_id), request_id, self._format.path)
        if head:
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - started
        self._metrics.request(TASK, cache, status, seconds)
        self._access_log.write(
            request_id.decode(),
            TASK,
            status=status,
            cache=cache,
            provider=provider,
            seconds=seconds,
            key=caller.name,
            error=code,
        )

    def _read(self, body: bytes) -> tuple[EmbeddingRequest, msgspec.Struct]:
        request, asked = self._format.read(body)
        if not request.texts:
            raise InvalidRequest(
                "$.input: expected at least one text, got none.", details=_details("at least one text")
            )
        if len(request.texts) > MAX_TEXTS:
            problem = f"at most {MAX_TEXTS} texts"
            raise UnprocessableRequest(f"$.input: expected {problem}.", details=_details(problem))
        if request.dimensions is not None and not 1 <= request.dimensions <= MAX_DIMENSIONS:
            problem = f"expected a whole number from 1 to {MAX_DIMENSIONS}"
            details = [{"field": "$.dimensions", "problem": problem}]
            raise UnprocessableRequest(f"$.dimensions: {problem}.", details=details)
        return request, asked


def _details(problem: str) -> list[dict[str, str]]:
    return [{"field": "$.input", "problem": f"expected {problem}"}]
