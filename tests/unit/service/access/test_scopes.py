"""`ALCHEMORSEL_CACHE_SCOPE` as clients with different API keys see it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.access.keys import hash_key, new_key
from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

KEYS = {name: new_key() for name in ("web", "job", "operator")}
WEB, JOB, OPERATOR = ({"x-api-key": key} for key in KEYS.values())
RECIPE = "/api/v1/ai/generate-recipe"
CHAT = "/v1/chat/completions"
MODEL = "ollama-model"
ASKED: dict[str, dict[str, Any]] = {
    **BODIES,
    CHAT: {"model": MODEL, "messages": [{"role": "user", "content": "What is pesto?"}]},
    "/api/chat": {"model": MODEL, "messages": [{"role": "user", "content": "What is pasta?"}], "stream": False},
    "/v1/embeddings": {"model": MODEL, "input": ["pear", "plum"]},
    "/api/embed": {"model": MODEL, "input": "peach"},
}
TASKS = {**dict.fromkeys(("recipe", "ingredients", "nutrition"), 1), "chat": 2, "embeddings": 3}


@pytest.fixture(params=["shared", "key"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    """Run a service with three API keys, in each scope in turn."""
    lines = [hash_key(name, key, admin=name == "operator").line() for name, key in KEYS.items()]
    (tmp_path / "keys").write_text("\n".join(lines))
    environ = {
        "ALCHEMORSEL_API_KEYS_FILE": str(tmp_path / "keys"),
        "ALCHEMORSEL_CACHE_SCOPE": request.param,
        "ALCHEMORSEL_OLLAMA_MODEL": MODEL,
    }
    async with Client(ScriptedProvider(), **environ) as opened:
        yield opened


@pytest.fixture
def own(request: pytest.FixtureRequest) -> bool:
    """Tell whether each key has answers of its own."""
    return bool(request.node.callspec.params["client"] == "key")


async def ask(client: Client, path: str, key: dict[str, str], control: str = "max-stale=0") -> httpx.Response:
    """Ask with a key."""
    return await client.post(path, json=ASKED[path], headers={**key, "cache-control": control})


@pytest.mark.parametrize("path", ASKED)
async def test_what_one_key_asked_another_learns_in_the_shared_scope_only(client: Client, path: str, own: bool) -> None:
    """504 otherwise, as if nobody had asked."""
    assert (await ask(client, path, WEB)).status_code == 200
    assert (await ask(client, path, WEB, "only-if-cached")).status_code == 200
    other = await ask(client, path, JOB, "only-if-cached")
    assert other.status_code == (504 if own else 200)


async def test_each_key_has_its_own_computation(client: Client, own: bool) -> None:
    """So that the bytes differ, and stay."""
    bodies = [(await ask(client, CHAT, key)).content for key in (WEB, WEB, JOB, JOB)]
    assert (bodies[0], bodies[2]) == (bodies[1], bodies[3])
    assert (bodies[0] != bodies[2]) is own


async def test_statistics_and_purge_count_the_answers_of_all_keys(client: Client, own: bool) -> None:
    """By task."""
    for path in ASKED:
        for key in (WEB, JOB):
            assert (await ask(client, path, key)).status_code == 200
    expected = {task: count * (1 + own) for task, count in TASKS.items()}
    stats = (await client.get("/api/v1/ai/cache/stats", headers=OPERATOR)).json()["data"]
    assert stats["store"]["entries"] == expected
    purged = (await client.delete("/api/v1/ai/cache", headers=OPERATOR)).json()["data"]
    assert purged["purged"] == expected
    for key in (WEB, JOB):
        check_error(await ask(client, RECIPE, key, "only-if-cached"), 504, "not_cached")


@pytest.mark.parametrize("scope", ["shared", "key"])
async def test_the_log_says_where_a_warm_up_reaches_no_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, scope: str
) -> None:
    """Its answers are in the shared scope."""
    (tmp_path / "keys").write_text(hash_key("web", KEYS["web"]).line())
    environ = {
        "ALCHEMORSEL_API_KEYS_FILE": str(tmp_path / "keys"),
        "ALCHEMORSEL_CACHE_SCOPE": scope,
        "ALCHEMORSEL_WARMUP": "common",
    }
    with caplog.at_level(logging.INFO, "ai_service.app"):
        async with Client(ScriptedProvider(), **environ):
            pass
    assert ("no API key finds the answers of a warm-up" in caplog.text) is (scope == "key")
