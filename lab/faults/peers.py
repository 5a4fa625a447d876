"""Callers of the edge that do harm: each kind keeps its connections while the fault lasts."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load.workload import TASKS, request_body
from lab.faults.fault import Bound, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.faults.fault import Site

_CONNECT_S = 5.0
_PAUSE_S = 0.05
_PATIENCE_S = 0.5
"""How long a caller waits that leaves."""

_INGREDIENTS = TASKS["ingredients"].path
_PIPELINED = 200
"""Requests that a reader sends that does not read: their answers do not fit into the buffers on the way."""


def connect(site: Site) -> ssl.SSLSocket:
    """Open a TLS connection to the API.

    Raises:
        OSError: It cannot be opened.
    """
    plain = socket.create_connection((site.address, site.port), timeout=_CONNECT_S)
    try:
        context = ssl.create_default_context(cafile=site.ca_file)
        return context.wrap_socket(plain, server_hostname=site.address)
    except OSError:
        plain.close()
        raise


def post(nonce: str, number: int) -> bytes:
    """Return a whole request, the same for the same nonce and number."""
    body = request_body("ingredients", nonce, number)
    head = f"POST {_INGREDIENTS} HTTP/1.1\r\nHost: site\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def endless_head(connection: ssl.SSLSocket, ended: threading.Event) -> None:
    """Send header lines without end, as fast as they are taken."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: site\r\n")
    while not ended.is_set():
        connection.sendall(b"a: " + b"b" * 1000 + b"\r\n")


def half_open(connection: ssl.SSLSocket, ended: threading.Event) -> None:
    """Send half a head, and wait for the edge to close."""
    connection.sendall(b"POST / HTTP/1.1\r\nHost:")
    connection.settimeout(_PAUSE_S * 10)
    while not ended.is_set():
        with suppress(TimeoutError):
            if not connection.recv(4096):
                return


def unread(connection: ssl.SSLSocket, ended: threading.Event) -> None:
    """Send many requests, and read none of their answers."""
    connection.settimeout(_PATIENCE_S)
    nonce = secrets.token_hex(4)
    with suppress(TimeoutError):
        for _ in range(_PIPELINED):
            connection.sendall(post(nonce, 0))
    ended.wait()


def leave(connection: ssl.SSLSocket, ended: threading.Event) -> None:
    """Ask what nobody asked before, and hang up before the answer."""
    connection.sendall(post(secrets.token_hex(4), 0))
    ended.wait(_PATIENCE_S)


@dataclass(frozen=True)
class Peers:
    """Peers of one kind.

    Args:
        behave: What each does on its connection until it may end, or the edge ends it; then it comes again.
        count: How many there are at a time.
    """

    behave: Callable[[ssl.SSLSocket, threading.Event], None]
    count: int

    @contextmanager
    def __call__(self, site: Site) -> Iterator[None]:
        """Let them come, and go."""
        ended = threading.Event()
        threads = [threading.Thread(target=self._visit, args=(site, ended), daemon=True) for _ in range(self.count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join(_CONNECT_S + 1)

    def _visit(self, site: Site, ended: threading.Event) -> None:
        while not ended.is_set():
            with suppress(OSError), connect(site) as connection:
                self.behave(connection, ended)
            time.sleep(_PAUSE_S)


FAULTS = (
    Fault(
        "peer-endless-head",
        "Peers",
        "one sends a head without end, again and again",
        Peers(endless_head, 1),
        Bound(recovers_s=5, p99_ratio=2),
    ),
    Fault(
        "peer-half-open",
        "Peers",
        "500 send half a request, and wait",
        Peers(half_open, 500),
        Bound(recovers_s=10, p99_ratio=2),
        during_s=15,
    ),
    Fault(
        "peer-unread",
        "Peers",
        "50 send 200 requests each, and read no answer",
        Peers(unread, 50),
        Bound(recovers_s=10, p99_ratio=2),
    ),
    Fault(
        "peer-leaving",
        "Peers",
        "20 ask something new, and leave after half a second, again and again",
        Peers(leave, 20),
        Bound(recovers_s=15, p99_ratio=2),
        after_s=20,
    ),
)
