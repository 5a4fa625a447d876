"""What the adapters that speak HTTP share."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from ai_service.http_client import ConnectFailed, ConnectionLost, HTTPClientError, Response
from ai_service.providers.errors import ProviderFailed, ProviderTimeout, ProviderUnreachable
from ai_service.providers.http import MAX_LINE_BYTES, Lines, deadline


class Body:
    """An answer's body that comes in given pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def chunk(self) -> bytes:
        """The next one."""
        return self.pieces.pop(0) if self.pieces else b""


async def lines_of(*pieces: bytes) -> list[bytes]:
    """All lines of a stream."""
    return [line async for line in Lines(cast("Response", Body(*pieces)))]


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
    body = Body(b"one\n", *[b"x" * (MAX_LINE_BYTES // 2)] * 4)
    lines = Lines(cast("Response", body))
    assert await anext(lines) == b"one"
    with pytest.raises(ProviderFailed, match="longer than"):
        await anext(lines)
    assert len(body.pieces) == 1


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TimeoutError(), ProviderTimeout),
        (ConnectFailed("refused"), ProviderUnreachable),
        (ConnectionLost("gone"), ProviderUnreachable),
        (HTTPClientError("no HTTP"), ProviderFailed),
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
