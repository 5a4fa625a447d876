"""Tools through every provider that speaks HTTP, by OpenAI's official client: plain, streamed and replayed."""

from __future__ import annotations

import json
from typing import Any

import openai as official
import pytest

from tests.contract.fake_ollama import FakeOllama
from tests.contract.test_chat import Chat, chat

__all__ = ["chat"]

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "pattern": "^(?!x).*$"}, "days": {"type": "integer"}},
    "required": ["city"],
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "description": "Get the weather.", "parameters": PARAMETERS}},
    {"type": "function", "function": {"name": "time"}},
]
QUESTION: list[Any] = [{"role": "user", "content": "What is the weather in Rome?"}]
ARGUMENTS = {"city": "Rome", "days": 2}


def have_calls(chat: Chat, *calls: tuple[str, Any], text: str = "") -> None:
    """Have the model call tools."""
    chat.server.text = text
    if isinstance(chat.server, FakeOllama):
        chat.server.calls = list(calls)
    else:
        chat.server.calls = [(name, given if isinstance(given, str) else json.dumps(given)) for name, given in calls]


async def test_a_call_comes_with_its_arguments_as_text(chat: Chat) -> None:
    """Finish reason `tool_calls`, content null, an ID of the service's own."""
    have_calls(chat, ("weather", ARGUMENTS))
    choice = (await chat.converse(QUESTION, tools=TOOLS)).choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name, json.loads(call.function.arguments)) == ("function", "weather", ARGUMENTS)
    assert call.id.startswith("call_")


async def test_the_model_gets_the_tools_without_patterns(chat: Chat) -> None:
    """A pattern may kill a server that makes a grammar of it; names and descriptions arrive."""
    have_calls(chat, text="Sunny.")
    await chat.converse(QUESTION, tools=TOOLS)
    sent = [tool["function"] for tool in chat.sent["tools"]]
    assert [function["name"] for function in sent] == ["weather", "time"]
    assert sent[0]["parameters"]["properties"]["city"] == {"type": "string"}
    assert sent[0]["description"] == "Get the weather."


async def test_a_stream_ends_with_the_calls(chat: Chat) -> None:
    """Text first, then every call with its index."""
    have_calls(chat, ("weather", ARGUMENTS), ("time", {}), text="Let me look.")
    chunks = [chunk async for chunk in await chat.converse(QUESTION, tools=TOOLS, stream=True)]
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "Let me look."
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert [(call.index, call.function.name) for call in calls] == [(0, "weather"), (1, "time")]
    assert json.loads(calls[0].function.arguments) == ARGUMENTS
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_equal_requests_get_the_same_calls(chat: Chat) -> None:
    """The second one from the cache, IDs included, plain and streamed."""
    have_calls(chat, ("weather", ARGUMENTS))
    first = await chat.converse(QUESTION, tools=TOOLS)
    asked = len(chat.server.requests)
    again = await chat.converse(QUESTION, tools=TOOLS)
    assert again.choices[0].message == first.choices[0].message
    chunks = [chunk async for chunk in await chat.converse(QUESTION, tools=TOOLS, stream=True)]
    (call,) = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert call.id == first.choices[0].message.tool_calls[0].id
    assert not [path for path, _ in chat.server.requests[asked:] if path.endswith(("/chat", "/completions"))]


async def test_results_go_back_to_the_model(chat: Chat) -> None:
    """The answer's message unchanged, and the result beside it, in the words of each server."""
    have_calls(chat, ("weather", ARGUMENTS))
    message = (await chat.converse(QUESTION, tools=TOOLS)).choices[0].message
    have_calls(chat, text="It is sunny in Rome.")
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}
    answer = await chat.converse([*QUESTION, message.model_dump(), result], tools=TOOLS)
    assert answer.choices[0].message.content == "It is sunny in Rome."
    _, called, given = chat.sent["messages"]
    function = called["tool_calls"][0]["function"]
    if isinstance(chat.server, FakeOllama):
        assert function == {"name": "weather", "arguments": ARGUMENTS}
        assert given == {"role": "tool", "content": "sunny", "tool_name": "weather"}
    else:
        assert json.loads(function["arguments"]) == ARGUMENTS
        assert given["tool_call_id"] == called["tool_calls"][0]["id"]


