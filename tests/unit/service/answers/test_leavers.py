"""Callers that hang up: what they asked for leaves the queue, and what has begun is kept where it may be."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.unit.service.asgi import StreamedCall
from tests.unit.service.client import Client
from tests.unit.service.fakes import BODIES, ScriptedProvider

RECIPE = next(iter(BODIES))
CHAT = "/v1/chat/completions"


def chat(text: str) -> dict[str, object]:
    """Return the body of a conversation."""
    return {"model": "ollama-model", "messages": [{"role": "user", "content": text}]}


async def until(value: str, client: Client) -> None:
    """Wait until the metrics say so."""
    while value not in (await client.get("/metrics")).text:  # noqa: ASYNC110 - the service tells nobody
        await asyncio.sleep(0)


async def test_plain_requests_of_callers_that_left_leave_the_queue() -> None:
    """17 of them fill it; a live caller is let in at once."""
    provider = ScriptedProvider()
    provider.gate.clear()
    async with Client(provider) as client, AsyncExitStack() as stack:
        calls = [
            await stack.enter_async_context(StreamedCall(client.app, CHAT, chat(f"question {number}")))
            for number in range(17)
        ]
        await until("alchemorsel_ai_queue_waiting 16.0", client)
        assert (await client.post(CHAT, json=chat("one too many"))).status_code == 503
        for call in calls:
            call.leave()
        await until("alchemorsel_ai_queue_waiting 0.0", client)
        live = asyncio.create_task(client.post(CHAT, json=chat("is anybody there?")))
        await until("alchemorsel_ai_queue_waiting 1.0", client)
        provider.gate.set()
        assert (await live).status_code == 200
        assert len(provider.prompts) == 2
        assert (await client.post(CHAT, json=chat("question 0"))).headers["cache-status"].startswith("alchemorsel; hit")


@pytest.mark.parametrize(
    ("control", "kept"), [("max-stale=0", True), ("no-store", False)], ids=["may be stored", "no-store"]
)
async def test_a_running_answer_is_finished_for_the_cache_only(control: str, *, kept: bool) -> None:
    """Nobody gains by one that may not be stored: the provider is told to stop."""
    provider = ScriptedProvider()
    provider.gate.clear()
    async with Client(provider) as client:
        async with StreamedCall(client.app, RECIPE, BODIES[RECIPE], cache_control=control):
            await until("alchemorsel_ai_queue_running 1.0", client)
        running = "alchemorsel_ai_queue_running 1.0" in (await client.get("/metrics")).text
        provider.gate.set()
        await until("alchemorsel_ai_queue_running 0.0", client)
        after = await client.post(RECIPE, json=BODIES[RECIPE])
    assert running is kept
    assert after.headers["cache-status"].startswith("alchemorsel; hit;") is kept


async def test_a_caller_that_left_is_logged_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """With nginx's status for it; nothing is sent."""
    provider = ScriptedProvider()
    provider.gate.clear()
    async with Client(provider) as client:
        async with StreamedCall(client.app, RECIPE, BODIES[RECIPE]) as call:
            await until("alchemorsel_ai_queue_running 1.0", client)
            call.leave()
            await call.ended()
            assert call.waiting
        provider.gate.set()
    assert '"status":499' in capsys.readouterr().err
