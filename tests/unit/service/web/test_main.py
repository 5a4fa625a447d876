"""The page's program from outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.service.program import Program

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = "/api/v1/ai/generate-recipe"
NO_API = "http://127.0.0.1:9"


def ask(program: Program, *lines: str, body: str = "") -> tuple[int, str]:
    """Send a request as a browser would, to the letter; return status and error code."""
    head = "\r\n".join([*lines, "Connection: close", f"Content-Length: {len(body)}"])
    with program.connect() as connection:
        connection.sendall(f"{head}\r\n\r\n{body}".encode())
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    status = int(answer.split()[1])
    content = answer.partition(b"\r\n\r\n")[2]
    return status, json.loads(content).get("code", "") if content.startswith(b"{") else ""


@pytest.mark.parametrize("listens", ["port", "socket"])
def test_foreign_sites_neither_read_nor_ask(listens: str, tmp_path: Path) -> None:
    """A rebound name and a foreign form are refused before the API is asked; the page's own request reaches it."""
    settings = {"API_URL": NO_API, "HOSTS": "page.example"}
    if listens == "socket":
        settings["SOCKET"] = str(tmp_path / "web.sock")
    with Program("ai_service.web", "WEB_", **settings) as page:
        assert ask(page, "GET / HTTP/1.1", "Host: page.example:3011") == (200, "")
        assert ask(page, "GET / HTTP/1.1", "Host: 192.0.2.7:3011") == (200, "")
        for path in ("/", "/status", "/health/live", "/assets/main.js"):
            assert ask(page, f"GET {path} HTTP/1.1", "Host: rebound.example") == (421, "unknown_host")
        post = (f"POST {RECIPE} HTTP/1.1", "Host: page.example:3011", "Content-Type: application/json")
        assert ask(page, *post, "Origin: http://page.example:3011", body="{}") == (502, "api_unreachable")
        assert ask(page, *post, "Origin: http://foreign.example", body="{}") == (403, "cross_site")
        assert ask(page, *post, "Origin: null", body="{}") == (403, "cross_site")
        assert ask(page, *post, "Sec-Fetch-Site: cross-site", body="{}") == (403, "cross_site")


def test_a_name_that_browsers_do_not_send_is_said_at_the_start() -> None:
    """With the setting, and nothing else opened."""
    done = Program("ai_service.web", "WEB_", HOSTS="page.example,https://page.example:3011").run()
    assert done.returncode == 78
    assert "ALCHEMORSEL_WEB_HOSTS" in done.stderr
    assert "without scheme and port" in done.stderr


def test_a_socket_that_cannot_be_bound_is_told(tmp_path: Path) -> None:
    """With its path and the reason."""
    path = tmp_path / "none" / "web.sock"
    done = Program("ai_service.web", "WEB_", API_URL=NO_API, SOCKET=str(path)).run()
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert "No such file or directory" in done.stderr
