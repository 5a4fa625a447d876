"""A server whose answers are bytes, one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.raw_server import RawRequest, RawServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE = b""
"""In place of an answer, or of a piece of one: the connection is closed."""


class ScriptedServer(RawServer):
    """Answers the first request with the first of its answers, and so on; the last one stays.

    Args:
        answers: Bytes of an answer, or its pieces, with a moment between them.
        tls: For `https://`.

    Attributes:
        requests: What it was asked.
    """

    def __init__(self, *answers: bytes | Sequence[bytes], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.requests: list[RawRequest] = []
        self._answers = list(answers)

    async def respond(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        """Answers a request."""
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        for piece in [answer] if isinstance(answer, bytes) else answer:
            if piece == CLOSE:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)


class EndlessServer(RawServer):
    """Begins an answer and goes on with it for as long as its client stays.

    Args:
        begin: The answer's first bytes.
        more: What follows, again and again.

    Attributes:
        asked: Is set when a client asked.
        left: Is set when a client is gone.
    """

    def __init__(self, begin: bytes, more: bytes) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self._begin = begin
        self._more = more

    async def respond(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        """Answers a request."""
        del request
        self.asked.set()
        writer.write(self._begin)
        try:
            while not writer.is_closing():
                writer.write(self._more)
                await writer.drain()
                await asyncio.sleep(0.001)
        finally:
            self.left.set()
