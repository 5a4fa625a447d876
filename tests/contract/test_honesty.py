"""10,000 requests with faults switched on and off: no answer is labelled as a model's that no model gave.

Each answer of the models carries a number, and they write down what they gave whole. Whatever the service labels as
theirs has to be in their books: the same text, for the same question, from the provider that is named.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.providers.mock import MockProvider
from ai_service.resilience.circuit_breaker import CircuitBreaker
from tests.contract.faulty_model import FaultyModel, FaultyOllama, FaultyOpenAI
from tests.contract.test_provider import ollama, openai
from tests.unit.service.asgi import parse_event
from tests.unit.service.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

REQUESTS = 10_000
CALLERS = 24
QUESTIONS = 60
SILENCE_S = 0.08
SETTINGS = {"ALCHEMORSEL_LOG_LEVEL": "error", "ALCHEMORSEL_OLLAMA_NUM_PARALLEL": "16"}
SERIAL = re.compile(r"#(\d+)#")
TASKS: dict[str, Callable[[str], dict[str, Any]]] = {
    "/api/v1/ai/generate-recipe": lambda text: {"prompt": text},
    "/api/v1/ai/suggest-ingredients": lambda text: {"partial": [text]},
    "/api/v1/ai/analyze-nutrition": lambda text: {"ingredients": [text]},
}
CHAT = "/v1/chat/completions"
FORMATS: list[dict[str, Any]] = [
    {},
    {},
    {"response_format": {"type": "json_object"}},
    {
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "x",
                "schema": {"type": "object", "properties": {"herb": {"type": "string"}}, "required": ["herb"]},
            },
        }
    },
]
WAYS = {
    **dict.fromkeys(
        ("from ollama", "from openai", "from mock", "plain 503", "plain 400", "stream ends with answer"), 1
    ),
    **dict.fromkeys(("stream ends with error", "chat stream ends with error", "chat length", "chat without text"), 6),
}
"""Each way in which a request may end, and how often at least."""
MORE_ROUNDS = 4
CONTROLS = [{}, {}, {}, {"cache-control": "no-cache"}, {"cache-control": "no-store"}]


@dataclass
class Ledger:
    """What came, and what of it is wrong."""

    models: dict[str, FaultyModel]
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def rare(self) -> dict[str, int]:
        """Return the ways of answering that were hardly taken, with how often."""
        return {way: self.seen[way] for way, least in WAYS.items() if self.seen[way] < least}

    def check(self, path: str, question: str, response: httpx.Response) -> None:
        """Look at a response."""
        status, kind = response.status_code, "stream" if "event-stream" in response.headers["content-type"] else "plain"
        self.seen.update(["asked", f"{kind} {status}"])
        if status == 500 or status not in {200, 400, 503, 504}:
            self.wrong.append(f"{status} {response.text[:200]}")
        if status == 400 and "context_length_exceeded" not in response.text:
            self._unsupported(path, response)
        if status != 200:
            return
        if kind == "plain":
            self._whole(path, question, response.json(), response.headers)
        else:
            self._stream(path, question, response)

    def _unsupported(self, path: str, response: httpx.Response) -> None:
        """Allow a provider to reject an option of a conversation; record every other 400 as wrong."""
        if path != CHAT or "unsupported_request" not in response.text:
            self.wrong.append(f"400 {response.text[:200]}")

    def _whole(self, path: str, question: str, body: dict[str, Any], headers: httpx.Headers) -> None:
        label = body if path == CHAT else body["meta"]
        text = body["choices"][0]["message"]["content"] if path == CHAT else json.dumps(body["data"])
        reason = body["choices"][0]["finish_reason"] if path == CHAT else "stop"
        self._label(path, label, headers)
        self._given(path, question, label["provider"], text, reason)
        stored = "stored" in headers["cache-status"] or "hit" in headers["cache-status"]
        if stored and label["provider"] == "mock":
            self.wrong.append("a sample was stored")
        if stored and (reason != "stop" or not text.strip()):
            self.wrong.append(f"stored though {reason}: {text[:80]!r}")

    def _label(self, path: str, label: dict[str, Any], headers: httpx.Headers) -> None:
        degraded = label["provider"] != "ollama"
        if label["degraded"] is not degraded or ("x-ai-degraded" in headers) is not degraded:
            self.wrong.append(f"{label['provider']} is labelled {label['degraded']} and {headers.get('x-ai-degraded')}")
        if label["provider"] == "mock" and (path == CHAT or not headers["x-ai-degraded"].startswith("sample;")):
            self.wrong.append(f"a sample on {path}: {headers.get('x-ai-degraded')}")

    def _given(self, path: str, question: str, provider: str, text: str, reason: str) -> None:
        """Whether the provider that is named gave this text, whole, to this question."""
        self.seen[f"from {provider}"] += 1
        if provider == "mock":
            return
        if path == CHAT and (
            reason != "stop" or not text.strip()
        ):  # A model may say nothing, or be cut short: said so.
            self.seen[f"chat {reason if text.strip() else 'without text'}"] += 1
            return
        found = SERIAL.search(text)
        serial = int(found[1]) if found else int(json.loads(text).get("sodium", 0)) if "sodium" in text else 0
        asked, given = self.models[provider].given.get(serial, ("", ""))
        same = text == given if path == CHAT else _told(json.loads(text)) == _told(json.loads(given or "null"))
        if asked != question or not same:
            self.wrong.append(f"{provider} never gave {text[:120]!r} to {question}, but {given[:120]!r} to {asked}")

    def _stream(self, path: str, question: str, response: httpx.Response) -> None:
        events = [parse_event(block) for block in response.text.strip().split("\n\n")]
        if path != CHAT:
            name, last = events[-1]
            self.seen[f"stream ends with {name}"] += 1
            if name == "answer":
                self._given(path, question, last["meta"]["provider"], json.dumps(last["data"]), "stop")
            elif name != "error":
                self.wrong.append(f"a stream ends with {name}")
            return
        chunks = [data for name, data in events if name == "message" and data != "[DONE]"]
        if any("error" in chunk for chunk in chunks):
            self.seen["chat stream ends with error"] += 1
            return
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
        if events[-1] != ("message", "[DONE]"):
            self.wrong.append("a chat stream without an end")
        self._given(path, question, chunks[0]["provider"], text, chunks[-1]["choices"][0]["finish_reason"])


def _told(data: Any) -> Any:
    """Return the data written by the model, without the fields added by the service."""
    return {name: value for name, value in (data or {}).items() if name not in {"confidence", "calories"}}


async def ask(client: _Client, ledger: Ledger, dice: random.Random) -> None:
    """Ask one thing."""
    question = f"q{dice.randrange(QUESTIONS)}q"
    path = dice.choice([*TASKS, CHAT, CHAT])
    headers = dict(dice.choice(CONTROLS))
    if path == CHAT:
        body: dict[str, Any] = {
            "model": client.model,
            "messages": [{"role": "user", "content": f"What of {question}?"}],
        }
        body |= dice.choice(FORMATS)
    else:
        body = TASKS[path](f"something with {question}")
    body["stream"] = dice.random() < 0.3
    ledger.check(path, question, await client.post(path, json=body, headers=headers))


class _Client(Client):
    """A client that knows which model to ask for."""

    model = ""


@pytest.mark.timeout(300)
async def test_no_answer_is_labelled_as_a_models_that_no_model_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without fallbacks and samples, plain and streamed, computed, shared and from the cache."""
    monkeypatch.setitem(CircuitBreaker.__init__.__kwdefaults__ or {}, "cool_off_s", 0.02)
    dice = random.Random(20261128)  # noqa: S311 - the same requests each time
    async with AsyncExitStack() as stack:
        first, second = FaultyOllama(), FaultyOpenAI()
        for server in (first, second):
            await stack.enter_async_context(server)
        ledger = Ledger({"ollama": first, "openai": second})
        clients = []
        for others in ((), (openai(second.url, SILENCE_S),), (openai(second.url, SILENCE_S), MockProvider())):
            primary = ollama(first.url, SILENCE_S)
            client = _Client(primary, *others, **SETTINGS)
            client.model = primary.model
            clients.append(await stack.enter_async_context(client))

        async def call(requests: int) -> None:
            for _ in range(requests):
                for server in (first, second):
                    if dice.random() < 0.05:
                        server.fault = dice.choice(FaultyModel.FAULTS) if dice.random() < 0.6 else "none"
                await ask(dice.choice(clients), ledger, dice)

        await asyncio.gather(*(call(REQUESTS // CALLERS + 1) for _ in range(CALLERS)))
        # Each way of answering has to be taken, or nothing would be shown. How often depends on the machine's load.
        for _ in range(MORE_ROUNDS):
            if not ledger.rare():
                break
            await asyncio.gather(*(call(REQUESTS // CALLERS // 4) for _ in range(CALLERS)))
    assert ledger.wrong == []
    assert ledger.rare() == {}, ledger.seen
    assert ledger.seen["asked"] >= REQUESTS
