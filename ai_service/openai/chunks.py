"""A streamed chat completion: chunks, then `[DONE]`; an error in place of what is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.http.event_stream import HEARTBEAT, SSE
from ai_service.http.server_timing import server_timing
from ai_service.http.wire_format import StoredFormat
from ai_service.openai.chat import ChatCompletion, new_id
from ai_service.providers.transcript import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.errors import AnswerInterrupted
    from ai_service.providers.transcript import Author, Part
    from ai_service.tasks.request_parser import ParsedRequest

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ChatCompletion).decode
_DONE = b"data: [DONE]\n\n"


class OpenAIFormat(StoredFormat):
    """OpenAI's wire format, in which chat completions are stored too."""

    def events(self, parsed: ParsedRequest, /) -> ChatChunks:
        """See WireFormat."""
        return ChatChunks(parsed)


class ChatChunks:
    """The events of one stream.

    Args:
        parsed: What is asked; knows whether the stream shall end with the tokens that were used.
    """

    restarts = False
    media_type = SSE

    def __init__(self, parsed: ParsedRequest) -> None:
        self._include_usage = parsed.include_usage
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

    def delta(self, piece: Text) -> bytes:
        """See Events."""
        return self._choice({"reasoning_content" if piece.reasoning else "content": piece.text}, None)

    def part(self, _part: Part) -> bytes:
        """See Events; a conversation has none."""
        return b""

    def replay(self, body: bytes) -> Iterable[Text]:
        """See Events."""
        message = _decode(body).choices[0].message
        reasoning = message.reasoning_content or ""
        return [Text(reasoning, reasoning=True), Text(message.content or "")]

    def heartbeat(self) -> bytes:
        """See Events."""
        return HEARTBEAT

    def restart(self, void: AnswerInterrupted) -> bytes:
        """See Events; the format has no word for it."""
        raise void

    def end(self, result: AnswerResult, total_s: float, *, restarted: bool) -> bytes:
        """See Events. What took the time is in a comment, which clients of the format skip."""
        del restarted
        completion = _decode(result.entry.body)
        timing = server_timing(result.timings, result.skipped, total_s)
        message = completion.choices[0].message
        parts = [self._choice({"refusal": message.refusal}, None)] if message.refusal else []
        if message.tool_calls:
            calls = [{"index": index, **msgspec.to_builtins(call)} for index, call in enumerate(message.tool_calls)]
            parts.append(self._choice({"tool_calls": calls}, None))
        parts.append(self._choice({}, completion.choices[0].finish_reason))
        if self._include_usage:
            parts.append(_data({**self._common, "choices": [], "usage": completion.usage}))
        return b"".join([*parts, b": server-timing: %s\n\n" % timing, _DONE])

    def error(self, body: bytes) -> bytes:
        """See Events."""
        return b"data: %s\n\n" % body

    def _choice(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._common, "choices": [choice]}
        return _data(chunk | {"usage": None} if self._include_usage else chunk)


def _data(value: object) -> bytes:
    return b"data: %s\n\n" % _encode(value)
