"""What every store does. Redis is a real one, with no more rights than the role gives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from ai_service.cache.store import Claim, MemoryStore, RedisStore, Store
from tests.contract.redis_server import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Each implementation in turn."""
    if request.param == "memory":
        made: Store = MemoryStore()
    else:
        url = request.getfixturevalue("redis_server").url
        made = RedisStore(url, username=USER, password=PASSWORD)
    yield made
    await made.close()


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"ai:v1:test:{uuid4().hex}"


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


async def test_a_lock_is_one_holders_until_it_is_released(store: Store, key: str) -> None:
    """And looking at it says what is stored under the key that it is for."""
    lock = f"{key}:lock"
    assert await store.claim(key, lock, b"mine", 60) == Claim(held=True, value=None)
    await store.set(key, b"v", 60)
    assert await store.claim(key, lock, b"yours", 60) == Claim(held=False, value=b"v")
    assert not await store.release(lock, b"yours")
    assert await store.release(lock, b"mine")
    assert not await store.release(lock, b"mine")
    assert await store.claim(key, lock, b"yours", 60) == Claim(held=True, value=b"v")


async def test_a_lock_runs_out_unless_it_is_extended(store: Store, key: str) -> None:
    """By its holder only."""
    lock = f"{key}:lock"
    await store.claim(key, lock, b"mine", 0.3)
    assert await store.extend(lock, b"mine", 60)
    assert not await store.extend(lock, b"yours", 60)
    await asyncio.sleep(0.4)
    claim = await store.claim(key, lock, b"yours", 60)
    assert claim is not None
    assert not claim.held
    assert await store.extend(lock, b"mine", 0.02)
    while (claim := await store.claim(key, lock, b"yours", 60)) is None or not claim.held:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.01)
    assert not await store.extend(lock, b"mine", 60)


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


async def test_a_wrong_password_is_no_exception(request: pytest.FixtureRequest, key: str) -> None:
    """A misconfigured Redis makes the service slower, not broken."""
    store = RedisStore(request.getfixturevalue("redis_server").url, username=USER, password="wrong")
    assert await store.get(key) is None
    assert not store.available
    await store.close()


async def test_a_refusal_is_no_outage(request: pytest.FixtureRequest) -> None:
    """A key out of bounds, or a full Redis, must not stop reading what is there."""
    failures: list[str] = []
    url = request.getfixturevalue("redis_server").url
    store = RedisStore(url, username=USER, password=PASSWORD, on_failure=failures.append)
    assert not await store.set("elsewhere", b"v", 60)
    assert failures == ["set"]
    assert store.available
    assert await store.set("ai:v1:test:here", b"v", 60)
    await store.close()
