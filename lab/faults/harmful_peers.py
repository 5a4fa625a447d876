"""The program that is callers of the edge who do harm.

    python -m lab.faults.harmful_peers KIND COUNT HOST PORT CA_FILE

It runs until a signal ends it, which closes all of its connections.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.load.workload import TASKS, request_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

_CONNECT_S = 5.0
_PAUSE_S = 0.05
_ARRIVE_OVER_S = 10.0
"""All have come by then, one after the other: they are to hold connections, not to be a flood of handshakes."""
_PATIENCE_S = 0.5
"""How long a caller waits that leaves."""
_BUFFER = 4096
"""Bytes of answers that wait for a peer which does not read, in the kernel and in this process each."""

_INGREDIENTS = TASKS["ingredients"].path
_PIPELINED = 200
"""Requests that a reader sends that does not read: their answers do not fit into the buffers on the way."""


def post(nonce: str, number: int) -> bytes:
    """Return a whole request, the same for the same nonce and number."""
    body = request_body("ingredients", nonce, number)
    head = f"POST {_INGREDIENTS} HTTP/1.1\r\nHost: site\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def endless_head(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send header lines without end, as fast as they are taken."""
    writer.write(b"GET / HTTP/1.1\r\nHost: site\r\n")
    while True:
        writer.write(b"a: " + b"b" * 1000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0)  # drain alone never lets the loop see that the connection is lost


async def half_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send half a head, and wait for the edge to close."""
    writer.write(b"POST / HTTP/1.1\r\nHost:")
    while await reader.read(4096):
        pass


async def unread(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send many requests, read none of their answers, and wait for the edge to close."""
    nonce = secrets.token_hex(4)
    for _ in range(_PIPELINED):
        writer.write(post(nonce, 0))
    with suppress(TimeoutError):
        await asyncio.wait_for(writer.drain(), _PATIENCE_S)
    await writer.wait_closed()


async def leave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask what nobody asked before, and hang up before the answer."""
    writer.write(post(secrets.token_hex(4), 0))
    await asyncio.sleep(_PATIENCE_S)


KINDS: dict[str, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]] = {
    "endless-head": endless_head,
    "half-open": half_open,
    "unread": unread,
    "leaving": leave,
}
"""What each does on its connection until it leaves, or the edge ends it; then it comes again."""


async def connect(host: str, port: int, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a TLS connection with small buffers for what comes.

    Raises:
        OSError: It cannot be opened.
    """
    plain = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (host, port))
        return await asyncio.open_connection(sock=plain, ssl=context, server_hostname=host, limit=_BUFFER)
    except BaseException:
        plain.close()
        raise


async def visit(kind: str, after_s: float, address: tuple[str, int], context: ssl.SSLContext) -> None:
    """Be one peer, again and again.

    Args:
        kind: Of `KINDS`.
        after_s: Seconds until it comes for the first time.
        address: Host and port of the API, which speaks TLS.
        context: Trusts its certificate.
    """
    await asyncio.sleep(after_s)
    while True:
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.wait_for(connect(*address, context), _CONNECT_S)
            try:
                await KINDS[kind](reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(_PAUSE_S)


async def main(kind: str, count: str, host: str, port: str, ca_file: str) -> None:
    """Be as many peers of a kind as are wanted, until a signal ends it."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # It warns of each connection that the edge closes.
    context = ssl.create_default_context(cafile=ca_file)
    step_s = _ARRIVE_OVER_S / int(count)
    peers: list[Awaitable[Any]] = [
        visit(kind, number * step_s, (host, int(port)), context) for number in range(int(count))
    ]
    await asyncio.gather(*peers)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
