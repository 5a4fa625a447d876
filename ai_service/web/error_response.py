"""The one form of the page server's errors."""

from __future__ import annotations

import msgspec
from starlette.responses import Response


def error_response(status: int, code: str, sentence: str) -> Response:
    """Build an error in the API's envelope.

    Args:
        status: HTTP status.
        code: Stable snake_case word for programs.
        sentence: What is wrong, then what to do.
    """
    body = msgspec.json.encode({"success": False, "error": sentence, "code": code})
    return Response(body, status, media_type="application/json")
