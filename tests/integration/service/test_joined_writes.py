"""How answers go over the wire, on the real program."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.integration.service.program import Program

BODY = b'{"partial": ["tomato"]}'
REQUEST = (
    b"POST /api/v1/ai/suggest-ingredients HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
TRIES = 20


def test_head_and_body_of_an_answer_come_in_one_piece() -> None:
    """Each of many times: one packet and one system call, where uvicorn alone takes two of each."""
    with Program(AI_PROVIDER="mock") as program:
        parts = urlsplit(program.url)
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
            for _ in range(TRIES):
                connection.sendall(REQUEST)
                head, _, body = connection.recv(64 * 1024).partition(b"\r\n\r\n")
                (length,) = (line[16:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
                assert len(body) == int(length) > 0
