"""`GET /api/v1/ai/requests` as an administrator sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES
from tests.unit.service.keyed_client import OPERATOR, WEB, keyed_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RECIPE = "/api/v1/ai/generate-recipe"
REQUESTS = "/api/v1/ai/requests"
ADMIN = {"x-api-key": OPERATOR}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Run a service with a key and an administrator's, which logs warnings only."""
    async with keyed_client(tmp_path, ALCHEMORSEL_LOG_LEVEL="warning") as opened:
        yield opened


async def requests(client: Client, count: int, query: str = "") -> list[dict[str, Any]]:
    """Wait until so many are listed, and return them."""
    while True:
        data = (await client.get(f"{REQUESTS}{query}", headers=ADMIN)).json()["data"]
        if len(data["requests"]) >= count:
            assert data["covers"] == "instance"
            return list(data["requests"])
        await asyncio.sleep(0.02)


async def test_the_last_requests_are_listed_without_what_was_asked(client: Client) -> None:
    """Newest first, also where the log has warnings only; who asked is named, health checks are left out."""
    headers = {"x-api-key": WEB, "x-request-id": "mine-1"}
    assert (await client.post(RECIPE, json=BODIES[RECIPE], headers=headers)).status_code == 200
    await client.get("/health")
    await client.post(RECIPE, json={"prompt": ""}, headers={"x-api-key": WEB, "x-request-id": "mine-2"})
    refused, answered = [each for each in await requests(client, 2) if each["id"].startswith("mine-")]
    assert (refused["id"], refused["status"], refused["error"]) == ("mine-2", 400, "invalid_request")
    assert answered["duration_ms"] > 0
    assert {name: answered[name] for name in ("id", "route", "status", "cache", "provider", "key")} == {
        "id": "mine-1", "route": "recipe", "status": 200, "cache": "miss", "provider": "ollama", "key": "web",
    }  # fmt: skip
    assert "prompt" not in answered
    assert not [each for each in await requests(client, 2) if "/health" in each["route"]]


async def test_one_is_found_by_its_id(client: Client) -> None:
    """Which another request does not have."""
    await client.post(RECIPE, json=BODIES[RECIPE], headers={"x-api-key": WEB, "x-request-id": "mine-1"})
    await requests(client, 1)
    response = await client.get(f"{REQUESTS}/mine-1", headers=ADMIN)
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["data"]["id"] == "mine-1"
    check_error(await client.get(f"{REQUESTS}/mine-9", headers=ADMIN), 404, "request_not_found")


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?limit=x", "?limit=", "?limit=٣", "?task=recipe"])
async def test_another_query_is_refused(client: Client, query: str) -> None:
    """With what is expected."""
    error = check_error(await client.get(f"{REQUESTS}{query}", headers=ADMIN), 400, "invalid_request")
    assert "limit" in error["error"]


async def test_a_limit_lists_the_newest(client: Client) -> None:
    """As many as wanted."""
    for number in range(3):
        headers = {"x-api-key": WEB, "x-request-id": f"mine-{number}"}
        await client.post(RECIPE, json=BODIES[RECIPE], headers=headers)
    await requests(client, 3)
    assert len(await requests(client, 1, "?limit=1")) == 1


@pytest.mark.parametrize("path", [REQUESTS, f"{REQUESTS}/", f"{REQUESTS}/mine-1"])
async def test_they_are_the_administrators(client: Client, path: str) -> None:
    """Another key sees nothing, not even its own."""
    check_error(await client.get(path), 401, "unauthorized")
    check_error(await client.get(path, headers={"x-api-key": WEB}), 403, "forbidden")
