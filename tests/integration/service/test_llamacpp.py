"""The provider `openai` in front of a real server of another make: llama.cpp with an instruct model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lab.llamacpp_process import LlamaCppProcess
from lab.ollama_process import OllamaProcess
from lab.ports import free_port
from tests.integration.service.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

SCHEMA = {
    "type": "object",
    "properties": {"vegan": {"type": "boolean"}, "minutes": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["vegan", "minutes"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def llamacpp() -> Iterator[LlamaCppProcess]:
    """Run llama.cpp's server."""
    with LlamaCppProcess() as server:
        yield server


@pytest.fixture(scope="module")
def program(llamacpp: LlamaCppProcess) -> Iterator[Program]:
    """Run the service in front of it alone."""
    with Program(**settings_of(llamacpp), AI_PROVIDER="openai", AI_FALLBACKS="") as running:
        yield running


def settings_of(llamacpp: LlamaCppProcess) -> dict[str, str]:
    """Return the settings of the provider."""
    return {
        "OPENAI_BASE_URL": f"{llamacpp.url}/v1",
        "OPENAI_MODEL": llamacpp.model,
        "OLLAMA_MODEL": llamacpp.model,
        "OLLAMA_TIMEOUT": "60s",
    }


def ask(program: Program, text: str, **more: Any) -> httpx.Response:
    """Ask for a short answer."""
    messages = [{"role": "user", "content": text}]
    body = {"model": LlamaCppProcess.model, "messages": messages, "max_tokens": 16, "temperature": 0, **more}
    return program.ask("/v1/chat/completions", body)


def test_an_answer_has_the_servers_own_counts(program: Program) -> None:
    """And is computed once."""
    miss, hit = ask(program, "Name a herb."), ask(program, "Name a herb.")
    answer = miss.json()
    assert answer["choices"][0]["message"]["content"].strip()
    assert (answer["provider"], answer["model"], answer["degraded"]) == ("openai", LlamaCppProcess.model, False)
    usage = answer["usage"]
    assert usage["prompt_tokens"] > 8
    assert 0 < usage["completion_tokens"] <= 16
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert hit.headers["cache-status"].startswith("alchemorsel; hit;")
    assert hit.content == miss.content


def test_a_stream_is_the_answer_in_pieces(program: Program) -> None:
    """With the counts at its end, and the same text where it is asked for whole."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = ask(program, "Name a spice.", **options).text
    *events, end = [line.removeprefix("data: ") for line in streamed.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(event) for event in events]
    pieces = [choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"]]
    plain = ask(program, "Name a spice.").json()
    assert end == "[DONE]"
    assert len([piece for piece in pieces if piece]) > 3
    assert "".join(piece or "" for piece in pieces) == plain["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == plain["usage"]


def test_an_answer_keeps_to_the_schema(program: Program) -> None:
    """The server makes a grammar of it, and the service checks the answer."""
    form = {"type": "json_schema", "json_schema": {"name": "dish", "schema": SCHEMA, "strict": True}}
    response = ask(program, "Describe pancakes: vegan, minutes.", response_format=form, max_tokens=64)
    choice = response.json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert set(json.loads(choice["message"]["content"])) == {"vegan", "minutes"}


def test_texts_have_vectors(program: Program) -> None:
    """One a text, in the order of the texts; equal ones are equal and come from the cache."""
    body = {"model": LlamaCppProcess.model, "input": ["basil", "a soup of lentils"]}
    first = program.ask("/v1/embeddings", body)
    assert first.status_code == 200, first.text
    vectors = [each["embedding"] for each in first.json()["data"]]
    assert [len(vector) for vector in vectors] == [576, 576]
    assert vectors[0] != vectors[1]
    turned = program.ask("/v1/embeddings", {**body, "input": body["input"][::-1]})
    assert "; hit" in turned.headers["cache-status"]
    assert [each["embedding"] for each in turned.json()["data"]] == vectors[::-1]


def test_ollamas_clients_reach_it_too(program: Program) -> None:
    """The wire format is the caller's, the provider is the operator's."""
    messages = [{"role": "user", "content": "Name a fruit."}]
    body = {"model": LlamaCppProcess.model, "messages": messages, "stream": False, "options": {"num_predict": 16}}
    answer = program.ask("/api/chat", body).json()
    assert answer["message"]["content"].strip()
    assert answer["prompt_eval_count"] > 8
    assert answer["done"] is True


def test_it_answers_for_an_ollama_that_is_down(llamacpp: LlamaCppProcess) -> None:
    """The answer is a real one, and says whose and why."""
    settings = {"OLLAMA_HOST": f"http://127.0.0.1:{free_port()}", "OLLAMA_MODEL": OllamaProcess.model}
    with Program(**settings_of(llamacpp) | settings, AI_FALLBACKS="openai") as program:
        response = ask(program, "Name a cheese.", model=OllamaProcess.model)
        answer = response.json()
        assert (answer["provider"], answer["model"], answer["degraded"]) == ("openai", llamacpp.model, True)
        assert answer["choices"][0]["message"]["content"].strip()
        assert answer["usage"]["prompt_tokens"] > 8
        assert response.headers["x-ai-degraded"].startswith("fallback")
