"""OpenAI's wire format, in what only it has."""

from __future__ import annotations

import msgspec
import pytest

from ai_service.providers.errors import (
    REJECTED_COOL_OFF_S,
    CredentialsRejected,
    IncompleteAnswer,
    InvalidAnswer,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
)
from tests.contract.fake_openai import FakeOpenAI
from tests.contract.test_provider import TASKS, openai, prompt_for

PROMPT = prompt_for(TASKS["recipe"])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("refusal", InvalidAnswer),
        ("empty", InvalidAnswer),
        ("no_choices", IncompleteAnswer),
        ("garbage", ProviderFailed),
        ("error_chunk", ProviderFailed),
        ("garbage_chunk", ProviderFailed),
        ("cut_stream", IncompleteAnswer),
        ("500", ProviderFailed),
        ("401", CredentialsRejected),
        ("403", CredentialsRejected),
        ("429", ProviderOverloaded),
        ("503", ProviderOverloaded),
    ],
)
async def test_every_way_to_fail_has_its_error(mode: str, expected: type[ProviderError]) -> None:
    """So that the breaker and the metrics can tell them apart."""
    async with FakeOpenAI('{"title":') as server:
        server.mode = mode
        provider = openai(server.url)
        with pytest.raises(expected) as caught:
            await provider.complete(PROMPT)
        await provider.close()
    assert type(caught.value) is expected
    assert ("I cannot help" in str(caught.value)) is (mode == "refusal")
    cool_off = {CredentialsRejected: REJECTED_COOL_OFF_S, ProviderOverloaded: 7}.get(expected)
    assert caught.value.cool_off_s == cool_off


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3), ("100000", 300), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None)]
)
async def test_retry_after_is_a_number_or_a_date_and_bounded(value: str, seconds: float | None) -> None:
    """A server must not be able to switch itself off for good."""
    async with FakeOpenAI() as server:
        server.mode, server.retry_after = "429", value
        provider = openai(server.url)
        with pytest.raises(ProviderOverloaded) as caught:
            await provider.complete(PROMPT)
        await provider.close()
    assert caught.value.cool_off_s == seconds


async def test_the_schema_travels_with_the_request() -> None:
    """As a JSON-schema response format."""
    async with FakeOpenAI() as server:
        provider = openai(server.url)
        await provider.complete(PROMPT)
        await provider.close()
    (_, body) = server.requests[0]
    assert body["response_format"]["json_schema"]["schema"] == PROMPT.schema
    assert body["max_tokens"] == PROMPT.max_tokens


async def test_a_server_that_does_not_stream_is_understood() -> None:
    """Its answer is one piece."""
    pieces: list[str] = []
    async with FakeOpenAI('{"a": 1}') as server:
        server.mode = "whole"
        provider = openai(server.url)
        completion = await provider.complete(PROMPT, pieces.append)
        await provider.close()
    assert pieces == [completion.text] == ['{"a": 1}']
    assert completion.completion_tokens == 42


@pytest.mark.parametrize(("schema", "sent"), [(None, None), ({}, {"type": "json_object"})])
async def test_text_and_any_json_have_formats_of_their_own(schema: dict[str, str] | None, sent: object) -> None:
    """None at all for text."""
    async with FakeOpenAI() as server:
        provider = openai(server.url)
        await provider.complete(msgspec.structs.replace(PROMPT, schema=schema))
        await provider.close()
    assert server.requests[0][1].get("response_format") == sent
