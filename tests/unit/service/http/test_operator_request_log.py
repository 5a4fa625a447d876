"""What operators and newcomers ask for is in the log, too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.service.client import Client

Lines = list[dict[str, Any]]


async def logged(capsys: pytest.CaptureFixture[str], path: str, method: str = "GET", **environ: str) -> Lines:
    """Return the log lines of one request, written when the service ends."""
    async with Client(**environ) as client:
        response = await client.request(method, path, headers={"x-request-id": "abc"})
    assert response.headers["x-request-id"] == "abc"
    lines: Lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"request"' in line]
    return lines


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/docs", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/nope", 404),
        ("DELETE", "/api/v1/ai/cache", 403),
        ("POST", "/openapi.json", 405),
    ],
)
async def test_each_request_is_one_line(
    capsys: pytest.CaptureFixture[str], method: str, path: str, status: int
) -> None:
    """With the status and the request's name that the caller got."""
    (line,) = await logged(capsys, path, method)
    assert (line["route"], line["status"], line["level"]) == (f"{method} {path}", status, "info")
    assert (line["request_id"], line["task"]) == ("abc", "")


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/api/v1/ai/health", "/metrics"])
async def test_what_is_polled_is_logged_at_level_debug(capsys: pytest.CaptureFixture[str], path: str) -> None:
    """A load balancer asks every few seconds."""
    assert await logged(capsys, path) == []
    (line,) = await logged(capsys, path, ALCHEMORSEL_LOG_LEVEL="debug")
    assert (line["route"], line["level"]) == (f"GET {path}", "debug")


async def test_a_request_id_that_does_harm_is_replaced_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In the answer, the error's body and the log it is the same."""
    async with Client() as client:
        response = await client.get("/nope", headers={"x-request-id": "a b"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"request"' in line]
    names = {response.headers["x-request-id"], response.json()["request_id"], lines[0]["request_id"]}
    assert len(names) == 1
    assert "a b" not in names


async def test_a_long_path_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of the log stays a line."""
    (line,) = await logged(capsys, "/" + "x" * 5000)
    assert len(line["route"]) < 250
