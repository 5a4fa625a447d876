"""How long a provider may be silent: a text that flows is finished, one that does not is given up."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from ai_service.providers.errors import ProviderFailed, ProviderTimeout
from tests.contract.fake_ollama import FakeOllama, line
from tests.contract.fake_openai import FakeOpenAI, event
from tests.contract.test_provider import TASKS, ollama, openai, prompt_for
from tests.unit.service.fakes import ANSWERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ai_service.providers.base import Provider

PROMPT = prompt_for(TASKS["recipe"])
TEXT = json.dumps(ANSWERS["recipe"])
SILENCE_S = 0.4
EMPTY = {
    "ollama": line(message={"role": "assistant", "content": ""}, done=False),
    "openai": b": ping\n\n" + event(choices=[{"index": 0, "delta": {"content": ""}}]),
}
THOUGHT = {
    "ollama": line(message={"content": "", "thinking": "hm "}, done=False),
    "openai": event(choices=[{"index": 0, "delta": {"reasoning": "hm "}}]),
}
END = {
    "ollama": line(message={"content": TEXT}, done=False) + line(done=True, done_reason="stop"),
    "openai": event(choices=[{"index": 0, "delta": {"content": TEXT}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n",
}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Close everything opened by a test."""
    async with AsyncExitStack() as opened:
        yield opened


async def make(
    kind: str, stack: AsyncExitStack, *, pause_s: float = 0.0, parts: list[bytes] | None = None
) -> tuple[Provider, FakeOllama | FakeOpenAI]:
    """Create a provider with a silence timeout, and its server, sending these parts in place of its text."""
    fake: FakeOllama | FakeOpenAI
    if kind == "ollama":
        fake = FakeOllama(TEXT)
        fake.lines = parts
    else:
        fake = FakeOpenAI(TEXT)
        fake.events = parts
    fake.pause_s = pause_s
    await stack.enter_async_context(fake)
    provider: Provider = (ollama if kind == "ollama" else openai)(fake.url, SILENCE_S)
    stack.push_async_callback(provider.close)
    return provider, fake


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_a_text_that_flows_is_finished(kind: str, stack: AsyncExitStack) -> None:
    """Though all of it takes several times as long as the longest silence."""
    pieces: list[str] = []
    provider, _ = await make(kind, stack, pause_s=SILENCE_S / 4)
    assert (await provider.complete(PROMPT, pieces.append)).text == TEXT
    assert len(pieces) > 3 * 4


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_reasoning_is_no_silence(kind: str, stack: AsyncExitStack) -> None:
    """A thinking model is at work."""
    provider, _ = await make(kind, stack, pause_s=SILENCE_S / 4, parts=[*[THOUGHT[kind]] * 12, END[kind]])
    assert (await provider.complete(PROMPT)).text == TEXT


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_lines_without_text_are_silence(kind: str, stack: AsyncExitStack) -> None:
    """A server that keeps its connection alive, and never says anything, is given up."""
    provider, _ = await make(kind, stack, pause_s=SILENCE_S / 4, parts=[EMPTY[kind]] * 1000)
    with pytest.raises(ProviderTimeout, match=r"no text for 0\.4 s"):
        await provider.complete(PROMPT)


@pytest.mark.parametrize("kind", ["ollama", "openai"])
@pytest.mark.parametrize("before", [0, 3])
async def test_silence_before_and_between_pieces_is_given_up(kind: str, before: int, stack: AsyncExitStack) -> None:
    """With the text that came until then."""
    heard: list[str] = []
    provider, fake = await make(kind, stack, parts=[THOUGHT[kind]] * before)
    if isinstance(fake, FakeOllama):
        fake.lines = [line(message={"content": "x"}, done=False)] * before
    else:
        fake.events = [event(choices=[{"index": 0, "delta": {"content": "x"}}])] * before
    parts = fake.lines if isinstance(fake, FakeOllama) else fake.events
    assert parts is not None
    waiting = asyncio.Event()
    original = fake.respond

    async def respond(path: str, body: object, reply: object) -> None:
        end = reply.end  # type: ignore[attr-defined]

        async def hang() -> None:
            await waiting.wait()
            await end()

        reply.end = hang  # type: ignore[attr-defined]
        await original(path, body, reply)  # type: ignore[arg-type]

    fake.respond = respond  # type: ignore[method-assign]
    with pytest.raises(ProviderTimeout):
        await provider.complete(PROMPT, heard.append)
    waiting.set()
    assert heard == ["x"] * before


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_a_text_without_end_is_given_up(kind: str, stack: AsyncExitStack) -> None:
    """A server that ignores the token budget fills nobody's memory: it is left as soon as it is past it."""
    huge = "x" * (PROMPT.max_characters // 2)
    part = (
        line(message={"content": huge}, done=False)
        if kind == "ollama"
        else event(choices=[{"index": 0, "delta": {"content": huge}}])
    )
    provider, _ = await make(kind, stack, parts=[part] * 1000)
    heard: list[str] = []
    with pytest.raises(ProviderFailed, match="longer than"):
        await provider.complete(PROMPT, heard.append)
    assert heard == [huge] * 2
