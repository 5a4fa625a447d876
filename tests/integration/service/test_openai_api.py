"""OpenAI's official client against the real program and a real model."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.ollama_process import OllamaProcess
    from tests.integration.service.program import Program

LOG_S = 10.0
SCHEMA = {
    "type": "object",
    "properties": {"vegan": {"type": "boolean"}, "minutes": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["vegan", "minutes"],
}


@pytest.fixture
def program(start: Callable[..., Program], ollama: OllamaProcess) -> Iterator[Program]:
    """Run the real program."""
    with start(ollama) as running:
        yield running


@pytest.fixture
def client(program: Program) -> Iterator[openai.OpenAI]:
    """Give the official client."""
    url = f"{str(program.http.base_url).rstrip('/')}/v1"
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as opened:
        yield opened


def ask(ollama: OllamaProcess, question: str, **options: Any) -> dict[str, Any]:
    """Arguments for a short answer."""
    messages = [{"role": "user", "content": question}]
    return {"model": ollama.model, "messages": messages, "max_tokens": 24, "temperature": 0, "seed": 1, **options}


def test_an_answer_is_computed_once(client: openai.OpenAI, ollama: OllamaProcess) -> None:
    """Then it comes from the cache, the same to the byte."""
    raw = client.chat.completions.with_raw_response
    miss, hit = (raw.create(**ask(ollama, "What is pesto?")) for _ in range(2))
    answer = miss.parse()
    assert miss.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert hit.headers["cache-status"].startswith("alchemorsel; hit;")
    assert hit.content == miss.content
    assert answer.model == ollama.model
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 24


def test_a_stream_and_its_plain_twin_are_one_answer(client: openai.OpenAI, ollama: OllamaProcess) -> None:
    """Streamed first, then read from the cache both ways."""
    question = ask(ollama, "What is risotto?")
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    written = list(client.chat.completions.create(**question, **options))
    replayed = list(client.chat.completions.create(**question, **options))
    plain = client.chat.completions.create(**question)

    def text(chunks: list[Any]) -> str:
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    assert text(written) == text(replayed) == plain.choices[0].message.content
    assert len(written) > 3  # Words that come together go together, so on a busy machine there are few.
    assert written[-1].usage == replayed[-1].usage == plain.usage


def test_an_answer_keeps_to_the_schema(client: openai.OpenAI, ollama: OllamaProcess) -> None:
    """It is Ollama's `format` that makes the small model write it."""
    form = {"type": "json_schema", "json_schema": {"name": "dish", "schema": SCHEMA, "strict": True}}
    answer = client.chat.completions.create(
        **ask(ollama, "Describe pancakes as compact JSON: vegan, minutes.", response_format=form, max_tokens=64)
    )
    assert answer.choices[0].finish_reason == "stop"
    assert set(json.loads(answer.choices[0].message.content or "")) == {"vegan", "minutes"}


def test_errors_arrive_as_the_clients_own(client: openai.OpenAI, ollama: OllamaProcess) -> None:
    """Over a real connection too."""
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(**ask(ollama, "x") | {"model": "gpt-4o"})
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no such type"}}}
    with pytest.raises(openai.BadRequestError, match="no JSON schema: Invalid enum value 'no such type'"):
        client.chat.completions.create(**ask(ollama, "x", response_format=form))
    with pytest.raises(openai.BadRequestError, match="does not support tools"):
        client.chat.completions.create(**ask(ollama, "x"), tools=[{"type": "function", "function": {"name": "f"}}])
    with pytest.raises(openai.BadRequestError) as unsupported:
        client.chat.completions.create(**ask(ollama, "x"), functions=[{"name": "f"}])
    assert (missing.value.code, unsupported.value.param) == ("model_not_found", "functions")
    assert [model.id for model in client.models.list()] == [ollama.model]


def test_what_is_said_is_in_no_log(client: openai.OpenAI, ollama: OllamaProcess, program: Program) -> None:
    """Neither question nor answer."""
    client.chat.completions.create(**ask(ollama, "What is a zabaglione?"))
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(**ask(ollama, "What is a zabaglione?", temperature=9))
    give_up = time.monotonic() + LOG_S
    while len([line for line in program.log() if line["logger"] == "ai_service.access"]) < 2:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    assert "zabaglione" not in json.dumps(program.log())
