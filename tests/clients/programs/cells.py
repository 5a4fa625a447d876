"""What the client programs in Python share: the questions, and how cells are asked for and answered.

A program is started with one argument, a JSON object (`Target`). It prints a line with its client's version, then
answers each line of its standard input, the name of a cell, with one line of JSON: a `value` or an `error`. It runs in
the client's own environment, so nothing but the standard library is imported here.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "What is pesto?"
STREAMED = "What is risotto?"
OPENING = "Name a soup."
FURTHER = "Name another one."
DESCRIBE = "Describe pancakes as compact JSON: vegan, minutes."
TELL = "Write a long story about a cook."
REPEATED = "What is polenta?"
ASK_WEATHER = "What is the weather in Rome?"
WEATHER = "sunny"
"""What the tool answers."""

MAX_TOKENS = 24
STRUCTURED_MAX_TOKENS = 64
LONG_MAX_TOKENS = 4096
SEED = 1
UNKNOWN_MODEL = "gpt-4o"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {
    "type": "function",
    "function": {"name": "weather", "description": "Get the weather of a city.", "parameters": PARAMETERS},
}


@dataclass(frozen=True)
class Target:
    """The server that the cells ask.

    Attributes:
        url: Of the server, without a path.
        model: Its name there.
        stop: Texts that end a long answer; none where the server bounds it.
    """

    url: str
    model: str
    stop: tuple[str, ...]

    @property
    def v1(self) -> str:
        """Base URL of OpenAI's wire format."""
        return f"{self.url}/v1"


def read_target() -> Target:
    """Return the target that the command line names."""
    given = json.loads(sys.argv[1])
    return Target(given["url"], given["model"], tuple(given["stop"]))


def user(text: str) -> Any:
    """Return a message of the user."""
    return {"role": "user", "content": text}


def dish(found: Any) -> dict[str, Any]:
    """Return a structured answer as the matrix compares it."""
    return {"vegan": found.vegan, "minutes": found.minutes}


def serve(version: str, *functions: Callable[[], Any]) -> None:
    """Answer cells until the standard input ends.

    Args:
        version: Of the client.
        functions: One for each cell, named as it.
    """
    cells = {function.__name__: function for function in functions}
    with os.fdopen(os.dup(1), "w") as answers:
        sys.stdout = sys.stderr  # some clients print advice
        _write(answers, {"version": version})
        for line in sys.stdin:
            try:
                _write(answers, {"value": cells[line.strip()]()})
            except Exception as error:  # noqa: BLE001 - each is a cell's outcome
                _write(answers, {"error": _describe(error)})


def _describe(error: Exception) -> dict[str, Any]:
    kind = type(error)
    status = getattr(error, "status_code", None)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "status": status, "message": str(error)[:1000]}


def _write(answers: Any, value: Any) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()
