"""A real Redis server for the tests of roles, with the users and limits that a test gives it."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.certificates import Authority

START_SECONDS = 10


class RedisProcess:
    """`redis-server` in a folder of its own; a context manager.

    Args:
        folder: Where it keeps its files.
        acl: Lines of its ACL file.
        options: Further command-line options.
        authority: Who certifies it; with one it speaks TLS and nothing else.

    Attributes:
        port: Where it listens on loopback.
    """

    def __init__(self, folder: Path, acl: list[str], *options: str, authority: Authority | None = None) -> None:
        self._acl = folder / "users.acl"
        self.write_users(acl)
        self._folder = folder
        self._options = list(options)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        if authority:
            certificate, key = authority.certify(folder, "127.0.0.1")
            self._options += [
                "--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no",
                "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
            ]  # fmt: skip

    def write_users(self, acl: list[str]) -> None:
        """Write the ACL file; a running server has not read it then."""
        self._acl.write_text("\n".join(acl) + "\n")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
                *("--save", "", "--loglevel", "warning", "--aclfile", str(self._acl), *self._options),
            ],
            stdout=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=START_SECONDS)
