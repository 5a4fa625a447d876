"""Options of Ollama's requests: what shapes an answer is passed on, what would change the model's runner is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ai_service.schemas import Problem, documented

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NUMBERS = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
WHOLE_NUMBERS = ("top_k", "seed", "num_predict")
RUNNER = frozenset(
    [
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "num_thread",
        "num_keep",
        "use_mmap",
        "use_mlock",
        "numa",
        "low_vram",
        "f16_kv",
        "vocab_only",
        "logits_all",
        "embedding_only",
    ]
)
"""Options of the process that runs the model: every other value would load it anew, for all callers."""
_ALLOWED = (*NUMBERS, *WHOLE_NUMBERS, "stop")

_STOPS = {"type": "array", "items": {"type": "string", "minLength": 1}}
_SHAPES: dict[str, Any] = {
    **{name: {"type": ["number", "null"], "minimum": low, "maximum": high} for name, (low, high) in NUMBERS.items()},
    **{name: {"type": ["integer", "null"]} for name in WHOLE_NUMBERS},
    "stop": {"anyOf": [{"type": "string", "minLength": 1}, _STOPS, {"type": "null"}]},
    **{name: {"type": "null"} for name in sorted(RUNNER)},
}
Options = Annotated[dict[str, Any], documented(properties=_SHAPES, additionalProperties=False)]
"""Options of a request, as the document describes them."""


def option_problems(options: Mapping[str, Any], *, drops_unsupported: bool) -> Iterator[Problem]:
    """Yield what is wrong with options; null stands for an absent one.

    Args:
        options: As sent.
        drops_unsupported: Whether unknown options are dropped, instead of refused by name.
    """
    for name, value in options.items():
        path = f"$.options.{name[:64]}"
        if value is None:
            continue
        if name in RUNNER:
            yield path, "options of the runner are the operator's; leave it out"
        elif name in NUMBERS:
            low, high = NUMBERS[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                yield path, f"expected a number from {low} to {high}"
        elif name in WHOLE_NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
                yield path, "expected a whole number"
        elif name == "stop":
            stops = [value] if isinstance(value, str) else value
            if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
                yield path, "expected a text, or a list of texts that are not empty"
        elif not drops_unsupported:
            yield path, f"unknown option; expected one of {', '.join(_ALLOWED)}"


def request_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return valid options as fields of a chat request in OpenAI's wire format."""
    fields = {name: value for name, value in options.items() if name in _ALLOWED and value is not None}
    fields |= {name: int(fields[name]) for name in WHOLE_NUMBERS if name in fields}
    budget = fields.pop("num_predict", None)
    return {**fields, "max_tokens": budget if budget is not None and budget > 0 else None}
