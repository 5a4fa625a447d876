"""What callers see of their connections to the real program."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.integration.service.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = b'{"partial": ["tomato"]}'
REQUEST = (
    b"POST /api/v1/ai/suggest-ingredients HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
TRIES = 20
PAUSE_S = 6.0
"""Longer than httpx keeps an idle connection, and than uvicorn does by itself."""


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    """One to the program."""
    with Program(AI_PROVIDER="mock") as program:
        parts = urlsplit(program.url)
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as opened:
            yield opened


def ask(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of an answer, as far as the first read gives them."""
    connection.sendall(REQUEST)
    head, _, body = connection.recv(64 * 1024).partition(b"\r\n\r\n")
    return head, body


def test_head_and_body_of_an_answer_come_in_one_piece(connection: socket.socket) -> None:
    """Each of many times: one packet and one system call, where uvicorn alone takes two of each."""
    for _ in range(TRIES):
        head, body = ask(connection)
        (length,) = (line[16:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
        assert len(body) == int(length) > 0


def test_an_idle_connection_is_not_closed_before_clients_close_theirs(connection: socket.socket) -> None:
    """A request that met the server's closing half-way would be lost."""
    ask(connection)
    time.sleep(PAUSE_S)
    head, _ = ask(connection)
    assert head.startswith(b"HTTP/1.1 200 ")
