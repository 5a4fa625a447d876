"""HTTP over a raw connection, for what clients hide."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket


class RawAnswer(NamedTuple):
    """An answer, its headers' names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


def read_answer(connection: socket.socket) -> RawAnswer:
    """Read one answer, and leave the connection open."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return RawAnswer(
        response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()
    )


def is_closed(connection: socket.socket) -> bool:
    """Wait for the other side to close the connection, and tell whether it did so without sending more."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
