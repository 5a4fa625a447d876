"""Bind the socket that a program listens on: a Unix socket, or a TCP port."""

from __future__ import annotations

import contextlib
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ai_service.errors import ListenError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

SOCKET_MODE = 0o666
"""As uvicorn makes it: the permissions of the directory decide who may connect."""


@contextlib.contextmanager
def bind(path: str, host: str, port: int) -> Iterator[socket.socket]:
    """Bind a socket for as long as the context lasts.

    A Unix socket's file that a killed process left behind is replaced; the file made here is removed at the end.

    Args:
        path: Absolute path of a Unix socket; "" binds a TCP port.
        host: A name or an address, of either family.
        port: 0 takes a free one.

    Raises:
        ListenError: Another process listens there, the path is taken by a file, or the permissions do not suffice.
    """
    try:
        listener = _bind_unix(Path(path)) if path else _bind_tcp(host, port)
    except OSError as error:
        raise ListenError(path or f"{host}:{port}", error.strerror or str(error)) from None
    made = _identity(Path(path)) if path else None
    try:
        with listener:
            yield listener
    finally:
        if made is not None and _identity(Path(path)) == made:  # Not a successor's.
            Path(path).unlink()


def _bind_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError:
        listener.close()
        raise
    return listener


def _bind_tcp(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the file of a Unix socket on which nobody listens."""
    found = _look_up(path)
    if found is None:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ListenError(str(path), "this file exists and is not a socket; remove it, or choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:  # Its backlog is full: the process is alive.
            pass
    raise ListenError(str(path), "another process listens on it; stop that process, or choose another path")


def _look_up(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _identity(path: Path) -> tuple[int, int] | None:
    found = _look_up(path)
    return None if found is None else (found.st_dev, found.st_ino)
