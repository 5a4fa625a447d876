"""Commands on kept connections to Redis, without what a client object puts around each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiredis import pack_command

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool
    from redis.asyncio.connection import AbstractConnection


class RedisConnections:
    """Borrows connections from a pool as they are needed, and keeps them.

    Connections, the protocol and logging in are the library's. Its client's retries, telemetry and giving back of the
    connection after each command are left out: they take as long as the rest of a command (docs/benchmarks.md), and
    nobody here uses them. Commands are packed by the library's parser in C, which its asyncio side leaves to Python.

    Args:
        pool: Where they come from; bounds their number, and closes them.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._free: list[AbstractConnection] = []

    async def command(self, *arguments: str | bytes | int) -> Any:
        """Sends one command.

        Args:
            arguments: Its name, and what it takes.

        Returns:
            The answer: bytes, integers, None, and lists of them.

        Raises:
            RedisError: It was refused, or there is no connection.
        """
        connection = self._free.pop() if self._free else await self._borrow()
        try:
            if not connection.is_connected or await connection.can_read():
                # It broke while it lay here, or when its last command was given up: it is made anew.
                await self._pool.ensure_connection(connection)
            packed = pack_command(arguments)  # type: ignore[arg-type] # hiredis says a tuple of one
            await connection.send_packed_command(packed, check_health=False)
            return await connection.read_response()
        finally:
            self._free.append(connection)

    async def _borrow(self) -> AbstractConnection:
        connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call] # has none
        return connection
