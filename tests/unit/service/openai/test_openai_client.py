"""OpenAI's official client against the service, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from ai_service.providers.base import Completion
from ai_service.providers.errors import (
    ProviderFailed,
    ProviderUnreachable,
    RequestRejected,
)
from ai_service.providers.mock import MockProvider
from tests.unit.service.asgi import StreamedCall
from tests.unit.service.client import Client
from tests.unit.service.fakes import CHAT_ANSWER, BreakOff, ScriptedProvider
from tests.unit.service.openai.official_client import ASK, JSON_FORMAT, MODEL, official

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def provider() -> ScriptedProvider:
    """Answers well."""
    return ScriptedProvider()


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[Client]:
    """Run a service with that provider."""
    async with Client(provider) as opened:
        yield opened


async def test_an_answer_has_openais_shape(client: Client) -> None:
    """Tokens are the provider's own; what nobody knows is null."""
    answer = await official(client).chat.completions.create(**ASK)
    assert answer.id.startswith("chatcmpl-")
    assert (answer.object, answer.model, answer.system_fingerprint) == ("chat.completion", MODEL, None)
    assert len(answer.choices) == 1
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == CHAT_ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (10, 20, 30)
    assert answer.model_extra == {"provider": "ollama", "degraded": False}


async def test_the_second_time_it_comes_from_the_cache(client: Client, provider: ScriptedProvider) -> None:
    """The same to the byte, with the same headers as everywhere."""
    raw = official(client).chat.completions.with_raw_response
    miss, hit = await raw.create(**ASK), await raw.create(**ASK, user="somebody else")
    assert miss.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert hit.headers["cache-status"].startswith("alchemorsel; hit;")
    assert hit.content == miss.content
    assert len(provider.prompts) == 1


async def test_no_store_keeps_an_answer_out(client: Client, provider: ScriptedProvider) -> None:
    """For whoever wants another sample each time."""
    for _ in range(2):
        await official(client).chat.completions.create(**ASK, extra_headers={"cache-control": "no-store"})
    assert len(provider.prompts) == 2


