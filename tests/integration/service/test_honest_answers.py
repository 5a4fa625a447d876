"""Answers that are what they seem, from the real Ollama: whole, for what was asked, and physically possible."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from lab.ollama_process import OllamaProcess
from tests.integration.service.test_streams import events, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.integration.service.program import Program

CHAT = "/v1/chat/completions"
NUTRITION = "/api/v1/ai/analyze-nutrition"
INGREDIENTS = "/api/v1/ai/suggest-ingredients"
WAIT_S = 40.0


@pytest.fixture
def program(start: Callable[..., Program], ollama: OllamaProcess) -> Iterator[Program]:
    """Run the real program with the mock provider as its fallback."""
    with start(ollama, AI_FALLBACKS="mock", OLLAMA_NUM_CTX="1024") as running:
        yield running


def chat(ollama: OllamaProcess, text: str, **options: Any) -> dict[str, Any]:
    """Return the body of a conversation."""
    messages = [{"role": "user", "content": text}]
    return {"model": ollama.model, "messages": messages, "max_tokens": 24, "seed": 1, **options}


def schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a response format."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_text_that_flows_is_finished(start: Callable[..., Program], ollama: OllamaProcess, *, streamed: bool) -> None:
    """Though the whole of it takes several times the longest silence."""
    body = chat(ollama, "Write a long story about a stew.", max_tokens=150, stream=streamed)
    with start(ollama, OLLAMA_TIMEOUT="2s", DEADLINE="90s") as program:
        program.ask(CHAT, chat(ollama, "Hello"))  # Loads the model.
        answer = program.ask(CHAT, body)
    assert answer.status_code == 200
    if streamed:
        assert answer.text.endswith("data: [DONE]\n\n")
        assert "error" not in answer.text
    else:
        told = answer.json()
        assert (told["provider"], told["degraded"]) == ("ollama", False)
        assert told["usage"]["completion_tokens"] > 100
        timings = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
        assert float(timings["provider"]) > 2000


def test_a_silent_model_is_skipped_and_its_time_is_booked_to_it(start: Callable[..., Program]) -> None:
    """In the header of a plain answer, in the last event of a stream, and in an error; chat gets no sample."""
    with (
        OllamaProcess() as server,
        start(server, AI_FALLBACKS="mock", OLLAMA_TIMEOUT="1s", OLLAMA_LOAD_TIMEOUT="1s", DEADLINE="20s") as program,
    ):
        os.kill(server.pid, signal.SIGSTOP)
        try:
            plain = program.ask(INGREDIENTS, {"partial": ["silent"]})
            with stream(program, INGREDIENTS, {"partial": ["silent", "too"]}) as response:
                heard = list(events(response))
            conversation = program.ask(
                CHAT, {"model": server.model, "messages": [{"role": "user", "content": "hello"}]}
            )
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert plain.headers["server-timing"].startswith("ollama;dur=")
    assert ';desc="timeout"' in plain.headers["server-timing"]
    assert plain.headers["x-ai-degraded"] == 'sample;reason="ollama: timeout"'
    assert heard[0][1]["degraded_reason"] == "ollama: timeout"
    meta = heard[-1][1]["meta"]
    assert meta["timings_ms"]["ollama"] >= 1000 > meta["timings_ms"].get("provider", 0)
    assert meta["passed_over"] == ["ollama: timeout"]
    assert (conversation.status_code, conversation.json()["error"]["code"]) == (503, "unavailable")
    assert "server-timing" in conversation.headers


def test_json_mode_is_the_models_json_or_an_honest_error(program: Program, ollama: OllamaProcess) -> None:
    """Ollama's breaks off where the model writes nothing but white space; five of them shut out nobody."""
    for seed in range(5):
        body = chat(ollama, "Name a herb", response_format={"type": "json_object"}, seed=seed, max_tokens=60)
        answer = program.ask(CHAT, body)
        if answer.status_code == 200 and answer.json()["choices"][0]["finish_reason"] == "stop":
            assert isinstance(json.loads(answer.json()["choices"][0]["message"]["content"]), dict)
        assert answer.status_code == 200 or answer.json()["error"]["code"] == "unavailable"
        assert answer.status_code != 200 or answer.json()["provider"] == "ollama"
    assert program.http.get("/health").json()["providers"][0]["breaker"] == "closed"
    assert program.ask(CHAT, chat(ollama, "Hello")).status_code == 200


def test_no_schema_harms_anybody(program: Program, ollama: OllamaProcess) -> None:
    """Neither those that Ollama refuses nor those that it dies of: it lives, and the next caller is answered."""
    refused = [
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?!x).*$"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}}},
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 9, "maximum": 3}}},
    ]
    awkward = [
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "[0-9]"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string", "format": "email"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": True, "b": {"items": False}}, "required": ["a"]},
        {"type": "object", "properties": {'say "a"': {"type": "integer"}}, "required": ['say "a"']},
        {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]},
        {"type": "object", "properties": {"a": {"enum": [{"x": 1}, 'say "no"']}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"not": {"type": "string"}}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": -(10**30)}}, "required": ["a"]},
    ]
    for number, each in enumerate(refused):
        answer = program.ask(CHAT, chat(ollama, "JSON:", response_format=schema(each), seed=number))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), each
    for number, each in enumerate(awkward):
        answer = program.ask(CHAT, chat(ollama, "JSON:", response_format=schema(each), seed=number, max_tokens=48))
        assert answer.status_code in {200, 400, 503}, each
        assert answer.status_code != 200 or answer.json()["provider"] == "ollama"
    health = program.http.get("/health").json()["providers"][0]
    assert (health["usable"], health["breaker"]) == (True, "closed")
    assert program.ask(CHAT, chat(ollama, "Hello")).json()["provider"] == "ollama"


