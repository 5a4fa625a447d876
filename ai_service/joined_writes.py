"""What an application writes in one turn of the event loop goes out together."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoinedWrites:
    """A transport that holds back what is written until more comes, or the loop's next turn.

    Uvicorn writes an answer's head when it is told the head, and uvloop sends what it is given at once: a system call
    and a packet for the head, and as much again for the body, which is there a few microseconds later.

    Args:
        transport: What sends; everything but writing and closing is left to it.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """See asyncio.WriteTransport."""
        held, self._held = self._held, None
        if held is not None:
            self._transport.writelines((held, data))
        else:
            self._held = data
            self._loop.call_soon(self._flush)

    def is_closing(self) -> bool:
        """See asyncio.BaseTransport."""
        return self._transport.is_closing()

    def close(self) -> None:
        """See asyncio.BaseTransport: what was written is sent first."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None and not self._transport.is_closing():
            self._transport.write(held)


class JoiningProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, over `JoinedWrites`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """See asyncio.Protocol."""
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport)))
