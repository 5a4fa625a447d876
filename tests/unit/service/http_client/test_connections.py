"""What becomes of connections: kept, given up, refused."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from ai_service.http_client import Client, ConnectFailed, ConnectionLost
from lab.ports import free_port
from tests.contract.certificates import Authority
from tests.unit.service.http_client.calls import fetch, serve
from tests.unit.service.http_client.scripted_server import CLOSE, OK, EndlessServer, ScriptedServer

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path


async def test_calls_that_follow_each_other_share_a_connection(stack: AsyncExitStack) -> None:
    """Calls at the same time do not."""
    server = ScriptedServer(OK)
    client = await serve(stack, server)
    for _ in range(3):
        await fetch(client)
    assert server.connections == 1
    await asyncio.gather(*(fetch(client) for _ in range(3)))
    assert server.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + OK,
        [OK, b"HTTP/1.1 200 OK\r\n"],
    ],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(
    stack: AsyncExitStack, answer: bytes | list[bytes]
) -> None:
    """The server is about to close it, or it holds more than the answer, which the next call must not be given."""
    server = ScriptedServer(answer, OK)
    client = await serve(stack, server)
    assert await fetch(client) == b"ok"
    async with asyncio.timeout(10):
        while client._idle:  # noqa: ASYNC110 - what comes too much comes a moment later
            await asyncio.sleep(0.001)
    assert await fetch(client) == b"ok"
    assert server.connections == 2


async def test_a_connection_that_nobody_used_for_long_is_closed(stack: AsyncExitStack) -> None:
    """Routers on the way may have forgotten it."""
    server = ScriptedServer(OK)
    client = await serve(stack, server, keep_s=0.01)
    await fetch(client)
    await asyncio.sleep(0.05)
    await fetch(client)
    assert server.connections == 2


async def test_a_server_that_closed_a_kept_connection_is_asked_over_another(stack: AsyncExitStack) -> None:
    """Whether that is seen before the call or in the middle of it."""
    server = ScriptedServer(OK, CLOSE, OK)
    client = await serve(stack, server)
    await fetch(client)
    assert await fetch(client) == b"ok"
    assert (server.connections, len(server.requests)) == (2, 3)


async def test_a_new_connection_that_breaks_is_an_error(stack: AsyncExitStack) -> None:
    """A server that closes every connection is not asked for ever."""
    server = ScriptedServer(CLOSE)
    client = await serve(stack, server)
    with pytest.raises(ConnectionLost, match="closed the connection"):
        await fetch(client)
    assert server.connections == 1


async def test_a_caller_who_leaves_early_takes_the_connection_along(stack: AsyncExitStack) -> None:
    """So that the server can stop working."""
    server = EndlessServer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")
    client = await serve(stack, server)
    async with client.get("/") as response:
        assert (await response.chunk()).startswith(b"a")
    async with asyncio.timeout(10):
        await server.left.wait()


async def test_a_cancelled_call_takes_the_connection_along(stack: AsyncExitStack) -> None:
    """Also before there is an answer; the next call must not get what the cancelled one asked for."""
    server = EndlessServer(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")
    client = await serve(stack, server)
    call = asyncio.create_task(fetch(client))
    await server.asked.wait()
    call.cancel()
    async with asyncio.timeout(10):
        await server.left.wait()
    assert client._idle == []


async def test_nobody_listens(stack: AsyncExitStack) -> None:
    """There is no connection, and it says why."""
    client = Client(f"http://127.0.0.1:{free_port()}")
    stack.push_async_callback(client.close)
    with pytest.raises(ConnectFailed, match=r"refused|Connect call failed"):
        await fetch(client)


async def test_a_certificate_is_checked(stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the authorities that OpenSSL is told of; another's certificate is refused."""
    authority = Authority()
    certificate, key = authority.certify(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ScriptedServer(OK, tls=context)
    stranger = await serve(stack, server)
    with pytest.raises(ConnectFailed, match="certificate"):
        await fetch(stranger)
    (tmp_path / "authorities.pem").write_text(authority.pem, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    friend = Client(server.url)
    stack.push_async_callback(friend.close)
    assert [await fetch(friend), await fetch(friend)] == [b"ok", b"ok"]


async def test_closing_ends_calls_under_way(stack: AsyncExitStack) -> None:
    """Nobody is left waiting."""
    server = EndlessServer(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")
    client = await serve(stack, server)
    call = asyncio.create_task(fetch(client))
    await server.asked.wait()
    await client.close()
    with pytest.raises(ConnectionLost):
        await call


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "ftp://host", "http://", "http://user@host", "http://host/?a=b", "http://host/#part"]
)
def test_an_address_that_would_be_used_in_part_is_refused(url: str) -> None:
    """Nothing that an operator wrote is dropped silently."""
    with pytest.raises(ValueError, match="expected an address"):
        Client(url)


def test_a_header_with_a_line_break_is_refused() -> None:
    """It would be two headers; its value, which may be a key, is not repeated."""
    with pytest.raises(ValueError, match=r"^the header 'Authorization' holds a line break$"):
        Client("http://host", {"Authorization": "Bearer a\r\nX: b"})
