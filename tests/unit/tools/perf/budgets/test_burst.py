"""A burst reads whole answers, however they are framed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bench.errors import TargetError
from tools.perf.budgets.burst import ask_together

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
_COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"


async def _ask(answer: bytes) -> list[float]:
    seen: list[bytes] = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer[:-2])
        await asyncio.sleep(0.05)
        writer.write(answer[-2:])
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await ask_together(f"http://127.0.0.1:{port}/v1", "{}", 2, {"X-To": "there"})
    assert all(b"X-To: there\r\n" in head for head in seen)
    return found


@pytest.mark.parametrize("answer", [_CHUNKED, _COUNTED])
async def test_an_answer_is_timed_to_its_last_byte(answer: bytes) -> None:
    """The last part comes 50 ms after the others."""
    assert min(await _ask(answer)) > 0.04


@pytest.mark.parametrize("answer", [_CHUNKED[:-4], _COUNTED[:-1]])
async def test_an_answer_that_breaks_off_is_none(answer: bytes) -> None:
    """It would be a fast one otherwise."""
    with pytest.raises(TargetError, match="not all of 2 requests"):
        await _ask(answer)
