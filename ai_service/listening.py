"""A listening socket of one's own, where systemd passes none."""

from __future__ import annotations

import socket


def listen(host: str, port: int) -> socket.socket:
    """Binds a TCP socket.

    Args:
        host: A name or an address, of either family.
        port: 0 takes a free one.

    Raises:
        OSError: It cannot be had.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
