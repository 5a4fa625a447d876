"""What only a store in Redis can meet: passwords, certificates, refusals, a full server and one that hangs."""

from __future__ import annotations

import asyncio
import signal

import pytest

from ai_service.cache.redis_health import COOL_OFF_S
from ai_service.cache.redis_store import RedisStore
from ai_service.cache.store import Claim, Generation, Kept, Lock
from tests.contract.certificates import Authority
from tests.contract.redis_server import PASSWORD, PATIENCE_S, USER, RedisServer
from tests.unit.service.fakes import FakeClock

A_WHILE_S = 0.5


async def test_a_wrong_password_is_no_exception(request: pytest.FixtureRequest, key: str) -> None:
    """A misconfigured Redis makes the service slower, not broken."""
    store = RedisStore(request.getfixturevalue("redis_server").url, username=USER, password="wrong")
    assert await store.get(key) is None
    assert not store.available
    await store.close()


async def test_a_certificate_of_nobody_known_is_refused(redis_server_with_tls: RedisServer, key: str) -> None:
    """The password goes to no server that another authority, or none, vouches for."""
    for authorities in (Authority().pem, ""):
        failures: list[str] = []
        store = RedisStore(
            redis_server_with_tls.url,
            username=USER,
            password=PASSWORD,
            authorities=authorities,
            timeout_s=PATIENCE_S,
            on_failure=failures.append,
        )
        assert await store.get(key) is None
        assert (store.available, failures) == (False, ["get"])
        await store.close()


async def test_a_refusal_is_no_outage(request: pytest.FixtureRequest) -> None:
    """A key out of bounds, or a full Redis, must not stop reading what is there."""
    failures: list[str] = []
    url = request.getfixturevalue("redis_server").url
    store = RedisStore(url, username=USER, password=PASSWORD, on_failure=failures.append, timeout_s=PATIENCE_S)
    assert not await store.set("elsewhere", b"v", 60)
    assert failures == ["set"]
    assert store.available
    assert await store.set("ai:v1:test:here", b"v", 60)
    await store.close()


async def test_a_full_redis_refuses_a_value_and_frees_its_lock(key: str) -> None:
    """The next one to ask need not wait for a lease to run out."""
    with RedisServer("--maxmemory-policy", "noeviction") as server:
        store = RedisStore(server.url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
        lock, generation = Lock(f"{key}:lock", b"mine"), Generation(f"{key}:generation")
        assert await store.claim(lock, 60) == Claim(held=True)
        server.limit_memory(1)
        assert await store.keep(key, b"v", 60, generation, lock) is Kept.REFUSED
        assert await store.get(lock.key) is None
        assert store.available
        await store.close()


async def test_a_full_redis_gives_what_it_holds_to_those_who_seek(key: str) -> None:
    """Beside others at the same moment, who get no lock and no value."""
    with RedisServer() as server:
        store = RedisStore(server.url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
        await store.set(key, b"v", 60)
        server.limit_memory(1)
        found = await asyncio.gather(
            *(
                store.seek(each, f"{key}:generation", Lock(f"{each}:lock", b"mine"), 60)
                for each in (f"{key}:other", key)
            )
        )
        assert found == [None, b"v"]
        assert store.available
        await store.close()


@pytest.mark.parametrize("connected", [False, True])
async def test_a_lock_whose_seeker_is_gone_is_freed(redis_server: RedisServer, key: str, connected: bool) -> None:
    """Nobody else would have to wait for nothing, whether the lock was taken for the seeker or not."""
    store = RedisStore(redis_server.url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
    if connected:
        assert await store.get(key) is None
    lock = Lock(f"{key}:lock", b"mine")
    seeking = asyncio.create_task(store.seek(key, f"{key}:generation", lock, 60))
    await asyncio.sleep(0)
    seeking.cancel()
    await store.close()
    other = RedisStore(redis_server.url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
    assert await other.claim(Lock(lock.key, b"yours"), 60) == Claim(held=True)
    await other.close()


async def test_a_redis_that_hung_and_goes_on_is_asked_over_a_new_connection(key: str) -> None:
    """Over the old one an answer might never come: its peer may be gone behind a cut network."""
    clock = FakeClock()
    with RedisServer() as server:
        store = RedisStore(server.url, username=USER, password=PASSWORD, timeout_s=A_WHILE_S, clock=clock)
        await store.set(key, b"v", 60)
        assert await store.get(key) == b"v"
        before = server.connections()
        server.signal(signal.SIGSTOP)
        waiting = [asyncio.create_task(store.get(key)) for _ in range(3)]
        assert await asyncio.gather(*waiting) == [None] * 3
        assert await store.get(key) is None
        server.signal(signal.SIGCONT)
        assert not store.available
        clock.advance(COOL_OFF_S)
        assert await store.get(key) == b"v"
        assert store.available
        assert server.connections() == before + 2  # The store's, and this question's own.
        await store.close()


async def test_an_answer_that_comes_too_late_is_nobody_elses(key: str) -> None:
    """It keeps its place among the answers, and goes to nobody."""
    with RedisServer() as server:
        store = RedisStore(server.url, username=USER, password=PASSWORD, timeout_s=A_WHILE_S)
        await store.set(key, b"v", 60)
        server.signal(signal.SIGSTOP)
        assert await store.get(key) is None
        assert not store.available
        server.signal(signal.SIGCONT)
        assert await store.get(f"{key}:other") is None
        assert store.available
        assert await store.get(key) == b"v"
        await store.close()
