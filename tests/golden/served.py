"""The real program with a model that is made up, asked once for all golden files that need it."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ai_service.access.keys import hash_key, new_key
from tests.contract.fake_ollama import FakeOllama, line
from tests.golden.asked import ASKED, ASKED_WITHOUT_KEYS, HANGING, LONG, ask
from tests.golden.running import NOWHERE, program, temporary_file
from tests.unit.service.fakes import CHAT_ANSWER, NUTRITION, RECIPE, SUGGESTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.contract.fake_server import Reply
    from tests.integration.service.program import Program


@dataclass(frozen=True)
class Served:
    """What came.

    Attributes:
        answers: Of each request.
        scrape: The metrics after them.
        guarded: The OpenAPI document where keys are configured.
        unguarded: The same where none are.
    """

    answers: str
    scrape: str
    guarded: dict[str, Any]
    unguarded: dict[str, Any]


class Cook(FakeOllama):
    """Writes the answer that the schema asks for, unless a word of the prompt says otherwise.

    By the prompt, and not by the time, because refreshes in the background ask too:

    - `LONG`: writes a long recipe.
    - `VOID`: writes at its first time some text and then nothing that fits.
    - `HANG`: writes some text, and then nothing until `released`.
    - `BUSY`: answers 503.
    """

    def __init__(self) -> None:
        super().__init__()
        self.models = {"llama3.2:3b": next(iter(self.models.values()))}
        self.released = asyncio.Event()
        self._voided = False

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """See FakeOllama."""
        if path != "/api/chat":
            await super().respond(path, body, reply)
            return
        words = json.dumps(body["messages"])
        self.text = LONG if "LONG" in words else _answer(body)
        self.mode = "503" if "BUSY" in words else "ok"
        if "HANG" in words:
            await self._begin(reply, self.released.wait())
        elif "VOID" in words and not self._voided:
            self._voided = True
            await self._begin(reply, asyncio.sleep(0.2))  # so that the caller has the text before it is void
        else:
            await super().respond(path, body, reply)

    async def _begin(self, reply: Reply, pause: Awaitable[object]) -> None:
        await reply.start(200, content_type="application/x-ndjson")
        await reply.part(line(message={"role": "assistant", "content": self.text[:40]}, done=False))
        await pause
        if self.released.is_set():
            return  # The caller has left.
        await reply.part(line(message={"content": ""}, done=True, done_reason="stop"))
        await reply.end()


def _answer(body: dict[str, Any]) -> str:
    asked = json.dumps(body.get("format") or "")
    for word, answer in (("instructions", RECIPE), ("suggestions", SUGGESTIONS), ("sodium", NUTRITION)):
        if word in asked:
            return json.dumps(answer)
    return CHAT_ANSWER


@cache
def served() -> Served:
    """Ask a service with keys and a model for all kinds of answers, and one without both for the rest."""
    keys = {name: new_key() for name in ("web", "slow", "admin")}
    lines = [
        hash_key("web", keys["web"]).line(),
        hash_key("slow", keys["slow"], rate="1/hour").line(),
        hash_key("admin", keys["admin"], admin=True).line(),
    ]
    with temporary_file("\n".join(lines)) as file, ThreadPoolExecutor() as pool:
        others = pool.submit(_ask_without_model)
        answers, scrape, guarded = asyncio.run(_with_model(file, {**keys, "wrong": "wrong"}))
        more, unguarded = others.result()
    return Served("\n".join([*answers, "# Without Ollama, fallbacks and keys\n", *more]), scrape, guarded, unguarded)


def _ask_without_model() -> tuple[list[str], dict[str, Any]]:
    with program(AI_PROVIDER="ollama", AI_FALLBACKS=",", OLLAMA_HOST=NOWHERE) as running:
        answers = [ask(running.url, each, {}) for each in ASKED_WITHOUT_KEYS]
        return answers, running.http.get("/openapi.json").json()


async def _with_model(keys_file: str, keys: dict[str, str]) -> tuple[list[str], str, dict[str, Any]]:
    async with Cook() as cook:
        # In a thread: the model answers in this one, from the service's start on.
        found = await asyncio.to_thread(_ask_all, cook.url, keys_file, keys)
        cook.released.set()
        return found


def _ask_all(ollama_url: str, keys_file: str, keys: dict[str, str]) -> tuple[list[str], str, dict[str, Any]]:
    running: Program = program(
        AI_PROVIDER="ollama",
        AI_FALLBACKS="mock",
        OLLAMA_HOST=ollama_url,
        API_KEYS_FILE=keys_file,
        NUTRITION_TTL="1ms",
        OLLAMA_NUM_PARALLEL="2",  # One hangs, while the others go on.
        OLLAMA_TIMEOUT="3s",
        DEADLINE="3s",
        WARMUP_INTERVAL="60s",
    )
    answers = []
    with running, ThreadPoolExecutor() as pool:
        first, *others = ASKED  # The first one has the model loaded.
        answers.append(ask(running.url, first, keys))
        hanging = pool.submit(ask, running.url, HANGING, keys)
        for each in others:
            time.sleep(each.wait_s)
            answers.append(ask(running.url, each, keys))
        answers.append(hanging.result())
        return answers, running.http.get("/metrics").text, running.http.get("/openapi.json").json()
