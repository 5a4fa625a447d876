"""Tool calls of a model, checked before a caller gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.errors import UnsupportedRequest
from ai_service.json_schema.rules import check_schema
from ai_service.openai.tools import without_grammar
from ai_service.providers.base import Completion, ToolCall

if TYPE_CHECKING:
    from ai_service.openai.requests import ChatRequest
    from ai_service.openai.tools import FunctionDefinition

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def checked_calls(completion: Completion, request: ChatRequest) -> tuple[ToolCall, ...]:
    """Return the tool calls of a completion, with their arguments in compact JSON.

    Raises:
        ValueError: One is of a function that was not offered, its arguments are no JSON object or break a strict
            schema, or there is none where one is required. Says nothing of the arguments, which are in no log.
    """
    offered = {tool.function.name: tool.function for tool in request.tools or ()}
    if request.tool_choice == "required" and not completion.tool_calls:
        raise ValueError("no tool call, though one is required")
    calls = tuple(_checked(call, offered) for call in completion.tool_calls)
    return calls[:1] if request.parallel_tool_calls is False else calls


def _checked(call: ToolCall, offered: dict[str, FunctionDefinition]) -> ToolCall:
    function = offered.get(call.name)
    if function is None:
        raise ValueError("a call of a function that was not offered")
    try:
        arguments = _decode(call.arguments or "{}")
    except (ValueError, RecursionError):
        raise ValueError("arguments of a tool call that are no JSON object") from None
    if function.strict and function.parameters:
        _check_strictly(arguments, function.parameters)
    return ToolCall(call.name, _encode(arguments).decode())


def _check_strictly(arguments: dict[str, Any], schema: dict[str, Any]) -> None:
    """Check arguments against the schema of a strict function.

    Raises:
        ValueError: They do not fit.
        UnsupportedRequest: Nobody can tell in time.
    """
    from ai_service.json_schema import checker  # noqa: PLC0415 - slow to import, of use only to callers with schemas

    try:
        violated = checker.find_violation(check_schema(without_grammar(schema)).schema, arguments)
    except checker.SchemaTooCostlyError:
        raise UnsupportedRequest("Checking tool arguments against their JSON schema takes too long.") from None
    if violated is not None:
        raise ValueError(f"arguments of a tool call that do not fit the schema: {violated[:32]}")
