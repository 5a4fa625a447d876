"""What the adapters that speak HTTP share: one client, and its errors in the service's terms."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.http_client import Client as HTTPClient
from ai_service.http_client import ConnectFailed, ConnectionLost, HTTPClientError
from ai_service.providers.errors import (
    CredentialsRejected,
    ModelMissing,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Self

    from ai_service.http_client import Response

INSPECT_TIMEOUT_S = 2.0
END_TIMEOUT_S = 0.05
"""So long the end of a stream is waited for whose answer is complete; it mostly comes with the last line."""
MAX_RETRY_AFTER_S = 300.0
MAX_LINE_BYTES = 1024 * 1024

_encode = msgspec.json.Encoder().encode


class Client:
    """Calls a provider's server; `deadline` bounds each call as a whole.

    Args:
        base_url: What all paths begin with.
        api_key: Bearer token; empty for none.
    """

    def __init__(self, base_url: str, *, api_key: str = "") -> None:
        headers = {"Content-Type": "application/json"}
        self._client = HTTPClient(base_url, {**headers, "Authorization": f"Bearer {api_key}"} if api_key else headers)

    def get(self, path: str) -> AbstractAsyncContextManager[Response]:
        """The answer to a `GET`; to be used inside of `deadline`."""
        return self._client.get(path)

    def post(self, path: str, body: Any) -> AbstractAsyncContextManager[Response]:
        """The answer to a `POST` of JSON; to be used inside of `deadline`."""
        return self._client.post(path, _encode(body))

    async def close(self) -> None:
        """Gives the connections back."""
        await self._client.close()


class deadline:  # noqa: N801 - reads as what it does where it is used: `async with deadline(60, "inference")`
    """Bounds a call in time and translates what the client raises.

    Args:
        seconds: From entering it.
        doing: For the message: "inference", "loading the model".

    Raises:
        ProviderTimeout: Time is over.
        ProviderUnreachable: No connection, or it broke.
        ProviderFailed: The server does not speak HTTP.
    """

    def __init__(self, seconds: float, doing: str) -> None:
        self._seconds = seconds
        self._doing = doing
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as over:
            error = over
        if isinstance(error, TimeoutError):
            raise ProviderTimeout(f"{self._doing} took more than {self._seconds:g} s") from None
        if isinstance(error, (ConnectFailed, ConnectionLost)):
            raise ProviderUnreachable(str(error)) from error
        if isinstance(error, HTTPClientError):
            raise ProviderFailed(str(error)) from error


class Lines:
    """The lines of a stream that are not empty, as they come: an asynchronous iterator.

    No generator: the loop has to make a task for one that is left before its end, as a stream is at its last line.

    Args:
        response: The stream.

    Raises:
        ProviderFailed: A line does not end.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self._complete: deque[bytes] = deque()
        self._rest = b""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._complete:
            chunk = await self._response.chunk()
            if not chunk:
                return self._last()
            *complete, self._rest = (self._rest + chunk).split(b"\n")
            self._complete.extend(line for line in complete if line.strip())
            if len(self._rest) > MAX_LINE_BYTES:
                raise ProviderFailed(f"a line of the stream is longer than {MAX_LINE_BYTES} bytes")
        return self._complete.popleft()

    def _last(self) -> bytes:
        line, self._rest = self._rest, b""
        if not line.strip():
            raise StopAsyncIteration
        return line


async def end(response: Response) -> None:
    """Takes the end of a stream whose answer is complete, so that its connection can serve the next call.

    Where it does not come at once, the connection is closed instead; the answer is no worse for it.
    """
    if response.complete:
        return
    with suppress(TimeoutError, HTTPClientError):
        async with asyncio.timeout(END_TIMEOUT_S):
            await response.read()


def error_for(status: int, text: str, headers: Mapping[str, str]) -> ProviderError:
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
