"""Waiting for an instance of the service."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from ai_service.cli.errors import CliError
from ai_service.cli.instances import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATUSES = [b"503 Service Unavailable", b"200 OK"]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[list[bytes]]:
    """Run an instance 7, ready at the second request, and give the requests received."""
    requests: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "7.sock"))
        listener.listen()
        listener.settimeout(5)

        def answer() -> None:
            for status in STATUSES:
                connection, _ = listener.accept()
                with connection:
                    requests.append(connection.recv(1000))
                    connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status)

        thread = threading.Thread(target=answer)
        thread.start()
        yield requests
        thread.join(5)


def test_an_instance_is_asked_until_it_is_ready(tmp_path: Path, asked: list[bytes]) -> None:
    """Alive is not enough."""
    wait_until_ready("alchemorsel-ai@7.service", sockets=tmp_path)
    assert [request.split(b" HTTP")[0] for request in asked] == [b"GET /health/ready"] * 2


def test_an_instance_that_never_listens_is_reported(tmp_path: Path) -> None:
    """With what was not done because of it."""
    with pytest.raises(CliError, match=r"alchemorsel-ai@7\.service is not ready .* were not restarted"):
        wait_until_ready("alchemorsel-ai@7.service", sockets=tmp_path, timeout_s=0)
