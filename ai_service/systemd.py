"""The two things systemd asks of a daemon: to serve on the socket it passes, and to say when it is ready."""

from __future__ import annotations

import socket

FIRST_FD = 3
"""SD_LISTEN_FDS_START of sd_listen_fds(3)."""


def passed_sockets(count: int) -> list[socket.socket]:
    """The listening sockets that systemd passed."""
    return [socket.socket(fileno=FIRST_FD + index) for index in range(count)]


def notify(address: str, state: str) -> None:
    """Sends a state such as `READY=1` (sd_notify(3)).

    Args:
        address: Value of NOTIFY_SOCKET; "" where nobody listens. "@" starts an abstract socket's name.
        state: What to say.
    """
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        channel.sendall(state.encode())
