"""A server that reads Redis's protocol and sends the very bytes a test says, in the test's own loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from hiredis import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType


class RespServer:
    """Listens while used as a context manager.

    Args:
        respond: Is called with each command, and answers it or not.

    Attributes:
        url: Where it listens.
        commands: What it was sent.
        left: Is set when a client is gone.
    """

    def __init__(self, respond: Callable[[RespServer, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._respond = respond
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.commands: list[list[bytes]] = []
        self.left = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        parser = Reader()
        try:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    parser.feed(data)
                    while (command := parser.gets()) is not False:
                        self.commands.append(command)
                        await self._respond(self, writer)
        finally:
            self.left.set()
            writer.transport.abort()
