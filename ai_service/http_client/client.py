"""Calls to one server over kept connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohappyeyeballs

from ai_service import __version__
from ai_service.http_client.connection import Connection
from ai_service.http_client.errors import ConnectFailed, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from ai_service.http_client.response import Response

CONNECT_TIMEOUT_S = 2.0
KEEP_S = 15.0
"""So long an unused connection is kept: routers and balancers forget them silently after a minute or more."""
HAPPY_EYEBALLS_S = 0.25
"""After so long the server's next address is tried beside the first (RFC 8305, section 5)."""
_USER_AGENT = f"alchemorsel/{__version__}"
_BREAKS = frozenset("\r\n\0")


class Client:
    """Calls one server, without deadlines but for connecting: callers bound each call as a whole.

    Proxies and redirects are not followed, cookies not kept, nothing is compressed: what is configured is the server
    that answers. Certificates are checked against the operating system's authorities.

    Args:
        base_url: `http://` or `https://`; what all paths begin with.
        headers: Sent with every call.
        keep_s: So long a connection is kept that no call uses.

    Raises:
        ValueError: The address or a header cannot be sent.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None, *, keep_s: float = KEEP_S) -> None:
        parts = urlsplit(base_url)
        unused = parts.username or parts.query or parts.fragment
        if parts.scheme not in {"http", "https"} or not parts.hostname or unused:
            raise ValueError("expected an address such as http://host:port or https://host/path, and no more than that")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._path = parts.path.rstrip("/")
        self._headers = _head({"Host": parts.netloc, "User-Agent": _USER_AGENT, **(headers or {})})
        self._keep_s = keep_s
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Call:
        """A call by `GET`."""
        return Call(self, self._request("GET", path, headers))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Call:
        """A call by `POST`.

        Args:
            path: Appended to the base.
            body: What is sent.
            headers: For this call.
        """
        return Call(self, self._request("POST", path, headers, b"Content-Length: %d\r\n" % len(body)) + body)

    async def close(self) -> None:
        """Ends all connections, calls under way included."""
        for connection in tuple(self._open):
            connection.abort()

    def take(self) -> Connection | None:
        """The connection that was used last, if one is kept."""
        horizon = asyncio.get_running_loop().time() - self._keep_s
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since > horizon:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: Connection) -> None:
        """A call is over."""
        if connection.rest():
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)

    async def connect(self) -> Connection:
        """A new connection.

        Raises:
            ConnectFailed: There is none to be had.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                connected = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_S, loop=loop
                )
                _, connection = await loop.create_connection(
                    lambda: Connection(self._lose),
                    sock=connected,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except TimeoutError:
            raise ConnectFailed(f"no connection within {CONNECT_TIMEOUT_S:g} s") from None
        except OSError as error:
            raise ConnectFailed(str(error) or type(error).__name__) from error
        self._open.add(connection)
        return connection

    def _request(self, method: str, path: str, headers: Mapping[str, str] | None, length: bytes = b"") -> bytes:
        own = _head(headers) if headers else b""
        return b"%s %s HTTP/1.1\r\n%s%s%s\r\n" % (
            method.encode(), (self._path + path).encode("ascii"), self._headers, own, length,
        )  # fmt: skip

    def _lose(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class Call:
    """One call, from the request to the end of what is wanted of its answer: an asynchronous context manager.

    Args:
        client: Whose connections it takes.
        request: All of what is sent.
    """

    def __init__(self, client: Client, request: bytes) -> None:
        self._client = client
        self._request = request
        self._connection: Connection | None = None

    async def begin(self) -> Response:
        """Sends the request and waits for the head of the answer.

        Raises:
            HTTPClientError: There is none.
        """
        while True:
            kept = self._client.take()
            connection = kept or await self._client.connect()
            response = connection.call(self._request)
            try:
                await response.begin()
            except ConnectionLost:
                # A server may close a kept connection at the very moment of its next use: that is nobody's answer.
                if kept is None or not response.untouched:
                    raise
            except BaseException:
                connection.abort()
                raise
            else:
                self._connection = connection
                return response

    def end(self) -> None:
        """Gives the connection back; where the answer has not ended, closes it, which tells the server to stop."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._client.give_back(connection)

    async def __aenter__(self) -> Response:
        return await self.begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def _head(headers: Mapping[str, str]) -> bytes:
    """Header lines.

    Raises:
        ValueError: One of them would be more than one.
    """
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    for line in lines:
        if not _BREAKS.isdisjoint(line[:-2]):
            raise ValueError(f"the header {line.partition(':')[0]!r} holds a line break")
    return "".join(lines).encode("latin-1")
