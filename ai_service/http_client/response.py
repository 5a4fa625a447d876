"""An answer, put together from what the parser finds in the bytes of a connection."""

from __future__ import annotations

import asyncio
from collections import deque

import httptools

from ai_service.http_client.errors import ConnectionLost, HTTPClientError, ProtocolViolated

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
"""For `read`; what is taken in chunks may be longer, and is bounded by whoever takes it."""
HIGH_WATER_BYTES = 256 * 1024
"""With so much that nobody took yet, the server is made to wait."""
_SURPLUS = "more was sent than was asked for"


class Response:
    """An answer whose body is still to come.

    Args:
        transport: Of the connection that it comes over; paused while nobody takes what has come.

    Attributes:
        status: Once the head is there.
        headers: By their names in lower case; equal ones joined by commas (RFC 9110, section 5.3).
        untouched: Whether not a byte has come.
        complete: Whether all of it has come.
        reusable: Whether the connection may serve another call after it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.untouched = True
        self.complete = False
        self.reusable = False
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = 0
        self._begun = False
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._error: HTTPClientError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def begin(self) -> None:
        """Waits for the head.

        Raises:
            HTTPClientError: There will be none.
        """
        while not self._begun:
            await self._wait()

    async def chunk(self) -> bytes:
        """The next piece of the body, as it comes; b"" at the end.

        Raises:
            HTTPClientError: It breaks off.
        """
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait()
        return self._take()

    async def read(self) -> bytes:
        """What is left of the body.

        Raises:
            HTTPClientError: It breaks off, or is longer than `MAX_BODY_BYTES`.
        """
        parts: list[bytes] = []
        size = 0
        while chunk := await self.chunk():
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise ProtocolViolated(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        return b"".join(parts)

    def feed(self, data: bytes) -> None:
        """Takes bytes of the connection."""
        self.untouched = False
        if self.complete:
            self._fail(ProtocolViolated(_SURPLUS))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            self._fail(ProtocolViolated(_SURPLUS))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ProtocolViolated(f"the server does not speak HTTP/1.1: {error}"))
        if not self._begun:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._fail(ProtocolViolated(f"the head is longer than {MAX_HEAD_BYTES} bytes"))
        self._wake()

    def end(self, error: Exception | None) -> None:
        """Takes notice of the connection's end, which is the body's where nothing else says how long it is."""
        if self._begun and error is None and not self._is_framed():
            self.complete = True
        elif not self.complete:
            self._fail(ConnectionLost(str(error or "") or "the server closed the connection"))
        self._wake()

    def on_message_begin(self) -> None:
        """See httptools; raising makes it stop."""
        if self.complete:
            raise ProtocolViolated(_SURPLUS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """See httptools."""
        status = self._parser.get_status_code()
        if status < 200:  # The answer proper follows (RFC 9110, section 15.2).
            self.headers.clear()
            return
        self.status = status
        self.reusable = self._parser.should_keep_alive()
        self._begun = True

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > HIGH_WATER_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """See httptools."""
        self.complete = self._begun

    def _fail(self, error: HTTPClientError) -> None:
        """Nothing more is to be had."""
        self._error = self._error or error
        self.reusable = False
        self._transport.abort()

    def _is_framed(self) -> bool:
        return "content-length" in self.headers or "transfer-encoding" in self.headers

    def _take(self) -> bytes:
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk)
        if self._paused and self._buffered <= HIGH_WATER_BYTES // 2:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
