"""Streams as a client sees them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.providers.errors import ProviderFailed, ProviderUnreachable, TruncatedAnswer
from ai_service.streaming import EventStream, TaskEvents
from ai_service.transcript import Author, Follower
from tests.unit.service.asgi import StreamedCall, text_of
from tests.unit.service.fakes import ANSWERS, BODIES, RECIPE, BreakOff, ScriptedProvider
from tests.unit.service.test_routes import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ai_service.completion import Outcome

PATHS = dict(zip(BODIES, ANSWERS, strict=True))
PATH = next(iter(PATHS))
BODY = BODIES[PATH]
WRITTEN = json.dumps(RECIPE)
FAILED = ProviderFailed("an error line")


def ask(client: Client, body: object = BODY, path: str = PATH, **headers: str) -> StreamedCall:
    """Asks for a stream."""
    return StreamedCall(client.app, path, body, accept="text/event-stream", **headers)


def whole(event: tuple[str, Any]) -> Any:
    """The last event's answer as it would be without streaming."""
    name, answer = event
    assert name == "answer"
    assert answer["meta"].pop("timings_ms")["total"] > 0
    return answer


@pytest.fixture
def provider() -> ScriptedProvider:
    """Answers well."""
    return ScriptedProvider()


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[Client]:
    """A service with that provider."""
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
    assert json.loads(text_of(events)) == ANSWERS[PATHS[path]]
    assert whole(events[-1]) == plain.json()
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")


async def test_the_first_text_is_sent_before_the_model_has_finished(provider: ScriptedProvider, client: Client) -> None:
    """Or it would be no stream."""
    provider.midway.clear()
    async with ask(client) as call:
        assert (await call.event())[0] == "start"
        assert (await call.event()) == ("delta", {"text": WRITTEN[:40]})
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
        assert heard == [("delta", {"text": WRITTEN[:40]})] * 99
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


async def test_before_the_first_text_an_error_has_its_status() -> None:
    """And a fallback is possible."""
    async with Client(ScriptedProvider(ProviderUnreachable("down"))) as client, ask(client) as call:
        body = json.loads(await call.chunk())
    assert (call.status, call.headers["content-type"]) == (503, "application/json")
    assert body["code"] == "unavailable"


async def test_before_the_first_text_another_provider_may_answer() -> None:
    """The stream says who it is before it says anything else."""
    async with (
        Client(ScriptedProvider(ProviderUnreachable("down")), ScriptedProvider(name="openai")) as client,
        ask(client) as call,
    ):
        events = await call.events()
    assert call.headers["x-ai-provider"] == "openai"
    assert events[0] == ("start", {"provider": "openai", "model": "openai-model", "degraded": True})
    assert events[-1][1]["meta"]["degraded"] is True


async def test_a_made_up_answer_is_sent_when_it_is_sure_that_there_is_no_other() -> None:
    """Then it is labelled before anything of it is read."""
    down = ProviderUnreachable("down")
    mock = ScriptedProvider(name="mock", fabricated=True)
    mock.midway.clear()
    async with Client(ScriptedProvider(down), mock) as client, ask(client) as call:
        await asyncio.sleep(0.01)
        assert call.waiting
        mock.midway.set()
        events = await call.events()
    assert call.headers["x-ai-provider"] == "mock"
    assert events[0] == ("start", {"provider": "mock", "model": "mock-model", "degraded": True})
    assert json.loads(text_of(events)) == events[-1][1]["data"]


BROKEN = [
    (BreakOff(WRITTEN[:100], TruncatedAnswer("cut short")), "truncated"),
    ("{}" + " " * 100, "invalid"),
]


async def begun(call: StreamedCall, provider: ScriptedProvider) -> list[tuple[str, Any]]:
    """All events, of which the provider holds back what follows the first text until that was sent."""
    events = [await call.event(), await call.event()]
    provider.midway.set()
    return [*events, *(await call.events())]


@pytest.mark.parametrize(("step", "problem"), BROKEN)
async def test_after_the_first_text_an_answer_that_does_not_fit_is_asked_for_once_more(
    step: str | BreakOff, problem: str
) -> None:
    """The client is told to drop what it has; no text of the second attempt is mixed with it, only the answer comes."""
    primary, fallback = ScriptedProvider(step), ScriptedProvider(name="openai")
    primary.midway.clear()
    async with Client(primary, fallback) as client:
        async with ask(client) as call:
            events = await begun(call, primary)
        plain = await client.post(PATH, json=BODY)
    assert [name for name, _ in events] == ["start", "delta", "restart", "answer"]
    assert events[2][1]["details"] == [{"provider": "ollama", "problem": problem}]
    assert events[-1][1]["meta"].pop("restarted") is True
    assert whole(events[-1]) == plain.json()
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")
    assert (len(primary.prompts), fallback.prompts) == (2, [])


