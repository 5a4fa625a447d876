"""Write the head and the body of an answer at once.

uvicorn writes one after the other, and both event loops send each as it comes. A process that is killed between the two
has sent half an answer, which no proxy can ask for again elsewhere (decision 34).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio


class CoalescingTransport:
    """A transport that holds a write back until the next one, or until the event loop's next turn.

    Args:
        transport: Takes what is written, and answers for everything else.
        loop: Where its protocol runs.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write what is held with this, or hold this."""
        if self._held:
            data, self._held = self._held + data, b""
            self._transport.write(data)
        elif data:
            self._held = data
            self._loop.call_soon(self._release)

    def close(self) -> None:
        """Write what is held, and close."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        data, self._held = self._held, b""
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class HttpToolsCoalescing(HttpToolsProtocol):
    """HTTP by httptools, with coalesced writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the connection's transport."""
        super().connection_made(CoalescingTransport(transport, self.loop))  # type: ignore[arg-type]


class H11Coalescing(H11Protocol):
    """HTTP by h11, with coalesced writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the connection's transport."""
        super().connection_made(CoalescingTransport(transport, self.loop))  # type: ignore[arg-type]
