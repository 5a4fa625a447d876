"""A conversation through every provider that speaks HTTP, asked by OpenAI's official client."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import openai as official
import pytest

from tests.contract.fake_ollama import FakeOllama
from tests.contract.fake_openai import FakeOpenAI
from tests.contract.test_provider import ollama, openai
from tests.unit.service.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ai_service.providers.base import Provider
    from tests.contract.fake_server import FakeServer

TEXT = "Pesto is a sauce of basil and pine nuts."
MESSAGES: list[Any] = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What is pesto?"}]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Chat:
    """A service in front of one fake server.

    Attributes:
        server: The fake.
    """

    def __init__(self, server: FakeOllama | FakeOpenAI, provider: Provider, client: Client) -> None:
        self.server = server
        self._provider = provider
        self._model = provider.model
        transport: Any = client  # its types name httpx2, which it takes besides httpx
        self._official = official.AsyncOpenAI(
            base_url="http://test/v1", api_key="none", http_client=transport, max_retries=0
        )

    async def ask(self, **options: Any) -> Any:
        """Asks the one question of this module."""
        return await self.converse(MESSAGES, **options)

    async def converse(self, messages: list[Any], **options: Any) -> Any:
        """Continue a conversation."""
        return await self._official.chat.completions.create(model=self._model, messages=messages, **options)

    async def look_again(self) -> None:
        """Have the provider inspect its server, as it does every few seconds."""
        await self._provider.inspect()

    @property
    def sent(self) -> dict[str, Any]:
        """What the server was asked last."""
        body: dict[str, Any] = self.server.requests[-1][1]
        return body


@pytest.fixture(params=["ollama", "openai"])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[Chat]:
    """Run a service in front of each kind of server."""
    async with AsyncExitStack() as stack:
        server: FakeServer = FakeOllama(TEXT) if request.param == "ollama" else FakeOpenAI(TEXT)
        await stack.enter_async_context(server)
        provider: Provider = ollama(server.url) if request.param == "ollama" else openai(server.url)
        client = await stack.enter_async_context(Client(provider))
        assert isinstance(server, FakeOllama | FakeOpenAI)
        yield Chat(server, provider, client)


async def test_a_conversation_reaches_the_model_whole(chat: Chat) -> None:
    """Every message, and the answer comes back with the server's counts."""
    answer = await chat.ask(max_tokens=50, temperature=0)
    assert chat.sent["messages"] == MESSAGES
    assert answer.choices[0].message.content == TEXT
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (17, 42)


async def test_a_stream_is_a_stream_all_the_way(chat: Chat) -> None:
    """In the pieces in which the server wrote it."""
    pieces = [chunk.choices[0].delta.content async for chunk in await chat.ask(stream=True)]
    assert "".join(piece or "" for piece in pieces) == TEXT


async def test_a_schema_reaches_the_model_in_its_own_words(chat: Chat) -> None:
    """`format` of Ollama, `response_format` of OpenAI."""
    chat.server.text = '{"name": "pesto"}'
    form = {"type": "json_schema", "json_schema": {"name": "dish", "schema": SCHEMA, "strict": True}}
    await chat.ask(response_format=form)
    sent = chat.sent.get("format") or chat.sent["response_format"]["json_schema"]["schema"]
    assert sent == SCHEMA


async def test_an_answer_in_the_callers_budget_may_be_cut(chat: Chat) -> None:
    """It says so."""
    chat.server.mode = "length"
    answer = await chat.ask(max_tokens=5)
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("length", TEXT)


async def test_a_broken_stream_is_an_error_of_the_client(chat: Chat) -> None:
    """Not a short answer; nothing of it is kept."""
    chat.server.mode = "cut_stream"
    with pytest.raises(official.APIError):
        async for _ in await chat.ask(stream=True):
            pass
    chat.server.mode = "ok"
    assert (await chat.ask()).choices[0].message.content == TEXT
