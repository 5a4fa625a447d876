"""HTTP calls of one server by httpx, bounded in size and in time to connect."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import httpx

from ai_service import __version__
from ai_service.transport.tls import causes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CONNECT_TIMEOUT_S = 2.0
KEEP_ALIVE_S = 15.0
"""Idle time of a kept connection: routers and balancers drop them silently after a minute or more."""
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_STREAM_BYTES = 256 * 1024 * 1024
"""Of a body that is read as a whole, and of a stream, whose every token may be an event of half a kilobyte."""
CHUNKS_PER_TURN = 32
"""Other work of the event loop runs after so many: a server may send each byte as a chunk of its own."""
_HEADERS = {"User-Agent": f"alchemorsel/{__version__}", "Accept-Encoding": "identity"}


class ResponseTooLong(httpx.TransportError):
    """A body is longer than its bound."""


class HTTPClient:
    """Call one server over httpx's transport: no redirects, cookies, compression or proxies of the environment.

    Connections are kept over TLS only. Over plain HTTP a new one costs some tenths of a millisecond on the networks
    where it is used, and what a server sends too much can never be taken for the answer to the next call.

    Args:
        base_url: `http://` or `https://`; the prefix of all paths.
        headers: Sent with every call.
        authorities: CA certificates in PEM format for `https://`; "" for the operating system's.
        proxy: URL of the HTTP proxy that all calls go through; "" for none.

    Attributes:
        keeps_connections: Whether a response that is read to its end leaves its connection to the next call.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str] | None = None, *, authorities: str = "", proxy: str = ""
    ) -> None:
        is_tls = base_url.startswith("https:")
        self.keeps_connections = is_tls
        self._base_url = base_url.rstrip("/")
        self._headers = {**_HEADERS, **(headers or {})}
        self._transport = httpx.AsyncHTTPTransport(
            verify=_trust(authorities) if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx.Limits(max_keepalive_connections=None if is_tls else 0, keepalive_expiry=KEEP_ALIVE_S),
            trust_env=False,
            proxy=httpx.Proxy(proxy, ssl_context=_trust("") if proxy.startswith("https:") else None) if proxy else None,
        )

    async def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a request and wait for the head of the response, which the caller has to close.

        A kept connection that the server closed at the moment of its next use is replaced.

        Args:
            method: `GET`, `POST` or `DELETE`.
            path: Appended to the base.
            body: None for none.
            headers: For this call.

        Raises:
            httpx.HTTPError: There is no response.
        """
        while True:
            attempt = _Attempt(connected=not self.keeps_connections)
            extensions: dict[str, Any] = {"timeout": {"connect": CONNECT_TIMEOUT_S}}
            if self.keeps_connections:
                extensions["trace"] = attempt.trace
            request = httpx.Request(
                method,
                self._base_url + path,
                headers={**self._headers, **(headers or {})},
                content=body,
                extensions=extensions,
            )
            try:
                return await self._transport.handle_async_request(request)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if attempt.connected:
                    raise

    async def close(self) -> None:
        """Close all connections, calls under way included."""
        await self._transport.aclose()


class _Attempt:
    """Note whether a call opened a connection, by httpx's `trace` extension.

    Args:
        connected: Whether that is known without it.
    """

    def __init__(self, *, connected: bool) -> None:
        self.connected = connected

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        self.connected = self.connected or event.startswith("connection.connect")


async def chunks(response: httpx.Response, limit: int = MAX_STREAM_BYTES) -> AsyncIterator[bytes]:
    """Yield a body piece by piece, letting other work of the event loop run in between.

    Raises:
        httpx.HTTPError: It breaks off, or is longer than `limit` bytes.
    """
    size = count = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > limit:
            raise ResponseTooLong(f"the answer is longer than {limit} bytes")
        yield chunk
        count += 1
        if count % CHUNKS_PER_TURN == 0:
            await asyncio.sleep(0)


async def read(response: httpx.Response) -> bytes:
    """Read a whole body.

    Raises:
        httpx.HTTPError: It breaks off, or is longer than `MAX_BODY_BYTES`.
    """
    return b"".join([chunk async for chunk in chunks(response, MAX_BODY_BYTES)])


def is_broken_off(error: httpx.HTTPError) -> bool:
    """Return whether the server closed the connection before the end of its response.

    The library has one exception for that and for bytes that are not HTTP.
    """
    closed = isinstance(error, httpx.RemoteProtocolError) and any(word in str(error) for word in _CLOSED)
    return closed or isinstance(error, (httpx.ReadError, httpx.WriteError, httpx.CloseError))


_CLOSED = ("disconnected without sending", "peer closed connection", "peer unexpectedly closed")


def reason_of(error: Exception) -> str:
    """Return why a call failed, in the operating system's words where it was the connection."""
    system = (each for each in causes(error) if isinstance(each, OSError) and each.errno is not None)
    return str(next(system, error)) or type(error).__name__


def _trust(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authorities or None)
