"""Ollama's wire format, in front of a fake Ollama: what its clients send and read, and that answers are shared."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_ollama import DIGEST, FakeOllama
from tests.contract.test_provider import ollama
from tests.unit.service.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

TEXT = "Pesto is a sauce of basil and pine nuts."
ASK = {"role": "user", "content": "What is pesto?"}


class Site:
    """A service in front of a fake Ollama.

    Attributes:
        server: The fake.
        client: Of the service.
    """

    def __init__(self, server: FakeOllama, client: Client) -> None:
        self.server = server
        self.client = client

    @property
    def chats(self) -> list[dict[str, Any]]:
        """What the model was asked."""
        return [body for path, body in self.server.requests if path == "/api/chat" and body["messages"]]

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """Send a request for the one model."""
        return await self.client.post(path, json={"model": "test:1b", **fields})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Run the service."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(FakeOllama(TEXT))
        client = await stack.enter_async_context(
            Client(ollama(server.url), ALCHEMORSEL_MODEL_ALIASES="gpt-4o-mini=llama3.2:3b")
        )
        yield Site(server, client)


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    """Decode a stream."""
    return [json.loads(line) for line in response.text.splitlines()]


async def test_a_chat_streams_unless_told_otherwise(site: Site) -> None:
    """Lines of JSON; the last one has the counts."""
    response = await site.post("/api/chat", messages=[ASK])
    assert response.headers["content-type"] == "application/x-ndjson"
    parts = lines(response)
    assert "".join(part["message"]["content"] for part in parts) == TEXT
    assert [part["done"] for part in parts] == [False] * (len(parts) - 1) + [True]
    last = parts[-1]
    assert (last["done_reason"], last["prompt_eval_count"], last["eval_count"]) == ("stop", 17, 42)
    assert {part["model"] for part in parts} == {"test:1b"}
    whole = await site.post("/api/chat", messages=[ASK], stream=False)
    assert whole.json()["message"] == {"role": "assistant", "content": TEXT}
    assert whole.headers["content-type"] == "application/json"


async def test_answers_are_shared_with_openais_format(site: Site) -> None:
    """The same conversation is one answer, whichever way it is asked."""
    first = await site.client.post("/v1/chat/completions", json={"model": "test:1b", "messages": [ASK]})
    assert first.json()["choices"][0]["message"]["content"] == TEXT
    for path, fields in (("/api/chat", {"messages": [ASK]}), ("/api/generate", {"prompt": ASK["content"]})):
        response = await site.post(path, **fields, stream=False)
        assert "; hit" in response.headers["cache-status"]
    assert len(site.chats) == 1


async def test_generate_completes_a_prompt(site: Site) -> None:
    """With a system message, streamed and whole."""
    parts = lines(await site.post("/api/generate", prompt="What is pesto?", system="Be short."))
    assert "".join(part["response"] for part in parts) == TEXT
    assert site.chats[0]["messages"] == [{"role": "system", "content": "Be short."}, ASK]


async def test_options_reach_the_model(site: Site) -> None:
    """Those that shape an answer, under their own names; null is as if absent."""
    options = {"temperature": 0, "top_k": 20, "seed": 7, "num_predict": 50, "stop": ["\n"], "num_ctx": None}
    assert (await site.post("/api/chat", messages=[ASK], options=options, stream=False)).status_code == 200
    sent = site.chats[0]["options"]
    assert {name: sent[name] for name in ("temperature", "top_k", "seed", "num_predict")} == {
        "temperature": 0, "top_k": 20, "seed": 7, "num_predict": 50,
    }  # fmt: skip


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("/api/chat", {"messages": [ASK], "options": {"num_ctx": 8192}}, 400, "options.num_ctx"),
    ("/api/chat", {"messages": [ASK], "options": {"num_gpu": 1}}, 400, "options.num_gpu"),
    ("/api/chat", {"messages": [ASK], "options": {"mystery": 1}}, 400, "options.mystery"),
    ("/api/chat", {"messages": [ASK], "options": {"temperature": "hot"}}, 400, "options.temperature"),
    ("/api/chat", {"messages": [{**ASK, "images": ["aGk="]}]}, 400, "images"),
    ("/api/chat", {"messages": []}, 400, "messages"),
    ("/api/chat", {"messages": [ASK], "keep_alive": 0}, 403, "keep_alive"),
    ("/api/chat", {"messages": [ASK], "model": "other:7b"}, 404, "other:7b"),
    ("/api/generate", {"prompt": "x", "raw": True}, 400, "raw"),
    ("/api/generate", {"prompt": "x", "template": "{{ .Prompt }}"}, 400, "template"),
    ("/api/generate", {"prompt": "x", "context": [1, 2]}, 400, "context"),
    ("/api/pull", {}, 403, "operator"),
    ("/api/create", {}, 403, "operator"),
]


@pytest.mark.parametrize(("path", "fields", "status", "named"), REFUSED, ids=str)
async def test_what_is_the_operators_is_refused_in_ollamas_shape(
    site: Site, path: str, fields: dict[str, Any], status: int, named: str
) -> None:
    """One field, `error`; the model is not asked."""
    response = await site.post(path, **fields)
    assert (response.status_code, list(response.json())) == (status, ["error"])
    assert named in response.json()["error"]
    assert site.chats == []


async def test_tools_in_ollamas_words(site: Site) -> None:
    """Arguments are objects, and results name their function."""
    site.server.text, site.server.calls = "", [("weather", {"city": "Rome"})]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    asked = await site.post("/api/chat", messages=[ASK], tools=tools, stream=False)
    message = asked.json()["message"]
    assert message["tool_calls"] == [{"function": {"name": "weather", "arguments": {"city": "Rome"}}}]
    streamed = lines(await site.post("/api/chat", messages=[ASK], tools=tools))
    assert [part["message"]["tool_calls"] for part in streamed if "tool_calls" in part["message"]] == [
        message["tool_calls"]
    ]
    site.server.text, site.server.calls = "Sunny.", []
    result = {"role": "tool", "content": "sunny", "tool_name": "weather"}
    answer = await site.post("/api/chat", messages=[ASK, message, result], tools=tools, stream=False)
    assert answer.json()["message"]["content"] == "Sunny."
    assert site.chats[-1]["messages"][1:] == [
        {"role": "assistant", "content": "", "tool_calls": message["tool_calls"]},
        {"role": "tool", "content": "sunny", "tool_name": "weather"},
    ]


async def test_thoughts_come_under_their_own_name(site: Site) -> None:
    """`thinking`, before the text."""
    site.server.thinking = "Basil, I think."
    parts = lines(await site.post("/api/chat", messages=[ASK], think=True))
    assert "".join(part["message"].get("thinking", "") for part in parts) == "Basil, I think."


@pytest.mark.parametrize(("form", "text"), [("json", '{"a": 1}'), ({"type": "object", "required": ["a"]}, '{"a": 1}')])
async def test_a_format_is_kept(site: Site, form: Any, text: str) -> None:
    """What does not fit is no answer."""
    site.server.text = text
    assert (await site.post("/api/chat", messages=[ASK], format=form, stream=False)).status_code == 200
    site.server.text = "no JSON"
    failed = await site.post("/api/generate", prompt="Another.", format=form, stream=False)
    assert failed.status_code == 503


async def test_a_stream_that_fails_midway_ends_with_an_error(site: Site) -> None:
    """As Ollama's own does."""
    site.server.mode = "cut_stream"
    parts = lines(await site.post("/api/chat", messages=[ASK]))
    assert "error" in parts[-1]
    assert not any(part.get("done") for part in parts)


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain"])
async def test_the_content_type_does_not_matter_to_programs(site: Site, content_type: str | None) -> None:
    """As to Ollama: `curl -d` sends that of a form, others send none. A page of another site cannot do the same."""
    headers = {} if content_type is None else {"content-type": content_type}
    bodies: dict[str, dict[str, Any]] = {
        "/api/chat": {"messages": [ASK]},
        "/api/generate": {"prompt": "x"},
        "/api/embed": {"input": "x"},
        "/api/embeddings": {"prompt": "x"},
        "/api/show": {},
    }
    for path, body in bodies.items():
        content = json.dumps({"model": "test:1b", **body})
        assert (await site.client.post(path, content=content, headers=headers)).status_code == 200, path
        foreign = {**headers, "origin": "https://evil.example"}
        assert (await site.client.post(path, content=content, headers=foreign)).status_code == 415, path
    plain = await site.client.post("/v1/chat/completions", content=json.dumps({"model": "test:1b", "messages": [ASK]}))
    assert plain.status_code == 415


async def test_models_are_listed_with_their_aliases(site: Site) -> None:
    """Tags, running models, details and version, as the server tells them."""
    tags = (await site.client.get("/api/tags")).json()["models"]
    assert next((model["name"], model.get("digest")) for model in tags) == ("test:1b", f"sha256:{DIGEST}")
    assert next(model["name"] for model in (await site.client.get("/api/ps")).json()["models"]) == "test:1b"
    assert (await site.client.get("/api/version")).json() == {"version": "0.5.4"}
    shown = (await site.post("/api/show")).json()
    assert shown["model_info"] == {"general.context_length": 2048}
    assert (await site.client.post("/api/show", json={"model": "none"})).status_code == 404
    assert (await site.client.request("DELETE", "/api/delete", json={"model": "test:1b"})).status_code == 403
