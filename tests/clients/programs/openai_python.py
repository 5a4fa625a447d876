"""OpenAI's client for Python, current and 1.x: the same calls."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import openai
from pydantic import BaseModel, Field

from tests.clients.programs import cells
from tests.clients.programs.cells import user

target = cells.read_target()
client = openai.OpenAI(base_url=target.v1, api_key="none", max_retries=0, timeout=100)
options: Any = {"model": target.model, "max_tokens": cells.MAX_TOKENS, "temperature": 0, "seed": cells.SEED}


class Dish(BaseModel):
    """The structured answer."""

    vegan: bool
    minutes: int = Field(ge=1, le=99)


def plain() -> Any:
    """Ask one question."""
    answer = client.chat.completions.create(messages=[user(cells.PLAIN)], **options)
    assert answer.usage
    usage = answer.usage
    return {
        "text": answer.choices[0].message.content,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def stream() -> Any:
    """Ask for a stream."""
    chunks = list(
        client.chat.completions.create(
            messages=[user(cells.STREAMED)], stream=True, stream_options={"include_usage": True}, **options
        )
    )
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    return {
        "text": "".join(pieces),
        "pieces": len(pieces),
        "prompt_tokens": chunks[-1].usage.prompt_tokens,
        "completion_tokens": chunks[-1].usage.completion_tokens,
    }


def conversation() -> Any:
    """Send the returned message back, unchanged."""
    messages: list[Any] = [user(cells.OPENING)]
    first = client.chat.completions.create(messages=messages, **options).choices[0].message
    as_object = client.chat.completions.create(messages=[*messages, first, user(cells.FURTHER)], **options)
    dumped = [*messages, first.model_dump(), user(cells.FURTHER)]
    as_mapping = client.chat.completions.create(messages=dumped, **options)
    return {"texts": [first.content, as_object.choices[0].message.content, as_mapping.choices[0].message.content]}


def structured() -> Any:
    """Have the client parse an answer into a model of Pydantic's."""
    asked = options | {"max_tokens": cells.STRUCTURED_MAX_TOKENS}
    parse = getattr(client.chat.completions, "parse", None) or client.beta.chat.completions.parse
    answer = parse(messages=[user(cells.DESCRIBE)], response_format=Dish, **asked)
    return cells.dish(answer.choices[0].message.parsed)


def long() -> Any:
    """Ask for more tokens than the service's budget."""
    asked = options | {"max_tokens": cells.LONG_MAX_TOKENS}
    if target.stop:
        asked["stop"] = list(target.stop)
    answer = client.chat.completions.create(messages=[user(cells.TELL)], **asked)
    assert answer.usage
    return {"text": answer.choices[0].message.content, "completion_tokens": answer.usage.completion_tokens}


def unknown_model() -> Any:
    """Ask a model that is not there."""
    return client.chat.completions.create(messages=[user("x")], **options | {"model": cells.UNKNOWN_MODEL}).model_dump()


def cached() -> Any:
    """Ask the same twice."""
    answers = [client.chat.completions.create(messages=[user(cells.REPEATED)], **options) for _ in range(2)]
    return {"texts": [answer.choices[0].message.content for answer in answers]}


def embeddings() -> Any:
    """Ask for the vectors of two texts, in the client's default encoding."""
    answer = client.embeddings.create(model=target.model, input=["basil", "a soup"])
    return {"lengths": [len(each.embedding) for each in answer.data]}


def models() -> Any:
    """List the models, then retrieve the first one."""
    listed = [model.id for model in client.models.list()]
    return {"names": listed, "retrieved": client.models.retrieve(listed[0]).id}


def tools() -> Any:
    """Have a tool called, and send the call and its result back."""
    messages: list[Any] = [user(cells.ASK_WEATHER)]
    message = client.chat.completions.create(messages=messages, tools=[cells.TOOL], **options).choices[0].message
    [call] = list(message.tool_calls or [])
    assert call.type == "function"
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": cells.WEATHER}]
    final = client.chat.completions.create(messages=messages, tools=[cells.TOOL], **options)
    calls = [{"name": call.function.name, "arguments": json.loads(call.function.arguments)}]
    return {"calls": calls, "text": final.choices[0].message.content}


def tools_stream() -> Any:
    """Have a tool called in a stream, joined by the client's own helper."""
    found: list[Any] = []
    for chunk in client.chat.completions.create(
        messages=[user(cells.ASK_WEATHER)], tools=[cells.TOOL], stream=True, **options
    ):
        for piece in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
            if piece.function.name:
                found.append([piece.function.name, ""])
            found[piece.index][1] += piece.function.arguments or ""
    return {"calls": [{"name": name, "arguments": json.loads(arguments)} for name, arguments in found]}


if __name__ == "__main__":
    cells.serve(
        version("openai"),
        plain,
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
