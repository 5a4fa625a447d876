"""Where a Redis is, and who is asking there."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool

KEEPALIVE_S = 30
"""After so long without a word the peer is probed: routers and balancers forget silent connections."""


class RedisAddress:
    """A server, a database in it, and a user.

    Args:
        pool: Connections of the library's to the same: what it has read from the URL, and the TLS context.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        options = pool.connection_kwargs
        self._path: str | None = options.get("path")
        self._host: str = options.get("host", "localhost")
        self._port = int(options.get("port", 6379))
        self._tls = options.get("context")
        self._username: str | None = options.get("username")
        self._password: str | None = options.get("password")
        self._db = int(options.get("db", 0))

    def __str__(self) -> str:
        return self._path or f"{self._host}:{self._port}"

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Connects a protocol, which is told its transport.

        Raises:
            OSError: Nobody listens there, or TLS cannot vouch for who does.
        """
        loop = asyncio.get_running_loop()
        if self._path is not None:
            await loop.create_unix_connection(lambda: protocol, self._path)
            return
        transport, _ = await loop.create_connection(lambda: protocol, self._host, self._port, ssl=self._tls)
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)

    def login(self) -> list[tuple[str | bytes | int, ...]]:
        """The commands with which a connection begins."""
        commands: list[tuple[str | bytes | int, ...]] = []
        if self._password:
            commands.append(("AUTH", *([self._username] if self._username else []), self._password))
        if self._db:
            commands.append(("SELECT", self._db))
        return commands