def test_an_answer_that_is_given_fits_the_callers_schema(program: Program, ollama: OllamaProcess) -> None:
    """Also in what Ollama was not told: the pattern."""
    form = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]+$"}}, "required": ["a"]}
    for seed in range(3):
        body = chat(ollama, "One word as JSON:", response_format=schema(form), seed=seed, max_tokens=40)
        answer = program.ask(CHAT, body)
        if answer.status_code == 200 and answer.json()["choices"][0]["finish_reason"] == "stop":
            value = json.loads(answer.json()["choices"][0]["message"]["content"])["a"]
            assert value.isalpha()
            assert value.islower()
        else:
            assert answer.status_code in {200, 503}
            assert "stored" not in answer.headers.get("cache-status", "")


@pytest.mark.parametrize(
    "prompt",
    ["Once upon a time there was a stew. " * 400, "a" * 14_000, "豆腐和米饭" * 600],
    ids=["words", "letters", "Chinese"],
)
def test_a_prompt_that_is_longer_than_the_context_is_refused(
    program: Program, ollama: OllamaProcess, prompt: str
) -> None:
    """Before asking, or by Ollama's own count after it; nothing is kept, and nobody is shut out."""
    for _ in range(2):
        answer = program.ask(CHAT, chat(ollama, prompt, max_tokens=4))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert program.http.get("/health").json()["status"] == "healthy"


def test_a_long_conversation_that_does_not_fit_is_never_kept(program: Program, ollama: OllamaProcess) -> None:
    """Ollama drops its oldest messages without a word."""
    turns = [
        {"role": role, "content": f"{role} {number}: " + "tomato soup is fine, " * 12}
        for number in range(10)
        for role in ("user", "assistant")
    ]
    body = {"model": ollama.model, "messages": [*turns, {"role": "user", "content": "And now?"}], "max_tokens": 4}
    for _ in range(2):
        answer = program.ask(CHAT, body)
        assert answer.status_code == 400 or answer.headers["cache-status"] == "alchemorsel; fwd=miss"


def test_nutrients_agree_with_each_other(program: Program) -> None:
    """Energy follows from the macronutrients, or the answer is not trusted and not kept for long."""
    for given in (["2 eggs", "100 g spinach", "1 tbsp olive oil"], ["100 g sugar"], ["1 apple", "200 g yoghurt"]):
        answer = program.ask(NUTRITION, {"ingredients": given}).json()
        data, meta = answer["data"], answer["meta"]
        assert meta["provider"] == "ollama"
        failed = [warning for warning in meta.get("warnings", []) if warning["outcome"] == "failed"]
        if failed:
            assert meta["confidence"] <= 0.3
        else:
            energy = 4 * data["protein"] + 4 * data["carbs"] + 9 * data["fat"]
            assert abs(data["calories"] - energy) <= 0.2 * energy + 1
            assert data["sugar"] <= data["carbs"]


def test_two_lines_of_cache_control_are_one_list(program: Program) -> None:
    """As a proxy may send them; the first is not lost."""
    body = json.dumps({"partial": ["two", "lines"]})
    for _ in range(2):
        connection = http.client.HTTPConnection(
            str(program.http.base_url).removeprefix("http://").rstrip("/"), timeout=60
        )
        connection.putrequest("POST", INGREDIENTS)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Cache-Control", "max-age=0"),
        ):
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        response = connection.getresponse()
        response.read()
        connection.close()
        assert (response.status, response.headers["Cache-Status"]) == (200, "alchemorsel; fwd=bypass")


def test_callers_that_hang_up_make_room(program: Program, ollama: OllamaProcess) -> None:
    """17 of them fill the queue and leave; a live caller is answered once the one that runs is done."""
    address = str(program.http.base_url).removeprefix("http://").rstrip("/").split(":")
    program.ask(CHAT, chat(ollama, "Hello"))
    sockets = []
    for number in range(17):
        body = json.dumps(chat(ollama, f"Write a long story about number {number}.", max_tokens=200)).encode()
        connection = socket.create_connection((address[0], int(address[1])))
        head = (
            f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        sockets.append(connection)
    _until("queue_waiting 16.0", program)
    for connection in sockets:
        connection.close()
    _until("queue_waiting 0.0", program)
    answer: httpx.Response = program.ask(CHAT, chat(ollama, "Is anybody there?"))
    assert (answer.status_code, answer.json()["provider"]) == (200, "ollama")


def _until(value: str, program: Program) -> None:
    give_up = time.monotonic() + WAIT_S
    while value not in program.http.get("/metrics").text:
        assert time.monotonic() < give_up
        time.sleep(0.02)
