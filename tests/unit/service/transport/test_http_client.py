"""Calls of a server that sends what it likes: kept and given-up connections, bounds, errors."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import aclosing
from typing import TYPE_CHECKING

import httpx
import pytest

from ai_service.transport.http_client import (
    MAX_BODY_BYTES,
    HTTPClient,
    ResponseTooLong,
    chunks,
    is_broken_off,
    read,
    reason_of,
)
from lab.ports import free_port
from tests.contract.certificates import Authority
from tests.unit.service.transport.scripted_server import CLOSE, OK, EndlessServer, ScriptedServer

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

    from tests.raw_server import RawServer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
MAX_HEAD_BYTES = 100 * 1024
"""The library's own bound on heads and trailers."""


async def serve(stack: AsyncExitStack, server: RawServer, authorities: str = "") -> HTTPClient:
    """Start a server and return a client of it."""
    await stack.enter_async_context(server)
    client = HTTPClient(f"{server.url}/base", {"Authorization": "Bearer key"}, authorities=authorities)
    stack.push_async_callback(client.close)
    return client


async def fetch(client: HTTPClient) -> bytes:
    """Return the whole answer to one call."""
    async with asyncio.timeout(10), aclosing(await client.send("GET", "/x")) as response:
        return await read(response)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """Make a server's side of TLS, and its authority."""
    authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify(tmp_path, "127.0.0.1"))
    return context, authority.pem


async def test_the_request_is_what_was_asked_for(stack: AsyncExitStack) -> None:
    """Method, path behind the base, headers of the client and of the call, the body with its length."""
    server = ScriptedServer(OK)
    client = await serve(stack, server)
    async with aclosing(
        await client.send("POST", "/chat?a=b", b'{"x":1}', {"Content-Type": "application/json"})
    ) as response:
        assert (response.status_code, await read(response)) == (200, b"ok")
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /base/chat?a=b HTTP/1.1", b'{"x":1}')
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "extra", [OK, b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b"], ids=["a second answer", "half a one", "garbage"]
)
async def test_what_a_server_sends_too_much_is_never_the_next_answer(stack: AsyncExitStack, extra: bytes) -> None:
    """Whether it comes together with the answer or after it."""
    server = ScriptedServer(OK + extra, [OK, extra], OK)
    client = await serve(stack, server)
    assert [await fetch(client) for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 3


async def test_a_cookie_or_a_redirect_is_not_followed(stack: AsyncExitStack) -> None:
    """The server that answers is the one that is configured."""
    server = ScriptedServer(
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", OK
    )
    client = await serve(stack, server)
    assert [await fetch(client), await fetch(client)] == [b"", b"ok"]
    assert "cookie" not in server.requests[1].headers
    assert [request.path for request in server.requests] == ["/base/x"] * 2


async def test_calls_over_tls_that_follow_each_other_share_a_connection(
    stack: AsyncExitStack, tls: tuple[ssl.SSLContext, str]
) -> None:
    """Calls at the same time do not; one that the server closes at its next use is replaced."""
    server = ScriptedServer(OK, OK, CLOSE, OK, tls=tls[0])
    client = await serve(stack, server, tls[1])
    assert [await fetch(client) for _ in range(3)] == [b"ok"] * 3
    assert (server.connections, len(server.requests)) == (2, 4)
    await asyncio.gather(*(fetch(client) for _ in range(3)))
    assert server.connections == 4


@pytest.mark.parametrize("over_tls", [False, True])
async def test_a_new_connection_that_breaks_is_an_error(
    stack: AsyncExitStack, tls: tuple[ssl.SSLContext, str], over_tls: bool
) -> None:
    """A server that closes every connection is not asked for ever."""
    server = ScriptedServer(CLOSE, tls=tls[0] if over_tls else None)
    client = await serve(stack, server, tls[1])
    with pytest.raises(httpx.HTTPError) as caught:
        await fetch(client)
    assert is_broken_off(caught.value)
    assert server.connections == 1


@pytest.mark.parametrize("answer", [OK[:10], OK[:-1], CHUNKED[:-9], CHUNKED[:55]])
async def test_an_answer_that_breaks_off_is_an_error_and_not_asked_for_again(
    stack: AsyncExitStack, answer: bytes
) -> None:
    """In the head, in the body, in a chunk; it is told from what is no HTTP."""
    server = ScriptedServer([answer, CLOSE])
    client = await serve(stack, server)
    with pytest.raises(httpx.HTTPError) as caught:
        await fetch(client)
    assert is_broken_off(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // 6 + 1),
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * (MAX_HEAD_BYTES + 65536),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"y" * (MAX_HEAD_BYTES + 65536),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;" + b"y" * (MAX_HEAD_BYTES + 65536),
    ],
    ids=["another protocol", "no chunk", "an endless head", "an endless header", "an endless trailer", "extension"],
)
async def test_what_is_not_an_answer_is_an_error(stack: AsyncExitStack, answer: bytes) -> None:
    """Said as such, and before it fills the memory."""
    client = await serve(stack, ScriptedServer(answer))
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        await fetch(client)
    assert not is_broken_off(caught.value)


