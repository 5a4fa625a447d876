"""Thinking models: reasoning is no part of the answer, and tasks do without it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.providers.errors import OnlyThoughts
from ai_service.providers.thoughts import ThoughtSplitter
from tests.contract.fake_ollama import FakeOllama
from tests.contract.fake_openai import FakeOpenAI
from tests.contract.test_provider import TASKS, ollama, openai, prompt_for
from tests.unit.service.client import Client
from tests.unit.service.fakes import ANSWERS, BODIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ai_service.providers.base import Provider

PROMPT = prompt_for(TASKS["recipe"])
REASONING = "The user wants a recipe. Tomatoes go well with basil."
CHAT = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Close everything opened by a test."""
    async with AsyncExitStack() as opened:
        yield opened


async def make(kind: str, stack: AsyncExitStack, text: str) -> tuple[Provider, Any]:
    """Create a provider with a thinking model, its reasoning exposed in the format of that kind."""
    fake: FakeOllama | FakeOpenAI
    if kind == "tags":
        fake = FakeOllama(f"\n<think>\n{REASONING}</think>\n\n{text}")
    elif kind == "ollama":
        fake = FakeOllama(text)
        fake.thinking = REASONING
    else:
        fake = FakeOpenAI(text)
        fake.reasoning = (REASONING, kind)
    await stack.enter_async_context(fake)
    provider: Provider = ollama(fake.url) if isinstance(fake, FakeOllama) else openai(fake.url)
    stack.push_async_callback(provider.close)
    return provider, fake


KINDS = ["ollama", "tags", "reasoning", "reasoning_content"]


@pytest.mark.parametrize("kind", KINDS)
async def test_reasoning_and_answer_come_apart(kind: str, stack: AsyncExitStack) -> None:
    """In pieces and whole."""
    text = json.dumps(ANSWERS["recipe"])
    provider, _ = await make(kind, stack, text)
    pieces: list[str] = []
    thoughts: list[str] = []
    completion = await provider.complete(PROMPT, pieces.append, thoughts.append)
    assert "".join(pieces) == completion.text == text
    assert "".join(thoughts).strip() == completion.reasoning.strip() == REASONING


@pytest.mark.parametrize("kind", KINDS)
async def test_a_task_gets_no_thoughts_in_its_stream_or_answer(kind: str, stack: AsyncExitStack) -> None:
    """Whether the model obeys or not."""
    provider, _ = await make(kind, stack, json.dumps(ANSWERS["recipe"]))
    async with Client(provider) as client:
        path = next(iter(BODIES))
        streamed = await client.post(path, json=BODIES[path], headers={"accept": "text/event-stream"})
        plain = await client.post(path, json=BODIES[path])
    assert plain.json()["meta"]["provider"] == provider.name
    assert "user wants" not in streamed.text + plain.text


@pytest.mark.parametrize("kind", KINDS)
async def test_only_thoughts_are_no_answer_to_a_task(kind: str, stack: AsyncExitStack) -> None:
    """503 with a reason that has a name, in health too; a stand-in answers where there is one."""
    provider, _ = await make(kind, stack, "")
    with pytest.raises(OnlyThoughts):
        await provider.complete(PROMPT)
    async with Client(provider) as client:
        answer = await client.post("/api/v1/ai/suggest-ingredients", json={"partial": ["pear"]})
        health = (await client.get("/health")).json()
    assert answer.json()["details"] == [{"provider": provider.name, "problem": "only_thoughts"}]
    assert (health["status"], health["providers"][0]["problem"]) == ("degraded", "only_thoughts")


@pytest.mark.parametrize(
    ("options", "sent"),
    [({}, None), ({"think": False}, False), ({"reasoning_effort": "high"}, "high"), ({"think": True}, True)],
)
async def test_ollama_is_told_whether_to_think(options: dict[str, Any], sent: object, stack: AsyncExitStack) -> None:
    """As asked for in a conversation, and never for a task."""
    provider, fake = await make("ollama", stack, json.dumps(ANSWERS["ingredients"]))
    async with Client(provider) as client:
        await client.post("/v1/chat/completions", json={**CHAT, "model": "test:1b", **options})
        conversation = fake.requests[-1][1]
        await client.post("/api/v1/ai/suggest-ingredients", json={"partial": ["pear"]})
    assert conversation.get("think") == sent
    assert fake.requests[-1][1]["think"] is False


@pytest.mark.parametrize(
    ("options", "sent"),
    [({}, None), ({"think": False}, "none"), ({"think": True}, "medium"), ({"think": "low"}, "low")],
)
async def test_an_openai_server_is_told_where_a_caller_wants_it(
    options: dict[str, Any], sent: object, stack: AsyncExitStack
) -> None:
    """Most models know no such parameter, so that tasks send none."""
    provider, fake = await make("reasoning", stack, json.dumps(ANSWERS["ingredients"]))
    async with Client(provider) as client:
        await client.post("/v1/chat/completions", json={**CHAT, "model": "test", **options})
        conversation = fake.requests[-1][1]
        await client.post("/api/v1/ai/suggest-ingredients", json={"partial": ["pear"]})
    assert conversation.get("reasoning_effort") == sent
    assert "reasoning_effort" not in fake.requests[-1][1]


@pytest.mark.parametrize(
    ("written", "text", "reasoning"),
    [
        ("<think>a</think>b", "b", "a"),
        (" \n<think>\na\n</think>\n\n b", "b", "\na\n"),
        ("<think></think>b", "b", ""),
        ("<think>a < b </thin </think>c", "c", "a < b </thin "),
        ("<think>never ends </thi", "", "never ends </thi"),
        ("plain <think>a</think>", "plain <think>a</think>", ""),
        ("<thinking>a", "<thinking>a", ""),
        ("<thi", "<thi", ""),
        ("  ", "  ", ""),
        ("", "", ""),
        ("<think>a</think>b<think>c</think>", "b<think>c</think>", "a"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_tags_are_found_wherever_the_pieces_end(written: str, text: str, reasoning: str, size: int) -> None:
    """At the beginning only: further on they are the answer's own."""
    pieces: list[str] = []
    thoughts: list[str] = []
    splitter = ThoughtSplitter(pieces.append, thoughts.append)
    for at in range(0, len(written), size):
        splitter.feed(written[at : at + size])
    splitter.end()
    assert ("".join(pieces), "".join(thoughts)) == (text, reasoning)
