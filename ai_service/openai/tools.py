"""Tools that a model may call: functions of the caller, who runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ai_service.json_schema.rules import find_fault
from ai_service.schemas import Problem, documented

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_TOOLS = 128
MAX_NAME_CHARACTERS = 128
_GRAMMAR_KEYWORDS = frozenset({"pattern", "patternProperties", "format"})
"""Servers that make a grammar of a schema die of some patterns."""


class FunctionDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A function.

    Attributes:
        parameters: JSON schema of its arguments.
        strict: Whether arguments that do not fit the schema are an error.
    """

    name: Annotated[str, documented(minLength=1, maxLength=MAX_NAME_CHARACTERS)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool; `function` is the only type that is supported."""

    type: Literal["function"]
    function: FunctionDefinition


class ChosenFunction(msgspec.Struct, frozen=True):
    """Name of a function."""

    name: str


class NamedToolChoice(msgspec.Struct, frozen=True):
    """The tool that the model has to call."""

    type: Literal["function"]
    function: ChosenFunction


ToolChoice = Literal["none", "auto", "required"] | NamedToolChoice


def tool_problems(tools: Sequence[Tool], choice: ToolChoice | None) -> Iterator[Problem]:
    """Yield what is wrong with tools and the choice of one."""
    names: set[str] = set()
    for index, tool in enumerate(tools):
        path = f"$.tools[{index}]"
        yield from _function_problems(tool.function, f"{path}.function")
        names.add(tool.function.name)
    if isinstance(choice, NamedToolChoice) and choice.function.name not in names:
        yield "$.tool_choice.function.name", "expected the name of one of the tools"
    if choice == "required" and not tools:
        yield "$.tool_choice", "expected tools as well"


def _function_problems(function: FunctionDefinition, path: str) -> Iterator[Problem]:
    if not 0 < len(function.name) <= MAX_NAME_CHARACTERS:
        yield f"{path}.name", f"expected a name of 1 to {MAX_NAME_CHARACTERS} characters"
    try:
        fault = find_fault(without_grammar(function.parameters)) if function.parameters else None
    except RecursionError:
        fault = ("", "nested too deeply")
    if fault is not None:
        yield f"{path}.parameters{fault[0]}", f"no JSON schema: {fault[1]}"


def canonical_tools(tools: Sequence[Tool], choice: ToolChoice | None) -> list[Tool] | None:
    """Return the tools that the model may call: none where the caller wants none called, one where it is chosen."""
    if choice == "none":
        return None
    chosen = choice.function.name if isinstance(choice, NamedToolChoice) else None
    return [_canonical(tool) for tool in tools if chosen in {None, tool.function.name}] or None


def _canonical(tool: Tool) -> Tool:
    function = tool.function
    return Tool(
        "function",
        FunctionDefinition(
            function.name, function.description or None, function.parameters or None, function.strict or None
        ),
    )


def prompt_tools(tools: Sequence[Tool]) -> tuple[dict[str, Any], ...]:
    """Return canonical tools as a provider's server gets them, in OpenAI's wire format."""
    shown = []
    for tool in tools:
        parameters = without_grammar(tool.function.parameters or {"type": "object", "properties": {}})
        function = {
            "name": tool.function.name,
            "description": tool.function.description or "",
            "parameters": parameters,
        }
        shown.append({"type": "function", "function": function})
    return tuple(shown)


def without_grammar(schema: Any) -> Any:
    """Return a schema without the keywords that some servers die of; names of properties are kept whatever they are."""
    if isinstance(schema, list):
        return [without_grammar(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: without_grammar(each) for key, each in value.items()}
        if name in {"properties", "$defs", "definitions"} and isinstance(value, dict)
        else value
        if name in {"enum", "const", "default", "examples"}
        else without_grammar(value)
        for name, value in schema.items()
        if name not in _GRAMMAR_KEYWORDS
    }
