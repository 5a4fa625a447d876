"""Hooks of schemathesis: bodies that break rules between fields, which JSON Schema cannot state, are not sent."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """Return whether the body of a generated request keeps the rules, or is none that they are about."""
    body = case.body
    if not isinstance(body, dict):
        return True
    return _has_chosen_tool(body) and all(map(_are_objects, _calls(body)))


def _has_chosen_tool(body: dict[str, Any]) -> bool:
    """Return whether the tool that has to be called is among the tools."""
    choice, tools = body.get("tool_choice"), body.get("tools")
    if choice == "required":
        return bool(tools)
    if not isinstance(choice, dict) or not isinstance(choice.get("function"), dict):
        return True
    names = [
        tool["function"].get("name")
        for tool in (tools if isinstance(tools, list) else [])
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    ]
    return choice["function"].get("name") in names


def _calls(body: dict[str, Any]) -> list[Any]:
    messages = body.get("messages")
    return [
        call
        for message in (messages if isinstance(messages, list) else [])
        if isinstance(message, dict) and isinstance(message.get("tool_calls"), list)
        for call in message["tool_calls"]
    ]


def _are_objects(call: Any) -> bool:
    """Return whether the arguments of a tool call are the text of a JSON object."""
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(arguments, str) or not arguments:
        return True
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False
