"""The generator's client, against a server that sends the very bytes a test says."""

from __future__ import annotations

import socket
import socketserver
import subprocess
import sys
import time
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import gevent  # type: ignore[import-untyped] # has none
import pytest

from bench.load.client import Client
from lab.ports import free_port
from lab.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[4]

SIZED = b"HTTP/1.1 200 OK\r\nCache-Status: alchemorsel; hit\r\nContent-Length: 4\r\n\r\nabcd"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcd"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CLOSE = b""
"""In place of a piece: the server closes the connection."""


class _Handler(socketserver.StreamRequestHandler):
    """One connection: a request, then the pieces of an answer, and so on."""

    def handle(self) -> None:
        """See BaseRequestHandler."""
        server = self.server
        assert isinstance(server, _Server)
        server.connections += 1
        while head := b"".join(takewhile(b"\r\n".__ne__, self.rfile)):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            server.requests.append(head + b"\r\n" + self.rfile.read(length))
            for piece in server.pieces:
                if piece == CLOSE:
                    return
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(server.pause_s)

    def finish(self) -> None:
        """See BaseRequestHandler."""
        super().finish()
        self.request.shutdown(socket.SHUT_RDWR)
        server = self.server
        assert isinstance(server, _Server)
        server.ended += 1


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    pieces: Sequence[bytes] = ()
    pause_s = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        self.ended = 0
        self.requests: list[bytes] = []