async def test_a_stream_has_openais_chunks(client: Client) -> None:
    """One identity, a role, the text, a reason, and then the usage that was asked for."""
    stream = await official(client).chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert chunks[0].model == MODEL
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == CHAT_ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-2:] == [None, "stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 30


async def test_a_streamed_answer_is_hit_by_a_plain_request_and_replayed(
    client: Client, provider: ScriptedProvider
) -> None:
    """One entry, however it is read."""
    for _ in range(2):
        stream = await official(client).chat.completions.create(**ASK, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == CHAT_ANSWER
    plain = await official(client).chat.completions.create(**ASK)
    assert plain.choices[0].message.content == CHAT_ANSWER
    assert len(provider.prompts) == 1


async def test_a_stream_ends_with_done_and_without_usage_nobody_asked_for(client: Client) -> None:
    """As on the wire."""
    async with StreamedCall(client.app, "/v1/chat/completions", {**ASK, "stream": True}) as call:
        events = await call.events()
    assert call.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == ("message", "[DONE]")
    assert all("usage" not in data for _, data in events[:-1])


async def test_a_stream_that_breaks_off_raises_in_the_client() -> None:
    """Half an answer is not taken for a whole one."""
    provider = ScriptedProvider(BreakOff(CHAT_ANSWER, ProviderFailed("an error line")))
    provider.midway.clear()
    async with (
        Client(provider) as client,
        StreamedCall(client.app, "/v1/chat/completions", {**ASK, "stream": True}) as call,
    ):
        await call.event()
        provider.midway.set()
        events = await call.events()
    name, last = events[-1]
    assert name == "message"
    assert (last["error"]["type"], last["error"]["code"]) == ("server_error", "answer_interrupted")


@pytest.mark.parametrize(
    ("change", "stored"),
    [({"max_tokens": 5}, True), ({}, False), ({"max_tokens": 5, "response_format": JSON_FORMAT}, False)],
)
async def test_a_cut_answer_is_kept_where_it_is_what_was_asked_for(
    client: Client, provider: ScriptedProvider, change: dict[str, Any], *, stored: bool
) -> None:
    """Text within the caller's own budget is; what our budget cut, and JSON that does not end, is not."""
    provider.cut = True
    answer = await official(client).chat.completions.with_raw_response.create(**ASK, **change)
    assert answer.parse().choices[0].finish_reason == "length"
    assert ("stored" in answer.headers["cache-status"]) is stored


@pytest.mark.parametrize(
    ("change", "error", "param", "code"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, None, "model_not_found"),
        ({"functions": [{"name": "f"}]}, openai.BadRequestError, "functions", None),
        ({"temperature": 3}, openai.UnprocessableEntityError, "temperature", None),
        ({"messages": [{"role": "user", "content": "x" * 2**20}]}, openai.APIStatusError, None, "payload_too_large"),
    ],
)
async def test_errors_are_what_the_clients_users_expect(
    client: Client, change: dict[str, Any], error: type[openai.APIStatusError], param: str | None, code: str | None
) -> None:
    """By class, type, parameter and code."""
    with pytest.raises(error) as caught:
        await official(client).chat.completions.create(**(ASK | change))
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", param)
    assert caught.value.code == (code or caught.value.code)


async def test_when_nobody_answers_the_client_learns_when_to_come_again() -> None:
    """503 and Retry-After."""
    async with Client(ScriptedProvider(ProviderUnreachable("down"))) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await official(client).chat.completions.create(**ASK)
    assert (caught.value.status_code, caught.value.type, caught.value.code) == (503, "server_error", "unavailable")
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_what_a_provider_rejects_of_a_conversation_is_the_callers_error() -> None:
    """An option that it does not know: 400, without a word to the next provider or the breaker."""
    fallback = ScriptedProvider(name="openai")
    provider = ScriptedProvider(*[RequestRejected('status 400: "x" does not support thinking')] * 4)
    async with Client(provider, fallback) as client:
        for number in range(4):
            with pytest.raises(openai.BadRequestError, match="does not support thinking"):
                await official(client).chat.completions.create(**ASK, reasoning_effort="high", seed=number)
        assert (await official(client).chat.completions.create(**ASK)).model == MODEL
    assert fallback.prompts == []


async def test_nothing_is_made_up_for_a_conversation() -> None:
    """Neither plain nor streamed, nor where nothing but the mock is configured."""
    down = ProviderUnreachable("down")
    async with Client(ScriptedProvider(*[down] * 3), MockProvider()) as client:
        for options in ({}, {"stream": True}, {"response_format": JSON_FORMAT}):
            with pytest.raises(openai.InternalServerError, match="ollama: unreachable") as caught:
                await official(client).chat.completions.create(**ASK, **options)
            assert (caught.value.status_code, caught.value.code) == (503, "unavailable")
    async with Client(MockProvider()) as client:
        with pytest.raises(openai.InternalServerError, match="No model is configured"):
            await official(client).chat.completions.create(**ASK | {"model": "mock"})


async def test_a_stand_in_says_so() -> None:
    """In the body and in a header."""
    async with Client(ScriptedProvider(ProviderUnreachable("down")), ScriptedProvider(name="openai")) as client:
        answer = await official(client).chat.completions.with_raw_response.create(**ASK)
    assert answer.parse().model_extra == {"provider": "openai", "degraded": True}
    assert answer.headers["x-ai-degraded"] == 'fallback;reason="ollama: unreachable"'


@pytest.mark.parametrize(
    ("completion", "content", "refusal", "finish_reason"),
    [
        (Completion("", completion_tokens=1), "", None, "stop"),
        (Completion(" \n"), " \n", None, "stop"),
        (Completion("", refusal="I will not."), None, "I will not.", "stop"),
        (Completion("Half an ans", finish_reason="content_filter"), "Half an ans", None, "content_filter"),
        (Completion("Half an ans", finish_reason="length"), "Half an ans", None, "length"),
        (Completion("whole", storable=False), "whole", None, "stop"),
    ],
    ids=["empty", "white space", "refusal", "content filter", "length", "maybe cut"],
)
async def test_an_answer_keeps_its_meaning_and_is_stored_only_where_it_is_good(
    completion: Completion, content: str | None, refusal: str | None, finish_reason: str
) -> None:
    """Plain and streamed alike; nobody else gets it."""
    provider = ScriptedProvider(*[completion] * 2)
    async with Client(provider) as client:
        plain = await official(client).chat.completions.with_raw_response.create(**ASK)
        chunks = [chunk async for chunk in await official(client).chat.completions.create(**ASK, stream=True)]
    choice = plain.parse().choices[0]
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == (content, refusal, finish_reason)
    assert plain.headers["cache-status"] == "alchemorsel; fwd=miss"
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == (content or "")
    assert "".join(delta.refusal or "" for delta in deltas) == (refusal or "")
    assert chunks[-1].choices[0].finish_reason == finish_reason
    assert len(provider.prompts) == 2


async def test_reasoning_is_kept_apart_from_the_answer() -> None:
    """Plain, streamed, and read from the cache both ways."""
    thoughtful = Completion("Green.", reasoning="Basil is green.", prompt_tokens=10, completion_tokens=20)
    provider = ScriptedProvider(thoughtful, thoughtful)
    async with Client(provider) as client:
        answers = official(client).chat.completions
        plain = [await answers.create(**ASK) for _ in range(2)]
        streams = [[chunk async for chunk in await answers.create(**ASK, seed=seed, stream=True)] for seed in (1, 1)]
    for answer in plain:
        assert answer.choices[0].message.content == "Green."
        assert answer.choices[0].message.model_extra == {"reasoning_content": "Basil is green."}
    for chunks in streams:
        deltas = [chunk.choices[0].delta for chunk in chunks]
        assert "".join(delta.content or "" for delta in deltas) == "Green."
        assert "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas) == "Basil is green."
    assert len(provider.prompts) == 2


async def test_a_model_that_only_thinks_is_a_problem_with_a_name() -> None:
    """The caller gets what there is, and it is not kept; health names it until the model answers."""
    provider = ScriptedProvider(Completion("", reasoning="Hm."), Completion("", reasoning="Hm", finish_reason="length"))
    async with Client(provider) as client:
        answer = await official(client).chat.completions.with_raw_response.create(**ASK)
        sick = (await client.get("/health")).json()
        await official(client).chat.completions.create(**ASK, max_tokens=1)
        well = (await client.get("/health")).json()
    assert answer.parse().choices[0].message.content == ""
    assert answer.headers["cache-status"] == "alchemorsel; fwd=miss"
    assert (sick["status"], sick["providers"][0]["problem"]) == ("degraded", "only_thoughts")
    assert (well["status"], well["providers"][0]["problem"]) == ("healthy", "")


async def test_the_one_model_is_listed(client: Client) -> None:
    """By its name, and no other is found."""
    models = official(client).models
    assert [model.id async for model in models.list()] == [MODEL]
    assert (await models.retrieve(MODEL)).owned_by == "ollama"
    with pytest.raises(openai.NotFoundError) as caught:
        await models.retrieve("gpt-4o")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/chat/completions"), ("POST", "/v1/models"), ("GET", "/v1/x")]
)
async def test_other_methods_and_routes_have_openais_errors_too(client: Client, method: str, path: str) -> None:
    """Whatever is under `/v1/`."""
    response = await client.request(method, path)
    assert response.status_code in {404, 405}
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_chat_is_counted_as_a_task_of_its_own(client: Client) -> None:
    """And what was asked is in no metric."""
    await official(client).chat.completions.create(**ASK)
    metrics = (await client.get("/metrics")).text
    assert 'alchemorsel_ai_requests_total{cache="miss",status="200",task="chat"} 1.0' in metrics
    assert "pesto" not in metrics


async def test_what_is_asked_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor what is answered."""
    async with Client(ScriptedProvider()) as client:
        await official(client).chat.completions.create(**ASK)
    written = "".join(capsys.readouterr())
    assert '"task":"chat"' in written
    assert "pesto" not in written.lower()
