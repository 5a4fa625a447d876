"""Calls of a provider's server: deadlines, streams, and errors in the service's terms."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from ai_service.providers.errors import (
    ConnectionBroken,
    CredentialsRejected,
    ModelMissing,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
    RequestRejected,
)
from ai_service.transport.http_client import HTTPClient, chunks, is_broken_off, reason_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

INSPECT_TIMEOUT_S = 2.0
END_TIMEOUT_S = 0.05
"""Time for the end of a stream whose answer is complete; it mostly comes with the last line."""
MAX_RETRY_AFTER_S = 300.0
MAX_LINE_BYTES = 1024 * 1024
LINES_PER_TURN = 64
"""Other work of the event loop runs after so many lines of one piece."""

_encode = msgspec.json.Encoder().encode


class Client:
    """Call a provider's server; `deadline` or `silence` bounds each call.

    Args:
        base_url: The prefix of all paths.
        api_key: Bearer token; empty for none.
        proxy: URL of the HTTP proxy that all calls go through; empty for none.
    """

    def __init__(self, base_url: str, *, api_key: str = "", proxy: str = "") -> None:
        headers = {"Content-Type": "application/json"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self._client = HTTPClient(base_url, headers, proxy=proxy)

    def get(self, path: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Return the response to a `GET`."""
        return self._call("GET", path)

    def post(self, path: str, body: Any) -> AbstractAsyncContextManager[httpx.Response]:
        """Return the response to a `POST` of JSON."""
        return self._call("POST", path, _encode(body))

    async def end(self, stream: AsyncIterator[bytes]) -> None:
        """Read the end of a stream whose answer is complete, where its connection can be kept.

        Where it does not come at once, the connection is closed instead; the answer is no worse for it.
        """
        if self._client.keeps_connections:
            with suppress(TimeoutError, ProviderFailed, httpx.HTTPError):
                async with asyncio.timeout(END_TIMEOUT_S):
                    async for _ in stream:
                        pass

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _call(self, method: str, path: str, body: bytes | None = None) -> AsyncIterator[httpx.Response]:
        async with aclosing(await self._client.send(method, path, body)) as response:
            yield response


def deadline(seconds: float, doing: str) -> AbstractAsyncContextManager[object]:
    """Bound a call in time and translate what the client raises.

    Args:
        seconds: From entering it.
        doing: For the message: "loading the model".

    Raises:
        ProviderTimeout: Time is over.
        ProviderUnreachable: No connection, or none by the proxy.
        ConnectionBroken: The connection broke.
        ProviderFailed: The server does not speak HTTP, or sends too much.
    """
    return _bounded(seconds, f"{doing} took more than {seconds:g} s")


@asynccontextmanager
async def silence(seconds: float) -> AsyncIterator[Callable[[], None]]:
    """Bound a server's silence: before its first text, and after each piece of it.

    Args:
        seconds: The longest silence.

    Yields:
        What to call when text has come.

    Raises:
        ProviderError: As `deadline` does.
    """
    now = asyncio.get_running_loop().time
    async with _bounded(seconds, f"no text for {seconds:g} s") as timeout:
        yield lambda: timeout.reschedule(now() + seconds)


@asynccontextmanager
async def _bounded(seconds: float, message: str) -> AsyncIterator[asyncio.Timeout]:
    try:
        async with asyncio.timeout(seconds) as timeout:
            yield timeout
    except TimeoutError:
        raise ProviderTimeout(message) from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ProviderUnreachable(reason_of(error)) from error
    except httpx.ProxyError as error:
        raise ProviderUnreachable(f"the proxy answered {error}") from error
    except httpx.HTTPError as error:
        kind = ConnectionBroken if is_broken_off(error) else ProviderFailed
        raise kind(reason_of(error)) from error


async def lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the lines of a stream that are not empty, as they come.

    Raises:
        ProviderFailed: A line does not end.
        httpx.HTTPError: The stream breaks off.
    """
    begun: list[bytes] = []
    size = 0
    async for chunk in chunks(response):
        first, *others = chunk.split(b"\n")
        begun.append(first)
        size += len(first)
        if size > MAX_LINE_BYTES:
            raise ProviderFailed(f"a line of the stream is longer than {MAX_LINE_BYTES} bytes")
        if not others:
            continue
        for number, line in enumerate([b"".join(begun), *others[:-1]], 1):
            if line.strip():
                yield line
            if number % LINES_PER_TURN == 0:
                await asyncio.sleep(0)
        begun, size = [others[-1]], len(others[-1])
    if (last := b"".join(begun)).strip():
        yield last


def error_for(status: int, text: str, headers: Mapping[str, str]) -> ProviderError:
    """Return the exception for an answer with an error status."""
    message = f"status {status}: {text[:200]}"
    if status in {401, 403}:
        return CredentialsRejected(message)
    if status == 404:
        return ModelMissing(message)
    if status in {429, 503}:
        return ProviderOverloaded(message, cool_off_s=_retry_after_s(headers.get("retry-after")))
    if status in {400, 413, 422}:
        return RequestRejected(message)
    return ProviderFailed(message)


def _retry_after_s(value: str | None) -> float | None:
    """Seconds from a `Retry-After` header, which is a number or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - time()
    except ValueError:
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
