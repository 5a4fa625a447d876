"""What is expected of each cell's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.clients.stand_in import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.client_process import Outcome

MAX_TOKENS = 64
"""Token budget of the service."""
_LONG_MAX_TOKENS = 4096
_CALLS = [{"name": "weather", "arguments": {"city": "Rome"}}]


def fault(cell: str, outcome: Outcome, *, bounded: bool) -> str:
    """Return what is wrong with an outcome; empty where nothing is.

    Args:
        cell: Its cell.
        outcome: What came of it.
        bounded: Whether the server clamps token budgets, as the service does.
    """
    if cell == "unknown_model":
        return "" if (outcome.error or {}).get("status") == 404 else outcome.message or f"no error: {outcome.value}"
    if outcome.error is not None:
        return outcome.message
    if cell == "long":
        budget = MAX_TOKENS if bounded else _LONG_MAX_TOKENS
        good = _is_answer(outcome.value) and outcome.value["completion_tokens"] <= budget
    else:
        try:
            good = _CHECKS[cell](outcome.value)
        except (KeyError, TypeError, IndexError):
            good = False
    return "" if good else f"unexpected: {str(outcome.value)[:300]}"


def _is_answer(value: Any) -> bool:
    counts = [value[name] for name in ("prompt_tokens", "completion_tokens") if name in value]
    return bool(value["text"].strip()) and bool(counts) and all(count > 0 for count in counts)


def _is_dish(value: Any) -> bool:
    return set(value) == {"vegan", "minutes"} and isinstance(value["vegan"], bool) and 1 <= value["minutes"] <= 99


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "plain": _is_answer,
    "generate": _is_answer,
    "stream": lambda value: _is_answer(value) and value["pieces"] > 3,
    "conversation": lambda value: all(text.strip() for text in value["texts"]),
    "structured": _is_dish,
    "cached": lambda value: value["texts"][0] == value["texts"][1] != "",
    "embeddings": lambda value: len(set(value["lengths"])) == 1 and value["lengths"][0] > 100,
    "models": lambda value: value["retrieved"] == value["names"][0],
    "tools": lambda value: value["calls"] == _CALLS and value["text"] == FINAL,
    "tools_stream": lambda value: value["calls"] == _CALLS,
    "structured_by_tool": _is_dish,
}
