"""What is read of a request beside its task: its ID and its body."""

from __future__ import annotations

import asyncio
import re
import secrets
from itertools import count
from typing import TYPE_CHECKING

from ai_service.errors import (
    Disconnected,
    InvalidRequest,
    MethodNotAllowed,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)
from ai_service.http.content_coding import decode_body
from ai_service.http.list_header import join_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive

MAX_BODY_BYTES = 64 * 1024
"""Of the three tasks; the limit of the wire formats of others is a setting."""
CALLER = "alchemorsel.caller"
"""Where an ASGI scope has the caller whose API key was presented; absent where none is required."""
REQUEST_ID = b"x-request-id"
CLOSE = (b"connection", b"close")
"""The header after which the server closes the connection, read to its end or not."""
BODY_TIMEOUT_S = 10.0
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS_ID = secrets.token_hex(8).encode()
_request_numbers = count(1)
_MEDIA_TYPE = b"application/json"
_LISTS = frozenset({b"accept", b"accept-encoding", b"cache-control"})


def join_lists(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return a request's header fields by their names; several lines of a list are one list."""
    return join_lines(lines, _LISTS)


def request_id_of(headers: dict[bytes, bytes]) -> bytes:
    """Return the caller's `X-Request-Id` if harmless, else a new one: this process's random name and a number."""
    given = headers.get(REQUEST_ID)
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return b"%s-%d" % (_PROCESS_ID, next(_request_numbers))


def has_body(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a request comes with a body."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


async def read_json_body(
    headers: dict[bytes, bytes],
    receive: Receive,
    *,
    limit: int = MAX_BODY_BYTES,
    any_type: bool = False,
    timeout_s: float = BODY_TIMEOUT_S,
) -> bytes:
    """Read a body, and decode it where it comes compressed.

    Args:
        headers: Of the request.
        receive: ASGI's.
        limit: Its largest length in bytes, compressed or not.
        any_type: Whether it need not be said to be JSON, unless a browser sends it: for a page of another site, it asks
            for leave (a CORS preflight) only before it sends JSON.
        timeout_s: Seconds in which it has to arrive.

    Raises:
        UnsupportedMediaType: It is not said to be JSON, or has an unknown content coding.
        InvalidRequest: It is not in its content coding.
        PayloadTooLarge: It is, or is said to be, too large.
        RequestTimeout: It does not arrive in time.
        Disconnected: The client went away.
    """
    content_type = headers.get(b"content-type", b"")
    typed = not any_type or b"origin" in headers
    if (
        typed
        and content_type != _MEDIA_TYPE
        and (media_type := content_type.partition(b";")[0].strip().lower()) != _MEDIA_TYPE
    ):
        shown = media_type[:80].decode("latin-1") or "none"
        raise UnsupportedMediaType(f"Expected the content type application/json, got {shown}.")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise InvalidRequest("Content-Length is not a number.")
    if int(length) > limit:
        raise PayloadTooLarge(f"Expected a body of at most {limit} bytes, got {int(length)}.")
    try:
        async with asyncio.timeout(timeout_s):
            body = await _receive(receive, limit)
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {timeout_s:g} s.") from None
    if len(body) > limit:
        raise PayloadTooLarge(f"Expected a body of at most {limit} bytes, got more.")
    coding = headers.get(b"content-encoding")
    return body if coding is None else decode_body(body, coding, limit)


async def read_posted_body(
    method: str, path: str, headers: dict[bytes, bytes], receive: Receive, *, limit: int, any_type: bool
) -> bytes:
    """Read the body of a POST; arguments as of `read_json_body`.

    Raises:
        MethodNotAllowed: It is another method.
    """
    if method != "POST":
        raise MethodNotAllowed(f"{path} expects POST, got {method[:16]}.", allow="POST")
    return await read_json_body(headers, receive, limit=limit, any_type=any_type)


async def _receive(receive: Receive, limit: int) -> bytes:
    """Receive the body, or enough of it to detect that it is too large."""
    message = await receive()
    pieces: list[bytes] = [message.get("body", b"")]
    size = len(pieces[0])
    while message.get("more_body", False) and size <= limit:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    if message["type"] == "http.disconnect":
        raise Disconnected
    return b"".join(pieces)
