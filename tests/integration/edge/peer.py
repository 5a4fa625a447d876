"""Callers of the edge that nobody writes on purpose: bytes on a connection, and what came back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from tests.waiting import TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INGREDIENTS = "/api/v1/ai/suggest-ingredients"


class BrokenOffError(Exception):
    """The connection ended in the middle of an answer."""


class Peer:
    """One connection.

    Args:
        reader: What comes.
        writer: What is sent.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.sent = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator[Peer]:
        """Connect to a port of loopback."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**26)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Send, and wait while the other side does not read."""
        self._writer.write(data)
        await self._writer.drain()
        self.sent += len(data)

    async def flood(self, piece: bytes, limit: int) -> int:
        """Send the same piece until the other side has had enough; return how many bytes it took until then."""
        with contextlib.suppress(OSError):
            while self.sent < limit and not self._reader.at_eof():
                await self.send(piece)
        return self.sent

    async def answer(self, timeout_s: float = TIMEOUT_S) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (lower-case) and body of the next answer.

        Raises:
            asyncio.IncompleteReadError: The connection ended instead.
            BrokenOffError: It ended after the answer's head.
        """
        async with asyncio.timeout(timeout_s):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            try:
                body = await self._reader.readexactly(int(headers.get("content-length", 0)))
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise BrokenOffError from error
        return int(head[0].split()[1]), headers, body

    async def rest(self, timeout_s: float = TIMEOUT_S) -> bytes:
        """Return all that comes until the other side closes; nothing where it resets the connection."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""


def post(path: str, body: Any, *headers: str) -> bytes:
    """Return a whole request."""
    text = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: edge", "Content-Type: application/json", f"Content-Length: {len(text)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + text


def status_of(data: bytes) -> int:
    """Return the status of the answer that begins here; 0 where none does."""
    return int(data.split()[1]) if data.startswith(b"HTTP/1.1 ") else 0


class Callers:
    """Callers who go on asking the same, each on one connection, and count what they get.

    Args:
        port: Of the edge.
        count: How many.
        pause_s: Between an answer and the next request.

    Attributes:
        statuses: Of all answers, in their order; 0 for a connection that ended without one.
        broken_off: Answers that ended in their middle. uvicorn sends head and body one after the other, so a process
            that is killed between them leaves one: nobody can ask again for an answer that has begun.
        bodies: Their different bodies.
    """

    def __init__(self, port: int, count: int = 8, pause_s: float = 0.02) -> None:
        self._port = port
        self._count = count
        self._pause_s = pause_s
        self.statuses: list[int] = []
        self.broken_off = 0
        self.bodies: set[bytes] = set()

    async def __aenter__(self) -> Callers:
        self._end = asyncio.Event()
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end.set()
        await asyncio.gather(*self._tasks)

    async def more(self, answers: int) -> None:
        """Wait until there are so many answers more."""
        goal, give_up = len(self.statuses) + answers, time.monotonic() + TIMEOUT_S
        while len(self.statuses) < goal:
            assert time.monotonic() < give_up, self.statuses[-5:]
            await asyncio.sleep(self._pause_s)

    async def _ask(self) -> None:
        request = post(INGREDIENTS, {"partial": ["pear"]})
        while not self._end.is_set():
            async with Peer.connected(self._port) as peer:
                while not self._end.is_set():
                    await peer.send(request)
                    try:
                        status, headers, body = await peer.answer()
                    except BrokenOffError:
                        self.broken_off += 1
                        break
                    except (asyncio.IncompleteReadError, ConnectionError):
                        self.statuses.append(0)
                        break
                    self.statuses.append(status)
                    self.bodies.add(body)
                    await asyncio.sleep(self._pause_s)
                    if headers.get("connection") == "close":
                        break
