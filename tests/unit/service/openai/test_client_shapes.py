"""Requests in the shapes that clients of OpenAI's wire format send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.service.client import Client
from tests.unit.service.fakes import CHAT_ANSWER, ScriptedProvider

if TYPE_CHECKING:
    import httpx

MODEL = "ollama-model"
ASK = {"role": "user", "content": "Name a herb."}
PATH = "/v1/chat/completions"


async def send(client: Client, *messages: Any, **fields: Any) -> httpx.Response:
    """Send a chat request."""
    return await client.post(PATH, json={"model": MODEL, "messages": list(messages) or [ASK], **fields})


HARMLESS: list[dict[str, Any]] = [
    {name: None}
    for name in [
        "temperature",
        "top_p",
        "n",
        "stream",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "user",
        "metadata",
        "seed",
        "response_format",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "stream_options",
        "reasoning_effort",
        "verbosity",
        "modalities",
        "audio",
        "prediction",
        "store",
        "service_tier",
        "web_search_options",
        "functions",
        "function_call",
        "prompt_cache_key",
        "safety_identifier",
        "prompt_cache_retention",
        "top_k",
        "min_p",
    ]
] + [
    {"service_tier": "auto"},
    {"verbosity": "medium"},
    {"modalities": ["text"]},
    {"tool_choice": "auto"},
    {"tool_choice": "none"},
    {"tools": []},
    {"logprobs": False},
    {"logit_bias": {}},
    {"store": False},
    {"metadata": {"a": None}},
    {"stream_options": {"include_usage": None}},
    {"n": 1},
    {"max_tokens": -1},
    {"user": "u-1"},
    {"response_format": {"type": "text"}},
    {"parallel_tool_calls": True},
]


@pytest.mark.parametrize("fields", HARMLESS, ids=str)
async def test_nulls_and_defaults_pass_and_share_an_answer(fields: dict[str, Any]) -> None:
    """They shape nothing, so they are no part of the key."""
    provider = ScriptedProvider()
    async with Client(provider) as client:
        first = await send(client)
        assert (await send(client, **fields)).content == first.content
    assert len(provider.prompts) == 1


SHAPING: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"top_k": 40}, {"top_k": 40}),
    ({"min_p": 0.05}, {"min_p": 0.05}),
    ({"seed": 2**40 + 7}, {"seed": 7}),
    ({"seed": -1}, {"seed": 2**31 - 1}),
    ({"stop": [str(number) for number in range(9)]}, {"stop": [str(number) for number in range(9)]}),
]


@pytest.mark.parametrize(("fields", "options"), SHAPING, ids=str)
async def test_what_shapes_an_answer_reaches_the_provider(fields: dict[str, Any], options: dict[str, Any]) -> None:
    """Seeds of any width are folded into what every server takes."""
    provider = ScriptedProvider()
    async with Client(provider) as client:
        assert (await send(client, **fields)).status_code == 200
    assert provider.prompts[0].options == options


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"logprobs": True}, "$.logprobs"),
    ({"n": 2}, "$.n"),
    ({"service_tier": "priority"}, "$.service_tier"),
    ({"store": True}, "$.store"),
    ({"modalities": ["text", "audio"]}, "$.modalities"),
    ({"functions": [{"name": "f"}]}, "$.functions"),
    ({"web_search_options": {"a": 1}}, "$.web_search_options"),
    ({"tools": [{"type": "web_search_preview"}]}, "$.tools[0].type"),
    ({"tools": [{"type": "function"}]}, "$.tools[0]"),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "http://x.example/s"}}}]},
        "$.tools[0].function.parameters",
    ),
    ({"tool_choice": "required"}, "$.tool_choice"),
    ({"num_ctx": 8192}, "$.num_ctx"),
]


@pytest.mark.parametrize(("fields", "path"), REFUSED, ids=str)
async def test_what_is_not_supported_is_refused_by_name(fields: dict[str, Any], path: str) -> None:
    """400 with the parameter, before any provider is asked."""
    provider = ScriptedProvider()
    async with Client(provider) as client:
        response = await send(client, **fields)
        assert response.status_code == 400
        assert path.removeprefix("$.") in response.json()["error"]["message"]
    assert provider.prompts == []


@pytest.mark.parametrize("fields", [{"logprobs": True}, {"num_ctx": 8192}, {"store": True}, {"mystery": {}}], ids=str)
async def test_unsupported_parameters_are_dropped_where_the_operator_wants_that(fields: dict[str, Any]) -> None:
    """Also in messages. Hosted tools are refused nevertheless."""
    async with Client(ALCHEMORSEL_UNSUPPORTED_PARAMETERS="drop") as client:
        first = await send(client)
        assert (await send(client, **fields)).content == first.content
        assert (await send(client, {**ASK, "mystery": 1})).content == first.content
        assert (await send(client, tools=[{"type": "web_search_preview"}])).status_code == 400


SENT_BACK: list[dict[str, Any]] = [
    {"content": "Basil.", "refusal": None, "annotations": [], "audio": None, "function_call": None, "tool_calls": None},
    {"content": "Basil.", "tool_calls": [], "provider_specific_fields": {"refusal": None}},
    {"content": "Basil.", "reasoning_content": "hm", "parsed": {"a": 1}, "name": "cook"},
    {"content": [{"type": "text", "text": "Basil.", "annotations": [], "cache_control": {"type": "ephemeral"}}]},
    {"content": [{"type": "text", "text": ""}, {"type": "text", "text": "Basil."}]},
]


@pytest.mark.parametrize("fields", SENT_BACK, ids=str)
async def test_an_answer_can_be_sent_back_as_it_came(fields: dict[str, Any]) -> None:
    """With all that clients put beside it, which the model does not get."""
    provider = ScriptedProvider()
    async with Client(provider) as client:
        response = await send(client, ASK, {"role": "assistant", **fields}, {"role": "user", "content": "Another."})
        assert response.status_code == 200, response.text
    assert provider.prompts[0].messages[1] == {"role": "assistant", "content": "Basil."}


@pytest.mark.parametrize("content", ["", None, []], ids=str)
async def test_an_empty_turn_passes(content: object) -> None:
    """As clients send one after a call of tools, or where a model said nothing."""
    async with Client() as client:
        response = await send(client, ASK, {"role": "assistant", "content": content}, ASK)
        assert response.status_code == 200, response.text


async def test_our_own_answer_can_be_sent_back_unchanged() -> None:
    """The message of a real response body."""
    async with Client() as client:
        message = (await send(client)).json()["choices"][0]["message"]
        assert message["content"] == CHAT_ANSWER
        assert (await send(client, ASK, message, ASK)).status_code == 200


BAD_MESSAGES: list[tuple[dict[str, Any], str]] = [
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
        "messages[0].content[0].type",
    ),
    ({"role": "assistant", "audio": {"id": "a"}}, "messages[0].audio"),
    (
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "["}}],
        },
        "messages[0].tool_calls[0].function.arguments",
    ),
    ({"role": "user", "content": "x", "mystery": 1}, "messages[0]"),
]


@pytest.mark.parametrize(("message", "path"), BAD_MESSAGES, ids=str)
async def test_what_a_message_cannot_hold_is_refused_by_its_path(message: dict[str, Any], path: str) -> None:
    """400."""
    async with Client() as client:
        response = await send(client, message)
        assert response.status_code == 400
        assert path in response.json()["error"]["message"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_budget_above_the_services_is_clamped_and_said(name: str) -> None:
    """Plain, streamed and from the cache; it is the request without a budget, so they share an answer."""
    async with Client(ALCHEMORSEL_CHAT_MAX_TOKENS="100") as client:
        first = await send(client)
        assert "x-ai-clamped" not in first.headers
        clamped = await send(client, **{name: 4096})
        assert clamped.content == first.content
        assert clamped.headers["x-ai-clamped"] == "max_tokens=100"
        streamed = await send(client, **{name: 4096}, stream=True)
        assert streamed.headers["x-ai-clamped"] == "max_tokens=100"


@pytest.mark.parametrize("key", ["authorization", "x-api-key", "api-key"])
async def test_a_trailing_slash_makes_no_difference(key: str) -> None:
    """Of chat and of the list of models."""
    async with Client() as client:
        for path in ("/v1/models", "/v1/chat/completions"):
            body = {"model": MODEL, "messages": [ASK]}
            with_slash = await client.request("GET" if path.endswith("models") else "POST", path + "/", json=body)
            assert with_slash.status_code == 200, key


@pytest.mark.parametrize("depth", [30, 100, 200, 400, 600, 3000])
async def test_depth_is_never_an_internal_error(depth: int) -> None:
    """Of tools, of arguments that are sent back, of formats, and of what is ignored."""
    value = '{"a":' * depth + "1" + "}" * depth
    schema = '{"properties":{"a":' * depth + "{}" + "}}" * depth
    call = json.dumps({"function": {"name": "f", "arguments": value}})
    ask = '{"role":"user","content":"x"}'
    async with Client() as client:
        for fields in (
            f'"messages":[{ask}],"tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]',
            f'"messages":[{{"role":"assistant","tool_calls":[{call}]}}]',
            f'"messages":[{ask}],"response_format":{{"type":"json_schema","json_schema":{{"name":"x","schema":{schema}}}}}',
            f'"messages":[{ask}],"metadata":{value}',
        ):
            body = f'{{"model":"{MODEL}",{fields}}}'
            response = await client.post(PATH, content=body, headers={"content-type": "application/json"})
            assert response.status_code in {200, 400, 503}, fields[:80]
        body = f'{{"model":"{MODEL}","prompt":"x","format":{schema}}}'
        response = await client.post("/api/generate", content=body, headers={"content-type": "application/json"})
        assert response.status_code in {200, 400, 503}


WRONG_PATHS = [
    ("/chat/completions", "/v1/chat/completions"),
    ("/v1/v1/chat/completions", "/v1/chat/completions"),
    ("/v1/completions", "/v1/chat/completions"),
    ("/v1/responses", "/v1/chat/completions"),
    ("/openai/v1/models", "/v1/models"),
    ("/generate-recipe", "/api/v1/ai/generate-recipe"),
    ("/api/v1/ai/generate-recipes", "/api/v1/ai/generate-recipe"),
]


@pytest.mark.parametrize(("path", "meant"), WRONG_PATHS)
async def test_a_wrong_path_is_told_the_right_one(path: str, meant: str) -> None:
    """404."""
    async with Client() as client:
        response = await client.post(path, json={})
        assert response.status_code == 404
        assert f"Use {meant}." in response.text


async def test_the_root_names_the_paths() -> None:
    """For somebody who opens the port in a browser."""
    async with Client() as client:
        told = (await client.get("/")).json()
        assert {"/v1/chat/completions", "/api/v1/ai/generate-recipe", "/api/chat"} <= set(told["paths"])
