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
async def test_half_an_answer_is_none(task: SchemaTask) -> None:
    """Wherever a server ends it as if it were whole: nothing is put behind what a model wrote."""
    written = {**RECIPE, "nutrition": NUTRITION} if task.name == "recipe" else ANSWERS[task.name]
    answer = json.dumps(written, separators=(",", ":"))
    async with FakeOllama(answer) as server:
        provider = ollama(server.url)
        for cut in range(1, len(answer)):
            server.text = answer[:cut]
            completion = await provider.complete(prompt_for(task))
            assert completion.text == answer[:cut]
            with pytest.raises(InvalidAnswer):
                task.judge(completion, prompt_for(task).request)
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


@pytest.mark.parametrize(
    ("weights", "digest_in_memory", "loaded"),
    [("shared", "f" * 64, True), ("other", "f" * 64, False), ("shared", "a" * 64, False)],
)
async def test_a_model_is_loaded_where_its_weights_are_in_memory_under_another_name(
    weights: str, digest_in_memory: str, *, loaded: bool
) -> None:
    """The server lists them once, under the name loaded first; what that name had before it was pulled is not it."""
    async with FakeOllama() as server:
        server.models["other:1b"] = "f" * 64
        server.weights = {"test:1b": "shared", "other:1b": weights}
        server.loaded = {"other:1b"}
        server.digests_in_memory = {"other:1b": digest_in_memory}
        provider = ollama(server.url)
        inspection = await provider.inspect()
        await provider.close()
    assert inspection.loaded is loaded


async def test_what_is_in_memory_and_no_longer_listed_is_no_other_name_of_the_model() -> None:
    """Deleted while it runs, it has no weights to compare; a server may name no digest of it either."""
    async with FakeOllama() as server:
        server.loaded = {"gone:1b"}
        provider = ollama(server.url)
        inspection = await provider.inspect()
        await provider.close()
    assert (inspection.digest, inspection.loaded) == (DIGEST[:12], False)


@pytest.mark.parametrize(("schema", "sent"), [(None, None), ({}, "json")])
async def test_text_and_any_json_have_formats_of_their_own(schema: dict[str, str] | None, sent: object) -> None:
    """None at all for text."""
    async with FakeOllama("{}") as server:
        provider = ollama(server.url)
        await provider.complete(msgspec.structs.replace(PROMPT, schema=schema))
        await provider.close()
    assert server.requests[-1][1].get("format") == sent
