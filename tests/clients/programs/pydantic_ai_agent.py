"""Pydantic AI with OpenAI's wire format."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, Field
from pydantic_ai import Agent, Embedder, NativeOutput
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.programs import cells

target = cells.read_target()
provider = OpenAIProvider(base_url=target.v1, api_key="none")
called: list[dict[str, Any]] = []


class Dish(BaseModel):
    """The structured answer."""

    vegan: bool
    minutes: int = Field(ge=1, le=99)


def agent(max_tokens: int = cells.MAX_TOKENS, model: str = target.model, **more: Any) -> Any:
    """Return an agent, which asks once more at most."""
    stop = {"stop_sequences": list(target.stop)} if target.stop and max_tokens == cells.LONG_MAX_TOKENS else {}
    settings = {"temperature": 0, "seed": cells.SEED, "max_tokens": max_tokens, **stop}
    return Agent(OpenAIChatModel(model, provider=provider), model_settings=settings, **more)


def counts(result: Any) -> dict[str, int]:
    """Return the tokens that a run took."""
    return {"prompt_tokens": result.usage.input_tokens, "completion_tokens": result.usage.output_tokens}


def weather(city: str) -> str:
    """Get the weather of a city."""
    called.append({"name": "weather", "arguments": {"city": city}})
    return cells.WEATHER


def plain() -> Any:
    """Ask one question."""
    result = agent().run_sync(cells.PLAIN)
    return {"text": result.output, **counts(result)}


def stream() -> Any:
    """Ask for a stream."""

    async def read() -> Any:
        async with agent().run_stream(cells.STREAMED) as result:
            pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
            return {"text": "".join(pieces), "pieces": len(pieces), **counts(result)}

    return asyncio.run(read())


def conversation() -> Any:
    """Go on from the messages of the first run."""
    first = agent().run_sync(cells.OPENING)
    second = agent().run_sync(cells.FURTHER, message_history=first.all_messages())
    return {"texts": [first.output, second.output]}


def structured() -> Any:
    """Have the answer keep to a schema by the response format."""
    result = agent(cells.STRUCTURED_MAX_TOKENS, output_type=NativeOutput(Dish)).run_sync(cells.DESCRIBE)
    return cells.dish(result.output)


def structured_by_tool() -> Any:
    """Have the answer be the call of a tool, which is this client's default mode."""
    return cells.dish(agent(cells.STRUCTURED_MAX_TOKENS, output_type=Dish).run_sync(cells.DESCRIBE).output)


def long() -> Any:
    """Ask for more tokens than the service's budget."""
    result = agent(cells.LONG_MAX_TOKENS).run_sync(cells.TELL)
    return {"text": result.output, **counts(result)}


def unknown_model() -> Any:
    """Ask a model that is not there."""
    return agent(model=cells.UNKNOWN_MODEL).run_sync("x").output


def cached() -> Any:
    """Ask the same twice."""
    return {"texts": [agent().run_sync(cells.REPEATED).output for _ in range(2)]}


def embeddings() -> Any:
    """Ask for the vectors of two texts."""
    embedder = Embedder(OpenAIEmbeddingModel(target.model, provider=provider))
    result = embedder.embed_sync(["basil", "a soup"], input_type="document")
    return {"lengths": [len(each) for each in result.embeddings]}


def tools() -> Any:
    """Have the agent call a function and write its answer."""
    called.clear()
    result = agent(tools=[weather]).run_sync(cells.ASK_WEATHER)
    return {"calls": list(called), "text": result.output}


def tools_stream() -> Any:
    """Have the agent call a function while it streams."""
    called.clear()

    async def read() -> str:
        async with agent(tools=[weather]).run_stream(cells.ASK_WEATHER) as result:
            return "".join([piece async for piece in result.stream_text(delta=True)])

    return {"text": asyncio.run(read()), "calls": list(called)}


if __name__ == "__main__":
    cells.serve(
        version("pydantic-ai-slim"),
        plain,
        stream,
        conversation,
        structured,
        structured_by_tool,
        long,
        unknown_model,
        cached,
        embeddings,
        tools,
        tools_stream,
    )
