"""What only a store in Redis can meet: passwords, certificates, refusals, a full server and one that hangs."""

from __future__ import annotations

import asyncio
import signal

import pytest

from ai_service.cache.redis_client import TIMEOUT_S, RedisClient
from ai_service.cache.redis_health import COOL_OFF_S
from ai_service.cache.redis_store import RedisStore
from ai_service.cache.store import Lock
from tests.contract.certificates import Authority
from tests.contract.redis_server import MAX_WAIT_S, PASSWORD, RIGHTS, USER, RedisServer
from tests.contract.resp_server import RespServer
from tests.unit.service.fakes import FakeClock

A_WHILE_S = 0.5


async def test_a_wrong_password_is_no_exception(request: pytest.FixtureRequest, key: str) -> None:
    """A misconfigured Redis makes the service slower, not broken."""
    store = RedisStore(RedisClient(request.getfixturevalue("redis_server").url, username=USER, password="wrong"))
    assert await store.get(key) is None
    assert not store.available
    await store.close()


async def test_a_certificate_of_nobody_known_is_refused(redis_server_with_tls: RedisServer, key: str) -> None:
    """The password goes to no server that another authority, or none, vouches for."""
    for authorities in (Authority().pem, ""):
        failures: list[str] = []
        store = RedisStore(
            RedisClient(
                redis_server_with_tls.url,
                username=USER,
                password=PASSWORD,
                authorities=authorities,
                timeout_s=MAX_WAIT_S,
                on_failure=failures.append,
            )
        )
        assert await store.get(key) is None
        assert (store.available, failures) == (False, ["get"])
        await store.close()


async def test_a_refusal_is_no_outage(request: pytest.FixtureRequest) -> None:
    """A key out of bounds, or a full Redis, must not stop reading what is there."""
    failures: list[str] = []
    url = request.getfixturevalue("redis_server").url
    store = RedisStore(
        RedisClient(url, username=USER, password=PASSWORD, on_failure=failures.append, timeout_s=MAX_WAIT_S)
    )
    assert not await store.set("elsewhere", b"v", 60)
    assert failures == ["set"]
    assert store.available
    assert await store.set("ai:v2:test:here", b"v", 60)
    await store.close()


async def test_a_full_redis_gives_what_it_holds_and_takes_nothing(key: str) -> None:
    """No value and no lock; but a lock that is held is freed, so that nobody waits for its end."""
    with RedisServer("--maxmemory-policy", "noeviction") as server:
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))
        lock = Lock(f"{key}:lock", b"mine")
        assert await store.acquire(lock, 60) is True
        await store.set(key, b"v", 60)
        server.limit_memory(1)
        assert await store.acquire(Lock(f"{key}:other", b"mine"), 60) is None
        assert not await store.set(f"{key}:new", b"v", 60)
        assert await store.get(key) == b"v"
        store.release(lock)
        async with asyncio.timeout(MAX_WAIT_S):
            while await store.get(lock.key) is not None:  # noqa: ASYNC110 - Redis sends no event
                await asyncio.sleep(0.01)
        assert store.available
        await store.close()


@pytest.mark.parametrize("connected", [False, True])
async def test_a_lock_whose_taker_is_gone_is_freed(redis_server: RedisServer, key: str, connected: bool) -> None:
    """Nobody else would have to wait for nothing, whether the lock was taken for the caller or not."""
    store = RedisStore(RedisClient(redis_server.url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))
    if connected:
        assert await store.get(key) is None
    lock = Lock(f"{key}:lock", b"mine")
    taking = asyncio.create_task(store.acquire(lock, 60))
    await asyncio.sleep(0)
    taking.cancel()
    await store.close()
    other = RedisStore(RedisClient(redis_server.url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))
    assert await other.acquire(Lock(lock.key, b"yours"), 60) is True
    await other.close()


async def test_a_redis_that_hung_and_goes_on_is_asked_over_a_new_connection(key: str) -> None:
    """Over the old one an answer might never come: its peer may be gone behind a cut network."""
    clock = FakeClock()
    with RedisServer() as server:
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=A_WHILE_S, clock=clock))
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
        assert server.connections() >= before + 2  # A new one of the store's, and this question's own.
        await store.close()


async def test_an_answer_that_comes_too_late_is_nobody_elses(key: str) -> None:
    """It goes to nobody: its connection is not used again."""
    with RedisServer() as server:
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=A_WHILE_S))
        await store.set(key, b"v", 60)
        server.signal(signal.SIGSTOP)
        assert await store.get(key) is None
        assert not store.available
        server.signal(signal.SIGCONT)
        assert await store.get(f"{key}:other") is None
        assert store.available
        assert await store.get(key) == b"v"
        await store.close()


