"""A streamed chat completion: chunks, then `[DONE]`; an error in place of what is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.openai_api.chat import ChatCompletion, new_id
from ai_service.server_timing import server_timing

if TYPE_CHECKING:
    from ai_service.completion import Outcome
    from ai_service.errors import AnswerInterrupted
    from ai_service.transcript import Author
    from ai_service.validation import Question

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ChatCompletion).decode
_DONE = b"data: [DONE]\n\n"


class ChatChunks:
    """The events of one stream.

    Args:
        question: What is asked; knows whether the stream shall end with the tokens that were used.
    """

    restarts = False

    def __init__(self, question: Question) -> None:
        self._include_usage = question.include_usage
        self._common: dict[str, Any] = {
            "id": new_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "system_fingerprint": None,
        }

    def start(self, author: Author) -> bytes:
        """See Events."""
        self._common |= {"model": author.model, "provider": author.provider, "degraded": author.degraded}
        return self._choice({"role": "assistant", "content": ""}, None)

    def delta(self, text: str) -> bytes:
        """See Events."""
        return self._choice({"content": text}, None)

    def text_of(self, body: bytes) -> str:
        """See Events."""
        return _decode(body).choices[0].message.content

    def restart(self, void: AnswerInterrupted) -> bytes:
        """See Events; the format has no word for it."""
        raise void

    def end(self, outcome: Outcome, total_s: float, *, restarted: bool) -> bytes:
        """See Events. What took the time is in a comment, which clients of the format skip."""
        del restarted
        completion = _decode(outcome.entry.body)
        timing = server_timing(outcome.timings, outcome.passed_over, total_s)
        parts = [self._choice({}, completion.choices[0].finish_reason)]
        if self._include_usage:
            parts.append(_data({**self._common, "choices": [], "usage": completion.usage}))
        return b"".join([*parts, b": server-timing: %s\n\n" % timing, _DONE])

    def error(self, body: bytes) -> bytes:
        """See Events."""
        return b"data: %s\n\n" % body

    def _choice(self, delta: dict[str, str], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._common, "choices": [choice]}
        return _data(chunk | {"usage": None} if self._include_usage else chunk)


def _data(value: object) -> bytes:
    return b"data: %s\n\n" % _encode(value)
