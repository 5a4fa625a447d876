"""Ollama's native API, in what only it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_service.providers.errors import (
    IncompleteAnswer,
    InvalidAnswer,
    ModelMissing,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
    TruncatedAnswer,
)
from ai_service.providers.ollama import RESIDENT_S, OllamaProvider
from tests.contract.fake_ollama import DIGEST, FakeOllama
from tests.contract.test_provider import TASKS, ollama, prompt_for
from tests.unit.service.fakes import ANSWERS, NUTRITION, RECIPE, FakeClock

if TYPE_CHECKING:
    from ai_service.tasks import SchemaTask

PROMPT = prompt_for(TASKS["recipe"])


async def test_schema_budget_and_context_travel_with_the_request() -> None:
    """And the context length is the same in the request that loads: another one would load the model twice."""
    async with FakeOllama("{}") as server:
        server.loaded.clear()
        provider = ollama(server.url)
        await provider.complete(PROMPT)
        await provider.close()
    load, chat = [body for path, body in server.requests if path == "/api/chat"]
    assert chat["format"] == PROMPT.schema
    assert chat["options"]["num_predict"] == PROMPT.max_tokens
    assert chat["options"]["num_ctx"] == load["options"]["num_ctx"] == 2048
    assert chat["keep_alive"] == load["keep_alive"] == 60
    assert load["messages"] == []


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("behind", ["", "\n", "\n\t  \t  \t ", " and then, in words"])
async def test_generation_ends_where_the_answer_ends(task: SchemaTask, behind: str) -> None:
    """The server stops at its last characters and leaves them out; callers get them all the same."""
    prompt = prompt_for(task)
    written = {**RECIPE, "nutrition": NUTRITION} if task.name == "recipe" else ANSWERS[task.name]
    answer = json.dumps(written, separators=(",", ":"))
    async with FakeOllama(answer + behind) as server:
        provider = ollama(server.url)
        pieces: list[str] = []
        completion = await provider.complete(prompt, pieces.append)
        await provider.close()
    (chat,) = [body for path, body in server.requests if path == "/api/chat"]
    assert chat["options"]["stop"] == [prompt.closing]
    assert completion.text == "".join(pieces) == answer


@pytest.mark.parametrize("text", ['{\n  "suggestions": [\n    "basil"\n  ]\n}', '{"suggestions":["basil"] }\n', ""])
async def test_nothing_is_added_to_an_answer_that_ended_by_itself(text: str) -> None:
    """As one with line breaks does."""
    async with FakeOllama(text) as server:
        provider = ollama(server.url)
        if text:
            assert (await provider.complete(prompt_for(TASKS["ingredients"]))).text == text
        else:
            with pytest.raises(InvalidAnswer, match="empty"):
                await provider.complete(prompt_for(TASKS["ingredients"]))
        await provider.close()


async def test_an_answer_that_its_budget_ended_is_not_completed() -> None:
    """It is no answer."""
    async with FakeOllama('{"suggestions":["basil') as server:
        server.mode = "length"
        provider = ollama(server.url)
        with pytest.raises(TruncatedAnswer):
            await provider.complete(prompt_for(TASKS["ingredients"]))
        await provider.close()


async def test_a_loaded_model_is_not_loaded_again_and_soon_not_even_asked_about() -> None:
    """A miss pays for no round trip that it does not need."""
    clock = FakeClock()
    async with FakeOllama("{}") as server:
        provider = OllamaProvider(
            server.url, "test:1b", timeout_s=5, load_timeout_s=5, num_ctx=2048, keep_alive_s=60, clock=clock
        )
        await provider.complete(PROMPT)
        await provider.complete(PROMPT)
        clock.advance(RESIDENT_S)
        await provider.complete(PROMPT)
        await provider.close()
    assert [path for path, _ in server.requests] == [
        "/api/ps", "/api/chat", "/api/chat", "/api/ps", "/api/chat",
    ]  # fmt: skip


async def test_loading_has_a_deadline_of_its_own() -> None:
    """A cold start is not taken for a slow answer, nor the other way round."""
    async with FakeOllama("{}") as server:
        server.loaded.clear()
        server.load_hangs = True
        provider = ollama(server.url, timeout_s=5, load_timeout_s=0.05)
        with pytest.raises(ProviderTimeout, match="loading the model"):
            await provider.complete(PROMPT)
        await provider.close()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("error_line", ProviderFailed),
        ("garbage_line", ProviderFailed),
        ("cut_stream", IncompleteAnswer),
        ("500", ProviderFailed),
        ("503", ProviderOverloaded),
        ("429", ProviderOverloaded),
    ],
)
async def test_every_way_to_fail_has_its_error(mode: str, expected: type[ProviderError]) -> None:
    """An error inside a 200 stream too: half an answer is none."""
    async with FakeOllama(json.dumps(ANSWERS["recipe"])) as server:
        server.mode = mode
        provider = ollama(server.url)
        with pytest.raises(expected) as caught:
            await provider.complete(PROMPT)
        await provider.close()
    assert type(caught.value) is expected
    assert ("an error was encountered" in str(caught.value)) is (mode == "error_line")
    assert caught.value.cool_off_s == (7 if expected is ProviderOverloaded else None)


async def test_a_missing_model_is_said_to_be_missing() -> None:
    """Not to be confused with a server that is down."""
    async with FakeOllama() as server:
        provider = ollama(server.url, model="other:1b")
        with pytest.raises(ModelMissing, match="not found"):
            await provider.complete(PROMPT)
        assert (await provider.inspect()).digest == ""
        await provider.close()


async def test_fields_that_may_be_missing_may_be_missing() -> None:
    """Old servers send neither counts nor a reason."""
    async with FakeOllama("{}") as server:
        server.mode = "bare"
        provider = ollama(server.url)
        completion = await provider.complete(PROMPT)
        await provider.close()
    assert (completion.text, completion.completion_tokens) == ("{}", 0)


@pytest.mark.parametrize(("configured", "listed"), [("test:1b", "test:1b"), ("test", "test:latest")])
async def test_the_digest_is_the_models_own(configured: str, listed: str) -> None:
    """A name without a tag means `:latest`, as Ollama has it."""
    async with FakeOllama() as server:
        server.models = {listed: DIGEST, "other:1b": "f" * 64}
        server.loaded = {listed}
        provider = ollama(server.url, model=configured)
        inspection = await provider.inspect()
        await provider.close()
    assert (inspection.digest, inspection.loaded) == (DIGEST[:12], True)


@pytest.mark.parametrize(("schema", "sent"), [(None, None), ({}, "json")])
async def test_text_and_any_json_have_formats_of_their_own(schema: dict[str, str] | None, sent: object) -> None:
    """None at all for text."""
    async with FakeOllama("{}") as server:
        provider = ollama(server.url)
        await provider.complete(msgspec.structs.replace(PROMPT, schema=schema))
        await provider.close()
    assert server.requests[-1][1].get("format") == sent