async def test_ids_of_calls_are_no_part_of_the_key(chat: Chat) -> None:
    """They are random, and the conversation is the same."""
    have_calls(chat, text="Sunny.")
    for name in ("call_a", "call_b"):
        call = {"id": name, "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
        messages = [
            *QUESTION,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": name, "content": "sunny"},
        ]
        await chat.converse(messages, tools=TOOLS)
    assert len([path for path, _ in chat.server.requests if path.endswith(("/chat", "/completions"))]) == 1


@pytest.mark.parametrize(
    "call",
    [("unknown", {"city": "Rome"}), ("weather", "[1]"), ("weather", "not json")],
    ids=["not offered", "no object", "no JSON"],
)
async def test_a_bad_call_is_asked_for_again_and_never_passed_on(chat: Chat, call: tuple[str, Any]) -> None:
    """Twice, then an honest error; nothing is stored, and no circuit breaker opens."""
    have_calls(chat, call)
    if isinstance(chat.server, FakeOllama) and isinstance(call[1], str):
        chat.server.calls = [(call[0], ["not", "an", "object"])]
    with pytest.raises(official.InternalServerError) as refused:
        await chat.converse(QUESTION, tools=TOOLS)
    assert refused.value.status_code == 503
    have_calls(chat, ("weather", ARGUMENTS))
    assert (await chat.converse(QUESTION, tools=TOOLS)).choices[0].finish_reason == "tool_calls"


async def test_a_required_call_is_required(chat: Chat) -> None:
    """Text alone is no answer then."""
    have_calls(chat, text="I would rather talk.")
    with pytest.raises(official.InternalServerError):
        await chat.converse(QUESTION, tools=TOOLS, tool_choice="required")
    have_calls(chat, ("weather", ARGUMENTS))
    answer = await chat.converse(QUESTION, tools=TOOLS, tool_choice="required")
    assert answer.choices[0].message.tool_calls


async def test_a_chosen_function_is_the_only_one_offered(chat: Chat) -> None:
    """The model cannot call another; `none` offers none at all."""
    have_calls(chat, ("time", {}))
    chosen: Any = {"type": "function", "function": {"name": "time"}}
    answer = await chat.converse(QUESTION, tools=TOOLS, tool_choice=chosen)
    assert [tool["function"]["name"] for tool in chat.sent["tools"]] == ["time"]
    assert answer.choices[0].message.tool_calls[0].function.name == "time"
    have_calls(chat, text="No.")
    await chat.converse(QUESTION, tools=TOOLS, tool_choice="none")
    assert "tools" not in chat.sent


async def test_one_call_at_a_time_where_the_caller_wants_that(chat: Chat) -> None:
    """The first one counts."""
    have_calls(chat, ("weather", ARGUMENTS), ("time", {}))
    answer = await chat.converse(QUESTION, tools=TOOLS, parallel_tool_calls=False)
    assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["weather"]


async def test_arguments_of_a_strict_function_fit_its_schema(chat: Chat) -> None:
    """Others do not have to."""
    have_calls(chat, ("weather", {"days": 2}))
    assert (await chat.converse(QUESTION, tools=TOOLS)).choices[0].message.tool_calls
    strict: Any = [{"type": "function", "function": {**TOOLS[0]["function"], "strict": True}}]
    with pytest.raises(official.InternalServerError):
        await chat.converse(QUESTION, tools=strict)


async def test_a_model_without_tools_is_refused_by_name(chat: Chat) -> None:
    """400 before the model is asked, where the server says what it can."""
    if not isinstance(chat.server, FakeOllama):
        pytest.skip("the wire format has no word for what a model can do")
    chat.server.capabilities = ["completion"]
    chat.server.models = {"test:1b": "sha256:" + "ab" * 32}
    await chat.look_again()
    with pytest.raises(official.BadRequestError, match="test:1b does not support tools"):
        await chat.converse(QUESTION, tools=TOOLS)
