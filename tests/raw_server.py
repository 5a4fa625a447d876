"""A server on loopback that sends the very bytes a test says, in the test's own loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class RawRequest:
    """What a client sent.

    Attributes:
        line: The request line, without its end.
        headers: By their names in lower case.
        body: As long as `Content-Length` says.
    """

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target of the request line."""
        return self.line.split(" ")[1]


class RawServer:
    """Listens while used as a context manager; a subclass says what it answers.

    Args:
        tls: For `https://`; None for `http://`.

    Attributes:
        url: Where it listens.
        connections: How many there have been.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.url = ""
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def respond(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        """Answers a request; closing or aborting the writer's transport ends the connection."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    await self.respond(await _read_request(reader), writer)
        finally:
            writer.transport.abort()


async def _read_request(reader: asyncio.StreamReader) -> RawRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return RawRequest(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
