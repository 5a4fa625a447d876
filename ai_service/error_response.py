"""Body and headers of an error, the same wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import HTTPError, MethodNotAllowed, Unauthorized
from ai_service.openai_api.errors import openai_error
from ai_service.request_parts import REQUEST_ID
from ai_service.schemas import ErrorEnvelope

if TYPE_CHECKING:
    from ai_service.streaming import Headers

_encode = msgspec.json.Encoder().encode


def error_response(error: HTTPError, request_id: bytes, path: str) -> tuple[bytes, Headers]:
    """The body and the headers of an error; the routes under `/v1/` have OpenAI's."""
    if path.startswith("/v1/"):
        body = openai_error(error)
    else:
        body = _encode(
            ErrorEnvelope(
                success=False, error=str(error), code=error.code, request_id=request_id.decode(), details=error.details
            )
        )
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (REQUEST_ID, request_id)]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, error.retry_after_s)))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode()))
    if isinstance(error, Unauthorized):
        headers.append((b"www-authenticate", error.challenge.encode()))
    return body, headers
