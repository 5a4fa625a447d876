"""What every store does. Redis is a real one, with no more rights than the role gives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.redis_store import RedisStore
from ai_service.cache.store import Claim, Generation, Kept, Lock, Store
from tests.contract.redis_server import PASSWORD, PATIENCE_S, USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(params=["memory", "redis", "redis over TLS"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Each implementation in turn."""
    if request.param == "memory":
        made: Store = MemoryStore()
    elif request.param == "redis over TLS":
        url = request.getfixturevalue("redis_server_with_tls").url
        pem = request.getfixturevalue("authority").pem
        made = RedisStore(url, username=USER, password=PASSWORD, authorities=pem, timeout_s=PATIENCE_S)
    else:
        url = request.getfixturevalue("redis_server").url
        made = RedisStore(url, username=USER, password=PASSWORD, timeout_s=PATIENCE_S)
    yield made
    await made.close()


async def test_a_value_comes_back_as_it_was(store: Store, key: str) -> None:
    """Bytes of any kind."""
    value = bytes(range(256)) * 300
    assert await store.set(key, value, 60)
    assert await store.get(key) == value


async def test_an_unknown_key_has_no_value(store: Store, key: str) -> None:
    """And the store is still available."""
    assert await store.get(key) is None
    assert store.available


async def test_the_last_value_wins(store: Store, key: str) -> None:
    """A refresh replaces."""
    await store.set(key, b"old", 60)
    await store.set(key, b"new", 60)
    assert await store.get(key) == b"new"


async def test_a_value_is_gone_after_its_time(store: Store, key: str) -> None:
    """Fractions of a second count."""
    await store.set(key, b"v", 0.02)
    while await store.get(key) is not None:  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.01)


async def test_values_that_are_asked_for_at_once_each_reach_who_asked(store: Store, key: str) -> None:
    """Known and unknown keys, the same one twice, and with one of those who asked gone."""
    for number in range(3):
        await store.set(f"{key}:{number}", b"v%d" % number, 60)
    asked = [f"{key}:{number}" for number in (2, 9, 0, 1, 2)]
    gone = asyncio.create_task(store.get(f"{key}:1"))
    values = asyncio.gather(*(store.get(each) for each in asked))
    await asyncio.sleep(0)
    gone.cancel()
    assert await values == [b"v2", None, b"v0", b"v1", b"v2"]


async def test_a_lock_is_one_holders_until_it_is_released(store: Store, key: str) -> None:
    """And taking it says what is stored under other keys at that moment."""
    mine, yours = Lock(f"{key}:lock", b"mine"), Lock(f"{key}:lock", b"yours")
    assert await store.claim(mine, 60, key) == Claim(held=True, seen=(None,))
    await store.set(key, b"v", 60)
    assert await store.claim(yours, 60, key, f"{key}:other", key) == Claim(held=False, seen=(b"v", None, b"v"))
    assert not await store.release(yours)
    assert await store.release(mine)
    assert not await store.release(mine)
    assert await store.claim(yours, 60) == Claim(held=True)


async def test_a_value_that_is_sought_is_found_or_is_the_seekers_to_compute(store: Store, key: str) -> None:
    """Who comes second learns that somebody computes it, and under which generation."""
    mine, yours = Lock(f"{key}:lock", b"mine"), Lock(f"{key}:lock", b"yours")
    generation = f"{key}:generation"
    assert await store.seek(key, generation, mine, 60) == Claim(held=True, seen=(None, None))
    await store.set(generation, b"second", 60)
    assert await store.seek(key, generation, yours, 60) == Claim(held=False, seen=(None, b"second"))
    await store.set(key, b"v", 60)
    await store.release(mine)
    assert await store.seek(key, generation, yours, 60) == b"v"
    assert await store.claim(mine, 60) == Claim(held=True)


