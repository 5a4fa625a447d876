"""Ollama's client for Python."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import ollama

from tests.clients.programs import cells
from tests.clients.programs.cells import user

target = cells.read_target()
client = ollama.Client(host=target.url, timeout=100)
options: dict[str, Any] = {"temperature": 0, "seed": cells.SEED, "num_predict": cells.MAX_TOKENS}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"vegan": {"type": "boolean"}, "minutes": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["vegan", "minutes"],
}


def weather(city: str) -> str:
    """Get the weather of a city.

    Args:
        city: Its name.
    """
    del city
    return cells.WEATHER


def plain() -> Any:
    """Ask one question."""
    answer = client.chat(target.model, [user(cells.PLAIN)], options=options)
    return {
        "text": answer.message.content,
        "prompt_tokens": answer.prompt_eval_count,
        "completion_tokens": answer.eval_count,
    }


def generate() -> Any:
    """Complete a prompt."""
    answer = client.generate(target.model, "What is gnocchi?", system="Be short.", options=options)
    return {"text": answer.response, "prompt_tokens": answer.prompt_eval_count, "completion_tokens": answer.eval_count}


def stream() -> Any:
    """Ask for a stream."""
    chunks = list(client.chat(target.model, [user(cells.STREAMED)], stream=True, options=options))
    pieces = [chunk.message.content for chunk in chunks if chunk.message.content]
    return {
        "text": "".join(pieces),
        "pieces": len(pieces),
        "prompt_tokens": chunks[-1].prompt_eval_count,
        "completion_tokens": chunks[-1].eval_count,
    }


def conversation() -> Any:
    """Send the returned message back, unchanged."""
    messages: list[Any] = [user(cells.OPENING)]
    first = client.chat(target.model, messages, options=options).message
    second = client.chat(target.model, [*messages, first, user(cells.FURTHER)], options=options).message
    return {"texts": [first.content, second.content]}


def structured() -> Any:
    """Name a schema as the format."""
    asked = options | {"num_predict": cells.STRUCTURED_MAX_TOKENS}
    answer = client.chat(target.model, [user(cells.DESCRIBE)], format=SCHEMA, options=asked)
    return json.loads(answer.message.content or "")


def long() -> Any:
    """Ask for more tokens than the service's budget."""
    asked = options | {"num_predict": cells.LONG_MAX_TOKENS}
    if target.stop:
        asked["stop"] = list(target.stop)
    answer = client.chat(target.model, [user(cells.TELL)], options=asked)
    return {"text": answer.message.content, "completion_tokens": answer.eval_count}


def unknown_model() -> Any:
    """Ask a model that is not there."""
    return client.chat(cells.UNKNOWN_MODEL, [user("x")]).model_dump()


def cached() -> Any:
    """Ask the same twice."""
    answers = [client.chat(target.model, [user(cells.REPEATED)], options=options) for _ in range(2)]
    return {"texts": [answer.message.content for answer in answers]}


def embeddings() -> Any:
    """Ask for the vectors of two texts."""
    answer = client.embed(target.model, ["basil", "a soup"])
    return {"lengths": [len(each) for each in answer.embeddings]}


def models() -> Any:
    """List the models, then show the first one."""
    listed = [model.model or "" for model in client.list().models]
    client.show(listed[0])
    client.ps()
    return {"names": listed, "retrieved": listed[0]}


def tools() -> Any:
    """Have a Python function called, and send the call and its result back."""
    messages: list[Any] = [user(cells.ASK_WEATHER)]
    message = client.chat(target.model, messages, tools=[weather], options=options).message
    [call] = list(message.tool_calls or [])
    result = {"role": "tool", "tool_name": call.function.name, "content": weather(**call.function.arguments)}
    final = client.chat(target.model, [*messages, message, result], tools=[weather], options=options)
    calls = [{"name": call.function.name, "arguments": dict(call.function.arguments)}]
    return {"calls": calls, "text": final.message.content}


def tools_stream() -> Any:
    """Have a tool called in a stream."""
    chunks = client.chat(target.model, [user(cells.ASK_WEATHER)], tools=[cells.TOOL], stream=True, options=options)
    found = [call.function for chunk in chunks for call in chunk.message.tool_calls or ()]
    return {"calls": [{"name": each.name, "arguments": dict(each.arguments)} for each in found]}


if __name__ == "__main__":
    cells.serve(
        version("ollama"),
        plain,
        generate,
        stream,
        conversation,
        structured,
        long,
        unknown_model,
        cached,
        embeddings,
        models,
        tools,
        tools_stream,
    )
