"""Callers that leave before they have their answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from ai_service.errors import Disconnected

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.types import Receive

Result = TypeVar("Result")


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has left; the request's body has been read."""
    message: Any = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def unless_disconnected(work: Coroutine[Any, Any, Result], receive: Receive) -> Result:
    """Await work that takes long, and cancel it where the client leaves first.

    Raises:
        Disconnected: The client left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(wait_for_disconnect(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Disconnected
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
