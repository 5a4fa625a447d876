"""The administrator's routes as a client sees them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.access.keys import hash_key
from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RECIPE, INGREDIENTS, NUTRITION = BODIES
CACHE = "/api/v1/ai/cache"
ROUTES = [("DELETE", CACHE), ("GET", f"{CACHE}/stats"), ("POST", f"{CACHE}/warmup")]
KEY = "an-administrators-key-for-these-tests"
ADMIN = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Write the file of the administrator's key."""
    path = tmp_path / "admin_key"
    path.write_text(f"{KEY}\n")
    return path


@pytest.fixture
def provider() -> ScriptedProvider:
    """Answers well."""
    return ScriptedProvider()


@pytest.fixture
async def client(key_file: Path, provider: ScriptedProvider) -> AsyncIterator[Client]:
    """Run a service with an administrator."""
    async with Client(provider, ALCHEMORSEL_ADMIN_KEY_FILE=str(key_file), ALCHEMORSEL_WARMUP_INTERVAL="1ms") as opened:
        yield opened


async def stats(client: Client) -> dict[str, Any]:
    """Return the statistics."""
    data: dict[str, Any] = (await client.get(f"{CACHE}/stats", headers=ADMIN)).json()["data"]
    return data


async def warmed_up(client: Client) -> dict[str, Any]:
    """Wait for the end of a warm-up, and return its report."""
    while (report := (await stats(client))["warmup"])["running"]:  # noqa: ASYNC110 - only the report tells
        await asyncio.sleep(0.01)
    assert isinstance(report, dict)
    return report


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_configured_key_nobody_is_an_administrator(method: str, path: str) -> None:
    """And the answer says how to have one."""
    async with Client() as client:
        body = check_error(await client.request(method, path, headers=ADMIN), 403, "forbidden")
    assert "ALCHEMORSEL_ADMIN_KEY_FILE" in body["error"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("given", [None, "Bearer", "Bearer x", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}"])
async def test_another_key_is_401(client: Client, method: str, path: str, given: str | None) -> None:
    """On every route, before anything else is looked at."""
    response = await client.request(method, path, headers={"authorization": given} if given else {})
    check_error(response, 401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_where_api_keys_are_configured_their_administrators_are(tmp_path: Path) -> None:
    """No second key for the same thing."""
    keys = tmp_path / "keys"
    keys.write_text(f"{hash_key('operator', KEY, rate='', admin=True).line()}\n")
    async with Client(ALCHEMORSEL_API_KEYS_FILE=str(keys)) as client:
        assert (await client.get(f"{CACHE}/stats", headers=ADMIN)).status_code == 200


async def test_statistics_say_what_is_cached(client: Client) -> None:
    """By task."""
    for path in (RECIPE, NUTRITION):
        await client.post(path, json=BODIES[path])
    data = await stats(client)
    assert data["store"] == {
        "covers": "instance", "name": "memory", "available": True,
        "entries": {"recipe": 1, "ingredients": 0, "nutrition": 1, "chat": 0, "embeddings": 0},
    }  # fmt: skip
    assert data["memory"]["entries"] == 2
    assert data["memory"]["bytes"] > 0
    assert data["warmup"]["running"] is False


async def test_a_purge_of_a_task_leaves_the_others(client: Client) -> None:
    """What is purged is computed again."""
    for path in BODIES:
        await client.post(path, json=BODIES[path])
    answer = await client.delete(CACHE, params={"task": "recipe"}, headers=ADMIN)
    assert answer.json()["data"] == {"purged": {"recipe": 1}, "reach": "service"}
    statuses = {path: (await client.post(path, json=BODIES[path])).headers["cache-status"] for path in BODIES}
    assert "fwd=miss" in statuses[RECIPE]
    assert "hit" in statuses[INGREDIENTS]
    assert "hit" in statuses[NUTRITION]


async def test_a_purge_without_a_task_is_of_all(client: Client) -> None:
    """And says how many there were."""
    for path in BODIES:
        await client.post(path, json=BODIES[path])
    answer = await client.delete(CACHE, headers=ADMIN)
    purged = {"recipe": 1, "ingredients": 1, "nutrition": 1, "chat": 0, "embeddings": 0}
    assert answer.json()["data"] == {"purged": purged, "reach": "service"}
    assert (await stats(client))["memory"]["entries"] == 0


@pytest.mark.parametrize("params", [{"task": "soup"}, {"task": ""}, {"tasks": "recipe"}])
async def test_a_purge_of_what_there_is_not_is_400(client: Client, params: dict[str, str]) -> None:
    """A typing error must not purge everything."""
    await client.post(RECIPE, json=BODIES[RECIPE])
    check_error(await client.delete(CACHE, params=params, headers=ADMIN), 400, "invalid_request")
    assert (await stats(client))["store"]["entries"]["recipe"] == 1


async def test_a_warm_up_answers_what_nobody_has_asked_yet(client: Client, provider: ScriptedProvider) -> None:
    """What is known is skipped; its calls are counted apart from those for requests."""
    await client.post(RECIPE, json=BODIES[RECIPE])
    questions = {"recipe": [BODIES[RECIPE], {"prompt": "soup"}], "nutrition": [BODIES[NUTRITION]]}
    answer = await client.post(f"{CACHE}/warmup", json=questions, headers=ADMIN)
    assert answer.status_code == 202
    assert await warmed_up(client) == {
        "covers": "instance",
        "running": False,
        "planned": 3,
        "done": 2,
        "skipped": 1,
        "failed": 0,
    }
    assert "hit" in (await client.post(RECIPE, json={"prompt": " soup "})).headers["cache-status"]
    assert len(provider.prompts) == 3
    calls = 'provider_calls_total{outcome="ok",provider="ollama",purpose="warmup",task="nutrition"} 1.0'
    assert calls in (await client.get("/metrics")).text


async def test_a_warm_up_without_a_body_asks_the_built_in_questions(client: Client) -> None:
    """At least one for each task."""
    await client.post(f"{CACHE}/warmup", headers=ADMIN)
    report = await warmed_up(client)
    assert report["done"] == report["planned"]
    entries = (await stats(client))["store"]["entries"]
    assert all(entries[name] for name in ("recipe", "ingredients", "nutrition"))


async def test_one_warm_up_at_a_time(client: Client, provider: ScriptedProvider) -> None:
    """The second is told so."""
    provider.gate.clear()
    await client.post(f"{CACHE}/warmup", headers=ADMIN)
    check_error(await client.post(f"{CACHE}/warmup", headers=ADMIN), 409, "conflict")
    provider.gate.set()
    await warmed_up(client)


async def test_a_caller_does_not_wait_for_a_warm_up(client: Client, provider: ScriptedProvider) -> None:
    """It takes the only slot; the question that gave way is asked again afterwards."""
    provider.gate.clear()
    await client.post(f"{CACHE}/warmup", json={"recipe": [{"prompt": "soup"}]}, headers=ADMIN)
    while not provider.prompts:  # noqa: ASYNC110 - the provider tells nobody
        await asyncio.sleep(0.001)
    asking = asyncio.create_task(client.post(NUTRITION, json=BODIES[NUTRITION]))
    while len(provider.prompts) < 2:  # noqa: ASYNC110 - the provider tells nobody
        await asyncio.sleep(0.001)
    assert provider.prompts[1].task == "nutrition"
    provider.gate.set()
    assert (await asking).status_code == 200
    assert (await warmed_up(client))["done"] == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
        (b'{"soup":[]}', 400, "invalid_request"),
        (b'{"chat":[{}]}', 400, "invalid_request"),
        (b'{"recipe":[{"prompt":"a"},{}]}', 400, "invalid_request"),
        (b'{"recipe":[{"prompt":"a","max_calories":-1}]}', 422, "unprocessable_request"),
        (b" " * (64 * 1024 + 1), 413, "payload_too_large"),
    ],
)
async def test_a_wrong_warm_up_begins_nothing(
    client: Client, provider: ScriptedProvider, body: bytes, status: int, code: str
) -> None:
    """Not even its first question."""
    check_error(await client.post(f"{CACHE}/warmup", content=body, headers=ADMIN), status, code)
    assert (await warmed_up(client))["planned"] == 0
    assert provider.prompts == []


async def test_a_configured_file_is_asked_at_the_start(key_file: Path, tmp_path: Path) -> None:
    """And again on demand."""
    questions = tmp_path / "questions.json"
    questions.write_text('{"nutrition":[{"ingredients":["2 eggs"]}]}')
    environ = {"ALCHEMORSEL_ADMIN_KEY_FILE": str(key_file), "ALCHEMORSEL_WARMUP": str(questions)}
    async with Client(**environ) as client:
        assert (await warmed_up(client))["planned"] == 1
        answer = await client.post(NUTRITION, json={"ingredients": ["2 eggs"]})
    assert "hit" in answer.headers["cache-status"]
