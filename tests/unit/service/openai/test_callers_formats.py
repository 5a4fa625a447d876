"""Formats that callers ask for: any JSON, and schemas of their own, which a provider may be unable to follow."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from ai_service.providers.errors import (
    ConnectionBroken,
    IncompleteAnswer,
    ProviderError,
    ProviderFailed,
    ProviderTimeout,
    RequestRejected,
)
from tests.unit.service.client import Client
from tests.unit.service.fakes import CHAT_ANSWER, BreakOff, ScriptedProvider
from tests.unit.service.openai.official_client import ASK, JSON_FORMAT, official

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
SCHEMA_FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


async def test_json_is_asked_for_and_looked_at() -> None:
    """Text in its place is tried again."""
    provider = ScriptedProvider("no JSON", '{"a": 1}')
    async with Client(provider) as client:
        answer = await official(client).chat.completions.create(**ASK, response_format=JSON_FORMAT)
    assert json.loads(answer.choices[0].message.content or "") == {"a": 1}
    assert [prompt.schema for prompt in provider.prompts] == [{}, {}]


async def test_an_answer_that_breaks_the_callers_schema_is_asked_for_again() -> None:
    """And never given, stored, or taken for an outage of the provider."""
    provider = ScriptedProvider('{"b": 1}', '{"a": 1}', '{"b": 1}', '{"a": "x"}')
    async with Client(provider) as client:
        answers = official(client).chat.completions
        good = await answers.with_raw_response.create(**ASK, response_format=SCHEMA_FORMAT)
        again = await answers.with_raw_response.create(**ASK, response_format=SCHEMA_FORMAT)
        with pytest.raises(openai.InternalServerError, match="ollama: invalid"):
            await answers.create(**ASK, response_format=SCHEMA_FORMAT, seed=1)
        metrics = (await client.get("/metrics")).text
    assert good.parse().choices[0].message.content == again.parse().choices[0].message.content == '{"a": 1}'
    assert good.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert again.headers["cache-status"].startswith("alchemorsel; hit;")
    assert 'breaker_state{provider="ollama"} 0.0' in metrics


@pytest.mark.parametrize(
    "error", [ProviderFailed("invalid JSON schema in format"), ConnectionBroken("gone"), RequestRejected("status 400")]
)
async def test_a_schema_that_a_provider_cannot_do_is_the_callers_error(error: ProviderError) -> None:
    """It is asked for any JSON then; where that does not fit, nobody else is asked, and nobody is shut out."""
    fallback = ScriptedProvider(name="openai")
    script: list[ProviderError | str] = [error, "{}"]
    provider = ScriptedProvider(*script * 5)
    async with Client(provider, fallback) as client:
        for _ in range(5):
            with pytest.raises(openai.BadRequestError, match="cannot do what the request asks for") as caught:
                await official(client).chat.completions.create(**ASK, response_format=SCHEMA_FORMAT)
            assert caught.value.code == "unsupported_request"
        assert (await official(client).chat.completions.create(**ASK)).choices[0].message.content == CHAT_ANSWER
    assert [prompt.schema for prompt in provider.prompts[:2]] == [SCHEMA, {}]
    assert fallback.prompts == []


@pytest.mark.parametrize("error", [ProviderFailed("status 500"), ProviderTimeout("silent"), ConnectionBroken("gone")])
async def test_no_format_of_one_caller_opens_the_breaker_for_all_others(error: ProviderError) -> None:
    """Even where the provider fails both ways, so that nobody can say whose fault it is."""
    provider = ScriptedProvider(*[error] * 10)
    async with Client(provider) as client:
        for number in range(5):
            with pytest.raises(openai.InternalServerError):
                await official(client).chat.completions.create(**ASK, response_format=SCHEMA_FORMAT, seed=number)
            provider.script = [error] * 10
        provider.script = []
        assert (await official(client).chat.completions.create(**ASK)).choices[0].message.content == CHAT_ANSWER


async def test_an_answer_that_fits_a_schema_without_help_is_an_answer() -> None:
    """The provider could not make a grammar of it, and the model did not need one."""
    provider = ScriptedProvider(ProviderFailed("invalid JSON schema in format"), '{"a": 1}')
    async with Client(provider) as client:
        answer = await official(client).chat.completions.create(**ASK, response_format=SCHEMA_FORMAT)
    assert answer.choices[0].message.content == '{"a": 1}'


async def test_json_mode_that_breaks_off_is_asked_again_and_opens_no_breaker() -> None:
    """As Ollama's does where the model writes white space for ever."""
    broken = BreakOff("{}" + " " * 80, IncompleteAnswer("the stream ended before the answer did"))
    provider = ScriptedProvider(broken, '{"a": 1}', *[broken] * 8)
    async with Client(provider) as client:
        answers = official(client).chat.completions
        assert (await answers.create(**ASK, response_format=JSON_FORMAT)).choices[0].message.content == '{"a": 1}'
        for number in range(4):
            with pytest.raises(openai.InternalServerError, match="ollama: incomplete"):
                await answers.create(**ASK, response_format=JSON_FORMAT, seed=number)
        metrics = (await client.get("/metrics")).text
    assert len(provider.prompts) == 10
    assert 'breaker_state{provider="ollama"} 0.0' in metrics
