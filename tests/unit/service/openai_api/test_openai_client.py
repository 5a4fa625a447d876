"""OpenAI's official client against the service, without a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from ai_service.providers.errors import ProviderFailed, ProviderUnreachable
from ai_service.providers.mock import MockProvider
from tests.unit.service.asgi import StreamedCall
from tests.unit.service.client import Client
from tests.unit.service.fakes import CHAT_ANSWER, BreakOff, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MODEL = "ollama-model"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "What is pesto?"}]}
JSON_FORMAT = {"type": "json_object"}


def official(client: Client) -> openai.AsyncOpenAI:
    """The official client, without attempts of its own."""
    return openai.AsyncOpenAI(base_url="http://test/v1", api_key="none", http_client=client, max_retries=0)


@pytest.fixture
def provider() -> ScriptedProvider:
    """Answers well."""
    return ScriptedProvider()


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[Client]:
    """A service with that provider."""
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


async def test_json_is_asked_for_and_looked_at() -> None:
    """Text in its place is tried again."""
    provider = ScriptedProvider("no JSON", '{"a": 1}')
    async with Client(provider) as client:
        answer = await official(client).chat.completions.create(**ASK, response_format=JSON_FORMAT)
    assert json.loads(answer.choices[0].message.content or "") == {"a": 1}
    assert [prompt.schema for prompt in provider.prompts] == [{}, {}]


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
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, "tools", None),
        ({"temperature": 3}, openai.UnprocessableEntityError, "temperature", None),
        ({"messages": [{"role": "user", "content": "x" * 70_000}]}, openai.APIStatusError, None, "payload_too_large"),
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


async def test_a_schema_that_a_provider_cannot_read_shuts_out_nobody_else() -> None:
    """Ollama answers 500 to it; the circuit breaker stays closed."""
    provider = ScriptedProvider(*[ProviderFailed("invalid JSON schema in format")] * 5)
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "a"}}}
    async with Client(provider) as client:
        for _ in range(5):
            with pytest.raises(openai.InternalServerError, match="ollama: rejected"):
                await official(client).chat.completions.create(**ASK, response_format=form)
        assert (await official(client).chat.completions.create(**ASK)).choices[0].message.content == CHAT_ANSWER


async def test_a_stand_in_says_so() -> None:
    """Its tokens were not counted; its JSON has the shape that was asked for."""
    down = ProviderUnreachable("down")
    async with Client(ScriptedProvider(down, down), MockProvider()) as client:
        answer = await official(client).chat.completions.create(**ASK)
        shaped = await official(client).chat.completions.create(**ASK, response_format=JSON_FORMAT)
    assert json.loads(shaped.choices[0].message.content or "") == {}
    assert (answer.model, answer.usage) == ("mock", None)
    assert answer.model_extra == {"provider": "mock", "degraded": True}


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
