"""What every way of counting does. Redis is a real one, with no more rights than the role gives."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from ai_service.access.keys import Key
from ai_service.access.rates import ProcessRates, Rates, SharedRates
from ai_service.answers.caller import Caller
from ai_service.cache.redis_client import RedisClient
from ai_service.cache.redis_store import RedisStore
from tests.contract.redis_server import MAX_WAIT_S, PASSWORD, RIGHTS, USER, RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOUR_S = 3600


@pytest.fixture(params=["process", "redis"])
async def rates(request: pytest.FixtureRequest) -> AsyncIterator[Rates]:
    """Each implementation in turn."""
    if request.param == "process":
        yield ProcessRates()
    else:
        store = store_of(request.getfixturevalue("redis_server"))
        yield SharedRates(store.client)
        await store.close()


def store_of(server: RedisServer) -> RedisStore:
    """Create a process's store."""
    return RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))


def key(rate: str) -> Key:
    """Create a key used by no other test."""
    return Key(Caller(uuid4().hex), bytes(32), rate)


async def waits(rates: Rates, asking: Key, times: int) -> list[int]:
    """Return the waits, in seconds, of successive requests with one key."""
    return [await rates.wait_s(asking) for _ in range(times)]


async def test_so_many_may_ask_and_no_more(rates: Rates) -> None:
    """Then it is told when to come again, within the window."""
    told = await waits(rates, key("3/hour"), 5)
    assert told[:3] == [0, 0, 0]
    assert all(1 <= wait_s <= HOUR_S for wait_s in told[3:])


async def test_one_keys_rate_is_not_anothers(rates: Rates) -> None:
    """Who is over it holds up nobody else."""
    greedy = key("1/hour")
    await waits(rates, greedy, 3)
    assert await rates.wait_s(key("1/hour")) == 0


async def test_after_the_time_it_may_ask_again(rates: Rates) -> None:
    """Refused requests do not push it further away."""
    asking = key("1/second")
    assert await rates.wait_s(asking) == 0
    while wait_s := await rates.wait_s(asking):
        assert wait_s <= 2
        await asyncio.sleep(0.1)


async def test_processes_that_share_a_redis_count_together(redis_server: RedisServer) -> None:
    """Nobody may ask more often for having reached another worker."""
    stores = [store_of(redis_server) for _ in range(2)]
    workers = [SharedRates(store.client) for store in stores]
    asking = key("4/hour")
    told = [await worker.wait_s(asking) for _ in range(3) for worker in workers]
    for store in stores:
        await store.close()
    assert [wait_s == 0 for wait_s in told] == [True] * 4 + [False] * 2


async def test_no_key_in_redis_shows_a_name(redis_server: RedisServer) -> None:
    """Whoever lists them learns of no client."""
    store, asking = store_of(redis_server), key("4/hour")
    before = set(redis_server.keys())
    await SharedRates(store.client).wait_s(asking)
    await store.close()
    added = set(redis_server.keys()) - before
    assert added
    assert not any(asking.name in name for name in added)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_without_redis_each_process_counts_for_itself(
    number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed or hung, it is no error, and the rate still holds; said once."""
    with RedisServer() as server:
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD))
        rates = SharedRates(store.client)
        assert await rates.wait_s(key("1/hour")) == 0
        server.signal(number)
        told = await waits(rates, key("2/hour"), 6)
        await store.close()
    assert [wait_s == 0 for wait_s in told].count(True) <= 4
    assert told[:2] == [0, 0]
    assert told[-1] > 0
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


async def test_a_redis_that_refuses_to_count_is_no_error() -> None:
    """As one does whose users are of an older release; the cache goes on."""
    with RedisServer(rights=RIGHTS.replace(" +evalsha", "")) as server:
        store = store_of(server)
        told = await waits(SharedRates(store.client), key("2/hour"), 3)
        assert await store.set("ai:v1:test", b"v", 60)
        await store.close()
    assert [wait_s == 0 for wait_s in told] == [True, True, False]


async def test_a_redis_that_forgot_the_scripts_learns_them_again() -> None:
    """After a restart, in the same call."""
    with RedisServer() as server:
        store = store_of(server)
        rates = SharedRates(store.client)
        await waits(rates, key("1/hour"), 1)
        server.kill()
        server.start()
        asking = key("1/hour")
        while not await store.ping():  # noqa: ASYNC110 - stores tell nobody
            await asyncio.sleep(0.1)
        assert await rates.wait_s(asking) == 0
        other = store_of(server)
        assert await SharedRates(other.client).wait_s(asking) > 0
        await store.close()
        await other.close()
