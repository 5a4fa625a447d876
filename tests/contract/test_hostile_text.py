"""Text of a provider that nobody can read is the provider's failure, wherever it comes: never a 500, never an end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from ai_service.cache.memory_store import MemoryStore
from ai_service.errors import ContextLengthExceeded
from ai_service.health.observer import Observer
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import ProviderError
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.resilience.model_chains import ModelChains
from tests.contract.fake_ollama import FakeOllama, line
from tests.contract.fake_openai import FakeOpenAI
from tests.contract.test_provider import TASKS, ollama, openai, prompt_for
from tests.unit.service.client import Client
from tests.unit.service.fakes import BODIES, SUGGESTIONS, ScriptedProvider

if TYPE_CHECKING:
    from ai_service.providers.base import Completion, Provider
    from tests.contract.fake_server import Reply

PATH = "/api/v1/ai/suggest-ingredients"
CHAT = {"model": "test:1b", "messages": [{"role": "user", "content": "hello"}]}
DEEP = b"[" * 100_000
HOSTILE = {
    "invalid UTF-8": b'{"message":{"content":"\xff\xfe"},"error":"\xff"}',
    "deep JSON": b'{"message":{"content":"a"},"error":' + DEEP,
    "deep unknown field": b'{"x":' + DEEP + b"]" * 100_000 + b"}",
    "lone surrogate": b'{"message":{"content":"\\ud800"}}',
    "huge number": b'{"prompt_eval_count":' + b"9" * 5000 + b',"usage":{"prompt_tokens":' + b"9" * 5000 + b"}}",
    "not a number": b'{"eval_count":NaN,"choices":[NaN]}',
    "wrong types": b'{"message":[],"choices":{"a":1},"done":"yes"}',
    "a list": b"[]",
    "NUL": b"\x00\x00",
    "HTML": b"<html>",
}


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_the_next_provider_answers(kind: str) -> None:
    """Of a task and of a conversation; where there is no next one, it is a 503 with the reason."""
    async with AsyncExitStack() as stack:
        fake: FakeOllama | FakeOpenAI = FakeOllama() if kind == "ollama" else FakeOpenAI()
        await stack.enter_async_context(fake)
        first: Provider = (ollama if kind == "ollama" else openai)(fake.url)
        alone = await stack.enter_async_context(Client(first))
        helped = await stack.enter_async_context(Client(first, ScriptedProvider(name="other")))
        for raw in HOSTILE.values():
            _send(fake, raw)
            body, headers = {"partial": [str(hash(raw))]}, {"cache-control": "no-store"}
            task, none = [await client.post(PATH, json=body, headers=headers) for client in (helped, alone)]
            chat = await helped.post("/v1/chat/completions", json={**CHAT, "model": first.model}, headers=headers)
            assert (task.status_code, task.json()["data"]) == (200, SUGGESTIONS), raw[:80]
            assert (chat.status_code, chat.json()["provider"]) == (200, "other"), raw[:80]
            assert (none.status_code, none.json()["details"][0]["provider"]) == (503, first.name), raw[:80]


def _send(fake: FakeOllama | FakeOpenAI, raw: bytes) -> None:
    """Have a server send this in place of an answer's end."""
    if isinstance(fake, FakeOllama):
        fake.lines = [line(message={"content": '{"sugg'}, done=False), raw + b"\n"]
    else:
        fake.events = [b"data: " + raw + b"\n\n"]


async def test_the_observer_goes_on() -> None:
    """What cannot be read is a problem with a name, and once it can be read again there is none."""
    async with FakeOllama() as server:
        provider = ollama(server.url)
        metrics = Metrics()
        link = GuardedProvider(provider, CircuitBreaker(), AdmissionQueue(concurrency=1, limit=1), metrics)
        observer = Observer(ModelChains(ProviderChain([link], metrics)), MemoryStore(), interval_s=0.001)
        await observer.start()
        for path in ("/api/tags", "/api/ps", "/api/show", "/api/version"):
            for raw in HOSTILE.values():
                server.bodies[path] = raw
                await observer.look()
                problem = observer.report()["providers"][0]["problem"]
                assert problem in {"", "failed", "model_missing"}, (path, raw[:80])
            assert path in {"/api/show", "/api/version"} or problem == "failed"
            del server.bodies[path]
            await observer.look()
            assert observer.status == "healthy"
        server.bodies["/api/tags"] = b"\xff"
        async with asyncio.timeout(30):
            while observer.status == "healthy":  # noqa: ASYNC110 - by itself, in the background
                await asyncio.sleep(0.001)
        await observer.stop()
        await provider.close()


@pytest.mark.parametrize("status", [200, 400, 500, 503])
async def test_an_error_that_cannot_be_read_is_an_error(status: int) -> None:
    """With its status, or as something that is no list of models."""

    class Broken(FakeOllama):
        async def respond(self, _path: str, _body: object, reply: Reply) -> None:
            await reply.whole(status, self.bodies[""])

    async with Broken() as server:
        for raw in HOSTILE.values():
            server.bodies[""] = raw
            provider = ollama(server.url)
            with pytest.raises((ProviderError, ContextLengthExceeded)):
                await provider.complete(prompt_for(TASKS["ingredients"]))
            await provider.close()


async def test_what_nobody_thought_of_is_the_providers_failure_too() -> None:
    """Whatever its text makes Python raise."""

    class Cursed(ScriptedProvider):
        async def complete(self, *_: object) -> Completion:
            raise RecursionError

    async with Client(Cursed(), ScriptedProvider(name="other")) as client:
        response = await client.post(PATH, json=BODIES[PATH])
    assert response.json()["meta"]["degraded_reason"] == "ollama: failed"
