"""Prompts that are longer than a model's context: refused, and what comes of a cut one is never kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ai_service.errors import ContextLengthExceeded
from ai_service.providers.context_length import least_tokens, reading_of, refuse_overlong
from tests.contract.fake_ollama import FakeOllama, line
from tests.contract.fake_openai import FakeOpenAI
from tests.contract.test_provider import TASKS, ollama, openai, prompt_for
from tests.unit.service.asgi import StreamedCall
from tests.unit.service.client import Client
from tests.unit.service.fakes import ScriptedProvider

CONTEXT = 2048
"""Of the fake's adapter."""
PATH = "/v1/chat/completions"


def chat(*texts: str, **more: Any) -> dict[str, Any]:
    """Return a conversation of these messages, the last of which is the user's."""
    roles = ("user", "assistant")
    messages = [{"role": roles[(len(texts) - 1 - at) % 2], "content": text} for at, text in enumerate(texts)]
    return {"model": "test:1b", "messages": messages, **more}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_with_more_words_than_the_context_has_tokens_is_refused_before_asking(*, stream: bool) -> None:
    """In OpenAI's words for it; nobody else is asked, no breaker opens."""
    fallback = ScriptedProvider(name="openai")
    async with FakeOllama("yes") as server:
        provider = ollama(server.url)
        async with Client(provider, fallback) as client:
            asked = len(server.requests)
            answers = [await client.post(PATH, json=chat("word " * 2049, stream=stream)) for _ in range(4)]
            assert len(server.requests) == asked
            server.counts = (2010, 1)
            fits = await client.post(PATH, json=chat("word " * 2000))
        await provider.close()
    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["type"]) == (
            400, "context_length_exceeded", "invalid_request_error",
        )  # fmt: skip
        assert error["param"] == "messages"
        assert "2048 tokens" in error["message"]
    assert fits.status_code == 200
    assert fallback.prompts == []


async def test_the_models_own_context_counts_where_it_is_shorter() -> None:
    """Ollama takes any number that is asked for, and uses the model's."""
    async with FakeOllama("yes") as server:
        server.context_length = 512
        provider = ollama(server.url)
        await provider.inspect()
        short = prompt_for(TASKS["recipe"])
        long = msgspec.structs.replace(short, messages=({"role": "user", "content": "word " * 600},))
        refuse_overlong(short, provider.context_tokens)
        with pytest.raises(ContextLengthExceeded, match="512 tokens"):
            refuse_overlong(long, provider.context_tokens)
        await provider.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_count_that_shows_a_cut_ends_the_request(*, stream: bool) -> None:
    """Where the bound let it pass, as that of a text without spaces. In a stream it comes in place of the end."""
    body = chat("x" * 9000, stream=stream)
    async with FakeOllama("yes") as server:
        server.counts = (CONTEXT, 5)
        provider = ollama(server.url)
        async with Client(provider) as client:
            for _ in range(2):
                async with StreamedCall(client.app, PATH, body) as call:
                    events = (
                        await call.events() if stream else [("message", __import__("json").loads(await call.chunk()))]
                    )
                assert events[-1][1]["error"]["code"] == "context_length_exceeded"
                assert call.status == (200 if stream else 400)
        await provider.close()
    assert len([path for path, _ in server.requests if path == "/api/chat"]) == 2


async def test_an_answer_to_what_may_have_been_cut_is_given_and_not_kept() -> None:
    """Messages that are missing in the middle of a conversation show in no count; near the limit nobody can tell."""
    doubtful = chat("word " * 900, "word " * 500, "word " * 500)
    statuses = []
    async with FakeOllama("yes") as server:
        for body, server.counts, server.version in (
            (doubtful, (1950, 5), "0.5.4"),
            (doubtful, (2040, 20), "0.5.4"),
            (doubtful, (1950, 5), "0.34.2"),
            (chat("short"), (2000, 100), "0.5.4"),
        ):
            provider = ollama(server.url)
            async with Client(provider) as client:
                statuses += [(await client.post(PATH, json=body)).headers["cache-status"] for _ in range(2)]
            await provider.close()
    assert statuses[:5] == [*["alchemorsel; fwd=miss"] * 4, "alchemorsel; fwd=miss; stored"]
    assert statuses[5].startswith("alchemorsel; hit;")
    assert statuses[6:] == ["alchemorsel; fwd=miss"] * 2, "the beginning left the context while it was written"


async def test_ollama_is_told_to_cut_nothing() -> None:
    """It refuses instead, in one of several wordings, and says so in the service's."""
    message = "request (3510 tokens) exceeds the available context size (2048 tokens), try increasing it"
    async with FakeOllama("yes") as server:
        provider = ollama(server.url)
        async with Client(provider, ScriptedProvider(name="openai")) as client:
            server.lines = [line(error=message)]
            in_stream = await client.post(PATH, json=chat("x" * 3000))
        body = server.requests[-1][1]
        await provider.close()
    assert (body["truncate"], body["shift"]) == (False, False)
    assert (in_stream.status_code, in_stream.json()["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("400", {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}),
        ("400", {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}),
        ("500", {"message": "the prompt is too long: 9000 > 8192"}),
    ],
)
async def test_an_openai_servers_word_for_it_is_passed_on(status: str, error: dict[str, str]) -> None:
    """A task's prompt can be too long too: its caller learns the same."""
    async with FakeOpenAI() as server:
        server.mode, server.error = status, error
        provider = openai(server.url)
        async with Client(provider, ScriptedProvider(name="other")) as client:
            chats = await client.post(PATH, json={**chat("hello"), "model": "test"})
            task = await client.post("/api/v1/ai/generate-recipe", json={"prompt": "soup"})
            assert 'breaker_state{provider="openai"} 0.0' in (await client.get("/metrics")).text
        await provider.close()
    assert (chats.status_code, chats.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert (task.status_code, task.json()["code"]) == (400, "context_length_exceeded")


async def test_an_openai_server_that_read_too_little_is_found_out() -> None:
    """By its own count, of a prompt that is long enough to judge; a short one's count is believed."""
    async with FakeOpenAI("yes") as server:
        server.usage = {"prompt_tokens": 400, "completion_tokens": 5}
        provider = openai(server.url)
        async with Client(provider) as client:
            cut = await client.post(PATH, json={**chat("word " * 600), "model": "test"})
            whole = await client.post(PATH, json={**chat("word " * 450), "model": "test"})
        await provider.close()
    assert (cut.status_code, cut.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert whole.headers["cache-status"] == "alchemorsel; fwd=miss; stored"


@pytest.mark.parametrize(
    ("text", "least"), [("", 0), ("a b  c\n", 3), ("x" * 64, 1), ("x" * 65, 2), ("x" * 640 + " y", 11), ("豆腐", 1)]
)
def test_a_text_has_at_least_a_token_a_word(text: str, least: int) -> None:
    """And a very long word more than one."""
    assert least_tokens(text) == least


def test_what_is_not_counted_may_be_anything() -> None:
    """A server that says nothing is believed where a prompt surely fits."""
    prompt = prompt_for(TASKS["ingredients"])
    assert reading_of(prompt, 0, 4096) == "whole"
    assert reading_of(prompt, 0, 100) == "doubtful"
    assert reading_of(prompt, 0, 0) == "whole"
