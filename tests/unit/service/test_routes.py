"""The routes as a client sees them: bodies, statuses and headers."""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ai_service.app import create_app
from ai_service.cache_control import Directives, parse_cache_control
from ai_service.errors import RequestTimeout
from ai_service.providers.errors import ProviderUnreachable
from ai_service.request_parts import read_json_body
from ai_service.settings import Settings
from tests.unit.service import fakes
from tests.unit.service.fakes import BODIES, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ai_service.providers.base import Provider

PATHS = list(BODIES)
RECIPE, _, NUTRITION = PATHS
DOWN = ProviderUnreachable("down")


class Client(httpx.AsyncClient):
    """Calls the application without a network, with its lifespan."""

    def __init__(self, *providers: Provider, **environ: str) -> None:
        self.app = create_app(Settings.from_env(environ), providers=providers or [ScriptedProvider()])
        super().__init__(transport=httpx.ASGITransport(app=self.app), base_url="http://test")
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._done: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Client:  # type: ignore[override] # Self of a subclass that is not derived further
        self._lifespan = asyncio.create_task(
            self.app({"type": "lifespan", "asgi": {}, "state": {}}, self._events.get, self._done.put)
        )
        await self._events.put({"type": "lifespan.startup"})
        assert (await self._done.get())["type"] == "lifespan.startup.complete"
        await super().__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await super().__aexit__(*exc)
        await self._events.put({"type": "lifespan.shutdown"})
        await self._lifespan


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A service whose provider answers well."""
    async with Client() as opened:
        yield opened


def check_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Every error has the same shape."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status
    assert body["success"] is False
    assert body["code"] == code
    assert body["error"].endswith(".")
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize("path", PATHS)
async def test_a_miss_and_its_hit_differ_in_headers_only(client: Client, path: str) -> None:
    """The body of a cached answer is the same on every hit, to the byte."""
    miss = await client.post(path, json=BODIES[path])
    hits = [await client.post(path, json=BODIES[path]) for _ in range(3)]
    assert miss.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    for hit in hits:
        assert hit.content == miss.content
        assert re.fullmatch(r"alchemorsel; hit; ttl=\d+; detail=memory", hit.headers["cache-status"])
        assert hit.headers["age"] == "0"
        assert hit.headers["x-ai-provider"] == "ollama"
        assert hit.headers["x-ai-model"] == "ollama-model"
        assert re.fullmatch(r"cache;dur=[\d.]+, total;dur=[\d.]+", hit.headers["server-timing"])
        assert hit.headers["content-type"] == "application/json"


async def test_a_long_answer_is_sent_packed_to_who_takes_zstd_and_plain_to_all_others() -> None:
    """The decoded body is the same to the byte, on a miss and on hits, and caches on the way are told what varies."""
    long = json.dumps({**fakes.RECIPE, "instructions": [f"Stir for {minute} minutes." for minute in range(1, 60)]})
    async with Client(ScriptedProvider(long)) as client:
        answers = [
            await client.post(RECIPE, json=BODIES[RECIPE], headers={"accept-encoding": accepted})
            for accepted in ("zstd", "gzip, zstd", "gzip", "zstd;q=0")
        ]
    assert [answer.headers.get("content-encoding") for answer in answers] == ["zstd", "zstd", None, None]
    assert len({answer.content for answer in answers}) == 1
    assert all(answer.headers["vary"] == "accept-encoding" for answer in answers)
    lengths = [int(answer.headers["content-length"]) for answer in answers]
    assert lengths[0] == lengths[1] < lengths[2] == lengths[3] == len(answers[0].content)


async def test_a_short_answer_is_the_same_for_everybody(client: Client) -> None:
    """Nothing varies, so nothing says so."""
    answer = await client.post(NUTRITION, json=BODIES[NUTRITION], headers={"accept-encoding": "zstd"})
    assert {"vary", "content-encoding"}.isdisjoint(answer.headers)


async def test_a_miss_says_where_its_time_went(client: Client) -> None:
    """Server-Timing names the parts."""
    response = await client.post(RECIPE, json=BODIES[RECIPE])
    names = [part.split(";")[0] for part in response.headers["server-timing"].split(", ")]
    assert names == ["cache", "queue", "provider", "total"]


async def test_a_fallback_is_visible_in_the_headers() -> None:
    """With its reason."""
    async with Client(ScriptedProvider(DOWN), ScriptedProvider(name="openai")) as client:
        response = await client.post(RECIPE, json=BODIES[RECIPE])
    assert response.headers["x-ai-provider"] == "openai"
    assert 'fallback;desc="ollama: unreachable"' in response.headers["server-timing"]
    assert response.json()["meta"]["degraded"] is True


@pytest.mark.parametrize("answered", [True, False])
async def test_a_fallback_is_visible_in_a_metric_and_a_log_line(
    capsys: pytest.CaptureFixture[str], *, answered: bool
) -> None:
    """Whether another provider answered or nobody did."""
    fallback = ScriptedProvider(*([] if answered else [DOWN]), name="openai")
    async with Client(ScriptedProvider(DOWN), fallback) as client:
        await client.post(RECIPE, json=BODIES[RECIPE])
        metrics = (await client.get("/metrics")).text
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"task"' in line]
    reasons = ["ollama: unreachable"] if answered else ["ollama: unreachable", "openai: unreachable"]
    assert line["fallback"] == reasons
    assert ("error" in line) is not answered
    assert "tomato" not in str(line)
    assert 'alchemorsel_ai_fallbacks_total{provider="ollama",reason="unreachable",task="recipe"} 1.0' in metrics


@pytest.mark.parametrize(
    ("control", "status"),
    [("no-store", "alchemorsel; fwd=bypass"), ("max-age=0, No-Cache", "alchemorsel; fwd=bypass; stored")],
)
async def test_cache_control_is_honoured(client: Client, control: str, status: str) -> None:
    """Whatever its case and company."""
    await client.post(RECIPE, json=BODIES[RECIPE])
    response = await client.post(RECIPE, json=BODIES[RECIPE], headers={"cache-control": control})
    assert response.headers["cache-status"] == status


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        (b"max-stale", Directives(max_stale_s=math.inf)),
        (b"max-stale=60, only-if-cached", Directives(max_stale_s=60.0, only_if_cached=True)),
        (b'Max-Stale="60"', Directives(max_stale_s=60.0)),
        (b"max-stale=soon", Directives()),
        (b"max-stale=-1", Directives()),
        (b"no-cache=x,no-store , max-age=0", Directives(no_cache=True, no_store=True)),
        (b"no-cached, x-no-store", Directives()),
        (b"", Directives()),
    ],
)
def test_cache_control_is_read_as_http_wants_it(header: bytes, meaning: Directives) -> None:
    """Any case, quoted or not; what is unknown or malformed is ignored."""
    assert parse_cache_control(header) == meaning


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


@pytest.mark.parametrize("path", ["/", "/api/v1/ai/generate-recipe/", "/api/v1/ai", "/%00", "/nope?x=1"])
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
    async with Client(provider, ALCHEMORSEL_DEADLINE="50ms") as client:
        check_error(await client.post(RECIPE, json=BODIES[RECIPE]), 504, "deadline_exceeded")


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-123", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ("", False)]
)
async def test_a_harmless_request_id_is_kept(client: Client, *, given: str, kept: bool) -> None:
    """A harmful one is replaced: it ends up in logs."""
    response = await client.post(RECIPE, json=BODIES[RECIPE], headers={"x-request-id": given})
    assert (response.headers["x-request-id"] == given) is kept


async def test_requests_are_counted_by_task_cache_and_status(client: Client) -> None:
    """The benchmark compares these counters with its own."""
    await client.post(RECIPE, json=BODIES[RECIPE])
    await client.post(RECIPE, json=BODIES[RECIPE])
    await client.post(RECIPE, json={})
    text = (await client.get("/metrics")).text
    for line in (
        'alchemorsel_ai_requests_total{cache="miss",status="200",task="recipe"} 1.0',
        'alchemorsel_ai_requests_total{cache="hit",status="200",task="recipe"} 1.0',
        'alchemorsel_ai_requests_total{cache="none",status="400",task="recipe"} 1.0',
        'alchemorsel_ai_provider_calls_total{outcome="ok",provider="ollama",purpose="request",task="recipe"} 1.0',
    ):
        assert line in text


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/health/live", 200), ("/health/ready", 200), ("/api/v1/ai/health", 200)]
)
async def test_health_routes_answer(client: Client, path: str, status: int) -> None:
    """Without asking any provider."""
    response = await client.get(path)
    assert response.status_code == status
    assert response.headers["cache-control"] == "no-store"


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
