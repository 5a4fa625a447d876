"""Keys and bounds of chat requests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ai_service.errors import HTTPError, InvalidRequest, ModelNotFound, UnprocessableRequest
from ai_service.openai.chat import ChatTask
from ai_service.tasks.request_parser import RequestParser

TASK = ChatTask(models=["test:1b"], ttl_s=60, max_tokens=100, num_ctx=2048)
READER = RequestParser(TASK)
USER = {"role": "user", "content": "What is pesto?"}
PLAIN = {"model": "test:1b", "messages": [USER]}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}


def digest(**changes: Any) -> str:
    """Return the request's digest, its part of the cache key."""
    return READER.read(msgspec.json.encode(PLAIN | changes)).digest


def json_schema(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Build a response format with a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **more}}


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [{"role": "system", "content": "Be short."}, USER]},
        {"messages": [USER, {"role": "assistant", "content": "A sauce."}, USER]},
        {"messages": [{"role": "assistant", "content": "What is pesto?"}]},
        {"messages": [{"role": "user", "content": "What  is pesto?"}]},
        {"temperature": 0},
        {"temperature": 1},
        {"top_p": 1},
        {"frequency_penalty": 1},
        {"presence_penalty": 1},
        {"seed": 0},
        {"seed": 1},
        {"stop": "."},
        {"max_tokens": 10},
        {"response_format": {"type": "json_object"}},
        {"response_format": json_schema(SCHEMA)},
        {"response_format": json_schema({"type": "object"})},
    ],
)
def test_what_changes_the_answer_changes_the_key(change: dict[str, Any]) -> None:
    """Every message, and every option."""
    assert digest(**change) != digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"stream": True, "stream_options": {"include_usage": True}}, {}),
        ({"user": "me", "metadata": {"a": "b"}, "safety_identifier": "x", "prompt_cache_key": "y"}, {}),
        ({"n": 1, "tools": [], "tool_choice": "none", "logprobs": False, "store": False}, {}),
        ({"frequency_penalty": 0, "presence_penalty": 0.0, "response_format": {"type": "text"}, "seed": None}, {}),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "What is pesto?"}]}]}, {}),
        ({"temperature": 1}, {"temperature": 1.0}),
        ({"stop": "a"}, {"stop": ["a", "a"]}),
        ({"stop": ["a", "b"]}, {"stop": ["b", "a"]}),
        ({"max_tokens": 10}, {"max_completion_tokens": 10, "max_tokens": 20}),
        ({"max_tokens": 4096}, {}),
        ({"seed": 2**31 + 5}, {"seed": 5}),
        ({"messages": [USER | {"name": "me"}]}, {}),
        (
            {"messages": [{"role": "developer", "content": "Be short."}, USER]},
            {"messages": [{"role": "system", "content": "Be short."}, USER]},
        ),
        (
            {"response_format": json_schema(SCHEMA, strict=True, description="d")},
            {"response_format": json_schema(SCHEMA)},
        ),
    ],
)
def test_what_does_not_change_the_answer_does_not_change_the_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    """However it is written."""
    assert digest(**one) == digest(**other)


