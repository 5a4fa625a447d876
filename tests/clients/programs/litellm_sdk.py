"""LiteLLM as a library: with its provider for servers of OpenAI's wire format, or with that for Ollama."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

import litellm
from pydantic import BaseModel, Field

from tests.clients.programs import cells
from tests.clients.programs.cells import user

target = cells.read_target()
ollama = sys.argv[2:] == ["ollama"]
provider, base = ("ollama_chat", target.url) if ollama else ("openai", target.v1)
server: dict[str, Any] = {
    "model": f"{provider}/{target.model}", "api_base": base, "api_key": "none", "timeout": 100,
}  # fmt: skip
options: dict[str, Any] = {
    **server, "max_tokens": cells.MAX_TOKENS, "temperature": 0, "seed": cells.SEED, "num_retries": 0,
}  # fmt: skip


class Dish(BaseModel):
    """The structured answer."""

    vegan: bool
    minutes: int = Field(ge=1, le=99)


def chat(*messages: Any, **more: Any) -> Any:
    """Ask for a chat completion."""
    return litellm.completion(messages=list(messages), **options | more)


def text(answer: Any) -> Any:
    """Return the text of an answer."""
    return answer.choices[0].message.content


def counts(answer: Any) -> dict[str, int]:
    """Return the tokens that an answer says it took."""
    return {
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


def plain() -> Any:
    """Ask one question."""
    answer = chat(user(cells.PLAIN))
    return {"text": text(answer), **counts(answer)}


def stream() -> Any:
    """Ask for a stream, whose chunks the client's own helper joins."""
    chunks = list(chat(user(cells.STREAMED), stream=True, stream_options={"include_usage": True}))
    whole = litellm.stream_chunk_builder(chunks)
    pieces = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    return {"text": text(whole), "pieces": len(pieces), **counts(whole)}


def conversation() -> Any:
    """Send the returned message back, as an object and as a mapping."""
    first = chat(user(cells.OPENING)).choices[0].message
    as_object = chat(user(cells.OPENING), first, user(cells.FURTHER))
    as_mapping = chat(user(cells.OPENING), first.model_dump(), user(cells.FURTHER))
    return {"texts": [first.content, text(as_object), text(as_mapping)]}


def structured() -> Any:
    """Name a model of Pydantic's as the format."""
    answer = chat(user(cells.DESCRIBE), response_format=Dish, max_tokens=cells.STRUCTURED_MAX_TOKENS)
    return cells.dish(Dish.model_validate_json(text(answer)))


def long() -> Any:
    """Ask for more tokens than the service's budget."""
    more: Any = {"stop": list(target.stop)} if target.stop else {}
    answer = chat(user(cells.TELL), max_tokens=cells.LONG_MAX_TOKENS, **more)
    return {"text": text(answer), **counts(answer)}


def unknown_model() -> Any:
    """Ask a model that is not there."""
    return text(chat(user("x"), model=f"{provider}/{cells.UNKNOWN_MODEL}"))


def cached() -> Any:
    """Ask the same twice."""
    return {"texts": [text(chat(user(cells.REPEATED))) for _ in range(2)]}


def embeddings() -> Any:
    """Ask for the vectors of two texts."""
    asked = server | {"model": f"ollama/{target.model}"} if ollama else server
    answer = litellm.embedding(input=["basil", "a soup"], **asked)
    return {"lengths": [len(each["embedding"]) for each in answer.data]}


def tools() -> Any:
    """Have a tool called, and send the call and its result back."""
    message = chat(user(cells.ASK_WEATHER), tools=[cells.TOOL]).choices[0].message
    [call] = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": cells.WEATHER}
    final = chat(user(cells.ASK_WEATHER), message, result, tools=[cells.TOOL])
    return {
        "calls": [{"name": call.function.name, "arguments": json.loads(call.function.arguments)}],
        "text": text(final),
    }


def tools_stream() -> Any:
    """Have a tool called in a stream, whose chunks the client's own helper joins."""
    whole = litellm.stream_chunk_builder(list(chat(user(cells.ASK_WEATHER), tools=[cells.TOOL], stream=True)))
    calls = [call.function for call in whole.choices[0].message.tool_calls]
    return {"calls": [{"name": each.name, "arguments": json.loads(each.arguments)} for each in calls]}


if __name__ == "__main__":
    cells.serve(
        version("litellm"),
        plain,
        stream,
        conversation,
        structured,
        long,
        unknown_model,
        cached,
        embeddings,
        tools,
        tools_stream,
    )
