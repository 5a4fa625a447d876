"""A connection to a server, for one call after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from ai_service.http_client.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable


class Connection(asyncio.Protocol):
    """Carries one call at a time.

    Args:
        on_lost: Is told when it ended.

    Attributes:
        idle_since: When its last call was over; the loop's seconds.
    """

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self.idle_since = 0.0
        self._on_lost = on_lost
        self._response: Response | None = None

    def call(self, request: bytes) -> Response:
        """Sends a request; the answer is to be waited for."""
        self._response = Response(self._transport)
        self._transport.write(request)
        return self._response

    def rest(self) -> bool:
        """Ends a call; whether there can be another."""
        response, self._response = self._response, None
        if response is None or not (response.complete and response.reusable) or self._transport.is_closing():
            self.abort()
            return False
        return True

    def abort(self) -> None:
        """Closes it at once; a call under way ends as broken."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._response is None:  # Nobody asked: what follows could be taken for the answer to the next call.
            self.abort()
        else:
            self._response.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._on_lost(self)
        if self._response is not None:
            self._response.end(error)
