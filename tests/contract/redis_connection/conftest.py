"""Every test runs on both event loops: asyncio's own, and uvloop, on which the service runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvloop

from ai_service.cache.redis_address import RedisAddress
from ai_service.cache.redis_connection import RedisConnection
from ai_service.cache.redis_store import RedisStore
from tests.contract.redis_server import PASSWORD, PATIENCE_S, USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    Connect = Callable[..., RedisConnection]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What pytest-asyncio makes loops with."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes connections as the store does."""
    made: list[RedisConnection] = []

    def make(
        url: str, *, authorities: str = "", password: str = PASSWORD, timeout_s: float = PATIENCE_S
    ) -> RedisConnection:
        store = RedisStore(url, username=USER if password else "", password=password, authorities=authorities)
        connection = RedisConnection(RedisAddress(store.connection_pool), timeout_s)
        made.append(connection)
        return connection

    yield make
    for connection in made:
        await connection.close()
