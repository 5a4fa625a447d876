"""The one form of the page server's errors."""

from __future__ import annotations

import msgspec
from starlette.responses import Response


def error_response(status: int, code: str, sentence: str, *, retry_after_s: int | None = None) -> Response:
    """Build an error in the API's envelope.

    Args:
        status: HTTP status.
        code: Stable snake_case word for programs.
        sentence: What is wrong, then what to do.
        retry_after_s: Seconds after which the request may be sent again; None where that does not help.
    """
    body = msgspec.json.encode({"success": False, "error": sentence, "code": code})
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return Response(body, status, headers, "application/json")
