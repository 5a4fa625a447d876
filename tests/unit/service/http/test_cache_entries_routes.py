"""`GET /api/v1/ai/cache/entries` as an administrator sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ai_service.http.cache_entries_routes import MOST
from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES
from tests.unit.service.keyed_client import OPERATOR, WEB, keyed_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RECIPE, INGREDIENTS, _ = BODIES
ENTRIES = "/api/v1/ai/cache/entries"
ADMIN = {"x-api-key": OPERATOR}
CALLER = {"x-api-key": WEB}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Run a service with a key and an administrator's."""
    async with keyed_client(tmp_path) as opened:
        yield opened


async def listed(client: Client, task: str = "recipe") -> dict[str, Any]:
    """Return what is listed of a task."""
    response = await client.get(f"{ENTRIES}?task={task}", headers=ADMIN)
    assert response.headers["cache-control"] == "no-store"
    data: dict[str, Any] = response.json()["data"]
    return data


async def test_answers_are_listed_with_age_and_hits_without_what_was_asked(client: Client) -> None:
    """Those with the most hits first."""
    for prompt, times in (("soup", 1), ("stew", 3)):
        for _ in range(times):
            await client.post(RECIPE, json={"prompt": prompt}, headers=CALLER)
    found = await listed(client)
    assert (found["covers"], found["task"], found["complete"]) == ("instance", "recipe", True)
    assert [each["hits_today"] for each in found["answers"]] == [2, 0]
    first = found["answers"][0]
    assert (first["scope"], first["provider"], first["degraded"]) == ("shared", "ollama", False)
    assert first["age_s"] == 0
    assert first["fresh_s"] > 3000
    assert len(first["id"]) == 32
    assert "stew" not in str(found)
    assert (await listed(client, "ingredients"))["answers"] == []


async def test_a_purge_leaves_none(client: Client) -> None:
    """Nor their hits: an answer that comes anew begins with none."""
    for _ in range(2):
        await client.post(RECIPE, json=BODIES[RECIPE], headers=CALLER)
    await client.delete("/api/v1/ai/cache?task=recipe", headers=ADMIN)
    assert (await listed(client))["answers"] == []
    await client.post(RECIPE, json=BODIES[RECIPE], headers=CALLER)
    assert [each["hits_today"] for each in (await listed(client))["answers"]] == [0]


async def test_of_many_answers_some_are_listed(client: Client) -> None:
    """And it is said that there are more."""
    for number in range(MOST + 2):
        await client.post(INGREDIENTS, json={"partial": [f"leek {number}"]}, headers=CALLER)
    found = await listed(client, "ingredients")
    assert (found["complete"], len(found["answers"])) == (False, MOST)


@pytest.mark.parametrize("query", ["", "?task=", "?task=soup", "?task=embeddings", "?limit=3"])
async def test_another_query_is_refused(client: Client, query: str) -> None:
    """With the tasks that there are."""
    check_error(await client.get(f"{ENTRIES}{query}", headers=ADMIN), 400, "invalid_request")


async def test_they_are_the_administrators(client: Client) -> None:
    """Another key sees nothing."""
    check_error(await client.get(f"{ENTRIES}?task=recipe"), 401, "unauthorized")
    check_error(await client.get(f"{ENTRIES}?task=recipe", headers=CALLER), 403, "forbidden")