async def test_a_body_past_its_bound_is_an_error(stack: AsyncExitStack) -> None:
    """It is not read to its end."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * MAX_BODY_BYTES)
    client = await serve(stack, ScriptedServer(head + bytes(2 * MAX_BODY_BYTES)))
    with pytest.raises(ResponseTooLong, match=f"longer than {MAX_BODY_BYTES} bytes"):
        await fetch(client)


async def test_a_server_that_sends_single_bytes_keeps_nobody_waiting(stack: AsyncExitStack) -> None:
    """Each is a chunk of its own: thousands of them arrive together, and other work runs between them."""
    count = 20_000
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * count + b"0\r\n\r\n"
    client = await serve(stack, ScriptedServer(answer))
    turns = most = since = 0

    async def work_beside() -> None:
        nonlocal turns, most, since
        while True:
            turns, most, since = turns + 1, max(most, since), 0
            await asyncio.sleep(0)

    beside = asyncio.create_task(work_beside())
    received = 0
    async with asyncio.timeout(60), aclosing(await client.send("GET", "/")) as response:
        async for chunk in chunks(response):
            received += len(chunk)
            since += len(chunk)
    beside.cancel()
    assert received == count
    assert most < 100, f"{most} chunks were read in one turn"


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
    async with asyncio.timeout(30), aclosing(await client.send("GET", "/")) as response:
        before = -1
        while server.sent > before:
            before = server.sent
            await asyncio.sleep(0.2)
        assert server.sent < total / 2, "the kernel's buffers hold a few MiB, nothing else should"
        received = 0
        async for chunk in chunks(response):
            received += len(chunk)
    assert received == total


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_caller_who_leaves_takes_the_connection_along(stack: AsyncExitStack, cancelled: bool) -> None:
    """So that the server can stop working; in the middle of an answer, or before there is one."""
    head = b"HTTP/1.1 200 OK\r\n" if cancelled else b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = EndlessServer(head, b"X: y\r\n" if cancelled else b"1\r\na\r\n")
    client = await serve(stack, server)
    if cancelled:
        call = asyncio.create_task(fetch(client))
        await server.asked.wait()
        call.cancel()
    else:
        async with aclosing(await client.send("GET", "/")) as response:
            assert await anext(chunks(response)) == b"a"
    async with asyncio.timeout(10):
        await server.left.wait()


async def test_nobody_listens() -> None:
    """It says why in the operating system's words."""
    client = HTTPClient(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(httpx.ConnectError) as caught:
        await client.send("GET", "/")
    assert "refused" in reason_of(caught.value) or "Connect call failed" in reason_of(caught.value)
    await client.close()


async def test_a_certificate_is_checked(
    stack: AsyncExitStack, tls: tuple[ssl.SSLContext, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the authorities that are given, or those that OpenSSL is told of; another's certificate is refused."""
    server = ScriptedServer(OK, tls=tls[0])
    stranger = await serve(stack, server)
    with pytest.raises(httpx.ConnectError) as caught:
        await fetch(stranger)
    assert "certificate" in reason_of(caught.value)
    (tmp_path / "authorities.pem").write_text(tls[1], encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    friend = HTTPClient(server.url)
    assert await fetch(friend) == b"ok"
    await friend.close()
