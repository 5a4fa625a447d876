"""A connection to a real Redis."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import AuthenticationError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from lab.ports import free_port
from tests.contract.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from ai_service.cache.redis_connection import RedisConnection
    from tests.contract.certificates import Authority
    from tests.contract.redis_connection.conftest import Connect

BRIEFLY_S = 0.05


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """One that a test may stop and kill."""
    with RedisServer() as started:
        yield started


@pytest.fixture(params=["TCP", "TLS", "unix"])
async def connection(
    request: pytest.FixtureRequest, connect: Connect, tmp_path: Path
) -> AsyncIterator[RedisConnection]:
    """By each way there is."""
    if request.param == "unix":
        with RedisServer("--unixsocket", str(tmp_path / "redis.sock")):
            yield connect(f"unix://{tmp_path}/redis.sock")
    elif request.param == "TLS":
        authority: Authority = request.getfixturevalue("authority")
        yield connect(request.getfixturevalue("redis_server_with_tls").url, authorities=authority.pem)
    else:
        yield connect(request.getfixturevalue("redis_server").url)


async def test_commands_that_do_not_wait_for_each_other_get_their_own_answers(connection: RedisConnection) -> None:
    """The first ones before there is a connection; large values, and many in one turn of the loop."""
    values = [b"%d " % number * number for number in range(200)]
    for begin in range(0, 200, 40):
        await asyncio.gather(
            *(connection.command("SET", f"ai:v1:order:{n}", values[n], "PX", 60000) for n in range(begin, begin + 40))
        )
    found = [connection.command("GET", f"ai:v1:order:{n}") for n in range(200)]
    assert await asyncio.gather(*found) == values


async def test_a_refusal_is_the_answer_to_one_command_among_others(connection: RedisConnection) -> None:
    """Those before and after it are answered."""
    asked = [connection.command(*words) for words in (("PING",), ("CONFIG", "GET", "dir"), ("PING",))]
    first, refused, last = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, last) == (b"PONG", b"PONG")
    assert isinstance(refused, ResponseError)
    assert not connection.ended


async def test_a_script_gives_lists_numbers_and_nothing(connection: RedisConnection) -> None:
    """In Redis's second protocol."""
    script = "return {1, 'text', {false, -1}, redis.error_reply('ERR not now')}"
    *values, error = await connection.command("EVAL", script, 0)
    assert values == [1, b"text", [None, -1]]
    assert isinstance(error, ResponseError)


async def test_the_answer_to_a_command_that_was_given_up_is_nobody_elses(connect: Connect, server: RedisServer) -> None:
    """It keeps its place in the order; the connection goes on."""
    connection = connect(server.url)
    await connection.command("SET", "ai:v1:late", "late", "PX", 60000)
    server.signal(signal.SIGSTOP)
    cancelled, waiting = connection.command("GET", "ai:v1:late"), connection.command("PING")
    cancelled.cancel()
    server.signal(signal.SIGCONT)
    assert await waiting == b"PONG"
    assert await connection.command("PING") == b"PONG"
    assert not connection.ended


async def test_a_server_that_stays_silent_is_given_up(connect: Connect, server: RedisServer) -> None:
    """One late answer is waited for by nobody; with the second, the connection ends, and who waits is told."""
    connection = connect(server.url, timeout_s=BRIEFLY_S)
    while True:  # However slow the machine is, it gets connected.
        try:
            await connection.command("PING")
            break
        except RedisTimeoutError:
            connection = connect(server.url, timeout_s=BRIEFLY_S) if connection.ended else connection
    server.signal(signal.SIGSTOP)
    with pytest.raises(RedisTimeoutError):
        await connection.command("PING")
    assert not connection.ended
    with pytest.raises(RedisTimeoutError):
        await connection.command("PING")
    assert connection.ended


async def test_all_who_wait_are_told_when_redis_dies(connect: Connect, server: RedisServer) -> None:
    """At once, not at their deadlines."""
    connection = connect(server.url)
    await connection.command("PING")
    server.signal(signal.SIGSTOP)
    asked = [connection.command("PING") for _ in range(3)]
    await asyncio.to_thread(server.kill)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [RedisConnectionError] * 3
    assert connection.ended


async def test_a_wrong_password_is_told_to_all_who_wait(connect: Connect, redis_server: RedisServer) -> None:
    """Their commands are not sent, and nobody reads the password."""
    connection = connect(redis_server.url, password="not the password")
    answers = await asyncio.gather(*(connection.command("PING") for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [AuthenticationError] * 3
    assert "not the password" not in str(answers)
    assert connection.ended


@pytest.mark.parametrize("place", ["TCP", "unix"])
async def test_nobody_who_listens_is_an_error_that_says_where(connect: Connect, place: str, tmp_path: Path) -> None:
    """As after a server that was stopped."""
    where = f"127.0.0.1:{free_port()}" if place == "TCP" else f"{tmp_path}/redis.sock"
    connection = connect(f"redis://{where}/0" if place == "TCP" else f"unix://{where}")
    answers = await asyncio.gather(*(connection.command("PING") for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [RedisConnectionError] * 3
    assert f"no connection to {where}: " in str(answers[0])
    assert connection.ended


async def test_closing_waits_for_answers(connect: Connect, redis_server: RedisServer) -> None:
    """Also for those whose commands are not sent yet."""
    connection = connect(redis_server.url)
    asked = [connection.command("PING") for _ in range(3)]
    await connection.close()
    assert [answer.result() for answer in asked] == [b"PONG"] * 3
    assert connection.ended
