"""Errors in OpenAI's shape, so that its clients raise what their users expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ai_service.errors import HTTPError

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

_encode = msgspec.json.Encoder().encode


class OpenAIError(msgspec.Struct, frozen=True):
    """An error in OpenAI's wire format.

    Attributes:
        param: Path of the first wrong field; null where no field is wrong.
        code: The same word as in the error envelope of other routes.
    """

    message: str
    type: str
    param: str | None
    code: str


class OpenAIErrorBody(msgspec.Struct, frozen=True):
    """Body of every error under `/v1/`."""

    error: OpenAIError


def openai_error(error: HTTPError) -> bytes:
    """Encode an error as a response body in OpenAI's format."""
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    details = error.details or []
    param = details[0].get("field", "").removeprefix("$.") if details else ""
    reasons = ", ".join(f"{each['provider']}: {each['problem']}" for each in details if "provider" in each)
    message = f"{error} ({reasons})" if reasons else str(error)
    return _encode(OpenAIErrorBody(OpenAIError(message, kind, param or None, error.code)))
