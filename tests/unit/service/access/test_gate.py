"""The gate as a client sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ai_service.access.gate import OPEN_PATHS
from ai_service.access.keys import hash_key, new_key
from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY, SLOW, ADMIN = new_key(), new_key(), new_key()
TASK = "/api/v1/ai/suggest-ingredients"
BODY = BODIES[TASK]
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Run a service with three API keys."""
    lines = [hash_key("web", KEY), hash_key("slow", SLOW, rate="3/hour"), hash_key("op", ADMIN, admin=True)]
    (tmp_path / "keys").write_text("\n".join(key.line() for key in lines))
    async with Client(ALCHEMORSEL_API_KEYS_FILE=str(tmp_path / "keys")) as opened:
        yield opened


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"authorization": f"bearer  {KEY} "},
        {"x-api-key": KEY},
        {"x-api-key": KEY, "authorization": ""},
        {"api-key": KEY},
    ],
)
async def test_a_key_opens(client: Client, headers: dict[str, str]) -> None:
    """In each of the headers, with the scheme in either case."""
    response = await client.post(TASK, json=BODY, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("path", [*BODIES, "/api/v1/ai/cache/stats", "/v1/chat/completions", "/v1/models", "/nope"])
async def test_without_a_key_it_is_401(client: Client, path: str) -> None:
    """On every route that is not said to be open, also on those that do not exist."""
    response = await client.post(path, json=BODY)
    if path.startswith("/v1/"):
        assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_error")
    else:
        check_error(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == 'Bearer realm="alchemorsel"'


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {KEY}x"}, {"x-api-key": "no"}, {"x-api-key": KEY, "authorization": "Bearer no"}],
)
async def test_with_a_wrong_key_it_is_401(client: Client, headers: dict[str, str]) -> None:
    """And the header says that the key is the reason."""
    response = await client.post(TASK, json=BODY, headers=headers)
    check_error(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == 'Bearer realm="alchemorsel", error="invalid_token"'


@pytest.mark.parametrize("value", [f"Basic {KEY}", "Bearer", "Bearer ", KEY])
async def test_another_scheme_is_no_key(client: Client, value: str) -> None:
    """As if none had been sent."""
    check_error(await client.post(TASK, json=BODY, headers={"authorization": value}), 401, "unauthorized")


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
async def test_what_monitors_and_newcomers_read_is_open(client: Client, path: str) -> None:
    """They carry no key."""
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps", "/api/chat", "/api/generate", "/api/embed", "/api/show"])
async def test_ollamas_routes_need_a_key_too(client: Client, path: str) -> None:
    """In the shape of their own errors; the version alone is open."""
    response = await client.post(path, json={})
    assert (response.status_code, list(response.json())) == (401, ["error"])
    assert (await client.get("/api/version")).status_code == 200


async def test_over_the_keys_rate_it_is_429(client: Client) -> None:
    """With the time to come back, and nobody else is held up."""
    headers = {"authorization": f"Bearer {SLOW}"}
    answers = [await client.post(TASK, json=BODY, headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    body = check_error(answers[-1], 429, "rate_limited")
    assert body["error"] == "Rate limit of 3/hour exceeded for key 'slow'."
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 3600
    assert (await client.post(TASK, json=BODY, headers=BEARER)).status_code == 200


async def test_an_administrators_route_needs_an_administrators_key(client: Client) -> None:
    """Another key is right, but not enough."""
    stats = "/api/v1/ai/cache/stats"
    check_error(await client.get(stats, headers=BEARER), 403, "forbidden")
    check_error(await client.delete("/api/v1/ai/cache", headers=BEARER), 403, "forbidden")
    assert (await client.get(stats, headers={"x-api-key": ADMIN})).status_code != 403


async def test_refusals_are_counted(client: Client) -> None:
    """By reason, and among the requests of their task."""
    await client.post(TASK, json=BODY)
    await client.get("/nope")
    text = (await client.get("/metrics")).text
    assert 'alchemorsel_ai_refusals_total{reason="unauthorized"} 2.0' in text
    assert 'alchemorsel_ai_requests_total{cache="none",status="401",task="ingredients"} 1.0' in text


async def test_the_log_names_the_key_and_never_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a request, refused or not; all are written when the service ends."""
    (tmp_path / "keys").write_text(hash_key("web", KEY).line())
    async with Client(ALCHEMORSEL_API_KEYS_FILE=str(tmp_path / "keys")) as client:
        await client.post(TASK, json=BODY, headers=BEARER)
        await client.post(TASK, json=BODY, headers={"x-api-key": "wrong-key"})
    text = capsys.readouterr().err
    lines = [json.loads(line) for line in text.splitlines() if '"request"' in line]
    assert [(line["key"], line["status"]) for line in lines] == [("web", 200), ("", 401)]
    assert KEY not in text
    assert "wrong-key" not in text
