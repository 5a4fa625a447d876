"""What a connection makes of the bytes that come over it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import BusyLoadingError, InvalidResponse, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.contract.redis_connection.resp_server import RespServer
from tests.contract.redis_server import PATIENCE_S

if TYPE_CHECKING:
    from tests.contract.redis_connection.conftest import Connect

ANSWERS = b"$5\r\nhello\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n$-1\r\n+OK\r\n"
A_WHILE_S = 0.5


async def once_all_asked(server: RespServer, writer: asyncio.StreamWriter, *, asked: int, pieces: list[bytes]) -> None:
    """Answers when so many commands have come, piece by piece."""
    if len(server.commands) == asked:
        first, *others = pieces
        writer.write(first)
        for piece in others:
            await writer.drain()
            await asyncio.sleep(0.001)
            writer.write(piece)


async def test_answers_may_be_cut_anywhere(connect: Connect) -> None:
    """At every byte."""
    for at in range(1, len(ANSWERS)):
        respond = partial(once_all_asked, asked=5, pieces=[ANSWERS[:at], ANSWERS[at:]])
        async with RespServer(respond) as server:
            connection = connect(server.url, password="")
            answers = await asyncio.gather(*(connection.command("PING") for _ in range(5)), return_exceptions=True)
            assert isinstance(answers[2], ResponseError)
            assert [*answers[:2], *answers[3:]] == [b"hello", [1, None], None, b"OK"]
            assert not connection.ended
            await connection.close()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", InvalidResponse),
        (b"*-7\r\n", InvalidResponse),
        (b":no number\r\n", InvalidResponse),
        (b"-ERR \xff\xfe\r\n", ResponseError),
        (b"-\r\n", ResponseError),
        (b"-LOADING not yet\r\n", BusyLoadingError),
    ],
)
async def test_what_is_no_answer_is_an_error_to_who_waits(connect: Connect, sent: bytes, told: type[Exception]) -> None:
    """Answers before it count, whatever follows."""
    async with RespServer(partial(once_all_asked, asked=2, pieces=[b"+OK\r\n" + sent])) as server:
        connection = connect(server.url, password="")
        first, second = await asyncio.gather(*(connection.command("PING") for _ in range(2)), return_exceptions=True)
        assert first == b"OK"
        assert type(second) is told
        assert connection.ended == (told is InvalidResponse)
        await connection.close()


async def test_an_answer_that_nobody_asked_for_ends_the_connection(connect: Connect) -> None:
    """The next command would take it for its own."""
    async with RespServer(partial(once_all_asked, asked=1, pieces=[b"+OK\r\n+OK\r\n"])) as server:
        connection = connect(server.url, password="")
        assert await connection.command("PING") == b"OK"
        await asyncio.wait_for(server.left.wait(), PATIENCE_S)
        assert connection.ended


async def test_a_connection_that_ends_within_an_answer_is_an_error(connect: Connect) -> None:
    """To all who wait."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        if len(server.commands) == 2:
            writer.write(b"$5\r\nhel")
            await writer.drain()
            writer.close()

    async with RespServer(respond) as server:
        connection = connect(server.url, password="")
        answers = await asyncio.gather(*(connection.command("PING") for _ in range(2)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [RedisConnectionError] * 2
        assert connection.ended


async def test_a_late_answer_goes_to_nobody_and_forgives_its_lateness(connect: Connect) -> None:
    """What counts is silence: a server that answers after all is not given up with the next late answer."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        if len(server.commands) == 2:
            writer.write(b"+late\r\n+in time\r\n")

    async with RespServer(respond) as server:
        connection = connect(server.url, password="", timeout_s=A_WHILE_S)
        with pytest.raises(RedisTimeoutError):
            await connection.command("FIRST")
        assert await connection.command("SECOND") == b"in time"
        with pytest.raises(RedisTimeoutError):
            await connection.command("THIRD")
        assert not connection.ended
        assert server.commands == [[b"FIRST"], [b"SECOND"], [b"THIRD"]]


async def test_a_younger_command_is_not_given_up_with_an_older_one(connect: Connect) -> None:
    """Each has its own deadline. A machine that stops just between the two would hide that, but not every time."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        pass

    async with RespServer(respond) as server:
        for _ in range(10):
            connection = connect(server.url, password="", timeout_s=A_WHILE_S)
            older = connection.command("PING")
            await asyncio.sleep(A_WHILE_S / 2)
            younger = connection.command("PING")
            with pytest.raises(RedisTimeoutError):
                await older
            waits = not younger.done()
            with pytest.raises(RedisTimeoutError):
                await younger
            if waits:
                return
    pytest.fail("the younger one was always given up at once")


async def test_a_connection_logs_in_and_chooses_its_database_before_all_else(connect: Connect) -> None:
    """One after the other; what was given up meanwhile is not sent."""
    logging_in = asyncio.Event()
    go_on = asyncio.Event()

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        if server.commands[-1][0] == b"AUTH":
            logging_in.set()
            await go_on.wait()
        writer.write(b"+OK\r\n")

    async with RespServer(respond) as server:
        connection = connect(server.url.replace("/0", "/3"), password="secret")
        given_up, waiting = connection.command("SET", "a", b"b"), connection.command("PING")
        await logging_in.wait()
        given_up.cancel()
        go_on.set()
        assert await waiting == b"OK"
        assert server.commands == [[b"AUTH", b"alchemorsel", b"secret"], [b"SELECT", b"3"], [b"PING"]]


async def test_a_server_that_never_lets_anybody_in_is_given_up(connect: Connect) -> None:
    """Logging in has no deadline of its own, but those who wait for it have."""

    async def respond(server: RespServer, writer: asyncio.StreamWriter) -> None:
        pass

    async with RespServer(respond) as server:
        connection = connect(server.url, timeout_s=0.05)
        for _ in range(2):
            with pytest.raises(RedisTimeoutError):
                await connection.command("PING")
        assert connection.ended
        await asyncio.wait_for(server.left.wait(), PATIENCE_S)
        assert [command[0] for command in server.commands] == [b"AUTH"]
