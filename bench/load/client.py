"""HTTP for a generator that must not be the bottleneck: a request's bytes go in, what a sample needs comes out.

Built on geventhttpclient, as Locust's FastHttpUser is, but on its connection pool and C parser alone: cookies,
redirects, the merging and checking of headers for every request, and the objects that carry them, take more processor
time than sending and receiving do (docs/benchmarks.md has the figures).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import gevent  # type: ignore[import-untyped] # has none
from gevent import ssl
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse

from bench.load.whole_answer import ANSWER_SECONDS, CONNECT_SECONDS, UnfinishedAnswerError, check, check_head
from bench.samples import Answer
from bench.tls import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.tls import Trust

PREPARE_SECONDS = 10.0
"""For connections that are opened beforehand, all together."""

_READ_BYTES = 64 * 1024
_FAILURES = (OSError, HTTPConnectionClosed, HTTPParseError)


class _Response(HTTPSocketPoolResponse):
    """A bounded answer, whose connection is used again only if the whole of it was read."""

    _size = 0

    def feed(self, data: str | bytes) -> None:
        """Take what came; a flood leaves no time for a deadline, so it ends by its size."""
        super().feed(data)
        self._size += len(data)
        check(self._size, 0.0)
        if not self.headers_complete or self._is_interim():
            check_head(self._size)

    def release(self) -> None:
        """Give the socket back, or close it where more of this answer may come."""
        pool, socket = self._pool, self._sock
        if pool is None or socket is None or (self.message_complete and not self._is_interim()):
            super().release()
            return
        self._pool = self._sock = None
        pool.release_socket(socket)

    def _on_message_complete(self) -> None:
        # The library gives the socket back after an interim answer, too, so somebody else gets the final one.
        if self._is_interim():
            self.message_complete = True
        else:
            super()._on_message_complete()

    def _is_interim(self) -> bool:
        """Whether what came last is an answer such as 103, after which the final one comes."""
        return bool(self.get_code() < 200)


class _DeadlineError(Exception):
    """A whole answer took too long."""


class Client:
    """Sends over kept connections; any number of greenlets may share it.

    Args:
        url: The service's base URL.
        connections: The most that are open at once; who comes later waits.
        headers: Sent with every request.
        trust: Whose certificate the service may have, where the URL is https://.

    Raises:
        ValueError: The URL is none.
    """

    def __init__(self, url: str, connections: int, headers: Mapping[str, str], trust: Trust = SYSTEM) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no http:// or https:// URL; expected e.g. http://127.0.0.1:3010")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        pool: Callable[..., ConnectionPool] = ConnectionPool
        if parts.scheme == "https":
            # gevent's own context, as the sockets are gevent's, with the authorities that `Trust` has everywhere else.
            context = functools.partial(ssl.create_default_context, cafile=trust.ca_file or None)
            pool = functools.partial(SSLConnectionPool, ssl_context_factory=lambda **_: context())
        self._pool = pool(
            *(parts.hostname, port) * 2,
            size=connections,
            connection_timeout=CONNECT_SECONDS,
            network_timeout=ANSWER_SECONDS,
        )
        self._trust = trust
        self._prefix = parts.path.rstrip("/")
        lines = {"Host": parts.netloc.rpartition("@")[2], **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    def compose(self, path: str, body: bytes) -> bytes:
        """Return the bytes of a POST request, to be sent as often as one likes.

        Args:
            path: Path below the base URL.
            body: Of the request.
        """
        head = f"POST {self._prefix}{path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") + body

    def connect(self, connections: int) -> None:
        """Open so many connections beforehand, as far as that works; who sends finds out about the rest."""
        opened = []
        deadline = gevent.Timeout.start_new(PREPARE_SECONDS, _DeadlineError)
        try:
            for _ in range(min(connections, self._pool.size)):
                opened.append(self._pool.get_socket())  # noqa: PERF401 - those that were opened before a failure count
        except (_DeadlineError, *_FAILURES):
            pass
        finally:
            deadline.close()
            for socket in opened:
                self._pool.return_socket(socket)

    def send(self, request: bytes) -> Answer:
        """Send a request and wait for the whole answer; a failure to get one is an answer with an error.

        Args:
            request: What `compose` returned.
        """
        body = b""
        deadline = gevent.Timeout.start_new(ANSWER_SECONDS, _DeadlineError)
        try:
            socket = self._pool.get_socket()
            try:
                socket.sendall(request)
            except BaseException:
                self._pool.release_socket(socket)
                raise
            # From here on the response gives the socket back, or closes it.
            response = _Response(socket, self._pool, block_size=_READ_BYTES, method="POST")
            while part := response.read(_READ_BYTES):
                body += part
        except _DeadlineError:
            return Answer(status=0, error=f"timeout: no whole answer within {ANSWER_SECONDS:g} s")
        except UnfinishedAnswerError as error:
            return Answer(status=0, error=str(error))
        except _FAILURES as error:
            return Answer(status=0, error=self._trust.explain(error) or f"{type(error).__name__}: {error}")
        finally:
            deadline.close()
        headers: dict[str, str] = {}
        for name, values in response.items():
            value, key = values if isinstance(values, str) else ", ".join(values), name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return Answer(status=response.get_code(), headers=headers, body=body)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()
