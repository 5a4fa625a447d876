"""Requests that are not answered: each with its status, its code and the one shape of all errors."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.app import create_app
from ai_service.config.settings import Settings
from ai_service.errors import RequestTimeout
from ai_service.http.request_parts import read_json_body
from ai_service.providers.errors import ProviderUnreachable
from tests.unit.service.client import Client, check_error
from tests.unit.service.fakes import BODIES, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


PATHS = list(BODIES)
RECIPE = PATHS[0]
DOWN = ProviderUnreachable("down")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Run a service with a working provider."""
    async with Client() as opened:
        yield opened


async def test_only_if_cached_without_an_answer_is_504(client: Client) -> None:
    """As RFC 9111 has it."""
    response = await client.post(RECIPE, json=BODIES[RECIPE], headers={"cache-control": "only-if-cached"})
    check_error(response, 504, "not_cached")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"x":1}', b"\xff"])
async def test_a_bad_body_is_400(client: Client, path: str, body: bytes) -> None:
    """On every route."""
    response = await client.post(path, content=body, headers={"content-type": "application/json"})
    check_error(response, 400, "invalid_request")


async def test_every_wrong_field_is_named(client: Client) -> None:
    """With what was expected there."""
    body = check_error(await client.post(RECIPE, json={"max_calories": "x", "colour": 1}), 400, "invalid_request")
    assert body["details"][0] == {"field": "$.prompt", "problem": "required field is missing"}
    assert [detail["field"] for detail in body["details"]] == ["$.prompt", "$.max_calories", "$.colour"]


async def test_an_impossible_value_is_422(client: Client) -> None:
    """Minus one calorie."""
    response = await client.post(RECIPE, json={"prompt": "a", "max_calories": -1})
    body = check_error(response, 422, "unprocessable_request")
    assert body["details"] == [{"field": "$.max_calories", "problem": "expected a whole number from 1 to 20000"}]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_another_content_type_is_415(client: Client, media_type: str) -> None:
    """Also none at all."""
    headers = {"content-type": media_type} if media_type else {}
    check_error(await client.post(RECIPE, content=b"{}", headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_said_in_many_ways(client: Client, media_type: str) -> None:
    """Parameters and case do not matter."""
    content = json.dumps(BODIES[RECIPE])
    response = await client.post(RECIPE, content=content, headers={"content-type": media_type})
    assert response.status_code == 200


async def test_a_body_over_64_kib_is_413(client: Client) -> None:
    """Said by its length or found on the way; one of 64 KiB is read."""
    headers = {"content-type": "application/json"}
    check_error(await client.post(RECIPE, content=b" " * 65537, headers=headers), 413, "payload_too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 16384

    check_error(await client.post(RECIPE, content=chunks(), headers=headers), 413, "payload_too_large")
    check_error(await client.post(RECIPE, content=b" " * 65536, headers=headers), 400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_another_method_on_a_task_is_405(client: Client, method: str) -> None:
    """And says which one is right."""
    response = await client.request(method, RECIPE)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_another_method_on_an_operators_route_is_405(client: Client) -> None:
    """In the same envelope."""
    response = await client.post("/health")
    check_error(response, 405, "method_not_allowed")
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize("path", ["/v2", "/api/v1/ai", "/%00", "/nope?x=1"])
async def test_an_unknown_route_is_404(client: Client, path: str) -> None:
    """In the same envelope."""
    check_error(await client.get(path), 404, "not_found")


async def test_when_every_provider_is_out_it_is_503_with_retry_after() -> None:
    """And the reasons."""
    async with Client(ScriptedProvider(DOWN, DOWN, DOWN)) as client:
        response = await client.post(RECIPE, json=BODIES[RECIPE])
    body = check_error(response, 503, "unavailable")
    assert body["details"] == [{"provider": "ollama", "problem": "unreachable"}]
    assert int(response.headers["retry-after"]) >= 1


async def test_past_the_deadline_it_is_504() -> None:
    """Never a hang."""
    provider = ScriptedProvider()
    provider.gate.clear()
    async with Client(provider, ALCHEMORSEL_OLLAMA_TIMEOUT="50ms", ALCHEMORSEL_DEADLINE="50ms") as client:
        check_error(await client.post(RECIPE, json=BODIES[RECIPE]), 504, "deadline_exceeded")


async def test_health_is_503_where_nobody_can_answer() -> None:
    """For monitors that look at statuses only."""
    async with Client(ScriptedProvider(digest=DOWN)) as client:
        assert (await client.get("/health")).status_code == 503
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200


async def test_a_body_that_says_it_is_too_large_is_not_even_read() -> None:
    """Whoever sends a gigabyte learns it after the headers."""
    app = create_app(Settings.from_env({}), providers=[ScriptedProvider()])
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000000000")]
    await app({"type": "http", "method": "POST", "path": RECIPE, "headers": headers}, receive, send)
    assert sent[0]["status"] == 413


async def test_a_client_that_leaves_early_is_no_error() -> None:
    """Nobody is left to be answered."""
    app = create_app(Settings.from_env({}), providers=[ScriptedProvider()])
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": RECIPE, "headers": [(b"content-type", b"application/json")]}
    await app(scope, receive, send)
    assert sent == []


async def test_a_body_that_trickles_in_is_408() -> None:
    """The deadline is for the whole body: one more byte now and then does not extend it."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(RequestTimeout, match=r"did not arrive within 0\.05 s"):
        await read_json_body({b"content-type": b"application/json"}, receive, timeout_s=0.05)
