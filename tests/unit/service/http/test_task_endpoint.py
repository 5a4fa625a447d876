"""The routes as a client sees them: bodies, statuses and headers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from ai_service.providers.errors import ProviderUnreachable
from tests.unit.service import fakes
from tests.unit.service.client import Client
from tests.unit.service.fakes import BODIES, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


PATHS = list(BODIES)
RECIPE, _, NUTRITION = PATHS
DOWN = ProviderUnreachable("down")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Run a service with a working provider."""
    async with Client() as opened:
        yield opened


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
    """Once it is stored, and not while somebody waits. The decoded body is the same; caches are told what varies."""
    long = json.dumps({**fakes.RECIPE, "instructions": [f"Stir for {minute} minutes." for minute in range(1, 60)]})
    async with Client(ScriptedProvider(long)) as client:
        answers = [
            await client.post(RECIPE, json=BODIES[RECIPE], headers={"accept-encoding": accepted})
            for accepted in ("zstd", "zstd", "gzip, zstd", "gzip", "zstd;q=0")
        ]
    assert [answer.headers.get("content-encoding") for answer in answers] == [None, "zstd", "zstd", None, None]
    assert len({answer.content for answer in answers}) == 1
    assert all(answer.headers["vary"] == "accept-encoding" for answer in answers)
    lengths = [int(answer.headers["content-length"]) for answer in answers]
    assert lengths[1] == lengths[2] < lengths[0] == lengths[3] == lengths[4] == len(answers[0].content)


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
    assert re.match(r'ollama;dur=[\d.]+;desc="unreachable", cache;dur=', response.headers["server-timing"])
    assert response.headers["x-ai-degraded"] == 'fallback;reason="ollama: unreachable"'
    meta = response.json()["meta"]
    assert (meta["degraded"], meta["degraded_reason"]) == (True, "ollama: unreachable")


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


async def test_several_lines_of_cache_control_are_one_list(client: Client) -> None:
    """The first is not lost: what somebody does not want stored is not stored."""
    lines = [("cache-control", "no-store"), ("cache-control", "max-age=0"), ("cache-control", "max-stale=5")]
    first = await client.post(RECIPE, json=BODIES[RECIPE], headers=lines)
    second = await client.post(RECIPE, json=BODIES[RECIPE])
    assert first.headers["cache-status"] == "alchemorsel; fwd=bypass"
    assert second.headers["cache-status"] == "alchemorsel; fwd=miss; stored"


@pytest.mark.parametrize(
    ("stream", "accept", "streamed"),
    [
        (None, ["text/event-stream"], True),
        (None, ["application/json;q=0.1", "text/event-stream"], True),
        (None, ["application/json", "text/event-stream"], False),
        (None, ["*/*"], False),
        (False, ["text/event-stream"], False),
        (False, ["application/json, text/event-stream"], False),
        (True, ["application/json"], True),
        (True, ["text/event-stream;q=0"], True),
    ],
)
@pytest.mark.parametrize("path", [RECIPE, "/v1/chat/completions"])
async def test_the_body_decides_before_accept_whether_an_answer_is_streamed(
    client: Client, path: str, stream: bool | None, accept: list[str], *, streamed: bool
) -> None:
    """Without a word in the body, or with null, it is what `Accept` prefers."""
    chat = {"model": "ollama-model", "messages": [{"role": "user", "content": "hello"}]}
    body = {**BODIES.get(path, chat), "stream": stream}
    response = await client.post(path, json=body, headers=[("accept", line) for line in accept])
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream" if streamed else "application/json")


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
