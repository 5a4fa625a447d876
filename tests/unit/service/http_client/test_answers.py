"""What an answer may look like, and what is said of bytes that are none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ai_service.http_client import ConnectionLost, ProtocolViolated
from ai_service.http_client.response import HIGH_WATER_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES
from tests.unit.service.http_client.calls import fetch, serve
from tests.unit.service.http_client.scripted_server import CLOSE, OK, ScriptedServer

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nabcdefg"
SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nabcdefg"


async def test_the_request_is_what_was_asked_for(stack: AsyncExitStack) -> None:
    """Method, path behind the base, headers of the client and of the call, the body with its length."""
    server = ScriptedServer(OK)
    client = await serve(stack, server)
    async with client.post("/chat?a=b", b'{"x":1}', {"Content-Type": "application/json"}) as response:
        assert (response.status, await response.read()) == (200, b"ok")
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /base/chat?a=b HTTP/1.1", b'{"x":1}')
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("answer", [SIZED, CHUNKED, UNTIL_CLOSE])
@pytest.mark.parametrize("in_pieces", [False, True])
async def test_every_way_of_saying_how_long_a_body_is(stack: AsyncExitStack, answer: bytes, in_pieces: bool) -> None:
    """By its length, in chunks, by the connection's end; also where every byte comes alone."""
    pieces = [answer[at : at + 1] for at in range(len(answer))] if in_pieces else [answer]
    client = await serve(stack, ScriptedServer([*pieces, CLOSE] if answer is UNTIL_CLOSE else pieces))
    assert await fetch(client) == b"abcdefg"


async def test_headers_are_found_by_their_names_in_lower_case(stack: AsyncExitStack) -> None:
    """Equal ones are joined, as they may be by anybody on the way."""
    answer = b"HTTP/1.1 404 No\r\nRetry-After: 7\r\nVia: a\r\nVIA: b\r\nContent-Length: 0\r\n\r\n"
    client = await serve(stack, ScriptedServer(answer))
    async with client.get("/") as response:
        assert (response.status, response.headers["retry-after"], response.headers["via"]) == (404, "7", "a, b")


@pytest.mark.parametrize("before", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
async def test_a_preliminary_answer_is_not_the_answer(stack: AsyncExitStack, before: bytes) -> None:
    """The one that counts follows, with headers of its own."""
    client = await serve(stack, ScriptedServer([before, OK], [before + OK]))
    for _ in range(2):
        async with client.get("/") as response:
            assert (response.status, await response.read(), "link" in response.headers) == (200, b"ok", False)


async def test_an_answer_without_a_body_ends_with_its_head(stack: AsyncExitStack) -> None:
    """204 says no length and has none."""
    server = ScriptedServer(b"HTTP/1.1 204 No Content\r\n\r\n")
    client = await serve(stack, server)
    assert [await fetch(client), await fetch(client), server.connections] == [b"", b"", 1]


@pytest.mark.parametrize("answer", [OK[:10], OK[:-1], CHUNKED[:-9]])
async def test_an_answer_that_breaks_off_is_an_error_and_not_asked_for_again(
    stack: AsyncExitStack, answer: bytes
) -> None:
    """Somebody worked on it: in the head, in the body, in a chunk."""
    server = ScriptedServer(OK, [answer, CLOSE])
    client = await serve(stack, server)
    await fetch(client)
    with pytest.raises(ConnectionLost):
        await fetch(client)
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // 6 + 1),
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1) + bytes(MAX_BODY_BYTES + 1),
    ],
    ids=["another protocol", "an upgrade", "no chunk", "an endless head", "an endless body"],
)
async def test_what_is_not_an_answer_is_an_error(stack: AsyncExitStack, answer: bytes) -> None:
    """Said as such, and before it fills the memory."""
    client = await serve(stack, ScriptedServer(answer))
    with pytest.raises(ProtocolViolated):
        await fetch(client)


async def test_a_slow_reader_makes_the_server_wait(stack: AsyncExitStack) -> None:
    """What nobody took yet is bounded, however much is sent; and nothing is lost."""
    total, piece = 48 * 1024 * 1024, bytes(256 * 1024)

    class Generous(ScriptedServer):
        sent = 0

        async def respond(self, request: object, writer: asyncio.StreamWriter) -> None:
            del request
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
            for _ in range(total // len(piece)):
                writer.write(piece)
                await writer.drain()
                self.sent += len(piece)

    server = Generous()
    client = await serve(stack, server)
    async with asyncio.timeout(30), client.get("/") as response:
        before = -1
        while server.sent > before:
            before = server.sent
            await asyncio.sleep(0.2)
        assert server.sent < total / 2, "the kernel's buffers hold a few MiB, nothing else should"
        assert response._buffered < 4 * HIGH_WATER_BYTES
        received = 0
        while chunk := await response.chunk():
            received += len(chunk)
    assert received == total


async def test_what_came_before_the_end_can_still_be_taken(stack: AsyncExitStack) -> None:
    """Also where so much of it came that the server had been made to wait."""
    server = ScriptedServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(9_000_000))
    client = await serve(stack, server)
    async with asyncio.timeout(10), client.get("/") as response:
        while response._buffered <= HIGH_WATER_BYTES:  # noqa: ASYNC110 - the test looks from outside
            await asyncio.sleep(0.001)
        await client.close()
        await asyncio.sleep(0.01)
        held = response._buffered
        taken = 0
        while response._chunks:
            taken += len(await response.chunk())
        assert taken == held
        with pytest.raises(ConnectionLost):
            await response.chunk()
