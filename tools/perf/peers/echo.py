"""The yardstick: reads a request's body and answers with fixed bytes, at once.

What it reaches is what the ASGI server, the event loop and the kernel leave to any application behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ANSWER_BYTES = 1200
_BODY = b'{"echo":"' + b"x" * (ANSWER_BYTES - 11) + b'"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """See the ASGI specification."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
