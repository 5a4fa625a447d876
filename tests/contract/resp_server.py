"""A server that reads Redis's protocol and sends the very bytes a test says, in the test's own loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hiredis import Reader

from tests.loopback_server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class RespServer(LoopbackServer):
    """Listens while used as a context manager.

    Args:
        respond: Is called with each command, and answers it or not.

    Attributes:
        commands: What it was sent.
        left: Is set when a client is gone.
    """

    def __init__(self, respond: Callable[[RespServer, asyncio.StreamWriter], Awaitable[None]]) -> None:
        super().__init__()
        self._respond = respond
        self.commands: list[list[bytes]] = []
        self.left = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://{self.address}/0"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See LoopbackServer: commands as they come."""
        parser = Reader()
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    self.commands.append(command)
                    await self._respond(self, writer)
        finally:
            self.left.set()
