"""What callers see of their connections to the real program, on both kinds of listener."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.service.program import Program
from tests.raw_client import is_closed, read_answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

SMALL = b'{"partial": ["tomato"]}'
HEAD_LIMIT = 32 * 1024
LARGE = 1024 * 1024
RECIPE = b"/api/v1/ai/generate-recipe"
TASK = b"/api/v1/ai/suggest-ingredients"
JSON = b"Content-Type: application/json\r\n"


def request_of(method: bytes, path: bytes, headers: bytes, body: bytes, *, length: int | None = None) -> bytes:
    """Write a request, whose body may be shorter than it says."""
    said = len(body) if length is None else length
    head = b"%s %s HTTP/1.1\r\nHost: localhost\r\n%s" % (method, path, headers)
    if b"chunked" not in headers and said:
        head += b"Content-Length: %d\r\n" % said
    return head + b"\r\n" + body


UNREAD = {
    "too large": (413, request_of(b"POST", TASK, JSON, SMALL, length=LARGE)),
    "too large in the end": (
        413,
        request_of(b"POST", TASK, JSON + b"Transfer-Encoding: chunked\r\n", b"%x\r\n%s" % (LARGE, b" " * 70_000)),
    ),
    "not JSON by its type": (415, request_of(b"POST", TASK, b"Content-Type: text/plain\r\n", SMALL, length=LARGE)),
    "another method": (405, request_of(b"PUT", TASK, JSON, SMALL, length=LARGE)),
    "no such route": (404, request_of(b"POST", b"/nowhere", JSON, SMALL, length=LARGE)),
    "no key for administrators": (403, request_of(b"POST", b"/api/v1/ai/cache/warmup", JSON, SMALL, length=LARGE)),
    "a body that nobody expects": (200, request_of(b"GET", b"/health/live", b"", SMALL, length=LARGE)),
}
READ = {
    "answered": (200, request_of(b"POST", TASK, JSON, SMALL)),
    "not JSON": (400, request_of(b"POST", TASK, JSON, b"{")),
    "impossible": (
        422,
        request_of(b"POST", RECIPE, JSON, b'{"prompt": "x", "max_calories": -1}'),
    ),
    "another method without a body": (405, request_of(b"GET", TASK, b"", b"")),
    "no such route without a body": (404, request_of(b"GET", b"/nowhere", b"", b"")),
}
PAUSE_S = 6.0
"""Longer than httpx keeps an idle connection, and than uvicorn does by itself."""


@pytest.fixture(scope="module", params=["port", "socket"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One on each kind of listener."""
    path = tmp_path_factory.mktemp("run") / "ai.sock"
    where = {"SOCKET": str(path)} if request.param == "socket" else {}
    with Program(AI_PROVIDER="mock", **where) as started:
        yield started


@pytest.fixture
def connection(program: Program) -> Iterator[socket.socket]:
    """One to the program."""
    with program.connect() as opened:
        yield opened


def test_an_idle_connection_is_not_closed_before_clients_close_theirs(connection: socket.socket) -> None:
    """A request that met the server's closing half-way would be lost."""
    for pause_s in (PAUSE_S, 0.0):
        connection.sendall(READ["answered"][1])
        assert read_answer(connection).status == 200
        time.sleep(pause_s)


@pytest.mark.parametrize("case", UNREAD)
def test_a_connection_is_closed_where_a_body_was_not_read_to_its_end(connection: socket.socket, case: str) -> None:
    """Its rest would be taken for the next request, or sent in vain."""
    status, request = UNREAD[case]
    connection.sendall(request)
    answer = read_answer(connection)
    assert (answer.status, answer.headers.get("connection")) == (status, "close")
    assert is_closed(connection)


@pytest.mark.parametrize("case", READ)
def test_a_connection_is_kept_where_a_body_was_read_or_there_is_none(connection: socket.socket, case: str) -> None:
    """Errors are no reason to connect anew."""
    status, request = READ[case]
    for _ in range(2):
        connection.sendall(request)
        answer = read_answer(connection)
        assert (answer.status, answer.headers.get("connection")) == (status, None)


@pytest.mark.parametrize("listener", ["port", "socket"])
def test_a_connection_is_closed_after_a_refused_key(tmp_path: Path, listener: str) -> None:
    """Before anything of the body is read; with a key that is right it is kept."""
    key = "k" * 32
    (tmp_path / "keys").write_text(f"app sha256:{hashlib.sha256(key.encode()).hexdigest()}\n")
    where = {"SOCKET": str(tmp_path / "ai.sock")} if listener == "socket" else {}
    with Program(AI_PROVIDER="mock", API_KEYS_FILE=str(tmp_path / "keys"), **where) as program:
        with program.connect() as connection:
            for _ in range(2):
                connection.sendall(request_of(b"POST", TASK, JSON + b"X-API-Key: %s\r\n" % key.encode(), SMALL))
                answer = read_answer(connection)
                assert (answer.status, answer.headers.get("connection")) == (200, None)
        for request in (
            request_of(b"POST", TASK, JSON, SMALL, length=LARGE),
            request_of(b"GET", b"/v1/models", b"", b""),
        ):
            with program.connect() as connection:
                connection.sendall(request)
                answer = read_answer(connection)
                assert (answer.status, answer.headers.get("connection")) == (401, "close")
                assert is_closed(connection)


def test_where_it_listens_by_itself_heads_are_bounded_and_upgrades_ignored() -> None:
    """Behind an edge these are the edge's work."""
    with Program(AI_PROVIDER="mock") as program:
        with program.connect() as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Filler: " + b"a" * HEAD_LIMIT)
            assert read_answer(connection).status == 400
            assert is_closed(connection)
        with program.connect() as connection:
            upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
            connection.sendall(request_of(b"POST", TASK, JSON + upgrade, SMALL))
            assert read_answer(connection).status == 200
