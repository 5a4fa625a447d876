"""What every store does. Redis is a real one, with no more rights than the role gives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.redis_client import RedisClient
from ai_service.cache.redis_store import RedisStore
from ai_service.cache.store import Lock, Store
from tests.contract.redis_server import MAX_WAIT_S, PASSWORD, USER

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
        made = RedisStore(RedisClient(url, username=USER, password=PASSWORD, authorities=pem, timeout_s=MAX_WAIT_S))
    else:
        url = request.getfixturevalue("redis_server").url
        made = RedisStore(RedisClient(url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))
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


async def test_a_value_without_a_time_stays_and_is_not_replaced_where_it_must_not_be(store: Store, key: str) -> None:
    """As epochs are: whoever stores first decides."""
    assert await store.set(key, b"first", if_absent=True)
    assert not await store.set(key, b"second", if_absent=True)
    assert await store.get(key) == b"first"
    assert await store.set(key, b"third")
    assert await store.get(key) == b"third"


async def test_a_lock_is_one_holders_until_it_is_released(store: Store, key: str) -> None:
    """By its token."""
    mine, yours = Lock(f"{key}:lock", b"mine"), Lock(f"{key}:lock", b"yours")
    assert await store.acquire(mine, 60) is True
    assert await store.acquire(yours, 60) is False
    store.release(yours)
    await asyncio.sleep(0.05)
    assert await store.get(mine.key) == b"mine"
    store.release(mine)
    while not await store.acquire(yours, 60):  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.01)
    store.release(mine)
    await asyncio.sleep(0.05)
    assert await store.get(mine.key) == b"yours"


async def test_of_those_who_want_a_lock_at_once_one_gets_it(store: Store, key: str) -> None:
    """Whatever their number."""
    held = await asyncio.gather(*(store.acquire(Lock(f"{key}:lock", b"%d" % number), 60) for number in range(20)))
    assert sorted(held, key=bool) == [False] * 19 + [True]


async def test_a_lock_expires_unless_it_is_extended(store: Store, key: str) -> None:
    """By its holder only."""
    mine, yours = Lock(f"{key}:lock", b"mine"), Lock(f"{key}:lock", b"yours")
    await store.acquire(mine, 0.3)
    assert await store.extend(mine, 60)
    assert not await store.extend(yours, 60)
    await asyncio.sleep(0.4)
    assert await store.acquire(yours, 60) is False
    assert await store.extend(mine, 0.02)
    while not await store.acquire(yours, 60):  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.01)
    assert not await store.extend(mine, 60)


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


async def test_amounts_add_up_by_field(store: Store, key: str) -> None:
    """From nothing; large ones too."""
    assert await store.amounts(key) == {}
    assert await store.add(key, {"web:tokens": 3, "web:requests": 1}, 60, batch="a")
    assert await store.add(key, {"web:tokens": 2**40, "job:tokens": 5}, 60, batch="b")
    assert await store.amounts(key) == {"web:tokens": 2**40 + 3, "web:requests": 1, "job:tokens": 5}


async def test_a_batch_that_is_sent_again_counts_once(store: Store, key: str) -> None:
    """As where its reply was lost; under another key it is another batch."""
    for _ in range(3):
        assert await store.add(key, {"tokens": 3}, 60, batch="a")
    assert await store.add(f"{key}:other", {"tokens": 4}, 60, batch="a")
    assert [await store.amounts(each) for each in (key, f"{key}:other")] == [{"tokens": 3}, {"tokens": 4}]


async def test_the_newest_records_are_kept(store: Store, key: str) -> None:
    """Newest first; bytes of any kind, and no more of them than wanted."""
    assert await store.latest(key, 5) == []
    assert await store.append(key, [b"1", b"2"], 3)
    assert await store.append(key, [b"\xff\x00", b"4"], 3)
    assert await store.latest(key, 5) == [b"4", b"\xff\x00", b"2"]
    assert await store.latest(key, 1) == [b"4"]
    assert await store.append(key, [b"%d" % number for number in range(9)], 3)
    assert await store.latest(key, 5) == [b"8", b"7", b"6"]


async def test_amounts_are_gone_after_their_time(store: Store, key: str) -> None:
    """Which begins anew each time."""
    await store.add(key, {"tokens": 3}, 0.2, batch="a")
    await store.add(key, {"tokens": 3}, 60, batch="b")
    await asyncio.sleep(0.3)
    assert await store.amounts(key) == {"tokens": 6}
    await store.add(key, {"tokens": 3}, 0.02, batch="c")
    while await store.amounts(key):  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.01)


async def test_keys_are_listed_by_their_beginning(store: Store, key: str) -> None:
    """Each once, and no more of them than wanted."""
    wanted = {f"{key}:{number}" for number in range(30)}
    for each in (*wanted, f"{key}-other"):
        await store.set(each, b"", 60)
    assert sorted(await store.keys(f"{key}:", 99) or []) == sorted(wanted)
    some = await store.keys(f"{key}:", 7) or []
    assert len(set(some)) == 7
    assert set(some) <= wanted
    assert await store.keys(f"{key}:none", 9) == []


async def test_it_answers_a_ping(store: Store) -> None:
    """Health looks at it so."""
    assert await store.ping()