async def test_of_those_who_seek_at_once_each_gets_their_own_and_one_the_lock(store: Store, key: str) -> None:
    """With a known key among unknown ones; the time that a lock lasts is each seeker's."""
    await store.set(f"{key}:1", b"v1", 60)
    sought = [(2, b"a", 0.02), (1, b"b", 60), (2, b"c", 60), (3, b"d", 60)]
    found = await asyncio.gather(
        *(
            store.seek(f"{key}:{number}", f"{key}:generation", Lock(f"{key}:{number}:lock", token), ttl_s)
            for number, token, ttl_s in sought
        )
    )
    unknown = (None, None)
    assert found == [Claim(True, unknown), b"v1", Claim(False, unknown), Claim(True, unknown)]
    claim = None
    while claim is None or not claim.held:  # It runs out, which a lock of 60 s would not.
        await asyncio.sleep(0.01)
        claim = await store.claim(Lock(f"{key}:2:lock", b"e"), 60)
    assert await store.claim(Lock(f"{key}:3:lock", b"e"), 60) == Claim(held=False)


async def test_a_lock_runs_out_unless_it_is_extended(store: Store, key: str) -> None:
    """By its holder only."""
    mine, yours = Lock(f"{key}:lock", b"mine"), Lock(f"{key}:lock", b"yours")
    await store.claim(mine, 0.3)
    assert await store.extend(mine, 60)
    assert not await store.extend(yours, 60)
    await asyncio.sleep(0.4)
    claim = await store.claim(yours, 60)
    assert claim is not None
    assert not claim.held
    assert await store.extend(mine, 0.02)
    while (claim := await store.claim(yours, 60)) is None or not claim.held:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.01)
    assert not await store.extend(mine, 60)


@pytest.mark.parametrize("before", [b"", b"first"])
async def test_a_value_is_kept_in_the_generation_that_it_was_computed_under(
    store: Store, key: str, before: bytes
) -> None:
    """Also where there is none yet; its lock is free then."""
    generation, lock = Generation(f"{key}:generation", before), Lock(f"{key}:lock", b"mine")
    if before:
        await store.set(generation.key, before, 60)
    await store.claim(lock, 60)
    assert await store.keep(key, b"v", 60, generation, lock) is Kept.STORED
    assert await store.claim(Lock(lock.key, b"yours"), 60, key) == Claim(held=True, seen=(b"v",))


@pytest.mark.parametrize("before", [b"", b"first"])
async def test_a_value_of_an_old_generation_is_not_kept(store: Store, key: str, before: bytes) -> None:
    """A purge came between; the lock is freed all the same, for the next to compute anew."""
    generation, lock = Generation(f"{key}:generation", before), Lock(f"{key}:lock", b"mine")
    await store.claim(lock, 60)
    await store.set(generation.key, b"second", 60)
    assert await store.keep(key, b"v", 60, generation, lock) is Kept.OUTDATED
    assert await store.claim(Lock(lock.key, b"yours"), 60, key) == Claim(held=True, seen=(None,))


async def test_a_value_that_is_kept_for_a_time_is_gone_after_it(store: Store, key: str) -> None:
    """Without a lock, too."""
    await store.keep(key, b"v", 0.02, Generation(f"{key}:generation"))
    while await store.get(key) is not None:  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.01)


async def test_another_holders_lock_is_not_freed(store: Store, key: str) -> None:
    """One's own ran out meanwhile."""
    lock = f"{key}:lock"
    await store.claim(Lock(lock, b"yours"), 60)
    assert await store.keep(key, b"v", 60, Generation(f"{key}:generation"), Lock(lock, b"mine")) is Kept.STORED
    assert await store.get(lock) == b"yours"


async def test_a_purge_removes_what_begins_so_and_nothing_else(store: Store, key: str) -> None:
    """However many there are."""
    for number in range(1200):
        await store.set(f"{key}:a:{number}", b"v", 60)
    await store.set(f"{key}:b", b"v", 60)
    assert await store.count(f"{key}:a:") == 1200
    assert await store.purge(f"{key}:a:") == 1200
    assert await store.count(f"{key}:a:") == 0
    assert await store.purge(f"{key}:a:") == 0
    assert await store.get(f"{key}:b") == b"v"


async def test_it_answers_a_ping(store: Store) -> None:
    """Health looks at it so."""
    assert await store.ping()
