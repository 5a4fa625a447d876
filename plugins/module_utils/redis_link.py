"""A connection to Redis that speaks enough of its protocol (RESP2) for the role's modules.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRWPair

OPTIONS: dict[str, Any] = {
    "host": {"type": "str", "default": "127.0.0.1"},
    "port": {"type": "int", "default": 6379},
    "ca_file": {"type": "path"},
    "tls_name": {"type": "str"},
    "user": {"type": "str", "required": True},
    "password_file": {"type": "path", "required": True, "no_log": False},
    "timeout": {"type": "int", "default": 10},
}
"""What a module asks for to connect and log in; doc_fragments/redis_link.py describes it."""


class LinkError(Exception):
    """The server closed the connection."""


class Link:
    """One connection.

    Args:
        stream: A socket's file.
    """

    def __init__(self, stream: BufferedRWPair) -> None:
        self._stream = stream

    def command(self, *words: str) -> str:
        """Send a command and return its reply; an error keeps its leading minus sign, nothing is the empty string.

        Raises:
            LinkError: There is no reply.
        """
        parts = [word.encode() for word in words]
        message = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._stream.write(message)
        self._stream.flush()
        line = self._stream.readline().decode().rstrip("\r\n")
        if not line:
            raise LinkError(f"the server closed the connection on {words[0]}")
        if line.startswith("$"):
            length = int(line[1:])
            return "" if length < 0 else self._stream.read(length + 2)[:-2].decode()
        return line if line.startswith("-") else line[1:]


@contextlib.contextmanager
def connect(params: dict[str, Any]) -> Iterator[Link]:
    """Connect to a server, which may still be starting.

    Args:
        params: Values of OPTIONS.

    Raises:
        OSError: It does not answer within the time, or its certificate is not one for its name.
    """
    timeout = params["timeout"]
    deadline = time.monotonic() + timeout
    while True:
        try:
            link = socket.create_connection((params["host"], params["port"]), timeout=timeout)
            break
        except ConnectionRefusedError:  # a server that systemd just started may not listen yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    if params["tls_name"]:
        link = ssl.create_default_context(cafile=params["ca_file"]).wrap_socket(
            link, server_hostname=params["tls_name"]
        )
    with link, link.makefile("rwb") as stream:
        yield Link(stream)


def password_in(path: str) -> str:
    """Return the password that a file holds.

    Raises:
        OSError: It cannot be read.
    """
    return Path(path).read_text(encoding="utf-8").strip()
