"""OpenAI's official client, and what it asks in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from tests.unit.service.client import Client

MODEL = "ollama-model"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "What is pesto?"}]}
JSON_FORMAT: Any = {"type": "json_object"}


def official(client: Client) -> openai.AsyncOpenAI:
    """Create the official client, without retries of its own."""
    transport: Any = client  # its types name httpx2, which it takes besides httpx
    return openai.AsyncOpenAI(base_url="http://test/v1", api_key="none", http_client=transport, max_retries=0)
