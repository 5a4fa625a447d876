"""Body and headers of an error, the same wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import HTTPError, MethodNotAllowed, Unauthorized
from ai_service.http.openai_error import openai_error
from ai_service.http.request_parts import CLOSE, REQUEST_ID
from ai_service.http.server_timing import server_timing
from ai_service.schemas import ErrorEnvelope

if TYPE_CHECKING:
    from ai_service.http.event_stream import Headers

_encode = msgspec.json.Encoder().encode


def internal_error(request_id: bytes) -> HTTPError:
    """Return the error for what nobody expected."""
    return HTTPError(f"Internal error; see the log for request ID {request_id.decode()}.")


def error_response(error: HTTPError, request_id: bytes, path: str, *, unread: bool = False) -> tuple[bytes, Headers]:
    """Make the body and the headers of an error; routes under `/v1/` have OpenAI's shape, those under `/api/` Ollama's.

    Args:
        error: The error.
        request_id: The request's name.
        path: The request's.
        unread: Whether the request has a body that was not read to its end: the connection is closed then.
    """
    if path.startswith("/v1/"):
        body = openai_error(error)
    elif path.startswith("/api/") and not path.startswith("/api/v1/"):
        body = _encode({"error": str(error)})
    else:
        body = _encode(
            ErrorEnvelope(
                success=False, error=str(error), code=error.code, request_id=request_id.decode(), details=error.details
            )
        )
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (REQUEST_ID, request_id)]
    if unread or error.closes:
        headers.append(CLOSE)
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, error.retry_after_s)))
    if error.skipped:
        headers.append((b"server-timing", server_timing((), error.skipped)))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode()))
    if isinstance(error, Unauthorized):
        headers.append((b"www-authenticate", error.challenge.encode()))
    return body, headers