async def test_after_the_first_text_another_provider_may_give_the_whole_answer() -> None:
    """Labelled as what it is, with the reason; a server that failed is not asked twice."""
    primary, fallback = ScriptedProvider(BreakOff(WRITTEN[:100], FAILED)), ScriptedProvider(name="openai")
    primary.midway.clear()
    async with Client(primary, fallback) as client, ask(client) as call:
        events = await begun(call, primary)
    meta = events[-1][1]["meta"]
    assert [name for name, _ in events] == ["start", "delta", "restart", "answer"]
    assert (meta["provider"], meta["degraded"], meta["restarted"]) == ("openai", True, True)
    assert meta["passed_over"] == ["ollama: failed"]
    assert len(primary.prompts) == 1


async def test_after_the_first_text_a_stale_answer_is_better_than_none() -> None:
    """It is no continuation of what was sent, and the client is told so."""
    primary = ScriptedProvider()
    async with Client(primary, ALCHEMORSEL_RECIPE_TTL="1ms", ALCHEMORSEL_STALE_WHILE_REVALIDATE="0") as client:
        old = await client.post(PATH, json=BODY)
        await asyncio.sleep(0.01)
        primary.script = [BreakOff(WRITTEN[:100], FAILED)]
        primary.midway.clear()
        async with ask(client) as call:
            events = await begun(call, primary)
    assert [name for name, _ in events] == ["start", "delta", "restart", "answer"]
    assert events[-1][1]["meta"].pop("restarted") is True
    assert whole(events[-1]) == old.json()


async def test_after_the_first_text_a_failure_of_all_is_an_error_event() -> None:
    """With every reason; nothing is stored."""
    primary = ScriptedProvider(BreakOff(WRITTEN[:100], FAILED))
    primary.midway.clear()
    async with Client(primary, ScriptedProvider(ProviderUnreachable("down"), name="openai")) as client:
        async with ask(client, x_request_id="abc") as call:
            events = await begun(call, primary)
        after = await client.post(PATH, json=BODY)
        metrics = (await client.get("/metrics")).text
    assert [name for name, _ in events] == ["start", "delta", "restart", "error"]
    error = events[-1][1]
    assert (error["success"], error["code"], error["request_id"]) == (False, "unavailable", "abc")
    assert error["details"] == [
        {"provider": "ollama", "problem": "failed"},
        {"provider": "openai", "problem": "unreachable"},
    ]
    assert after.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert 'requests_total{cache="none",status="503",task="recipe"} 1.0' in metrics


async def test_a_client_that_leaves_after_a_restart_ends_the_work_too() -> None:
    """Nobody waits for the second attempt any more."""
    primary = ScriptedProvider(BreakOff(WRITTEN[:100], TruncatedAnswer("cut short")))
    primary.midway.clear()
    async with Client(primary) as client:
        async with ask(client) as call:
            await call.event()
            await call.event()
            primary.gate.clear()
            primary.midway.set()
            assert (await call.event())[0] == "restart"
        primary.gate.set()
        metrics = (await client.get("/metrics")).text
    assert re.search(r'provider_calls_total{outcome="cancelled",provider="ollama",[^}]*task="recipe"} 1.0', metrics)


async def test_who_comes_after_a_restart_reads_the_second_attempt_as_it_is_written() -> None:
    """What is void was never theirs."""
    primary = ScriptedProvider(BreakOff(WRITTEN[:100], TruncatedAnswer("cut short")))
    primary.midway.clear()
    async with Client(primary) as client, ask(client) as early:
        await early.event()
        await early.event()
        primary.gate.clear()
        primary.midway.set()
        await early.event()
        async with ask(client) as late:
            primary.midway.clear()
            primary.gate.set()
            events = await begun(late, primary)
    assert text_of(events) == WRITTEN
    assert "restarted" not in events[-1][1]["meta"]


async def test_text_that_nobody_was_sent_yet_does_not_stop_the_second_attempt() -> None:
    """What fails at once is tried again, and the stream never knows."""
    async with Client(ScriptedProvider(BreakOff("{", TruncatedAnswer("cut short")))) as client, ask(client) as call:
        events = await call.events()
    assert text_of(events) == WRITTEN
    assert events[-1][0] == "answer"


async def test_past_the_deadline_a_stream_that_has_begun_ends_with_an_error() -> None:
    """Never a hang."""
    provider = ScriptedProvider()
    provider.midway.clear()
    async with Client(provider, ALCHEMORSEL_DEADLINE="50ms") as client, ask(client) as call:
        events = await call.events()
    assert [name for name, _ in events] == ["start", "delta", "error"]
    assert events[-1][1]["code"] == "deadline_exceeded"


async def test_a_stream_may_bypass_the_cache(client: Client, provider: ScriptedProvider) -> None:
    """With the same header as without streaming."""
    await client.post(PATH, json=BODY)
    async with ask(client, cache_control="no-store") as call:
        events = await call.events()
    assert call.headers["cache-status"] == "alchemorsel; fwd=bypass"
    assert text_of(events) == WRITTEN
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

    async def answer(follower: Follower) -> Outcome:
        follower.cache = "miss"
        await heard.wait()
        follower.author = Author("ollama", "model", degraded=False)
        follower.hear("{")
        await asyncio.sleep(0.01)
        raise FAILED

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    stream = EventStream(
        TaskEvents(),
        lambda follower, _outcome: [(b"x", follower.cache.encode())],
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
