"""Prompts that are longer than a model's context, as far as that can be known from outside.

Ollama tells nobody that it drops the beginning of a prompt: it counts what is left. No server of ours counts tokens
beforehand, so two bounds stand for it. A prompt has at least one token for each word: the vocabularies of language
models hold no piece that spans two of them. And it has at most one for each byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from ai_service.errors import ContextLengthExceeded

if TYPE_CHECKING:
    from ai_service.providers.base import Prompt

MAX_TOKEN_CHARACTERS = 64
"""Of the longest tokens in use: lines of `=` and the like."""
TEMPLATE_TOKENS = 32
"""What a template may add to a message: its role, and where it begins and ends."""
JSON_BYTES = 16
"""Quotes, separators and indentation of a value of a tool, or the value itself."""
MIN_TOKENS_TO_JUDGE = 512
"""Of a prompt for a context of unknown length: no model's is shorter."""
_EXCEEDED = re.compile(
    r"context[_ ](?:length|size|window)|exceed_context|maximum context|prompt (?:is )?too long|the available context",
    re.IGNORECASE,
)

Reading = Literal["whole", "doubtful", "cut"]
"""Whether a server read a whole prompt."""


def is_context_error(text: str) -> bool:
    """Return whether a server's error says that the prompt is longer than the context."""
    return _EXCEEDED.search(text) is not None


def exceeded(prompt: Prompt, context_tokens: int = 0) -> ContextLengthExceeded:
    """Return the error for a prompt that is too long."""
    fits = f" of {context_tokens} tokens" if context_tokens else ""
    problem = f"longer than the model's context{fits}"
    details = [{"field": "$.messages", "problem": problem}] if prompt.callers_own else None
    return ContextLengthExceeded(f"The prompt is {problem}.", details=details)


def texts_too_long(context_tokens: int = 0) -> ContextLengthExceeded:
    """Return the error for a text to embed that is too long."""
    fits = f" of {context_tokens} tokens" if context_tokens else ""
    problem = f"a text is longer than the model's context{fits}"
    return ContextLengthExceeded(f"$.input: {problem}.", details=[{"field": "$.input", "problem": problem}])


def refuse_overlong(prompt: Prompt, context_tokens: int) -> None:
    """Refuse a prompt that is certainly too long, before anybody is asked.

    Raises:
        ContextLengthExceeded: It has more words than the context has tokens.
    """
    if not context_tokens or sum(len(message["content"]) for message in prompt.messages) <= context_tokens:
        return
    if sum(least_tokens(message["content"]) for message in prompt.messages) > context_tokens:
        raise exceeded(prompt, context_tokens)


def reading_of(prompt: Prompt, prompt_tokens: int, context_tokens: int) -> Reading:
    """Tell from a server's count whether it read the whole prompt.

    Args:
        prompt: As it was sent.
        prompt_tokens: Number of tokens that the server says it read; 0 where it does not say.
        context_tokens: Tokens that fit into the context; 0 where that is unknown.
    """
    may_be_cut = _most_tokens(prompt) > context_tokens if context_tokens else True
    if not prompt_tokens:
        return "doubtful" if context_tokens and may_be_cut else "whole"
    if context_tokens and prompt_tokens >= context_tokens:
        return "cut"
    # Templates without a place for them leave messages of system and tools out, which is no question of length.
    said = [message["content"] for message in prompt.messages if message["role"] not in {"system", "tool"}]
    least = sum(map(least_tokens, said)) if may_be_cut else 0
    if prompt_tokens < least and (context_tokens or least >= MIN_TOKENS_TO_JUDGE):
        return "cut"
    if not context_tokens or not may_be_cut or len(said) < 2:
        return "whole"
    # Whole messages may be missing, the oldest first, and then the next one would not have fitted in.
    longest = max(len(text.encode()) for text in said[:-1]) + TEMPLATE_TOKENS
    return "doubtful" if prompt_tokens + longest > context_tokens else "whole"


def least_tokens(text: str) -> int:
    """Return a number of tokens that a text has at least."""
    return sum(1 + (len(word) - 1) // MAX_TOKEN_CHARACTERS for word in text.split())


def _most_tokens(prompt: Prompt) -> int:
    return sum(_bytes_of(message) + TEMPLATE_TOKENS for message in prompt.messages) + _bytes_of(prompt.tools)


def _bytes_of(part: object) -> int:
    """Return the length of a part of a prompt as a template may write it."""
    if isinstance(part, str):
        return len(part.encode())
    if isinstance(part, Mapping):
        return sum(_bytes_of(name) + _bytes_of(value) + JSON_BYTES for name, value in part.items())
    if isinstance(part, Sequence):
        return sum(_bytes_of(each) + JSON_BYTES for each in part)
    return JSON_BYTES
