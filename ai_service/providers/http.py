"""What the adapters that speak HTTP share: one client's limits, and httpx's errors in the service's terms."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING

import httpx

from ai_service.errors import (
    CredentialsRejected,
    ModelMissing,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECT_TIMEOUT_S = 2.0
INSPECT_TIMEOUT_S = 2.0
MAX_RETRY_AFTER_S = 300.0
MAX_LINE_BYTES = 1024 * 1024


def new_client(base_url: str, *, api_key: str = "") -> httpx.AsyncClient:
    """A client without deadlines of its own for reading: `deadline` sets one for each call as a whole."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
        trust_env=False,
    )


@asynccontextmanager
async def deadline(seconds: float, doing: str) -> AsyncIterator[None]:
    """Bounds a call in time and translates what httpx raises.

    Args:
        seconds: From now.
        doing: For the message: "inference", "loading the model".

    Raises:
        ProviderTimeout: Time is over.
        ProviderUnreachable: No connection, or it broke.
        ProviderFailed: The server does not speak HTTP.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ProviderTimeout(f"{doing} took more than {seconds:g} s") from None
    except httpx.ConnectTimeout:
        raise ProviderUnreachable(f"no connection within {CONNECT_TIMEOUT_S:g} s") from None
    except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
        raise ProviderUnreachable(str(error) or type(error).__name__) from error
    except httpx.HTTPError as error:
        raise ProviderFailed(str(error) or type(error).__name__) from error


async def lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of a stream that are not empty.

    httpx's own lines also end at Unicode's line separators, which may stand in the text of an answer.

    Raises:
        ProviderFailed: A line does not end.
    """
    rest = b""
    async for chunk in response.aiter_bytes():
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            if line.strip():
                yield line
        if len(rest) > MAX_LINE_BYTES:
            raise ProviderFailed(f"a line of the stream is longer than {MAX_LINE_BYTES} bytes")
    if rest.strip():
        yield rest


def error_for(status: int, text: str, headers: httpx.Headers) -> ProviderError:
    """The exception for an answer with an error status."""
    message = f"status {status}: {text[:200]}"
    if status in {401, 403}:
        return CredentialsRejected(message)
    if status == 404:
        return ModelMissing(message)
    if status in {429, 503}:
        return ProviderOverloaded(message, cool_off_s=_retry_after_s(headers.get("retry-after")))
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
