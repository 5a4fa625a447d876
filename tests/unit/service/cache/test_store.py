"""What the stores do beyond the contract that they share."""

import asyncio
import logging
import socket

import pytest

from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.redis_client import RedisClient
from ai_service.cache.redis_health import COOL_OFF_S
from ai_service.cache.redis_store import RedisStore
from tests.unit.service.fakes import FakeClock


def unused_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_the_memory_store_is_bounded_in_bytes() -> None:
    """A laptop without Redis does not fill its memory."""
    store = MemoryStore(max_bytes=250)
    for key in ("a", "b", "c"):
        await store.set(key, b"x" * 99, 60)
    assert [await store.get(key) is not None for key in ("a", "b", "c")] == [False, True, True]


async def test_the_memory_store_forgets_what_expired() -> None:
    """As Redis does."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    await store.set("k", b"v", 10)
    clock.advance(9.9)
    assert await store.get("k") == b"v"
    clock.advance(0.2)
    assert await store.get("k") is None


async def test_one_late_answer_is_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    """Two in a row are; meanwhile nobody takes the missing answer for a missing value."""
    clock, failures = FakeClock(), list[str]()
    with socket.socket() as silent, caplog.at_level(logging.WARNING):
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = RedisStore(
            RedisClient(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", on_failure=failures.append, clock=clock)
        )
        assert await store.get("k") is None
        assert not store.available
        assert caplog.records == []
        assert await store.get("k") is None
        assert len(caplog.records) == 1
        assert await store.get("k") is None
        assert failures == ["get", "get"]
        await store.close()


async def test_answers_that_are_late_at_the_same_moment_are_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    """This process may have been held up; an operation that begins afterwards, and is late too, settles it."""
    failures = list[str]()
    with socket.socket() as silent, caplog.at_level(logging.WARNING):
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = RedisStore(RedisClient(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", on_failure=failures.append))
        assert await asyncio.gather(*(store.get(f"k{number}") for number in range(5))) == [None] * 5
        assert (failures, caplog.records) == (["get"] * 5, [])
        assert await store.get("k") is None
        assert [record.getMessage() for record in caplog.records] == ["Redis does not answer (no answer in time)"]
        await store.close()


async def test_all_operations_share_one_pause_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Time-outs do not add up, and the log has one line, not one a request."""
    clock, failures = FakeClock(), list[str]()
    store = RedisStore(RedisClient(f"redis://127.0.0.1:{unused_port()}/0", on_failure=failures.append, clock=clock))
    with caplog.at_level(logging.WARNING):
        assert await store.get("k") is None
        assert not await store.set("k", b"v", 1)
        assert not await store.ping()
        assert failures == ["get"]
        assert not store.available
        clock.advance(COOL_OFF_S)
        assert not await store.ping()
    assert failures == ["get", "ping"]
    assert [record.getMessage()[:21] for record in caplog.records] == ["Redis does not answer"]
    await store.close()