@pytest.mark.parametrize("operation", ["acquire", "release"])
async def test_a_reply_that_comes_too_late_leaves_no_lock(key: str, operation: str) -> None:
    """The next one to ask, in this process too, would wait for its lease to run out."""
    mine, yours = Lock(f"{key}:lock", b"mine"), Lock(f"{key}:lock", b"yours")
    with RedisServer() as server:
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=A_WHILE_S))
        other = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))
        assert await store.connect(MAX_WAIT_S)
        if operation == "release":
            assert await store.acquire(mine, 60)
        server.signal(signal.SIGSTOP)
        if operation == "release":
            store.release(mine)
            await asyncio.sleep(2 * A_WHILE_S)
        else:
            assert await store.acquire(mine, 60) is None
        server.signal(signal.SIGCONT)
        async with asyncio.timeout(MAX_WAIT_S):
            while not await other.acquire(yours, 60):  # noqa: ASYNC110 - Redis sends no event
                await asyncio.sleep(0.01)
        await store.close()
        await other.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*-7\r\n",
        b":no number\r\n",
        b"-ERR \xff\xfe\r\n",
        b"-\r\n",
        b":5\r\n",
        b"*1\r\n" * 100,
        b"*3\r\n:1\r\n:2\r\n:3\r\n",
        b"*1\r\n$1\r\n1\r\n",
        b"%1\r\n+a\r\n+b\r\n",
    ],
)
async def test_what_is_no_answer_is_as_if_nothing_were_stored(sent: bytes) -> None:
    """Bytes of another protocol, and values of other types."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        writer.write(sent if server.commands[-1][0] in {b"GET", b"SET", b"EVAL"} else b"+OK\r\n")

    async with RespServer(respond) as server:
        store = RedisStore(RedisClient(server.url, timeout_s=A_WHILE_S))
        assert await store.get("a") is None
        assert await store.acquire(Lock("a:lock", b"mine"), 1) is None
        assert not await store.set("a", b"v", 1)
        assert not await store.set("a", b"v", if_absent=True)
        await store.close()


async def test_an_answer_that_nobody_asked_for_is_nobodys() -> None:
    """The next command would take it for its own."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        asked = [command for command in server.commands if command[0] == b"GET"]
        first = server.commands[-1][0] == b"GET" and len(asked) == 1
        writer.write(b"+first\r\n+stray\r\n" if first else b"+own\r\n")

    async with RespServer(respond) as server:
        store = RedisStore(RedisClient(server.url, timeout_s=MAX_WAIT_S))
        assert await store.get("a") == b"first"
        assert await store.get("a") == b"own"
        await store.close()


async def test_a_redis_that_is_slow_at_first_is_waited_for(key: str) -> None:
    """The connection that requests use is there then, and has their deadline again."""
    with RedisServer() as server:
        server.signal(signal.SIGSTOP)
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD))
        asyncio.get_running_loop().call_later(3 * TIMEOUT_S, server.signal, signal.SIGCONT)
        assert await store.connect(MAX_WAIT_S)
        before = server.connections()
        assert await store.set(key, b"v", 60)
        assert await store.get(key) == b"v"
        assert server.connections() == before + 1  # This question's own.
        server.signal(signal.SIGSTOP)
        waiting = asyncio.create_task(store.get(key))
        done, _ = await asyncio.wait({waiting}, timeout=A_WHILE_S)
        assert done
        assert not store.available
        await store.close()


async def test_a_redis_that_still_loads_its_data_is_waited_for() -> None:
    """It answers that it will answer soon."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        loading = len(server.commands) < 3
        writer.write(b"-LOADING Redis is loading the dataset in memory\r\n" if loading else b"+PONG\r\n")

    async with RespServer(respond) as server:
        store = RedisStore(RedisClient(server.url))
        assert await store.connect(MAX_WAIT_S)
        assert store.available
        await store.close()


@pytest.mark.parametrize("state", ["refused", "wrong password", "hung"])
async def test_a_redis_that_is_down_is_known_to_be(state: str) -> None:
    """At once where it refuses; after some patient attempts where it hangs."""
    failures: list[str] = []
    with RedisServer() as server:
        if state == "refused":
            server.kill()
        if state == "hung":
            server.signal(signal.SIGSTOP)
        password = "wrong" if state == "wrong password" else PASSWORD
        store = RedisStore(RedisClient(server.url, username=USER, password=password, on_failure=failures.append))
        assert not await store.connect(A_WHILE_S)
        assert not store.available
        assert set(failures) == {"connect"}
        assert (len(failures) > 1) is (state == "hung")
        await store.close()


async def test_a_user_of_an_older_release_costs_counts_and_nothing_else(key: str) -> None:
    """It may not count, which is no outage."""
    with RedisServer(rights=RIGHTS.replace(" +hincrby +hgetall", "")) as server:
        store = RedisStore(RedisClient(server.url, username=USER, password=PASSWORD, timeout_s=MAX_WAIT_S))
        assert not await store.add(key, {"tokens": 1}, 60, batch="a")
        assert await store.amounts(key) is None
        assert store.available
        assert await store.set(key, b"v", 60)
        await store.close()
