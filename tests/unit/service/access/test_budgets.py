"""Token budgets as clients see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ai_service.access.keys import hash_key, new_key
from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SMALL = new_key()
RECIPE = "/api/v1/ai/generate-recipe"
KEY = {"x-api-key": SMALL}
SENTENCE = "Token budget of 30/day exceeded for key 'small'."
MODEL = "ollama-model"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "What is pesto?"}]}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Run a service with a key whose budget is one answer."""
    (tmp_path / "keys").write_text(hash_key("small", SMALL, rate="100/hour", budget="30tokens/day").line())
    environ = {"ALCHEMORSEL_API_KEYS_FILE": str(tmp_path / "keys"), "ALCHEMORSEL_OLLAMA_MODEL": MODEL}
    async with Client(ScriptedProvider(), **environ) as opened:
        yield opened


async def test_over_budget_it_is_429_unless_cached(client: Client) -> None:
    """In the shape of each path; counted among the refusals."""
    assert (await client.post(RECIPE, json=BODIES[RECIPE], headers=KEY)).status_code == 200
    refused = await client.post(RECIPE, json={"prompt": "pesto"}, headers=KEY)
    assert check_error(refused, 429, "token_budget_exceeded")["error"] == SENTENCE
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    assert (await client.post(RECIPE, json=BODIES[RECIPE], headers=KEY)).headers["cache-status"].startswith("alch")
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/embeddings", {"model": MODEL, "input": "pear"})):
        answer = await client.post(path, json=body, headers=KEY)
        assert (answer.status_code, answer.json()["error"]["message"]) == (429, SENTENCE)
    ollama = await client.post("/api/chat", json=CHAT, headers=KEY)
    assert (ollama.status_code, ollama.json()) == (429, {"error": SENTENCE})
    text = (await client.get("/metrics")).text
    assert 'alchemorsel_ai_refusals_total{reason="token_budget_exceeded"} 4.0' in text
    assert "small" not in text


async def test_a_stream_over_budget_does_not_begin(client: Client) -> None:
    """And one that began is whole."""
    headers = {**KEY, "accept": "text/event-stream"}
    first = await client.post(RECIPE, json=BODIES[RECIPE], headers=headers)
    assert "event: answer" in first.text
    check_error(await client.post(RECIPE, json={"prompt": "pesto"}, headers=headers), 429, "token_budget_exceeded")
    cached = await client.post(RECIPE, json=BODIES[RECIPE], headers=headers)
    assert "event: answer" in cached.text


async def test_the_document_names_budgets_where_there_are_keys(client: Client) -> None:
    """On the routes that compute, and nowhere else."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert "token_budget_exceeded" in json.dumps(paths[RECIPE]["post"]["responses"]["429"])
    assert "token_budget_exceeded" not in json.dumps(paths["/v1/models"])
    async with Client() as open_to_all:
        assert "429" not in (await open_to_all.get("/openapi.json")).json()["paths"][RECIPE]["post"]["responses"]
