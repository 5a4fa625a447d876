"""Streams as a client sees them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.config.settings import Settings
from ai_service.errors import AnswerInterrupted
from ai_service.http.event_stream import EventStream
from ai_service.http.task_events import TaskEvents
from ai_service.providers.errors import ProviderFailed
from ai_service.providers.transcript import Author, LookedUp, Started, Subscriber, Text, interruption
from ai_service.tasks import build_tasks
from tests.unit.service.asgi import StreamedCall, text_of
from tests.unit.service.client import Client
from tests.unit.service.fakes import ANSWERS, BODIES, ScriptedProvider
from tests.unit.service.streams import BODY, FAILED, FIRST, PATH, PATHS, SHOWN, ask, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ai_service.answers.answer_result import AnswerResult


TASK = build_tasks(Settings.from_env({}))[0]


@pytest.fixture
def provider() -> ScriptedProvider:
    """Answers well."""
    return ScriptedProvider()


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[Client]:
    """Run a service with that provider."""
    async with Client(provider) as opened:
        yield opened


@pytest.mark.parametrize("path", PATHS)
async def test_text_comes_as_it_is_written_and_then_the_whole_answer(client: Client, path: str) -> None:
    """The deltas are what the model wrote; the answer is what a request without streaming gets from the cache."""
    async with ask(client, BODIES[path], path) as call:
        events = await call.events()
    plain = await client.post(path, json=BODIES[path])
    assert [name for name, _ in events][:2] == ["start", "delta"]
    assert events[0][1] == {"provider": "ollama", "model": "ollama-model", "degraded": False}
    shown = {name: value for name, value in ANSWERS[PATHS[path]].items() if name != "confidence"}
    assert json.loads(text_of(events)) == shown
    assert whole(events[-1]) == plain.json()
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")


@pytest.mark.parametrize("path", PATHS)
async def test_parts_come_as_they_are_complete_and_again_from_the_cache(client: Client, path: str) -> None:
    """Put together they are the answer, whether it is being written or was stored."""
    heard = []
    for _ in range(2):
        async with ask(client, BODIES[path], path) as call:
            heard.append(await call.events())
    written, replayed = heard
    for events in heard:
        data: dict[str, Any] = {}
        for name, part in events[1:-1]:
            if name != "delta" and "index" in part:
                data.setdefault(part["field"], []).insert(part["index"], part["value"])
            elif name != "delta":
                data[part["field"]] = part["value"]
        answer = dict(events[-1][1]["data"])
        answer.pop("confidence", None)
        assert data == answer
    names = [[name for name, _ in events if name != "delta"] for events in heard]
    assert names[0] == names[1]
    assert written.index(next(event for event in written if event[0] == names[0][1])) < len(written) - 3
    for events in heard:
        timings = events[-1][1]["meta"]["timings_ms"]
        assert 0 < timings["first_part"] <= timings["total"]
    assert len(replayed) > 3


async def test_the_time_to_the_first_part_is_a_metric(client: Client) -> None:
    """By task and by how the cache answered; not of an answer without streaming."""
    await client.post(PATH, json={**BODY, "prompt": "something else"})
    for _ in range(2):
        async with ask(client) as call:
            await call.events()
    metrics = (await client.get("/metrics")).text
    for cache in ("miss", "hit"):
        assert f'stream_first_part_seconds_count{{cache="{cache}",task="recipe"}} 1.0' in metrics


async def test_the_first_text_is_sent_before_the_model_has_finished(provider: ScriptedProvider, client: Client) -> None:
    """Or it would be no stream."""
    provider.midway.clear()
    async with ask(client) as call:
        assert (await call.event())[0] == "start"
        assert [await call.event(), await call.event()] == FIRST
        provider.midway.set()
        assert (await call.events())[-1][0] == "answer"


async def test_headers_say_what_is_known(client: Client) -> None:
    """No cache may keep a stream, no proxy collect it."""
    async with ask(client, x_request_id="abc") as call:
        await call.events()
    assert call.status == 200
    assert re.fullmatch(r"cache;dur=\d+\.\d+, queue;dur=\d+\.\d+", call.headers.pop("server-timing"))
    assert call.headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "x-request-id": "abc",
        "cache-status": "alchemorsel; fwd=miss",
        "x-ai-provider": "ollama",
        "x-ai-model": "ollama-model",
    }


async def test_the_body_may_ask_for_a_stream_too(client: Client) -> None:
    """And the key does not know of it."""
    async with StreamedCall(client.app, PATH, {**BODY, "stream": True}) as call:
        assert (await call.events())[-1][0] == "answer"
    plain = await client.post(PATH, json={**BODY, "stream": False})
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")


async def test_a_stored_answer_is_replayed(client: Client, provider: ScriptedProvider) -> None:
    """With the headers of a hit; its deltas are the answer's data."""
    plain = await client.post(PATH, json=BODY)
    async with ask(client) as call:
        events = await call.events()
    assert re.fullmatch(r"alchemorsel; hit; ttl=\d+; detail=memory", call.headers["cache-status"])
    assert call.headers["age"] == "0"
    assert re.fullmatch(r"cache;dur=\S+, total;dur=\S+", call.headers["server-timing"])
    assert [name for name, _ in events[:3]] == ["start", "delta", "delta"]
    assert json.loads(text_of(events)) == plain.json()["data"]
    assert whole(events[-1]) == plain.json()
    assert len(provider.prompts) == 1


