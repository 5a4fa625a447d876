"""What the adapters that speak HTTP share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from ai_service.providers.errors import ConnectionBroken, ProviderFailed, ProviderTimeout, ProviderUnreachable
from ai_service.providers.http import LINES_PER_TURN, MAX_LINE_BYTES, deadline, lines
from ai_service.transport.http_client import ResponseTooLong

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def stream_of(*pieces: bytes) -> httpx.Response:
    """Return a response whose body comes in these pieces."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return httpx.Response(200, content=body())


async def lines_of(*pieces: bytes) -> list[bytes]:
    """Return all lines of a stream."""
    return [line async for line in lines(stream_of(*pieces))]


STREAM = b"one\n\n \r\ntwo\r\nthree: \xc3\xa9\n"


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
async def test_lines_are_the_same_wherever_the_stream_was_cut(at: int) -> None:
    """Empty ones are left out."""
    assert await lines_of(*filter(None, [STREAM[:at], STREAM[at:]])) == [b"one", b"two\r", b"three: \xc3\xa9"]


async def test_the_last_line_needs_no_end() -> None:
    """Of a stream that ends with its connection."""
    assert await lines_of(b"one\nt", b"wo") == [b"one", b"two"]
    assert await lines_of(b"one\n", b"  ") == [b"one"]


async def test_a_line_without_an_end_is_given_up() -> None:
    """Before it takes all the memory there is; what came before it counts."""
    taken = lines(stream_of(b"one\n", *[b"x" * (MAX_LINE_BYTES // 2)] * 4))
    assert await anext(taken) == b"one"
    with pytest.raises(ProviderFailed, match="longer than"):
        await anext(taken)


async def test_a_line_that_comes_byte_by_byte_costs_no_more_than_its_bytes() -> None:
    """Half a million of them took minutes where each was appended to a copy of all before it."""
    async with asyncio.timeout(30):
        (line,) = await lines_of(*[b"x"] * (MAX_LINE_BYTES // 2))
    assert len(line) == MAX_LINE_BYTES // 2


async def test_many_lines_in_one_piece_keep_nobody_waiting() -> None:
    """Other work runs between them."""
    turns = 0

    async def work_beside() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(work_beside())
    assert len(await lines_of(b"a\n" * 32_768)) == 32_768
    beside.cancel()
    assert turns >= 32_768 // LINES_PER_TURN


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TimeoutError(), ProviderTimeout),
        (httpx.ConnectError("refused"), ProviderUnreachable),
        (httpx.ConnectTimeout(""), ProviderUnreachable),
        (httpx.ReadError("gone"), ConnectionBroken),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), ConnectionBroken),
        (httpx.RemoteProtocolError("illegal status line"), ProviderFailed),
        (ResponseTooLong("too long"), ProviderFailed),
        (KeyError("ours"), KeyError),
    ],
)
async def test_what_the_client_raises_is_said_in_the_terms_of_providers(
    raised: Exception, expected: type[Exception]
) -> None:
    """And only that: a mistake of our own stays one."""
    with pytest.raises(expected) as caught:
        async with deadline(5, "inference"):
            raise raised
    assert type(caught.value) is expected


async def test_a_call_that_takes_too_long_is_given_up_and_named() -> None:
    """With the deadline that it missed."""
    with pytest.raises(ProviderTimeout, match=r"inference took more than 0\.01 s"):
        async with deadline(0.01, "inference"):
            await asyncio.Event().wait()
