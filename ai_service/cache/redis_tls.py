"""Connections to Redis over TLS that share what they trust."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from redis.asyncio import SSLConnection

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool


class SharedTrustConnection(SSLConnection):
    """A connection that is given its TLS context.

    The library's own makes one each time it connects. That reads every authority that the system trusts, which takes
    longer than an operation may, stops the event loop meanwhile, and would let each of them vouch for the server.

    Args:
        context: What it trusts.
        options: See the library.
    """

    def __init__(self, *, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = context


def share_trust(pool: ConnectionPool, authorities: str) -> None:
    """Has all connections of a pool trust the same; does nothing to a pool without TLS.

    Args:
        pool: Before its first connection.
        authorities: Certificates in PEM format; empty for those that the system trusts.
    """
    if issubclass(pool.connection_class, SSLConnection):
        pool.connection_class = SharedTrustConnection
        pool.connection_kwargs["context"] = ssl.create_default_context(cadata=authorities or None)