class ByteServer(Serving):
    """Answers every request with the same pieces.

    Args:
        pieces: Of one answer; `CLOSE` ends the connection.
        pause_s: Seconds after each.
    """

    def __init__(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        self.server = _Server()
        self.server.pieces, self.server.pause_s = pieces, pause_s
        super().__init__(self.server)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        return super().__enter__()


@pytest.mark.parametrize("answer", [SIZED, CHUNKED, UNTIL_CLOSE, INTERIM + SIZED])
@pytest.mark.parametrize("in_pieces", [False, True])
def test_an_answer_is_whole_however_it_comes(answer: bytes, in_pieces: bool) -> None:
    """By its length, in chunks, by the connection's end; also where the pieces come one after the other."""
    pieces = [answer[at : at + 20] for at in range(0, len(answer), 20)] if in_pieces else [answer]
    if answer is UNTIL_CLOSE:
        pieces.append(CLOSE)
    with ByteServer(*pieces, pause_s=0.001) as server, closing(Client(server.url, 1, {})) as client:
        found = client.send(client.compose("/path", b"{}"))
    assert (found.status, found.body, found.error) == (200, b"abcd", "")


def test_a_request_is_sent_as_it_was_composed() -> None:
    """Below the path of the base URL, with the headers of every request and without the URL's password."""
    with ByteServer(SIZED) as server:
        url = server.url.replace("http://", "http://user:secret@") + "/base/"
        with closing(Client(url, 1, {"X-One": "1"})) as client:
            client.send(client.compose("/path", b'{"a":1}'))
        (request,) = server.server.requests
    host = server.url.removeprefix("http://").encode()
    expected = b"POST /base/path HTTP/1.1\r\nHost: %s\r\nX-One: 1\r\nContent-Length: 7\r\n\r\n" % host
    assert request == expected + b'{"a":1}'


def test_a_connection_is_kept_and_one_that_was_closed_is_not_used_again() -> None:
    """A server may close what it kept; the next request is not to blame for it."""
    with ByteServer(SIZED) as server, closing(Client(server.url, 1, {})) as client:
        request = client.compose("/", b"")
        assert [client.send(request).status for _ in range(3)] == [200] * 3
        assert server.server.connections == 1
        server.server.pieces = (SIZED, CLOSE)
        assert client.send(request).status == 200
        while server.server.ended < 1:  # The end comes after the answer.
            time.sleep(0.001)
        server.server.pieces = (SIZED,)
        assert client.send(request).status == 200
        assert server.server.connections == 2


def test_an_interim_answer_gives_no_connection_away() -> None:
    """The final one comes over it, so nobody else may send there meanwhile."""
    with ByteServer(INTERIM, SIZED, pause_s=0.05) as server, closing(Client(server.url, 2, {})) as client:
        asked = [gevent.spawn(client.send, client.compose("/", b"")) for _ in range(2)]
        gevent.sleep(0.02)
        asked.append(gevent.spawn(client.send, client.compose("/", b"")))
        assert [one.get().body for one in asked] == [b"abcd"] * 3


def test_headers_are_found_by_their_names_in_lower_case() -> None:
    """Of any status; several of one name are one list."""
    answer = b"HTTP/1.1 503 No\r\nRetry-AFTER: 7\r\nVia: a\r\nVia: c\r\nVIA: b\r\nContent-Length: 4\r\n\r\nabcd"
    with ByteServer(answer) as server, closing(Client(server.url, 1, {})) as client:
        found = client.send(client.compose("/", b""))
    assert (found.status, found.headers["retry-after"], found.headers["via"]) == (503, "7", "a, c, b")


@pytest.mark.parametrize(
    "pieces", [(CLOSE,), (SIZED[:-1], CLOSE), (CHUNKED[:-5], CLOSE), (b"garbage\r\n\r\n",)], ids=str
)
def test_no_whole_answer_is_an_answer_with_an_error(pieces: tuple[bytes, ...]) -> None:
    """Half a body would be a fast answer; and the next request gets a connection all the same."""
    with ByteServer(*pieces) as server, closing(Client(server.url, 1, {})) as client:
        request = client.compose("/", b"")
        found = client.send(request)
        assert (found.status, found.body) == (0, b"")
        assert found.error
        server.server.pieces = (SIZED,)
        assert client.send(request).status == 200


def test_a_server_that_is_not_there_is_an_answer_with_an_error() -> None:
    """Also when connecting beforehand: who sends finds out."""
    with closing(Client(f"http://127.0.0.1:{free_port()}", 2, {})) as client:
        client.connect(2)
        assert "ConnectionRefusedError" in client.send(client.compose("/", b"")).error


def test_an_address_that_is_none_is_refused() -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=r"expected e\.g\. http://"):
        Client("127.0.0.1:3010", 1, {})


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", *[b"x"] * 4000),
    "head": (b"HTTP/1.1 200 OK\r\n", *[b"X", b":", b"a", b"\r\n"] * 1000),
    "interim": (*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 4000,),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_an_answer_that_drips_has_a_deadline_and_its_connection_is_not_used_again(
    drip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then is no progress; what still comes of it is not taken for the next answer."""
    monkeypatch.setattr("bench.load.client.ANSWER_SECONDS", 0.3)
    with ByteServer(*DRIPS[drip], pause_s=0.02) as server, closing(Client(server.url, 1, {})) as client:
        assert client.send(client.compose("/", b"")).error == "timeout: no whole answer within 0.3 s"
        server.server.pieces, server.server.pause_s = (SIZED,), 0.0
        assert client.send(client.compose("/", b"")).body == b"abcd"
        assert server.server.connections == 2


HANDSHAKE = """
from gevent import monkey; monkey.patch_all()
import socket
from bench.load import client
client.PREPARE_SECONDS, client.ANSWER_SECONDS = 0.2, 0.3
with socket.create_server(("127.0.0.1", 0)) as silent:
    sender = client.Client(f"https://127.0.0.1:{silent.getsockname()[1]}", 2, {})
    sender.connect(2)
    print(sender.send(sender.compose("/", b"")).error)
"""


def test_a_server_that_never_ends_its_handshake_is_not_waited_for() -> None:
    """Neither when connecting beforehand nor by a request; in a process whose sockets are gevent's, as Locust's are."""
    asked = subprocess.run(
        [sys.executable, "-c", HANDSHAKE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert asked.stdout == "timeout: no whole answer within 0.3 s\n"


@pytest.mark.parametrize(
    ("flood", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", "body: larger than"),
        (b"HTTP/1.1 200 OK\r\nX: ", "head: larger than"),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 2000, "head: larger than"),
    ],
    ids=["body", "head", "interim"],
)
def test_an_answer_that_has_no_end_is_refused(flood: bytes, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than any answer of the service, so that it fills no memory."""
    monkeypatch.setattr("bench.load.whole_answer.MAX_BYTES", 300_000)
    rest = flood if b"102" in flood else b"x" * 50_000
    with ByteServer(flood, *[rest] * 9) as server, closing(Client(server.url, 1, {})) as client:
        assert client.send(client.compose("/", b"")).error.startswith(error)
