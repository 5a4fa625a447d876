"""What tests of the client share: a client of a server that is ended with the test, and one call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ai_service.http_client import Client

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from tests.raw_server import RawServer


async def serve(stack: AsyncExitStack, server: RawServer, **options: float) -> Client:
    """Starts a server; returns a client of it."""
    await stack.enter_async_context(server)
    client = Client(f"{server.url}/base", {"Authorization": "Bearer key"}, **options)
    stack.push_async_callback(client.close)
    return client


async def fetch(client: Client) -> bytes:
    """One call, its whole answer."""
    async with asyncio.timeout(10), client.get("/x") as response:
        return await response.read()