def test_the_order_of_a_schemas_fields_is_part_of_the_key() -> None:
    """The model writes them in that order, and what it wrote first shapes the rest."""
    properties = SCHEMA["properties"]
    assert isinstance(properties, dict)
    turned = SCHEMA | {"properties": dict(reversed(properties.items()))}
    assert digest(response_format=json_schema(SCHEMA)) != digest(response_format=json_schema(turned))


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"model": "gpt-4o"}, ModelNotFound, None),
        ({"messages": []}, InvalidRequest, "$.messages"),
        ({"messages": [USER, {"role": "function", "content": "x"}]}, InvalidRequest, "$.messages[1].role"),
        ({"messages": [USER | {"mystery": "me"}]}, InvalidRequest, "$.messages[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            InvalidRequest,
            "$.messages[0].content[0].type",
        ),
        ({"tools": [{"type": "function"}]}, InvalidRequest, "$.tools[0]"),
        ({"tool_choice": "required"}, InvalidRequest, "$.tool_choice"),
        ({"functions": [{}]}, InvalidRequest, "$.functions"),
        ({"logprobs": True}, InvalidRequest, "$.logprobs"),
        ({"logit_bias": {"1": 5}}, InvalidRequest, "$.logit_bias"),
        ({"store": True}, InvalidRequest, "$.store"),
        ({"n": 2}, InvalidRequest, "$.n"),
        ({"reasoning_effort": "huge"}, InvalidRequest, "$.reasoning_effort"),
        ({"think": "none"}, InvalidRequest, "$.think"),
        ({"think": False, "reasoning_effort": "low"}, InvalidRequest, "$.think"),
        ({"response_format": {"type": "json_schema"}}, InvalidRequest, "$.response_format"),
        ({"response_format": {"type": "xml"}}, InvalidRequest, "$.response_format.type"),
        ({"response_format": json_schema({})}, InvalidRequest, "$.response_format.json_schema.schema"),
        (
            {"response_format": json_schema({"properties": {"a": {"type": "text"}}})},
            InvalidRequest,
            "$.response_format.json_schema.schema.properties[...].type",
        ),
        ({"stop": [1]}, InvalidRequest, "$.stop[0]"),
        ({"temperature": "hot"}, InvalidRequest, "$.temperature"),
        ({"temperature": 2.1}, UnprocessableRequest, "$.temperature"),
        ({"top_p": -0.1}, UnprocessableRequest, "$.top_p"),
        ({"presence_penalty": 3}, UnprocessableRequest, "$.presence_penalty"),
        ({"max_tokens": 0}, UnprocessableRequest, "$.max_tokens"),
        ({"max_completion_tokens": -2}, UnprocessableRequest, "$.max_completion_tokens"),
        ({"top_k": -1}, UnprocessableRequest, "$.top_k"),
        ({"stop": [str(number) for number in range(257)]}, UnprocessableRequest, "$.stop"),
        ({"stop": ""}, UnprocessableRequest, "$.stop"),
    ],
)
def test_what_cannot_be_done_is_refused_and_named(
    change: dict[str, Any], error: type[HTTPError], field: str | None
) -> None:
    """Nothing that would shape the answer is dropped silently."""
    with pytest.raises(error) as caught:
        digest(**change)
    assert [detail["field"] for detail in caught.value.details or []] == ([field] if field else [])


def test_the_latest_tag_may_be_left_out() -> None:
    """As with Ollama."""
    reader = RequestParser(ChatTask(models=["test"], ttl_s=60, max_tokens=100, num_ctx=2048))
    digests = {reader.read(msgspec.json.encode(PLAIN | {"model": name})).digest for name in ("test", "test:latest")}
    assert len(digests) == 1


def test_a_model_is_asked_what_the_request_asks() -> None:
    """Messages and options as they are, and no more than that."""
    body = PLAIN | {"temperature": 0, "seed": 7, "stop": "x", "max_tokens": 9, "response_format": json_schema(SCHEMA)}
    prompt = TASK.ask(READER.read(msgspec.json.encode(body)).request)
    assert prompt.messages == (USER,)
    assert prompt.options == {"temperature": 0, "seed": 7, "stop": ["x"]}
    assert (prompt.max_tokens, prompt.schema, prompt.callers_own) == (9, SCHEMA, True)
    assert prompt.think is None
    plain = TASK.ask(READER.read(msgspec.json.encode(PLAIN)).request)
    assert (plain.options, plain.max_tokens, plain.schema) == ({}, 100, None)


@pytest.mark.parametrize(
    ("change", "think"),
    [
        ({"think": False}, False),
        ({"think": True}, True),
        ({"think": "high"}, "high"),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "medium"}, "medium"),
        ({"reasoning_effort": None, "think": None}, None),
    ],
)
def test_thinking_is_passed_on_and_part_of_the_key(change: dict[str, Any], think: object) -> None:
    """By either name; without a word it is left to the model."""
    assert TASK.ask(READER.read(msgspec.json.encode(PLAIN | change)).request).think == think
    assert (digest(**change) == digest()) is (think is None)
    assert think is None or digest(**change) == digest(think=think)
