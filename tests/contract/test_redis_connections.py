"""Kept connections to a real Redis."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from ai_service.cache.redis_connections import RedisConnections
from ai_service.cache.redis_store import RedisStore
from tests.contract.redis_server import PASSWORD, PATIENCE_S, USER, RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import ConnectionPool


@pytest.fixture
async def pool(redis_server: RedisServer) -> AsyncIterator[ConnectionPool]:
    """The store's: it does not announce its maintenance, which would make a closed connection look like news."""
    store = RedisStore(redis_server.url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
    yield store.connection_pool
    await store.close()


@pytest.fixture
def connections(pool: ConnectionPool) -> RedisConnections:
    """As the store has them."""
    return RedisConnections(pool)


def count(pool: ConnectionPool) -> int:
    """How many connections the pool has made."""
    return sum(number for number, _ in pool.get_connection_count())


async def test_one_command_after_the_other_takes_one_connection(
    connections: RedisConnections, pool: ConnectionPool
) -> None:
    """It is kept in between."""
    for _ in range(3):
        assert await connections.command("PING") == b"PONG"
    assert count(pool) == 1


async def test_commands_at_once_do_not_mix_up_their_answers(connections: RedisConnections) -> None:
    """Each has a connection of its own meanwhile."""
    await asyncio.gather(*(connections.command("SET", f"ai:v1:mix:{n}", n, "PX", 60000) for n in range(20)))
    values = await asyncio.gather(*(connections.command("GET", f"ai:v1:mix:{n}") for n in range(20)))
    assert values == [str(n).encode() for n in range(20)]


async def test_a_refusal_leaves_the_connection_usable(connections: RedisConnections, pool: ConnectionPool) -> None:
    """Redis answered; the answer was an error."""
    with pytest.raises(ResponseError):
        await connections.command("CONFIG", "GET", "dir")
    assert await connections.command("PING") == b"PONG"
    assert count(pool) == 1


async def test_the_answer_to_a_command_that_was_given_up_is_nobody_elses(
    connections: RedisConnections, redis_server: RedisServer
) -> None:
    """The connection is made anew: the late answer comes on the old one."""
    await connections.command("SET", "ai:v1:late", "late", "PX", 60000)
    redis_server.signal(signal.SIGSTOP)
    try:
        waiting = asyncio.create_task(connections.command("GET", "ai:v1:late"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        redis_server.signal(signal.SIGCONT)
    assert await connections.command("PING") == b"PONG"


async def test_a_connection_that_redis_closed_is_made_anew() -> None:
    """As after a restart: the next command does not find out by failing."""
    with RedisServer() as server:
        store = RedisStore(server.url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
        connections = RedisConnections(store.connection_pool)
        await connections.command("PING")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await connections.command("PING") == b"PONG"
        await store.close()
