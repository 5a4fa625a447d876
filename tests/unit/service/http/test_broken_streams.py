"""Streams whose answer fails before or after its first text was sent."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from ai_service.providers.errors import ProviderUnreachable, TruncatedAnswer
from tests.unit.service.asgi import StreamedCall, text_of
from tests.unit.service.client import Client
from tests.unit.service.fakes import BreakOff, ScriptedProvider
from tests.unit.service.streams import BODY, FAILED, PATH, SHOWN, WRITTEN, ask, whole

BROKEN = [
    (BreakOff(WRITTEN[:100], TruncatedAnswer("cut short")), "truncated"),
    ("{}" + " " * 100, "invalid"),
]


async def begun(call: StreamedCall, provider: ScriptedProvider) -> list[tuple[str, Any]]:
    """All events, of which the provider holds back what follows the first text until that was sent."""
    events = [await call.event(), await call.event()]
    provider.midway.set()
    return [*events, *(await call.events())]


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
    assert events[0] == (
        "start",
        {
            "provider": "openai",
            "model": "openai-model",
            "degraded": True,
            "degraded_reason": "ollama: unreachable",
        },
    )
    assert events[-1][1]["meta"]["degraded"] is True


async def test_a_made_up_answer_is_sent_when_it_is_sure_that_there_is_no_other() -> None:
    """Then it is labelled before anything of it is read."""
    down = ProviderUnreachable("down")
    mock = ScriptedProvider(name="mock", synthetic=True)
    mock.midway.clear()
    async with Client(ScriptedProvider(down), mock) as client, ask(client) as call:
        await asyncio.sleep(0.01)
        assert call.waiting
        mock.midway.set()
        events = await call.events()
    assert call.headers["x-ai-provider"] == "mock"
    assert events[0] == (
        "start",
        {"provider": "mock", "model": "mock-model", "degraded": True, "degraded_reason": "ollama: unreachable"},
    )
    assert call.headers["x-ai-degraded"] == 'sample;reason="ollama: unreachable"'
    assert json.loads(text_of(events)) == events[-1][1]["data"]


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
    assert [name for name, _ in events if name != "title"] == ["start", "delta", "restart", "answer"]
    assert events[-2][1]["details"] == [{"provider": "ollama", "problem": problem}]
    assert events[-1][1]["meta"].pop("restarted") is True
    assert "first_part" not in events[-1][1]["meta"]["timings_ms"]  # It is void.
    assert whole(events[-1]) == plain.json()
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")
    assert (len(primary.prompts), fallback.prompts) == (2, [])


async def test_after_the_first_text_another_provider_may_give_the_whole_answer() -> None:
    """Labelled as what it is, with the reason, once a second attempt of the first one broke off too."""
    broken = BreakOff(WRITTEN[:100], FAILED)
    primary, fallback = ScriptedProvider(broken, broken), ScriptedProvider(name="openai")
    primary.midway.clear()
    async with Client(primary, fallback) as client, ask(client) as call:
        events = await begun(call, primary)
    meta = events[-1][1]["meta"]
    assert [name for name, _ in events] == ["start", "delta", "title", "restart", "answer"]
    assert (meta["provider"], meta["degraded"], meta["restarted"]) == ("openai", True, True)
    assert meta["passed_over"] == ["ollama: failed"]
    assert meta["timings_ms"]["ollama"] > 0
    assert len(primary.prompts) == 2


async def test_after_the_first_text_a_stale_answer_is_better_than_none() -> None:
    """It is no continuation of what was sent, and the client is told so."""
    primary = ScriptedProvider()
    async with Client(primary, ALCHEMORSEL_RECIPE_TTL="1ms", ALCHEMORSEL_STALE_WHILE_REVALIDATE="0") as client:
        old = await client.post(PATH, json=BODY)
        await asyncio.sleep(0.01)
        primary.script = [BreakOff(WRITTEN[:100], FAILED)] * 2
        primary.midway.clear()
        async with ask(client) as call:
            events = await begun(call, primary)
    assert [name for name, _ in events] == ["start", "delta", "title", "restart", "answer"]
    assert events[-1][1]["meta"].pop("restarted") is True
    assert events[-1][1]["meta"].pop("passed_over") == ["ollama: failed"]
    assert whole(events[-1]) == old.json()


async def test_after_the_first_text_a_failure_of_all_is_an_error_event() -> None:
    """With every reason; nothing is stored."""
    primary = ScriptedProvider(*[BreakOff(WRITTEN[:100], FAILED)] * 2)
    primary.midway.clear()
    async with Client(primary, ScriptedProvider(ProviderUnreachable("down"), name="openai")) as client:
        async with ask(client, x_request_id="abc") as call:
            events = await begun(call, primary)
        after = await client.post(PATH, json=BODY)
        metrics = (await client.get("/metrics")).text
    assert [name for name, _ in events] == ["start", "delta", "title", "restart", "error"]
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
            assert [(await call.event())[0] for _ in range(2)] == ["title", "restart"]
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
        assert [(await early.event())[0] for _ in range(2)] == ["title", "restart"]
        async with ask(client) as late:
            primary.midway.clear()
            primary.gate.set()
            events = await begun(late, primary)
    assert json.loads(text_of(events)) == json.loads(SHOWN)
    assert "restarted" not in events[-1][1]["meta"]


async def test_text_that_nobody_was_sent_yet_does_not_stop_the_second_attempt() -> None:
    """What fails at once is tried again, and the stream never knows."""
    async with Client(ScriptedProvider(BreakOff("{", TruncatedAnswer("cut short")))) as client, ask(client) as call:
        events = await call.events()
    assert json.loads(text_of(events)) == json.loads(SHOWN)
    assert events[-1][0] == "answer"


async def test_past_the_deadline_a_stream_that_has_begun_ends_with_an_error() -> None:
    """Never a hang."""
    provider = ScriptedProvider()
    provider.midway.clear()
    async with (
        Client(provider, ALCHEMORSEL_OLLAMA_TIMEOUT="50ms", ALCHEMORSEL_DEADLINE="50ms") as client,
        ask(client) as call,
    ):
        events = await call.events()
    assert [name for name, _ in events] == ["start", "delta", "title", "error"]
    assert events[-1][1]["code"] == "deadline_exceeded"
