"""Binding the socket that a program listens on."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from ai_service.errors import ListenError
from ai_service.process.listener import bind

if TYPE_CHECKING:
    from pathlib import Path


def test_a_unix_socket_is_open_to_those_who_reach_its_directory_and_goes_at_the_end(tmp_path: Path) -> None:
    """Uvicorn's mode; a reader of the directory's permissions knows who may connect."""
    path = tmp_path / "ai.sock"
    with bind(str(path), "", 0) as listener:
        assert listener.family == socket.AF_UNIX
        assert path.stat().st_mode & 0o777 == 0o666
    assert not path.exists()


def test_a_socket_file_of_a_killed_process_is_replaced(tmp_path: Path) -> None:
    """It would keep the service from starting again."""
    path = tmp_path / "ai.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    with bind(str(path), "", 0) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.listen()
        client.connect(str(path))


@pytest.mark.parametrize("clients", [0, 8])
def test_a_socket_on_which_another_process_listens_is_refused(tmp_path: Path, clients: int) -> None:
    """Also where that one is too busy to accept; its file stays."""
    path = tmp_path / "ai.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(1)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(clients)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(ListenError, match=f"^Cannot listen on {path}: another process listens on it; stop"):
            bind(str(path), "", 0).__enter__()
        for client in waiting:
            client.close()
    assert path.is_socket()


def test_a_file_that_is_no_socket_is_kept(tmp_path: Path) -> None:
    """It is somebody's."""
    path = tmp_path / "ai.sock"
    path.write_text("precious")
    with pytest.raises(ListenError, match="not a socket; remove it, or choose another path"):
        bind(str(path), "", 0).__enter__()
    assert path.read_text() == "precious"


def test_a_successors_socket_file_is_kept(tmp_path: Path) -> None:
    """Whoever ends late must not take the address from whoever started since."""
    path = tmp_path / "ai.sock"
    with bind(str(path), "", 0), socket.socket(socket.AF_UNIX) as successor:
        path.rename(tmp_path / "old.sock")
        successor.bind(str(path))
    assert path.is_socket()


def test_what_cannot_be_bound_is_said_in_a_sentence(tmp_path: Path) -> None:
    """A missing directory, a port in use."""
    path = tmp_path / "missing" / "ai.sock"
    with pytest.raises(ListenError, match=f"^Cannot listen on {path}: No such file or directory$"):
        bind(str(path), "", 0).__enter__()
    with bind("", "127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(ListenError, match=f"^Cannot listen on 127.0.0.1:{port}: Address already in use$"):
            bind("", "127.0.0.1", port).__enter__()