async def test_late_comers_get_the_text_so_far_and_follow(client: Client, provider: ScriptedProvider) -> None:
    """One call of the model for a hundred streams."""
    provider.midway.clear()
    calls = [ask(client) for _ in range(100)]
    async with calls[0] as first:
        await first.event()
        await first.event()
        for call in calls[1:]:
            await call.__aenter__()
        heard = [await call.event() for call in calls[1:] for _ in range(2)][1::2]
        assert heard == FIRST[:1] * 99
        provider.midway.set()
        ends = [(await call.events())[-1] for call in calls]
        for call in calls[1:]:
            await call.__aexit__(None, None, None)
    assert len(provider.prompts) == 1
    assert len({json.dumps(whole(end)) for end in ends}) == 1
    assert {call.headers["cache-status"] for call in calls[1:]} == {
        "alchemorsel; fwd=miss; collapsed; detail=coalesced"
    }


async def test_a_stream_and_a_plain_request_share_one_call(client: Client, provider: ScriptedProvider) -> None:
    """And the stream's client may leave: the other still waits."""
    provider.midway.clear()
    async with ask(client) as call:
        await call.event()
        plain = asyncio.create_task(client.post(PATH, json=BODY))
        await asyncio.sleep(0.01)
    provider.midway.set()
    assert (await plain).headers["cache-status"] == "alchemorsel; fwd=miss; collapsed; detail=coalesced"
    assert len(provider.prompts) == 1


async def test_a_client_that_leaves_ends_the_work(client: Client, provider: ScriptedProvider) -> None:
    """Nothing is stored of it, and it is no failure of anybody."""
    provider.midway.clear()
    async with ask(client) as call:
        await call.event()
    provider.midway.set()
    assert (await client.post(PATH, json=BODY)).headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    metrics = (await client.get("/metrics")).text
    assert re.search(r'provider_calls_total{outcome="cancelled",provider="ollama",[^}]*task="recipe"} 1.0', metrics)
    assert 'requests_total{cache="none",status="499",task="recipe"} 1.0' in metrics
    assert 'breaker_state{provider="ollama"} 0.0' in metrics


async def test_one_of_many_that_leaves_ends_nothing(client: Client, provider: ScriptedProvider) -> None:
    """The others share the work."""
    provider.midway.clear()
    async with ask(client) as stays:
        await stays.event()
        async with ask(client) as leaves:
            await leaves.event()
        provider.midway.set()
        assert (await stays.events())[-1][0] == "answer"


async def test_a_stream_may_bypass_the_cache(client: Client, provider: ScriptedProvider) -> None:
    """With the same header as without streaming."""
    await client.post(PATH, json=BODY)
    async with ask(client, cache_control="no-store") as call:
        events = await call.events()
    assert call.headers["cache-status"] == "alchemorsel; fwd=bypass"
    assert json.loads(text_of(events)) == json.loads(SHOWN)
    assert len(provider.prompts) == 2


async def test_a_bad_request_is_no_stream(client: Client) -> None:
    """It has the status that it has without streaming."""
    async with ask(client, {"prompt": ""}) as call:
        assert json.loads(await call.chunk())["code"] == "invalid_request"
    assert call.status == 400


async def test_while_nothing_is_written_comments_keep_the_connection_alive() -> None:
    """The response begins then, with what is known."""
    sent: list[dict[str, object]] = []
    heard = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        sent.append(message)
        if len(sent) == 3:
            heard.set()

    async def answer(subscriber: Subscriber) -> AnswerResult:
        subscriber.push(LookedUp("miss", 0.001))
        await heard.wait()
        subscriber.push(Started(Author("ollama", "model", degraded=False), 0.0))
        subscriber.push(Text("{"))
        await asyncio.sleep(0.01)
        raise FAILED

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    stream = EventStream(
        TaskEvents(TASK),
        lambda progress, _result: [(b"x", progress.cache.encode())],
        send,  # type: ignore[arg-type] # ASGI's message is a mapping
        started=0.0,
        heartbeat_s=0.005,
    )
    with pytest.raises(ProviderFailed):
        await stream.run(answer, receive)
    assert stream.begun
    assert sent[0] == {"type": "http.response.start", "status": 200, "headers": [(b"x", b"miss")]}
    assert [message["body"] for message in sent[1:3]] == [b": waiting\n\n"] * 2
    assert any(b"event: start" in message["body"] for message in sent[3:])  # type: ignore[operator] # it is bytes


async def test_a_format_that_cannot_say_that_text_is_void_ends_with_an_error_at_once() -> None:
    """Though the computation goes on for others."""

    class Unrepeatable(TaskEvents):
        restarts = False

    async def send(_message: object) -> None: ...

    async def answer(subscriber: Subscriber) -> AnswerResult:
        subscriber.push(Started(Author("ollama", "model", degraded=False), 0.0))
        subscriber.push(Text("{"))
        while not subscriber.consumed:  # noqa: ASYNC110 - the reader tells nobody
            await asyncio.sleep(0)
        assert not subscriber.invalidate(interruption())
        await asyncio.Event().wait()
        raise AssertionError

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    stream = EventStream(Unrepeatable(TASK), lambda _progress, _result: [], send, started=0.0)
    with pytest.raises(AnswerInterrupted):
        async with asyncio.timeout(5):
            await stream.run(answer, receive)
