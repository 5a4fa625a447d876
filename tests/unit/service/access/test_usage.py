"""`GET /api/v1/ai/usage` as an administrator sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES
from tests.unit.service.keyed_client import OPERATOR, WEB, keyed_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RECIPE = "/api/v1/ai/generate-recipe"
USAGE = "/api/v1/ai/usage"
ADMIN_KEY = "an-administrators-key-for-these-tests"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Run a service with a key and an administrator's."""
    async with keyed_client(tmp_path) as opened:
        yield opened


async def test_usage_is_told_by_day_and_key(client: Client) -> None:
    """Today first; hits count nothing."""
    for _ in range(3):
        await client.post(RECIPE, json=BODIES[RECIPE], headers={"x-api-key": WEB})
    response = await client.get(USAGE, headers={"x-api-key": OPERATOR})
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (response.status_code, body["success"]) == (200, True)
    data = body["data"]
    assert data["covers"] == "instance"
    assert len(data["days"]) == 7
    assert data["days"][0] == {
        "day": datetime.now(UTC).date().isoformat(),
        "keys": {"web": {"prompt_tokens": 10, "completion_tokens": 20, "requests": 1}},
    }


@pytest.mark.parametrize("path", [USAGE, f"{USAGE}/"])
async def test_usage_is_the_administrators(client: Client, path: str) -> None:
    """Another key sees nothing, not even its own."""
    check_error(await client.get(path), 401, "unauthorized")
    check_error(await client.get(path, headers={"x-api-key": WEB}), 403, "forbidden")


async def test_without_api_keys_there_is_no_usage(tmp_path: Path) -> None:
    """The route is the administrator's all the same."""
    (tmp_path / "key").write_text(ADMIN_KEY)
    async with Client(ALCHEMORSEL_ADMIN_KEY_FILE=str(tmp_path / "key")) as client:
        await client.post(RECIPE, json=BODIES[RECIPE])
        check_error(await client.get(USAGE), 401, "unauthorized")
        found = await client.get(USAGE, headers={"authorization": f"Bearer {ADMIN_KEY}"})
    assert all(day["keys"] == {} for day in found.json()["data"]["days"])


async def test_a_gauge_says_that_budgets_count_per_process(client: Client) -> None:
    """Without Redis they do; no label tells of keys."""
    text = (await client.get("/metrics")).text
    assert "alchemorsel_ai_token_budgets_per_process 1.0" in text
