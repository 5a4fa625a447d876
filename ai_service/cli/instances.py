"""The readiness of a service instance, asked over its own Unix socket."""

from __future__ import annotations

import http.client
import re
import socket
import time
from pathlib import Path

from ai_service.cli.errors import CliError

SOCKETS = Path("/run/alchemorsel/ai")
READY_S = 30.0
POLL_S = 0.1
TIMEOUT_S = 5.0


def wait_until_ready(unit: str, *, sockets: Path = SOCKETS, timeout_s: float = READY_S) -> None:
    """Wait until an instance is ready, so that the next one may be restarted.

    Args:
        unit: Its name, `alchemorsel-ai@1.service`.
        sockets: Folder of the instances' sockets.
        timeout_s: Seconds after which it counts as failed.

    Raises:
        CliError: It is not ready in time.
    """
    instance = re.sub(r"^.*@(.*)\.service$", r"\1", unit)
    deadline = time.monotonic() + timeout_s
    while not _is_ready(sockets / f"{instance}.sock"):
        if time.monotonic() >= deadline:
            raise CliError(
                f"{unit} is not ready within {timeout_s:g} s; the instances after it were not restarted.",
                hint="`alchemorsel logs api` shows why.",
            )
        time.sleep(POLL_S)


def _is_ready(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            response = http.client.HTTPResponse(connection)
            response.begin()
        except (OSError, http.client.HTTPException):
            return False
        return response.status == http.client.OK
