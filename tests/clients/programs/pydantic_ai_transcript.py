# ruff: noqa: T201 - what it prints is the transcript
"""An agent of Pydantic AI with a tool, run twice; prints the conversation as the agent keeps it."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

url, model = sys.argv[1:]


async def show_cache(response: Any) -> None:
    """Print where an answer came from."""
    print("    <-", response.headers["cache-status"])


def weather(city: str) -> str:
    """Get the weather of a city."""
    print(f"    the agent runs weather(city={city!r})")
    return "sunny, 24 degrees"


provider = OpenAIProvider(base_url=url, api_key="none")
http: Any = provider.client._client  # noqa: SLF001 - to show a header, which no answer of the agent has
http.event_hooks["response"].append(show_cache)
agent: Any = Agent(OpenAIChatModel(model, provider=provider), tools=[weather])

print("pydantic-ai", version("pydantic-ai-slim"))
for turn in ("first run", "second run"):
    print(f"{turn}:")
    result = agent.run_sync("What is the weather in Rome?")
    for message in result.all_messages():
        for part in message.parts:
            shown = {"tool_name": getattr(part, "tool_name", None), "args": getattr(part, "args", None)}
            called = {name: value for name, value in shown.items() if value is not None}
            print(f"  {part.part_kind}: {getattr(part, 'content', '')} {json.dumps(called) if called else ''}".rstrip())
