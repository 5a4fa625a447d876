"""The HTTP client of everything but the load: each call ends, whatever the other side sends.

httpx bounds the silence before the next byte, so a head of a byte a second, or interim answers one after the other,
would be waited for without end. Here the connection itself knows when its call has to be over, and how much may come.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import httpcore
import httpx

from bench.load.whole_answer import check

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from bench.tls import Trust


_LEAST_SECONDS = 0.001
"""A timeout of 0 would mean not to wait at all."""


class HttpClient:
    """Sends one request at a time over kept connections; use as a context manager.

    Args:
        url: The base URL.
        trust: Whose certificate the other side may have, where the URL is https://.
        silence_s: The longest wait for the next byte, in seconds.
        headers: Sent with every request.
    """

    def __init__(self, url: str, trust: Trust, silence_s: float, headers: Mapping[str, str] | None = None) -> None:
        self._call = _Call()
        # What is packed has no bounded size, so nothing is unpacked, as nothing is by the client of the load.
        told = {"Accept-Encoding": "identity", **(headers or {})}
        self._client = httpx.Client(
            base_url=url, headers=told, timeout=silence_s, trust_env=False, transport=_Transport(trust, self._call)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def fetch(self, method: str, path: str, seconds: float, **request: Any) -> httpx.Response:
        """Send a request and read the whole answer; arguments and errors are those of `stream`."""
        with self.stream(method, path, seconds, **request) as response:
            whole = b"".join(response.iter_raw())
        headers = [(name, value) for name, value in response.headers.multi_items() if name != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=whole, request=response.request)

    @contextmanager
    def stream(self, method: str, path: str, seconds: float, **request: Any) -> Iterator[httpx.Response]:
        """Send a request and read the head of the answer; `iter_raw` reads the rest within the same bounds.

        Args:
            method: Of the request.
            path: Below the base URL.
            seconds: For the whole call.
            **request: What else httpx takes for a request.

        Raises:
            httpx.HTTPError: No answer.
            UnfinishedAnswerError: One that does not end within the bounds.
        """
        self._call.begin(seconds)
        with self._client.stream(method, path, **request) as response:
            yield response


class _Call:
    """What is left of the bounds of the call under way."""

    def __init__(self) -> None:
        self.begin(0.0)

    def begin(self, seconds: float) -> None:
        self._seconds, self._began, self._size = seconds, time.monotonic(), 0

    def received(self, size: int) -> None:
        self._size += size
        check(self._size, 0.0)

    @contextmanager
    def step(self, silence_s: float | None) -> Iterator[float]:
        """Say how long a step may take; one that takes all that is left ends by the deadline, not by silence."""
        passed = time.monotonic() - self._began
        check(self._size, passed, self._seconds)
        left = max(self._seconds - passed, _LEAST_SECONDS)
        seconds = left if silence_s is None else min(left, silence_s)
        try:
            yield seconds
        except httpcore.TimeoutException:
            if seconds == left:
                check(self._size, math.inf, self._seconds)
            raise


class _Transport(httpx.HTTPTransport):
    """httpx's own, on connections that know their call."""

    def __init__(self, trust: Trust, call: _Call) -> None:
        super().__init__(verify=trust.context, trust_env=False)
        # httpx has no parameter for a network backend; the tests see that it is in force.
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust.context,
            keepalive_expiry=httpx.Limits().keepalive_expiry,
            network_backend=_Backend(call),
        )


class _Backend(httpcore.SyncBackend):
    def __init__(self, call: _Call) -> None:
        self._call = call

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **more: Any) -> _Connection:
        with self._call.step(timeout) as seconds:
            return _Connection(super().connect_tcp(host, port, seconds, *args, **more), self._call)


class _Connection(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, call: _Call) -> None:
        self._stream = stream
        self._call = call

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._call.step(timeout) as seconds:
            received = self._stream.read(max_bytes, seconds)
        self._call.received(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._call.step(timeout) as seconds:
            self._stream.write(buffer, seconds)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _Connection:
        with self._call.step(timeout) as seconds:
            return _Connection(self._stream.start_tls(ssl_context, server_hostname, seconds), self._call)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
