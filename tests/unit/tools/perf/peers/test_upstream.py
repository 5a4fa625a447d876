"""The mock upstream answers as it is asked: at once, or as a stream that a provider's adapter reads."""

from __future__ import annotations

import json

import httpx
import pytest

from tools.perf.peers.gateways import CHAT_PATH
from tools.perf.peers.upstream import CALLS_PATH, PIECES, RECIPE, Upstream

MESSAGES = [{"role": "user", "content": "a stew"}]


@pytest.fixture
def client() -> httpx.AsyncClient:
    """Give a client of an upstream without a delay."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(Upstream(0.0)), base_url="http://upstream.test")


async def test_a_whole_answer_is_the_recipe(client: httpx.AsyncClient) -> None:
    """With a finish and its tokens; and it is counted."""
    answer = (await client.post(CHAT_PATH, json={"messages": MESSAGES})).json()
    (choice,) = answer["choices"]
    assert (json.loads(choice["message"]["content"]), choice["finish_reason"]) == (RECIPE, "stop")
    assert (await client.get(CALLS_PATH)).json() == {"calls": 1}


async def test_a_stream_is_the_same_recipe_in_pieces(client: httpx.AsyncClient) -> None:
    """One finish, the same tokens, the end that the wire format asks for."""
    response = await client.post(CHAT_PATH, json={"messages": MESSAGES, "stream": True})
    *events, end = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    chunks = [json.loads(event) for event in events]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    text = [choice["delta"]["content"] for choice in choices if "content" in choice["delta"]]
    assert (response.headers["content-type"], end) == ("text/event-stream", "[DONE]")
    assert (json.loads("".join(text)), len(text)) == (RECIPE, PIECES)
    assert [choice["finish_reason"] for choice in choices if "finish_reason" in choice] == ["stop"]
    assert [chunk["usage"]["completion_tokens"] for chunk in chunks if "usage" in chunk] == [300]
