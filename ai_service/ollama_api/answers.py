"""Answers in Ollama's wire format: one object, or a stream of lines of JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.openai.chat import ChatCompletion
from ai_service.providers.transcript import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.errors import AnswerInterrupted
    from ai_service.openai.chat import Message
    from ai_service.providers.transcript import Author, Part
    from ai_service.tasks.request_parser import ParsedRequest

NDJSON = b"application/x-ndjson"
_NS = 1_000_000_000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ChatCompletion).decode


def chat_part(text: str, *, reasoning: str = "", calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a piece of an answer of `/api/chat`."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if reasoning:
        message["thinking"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return {"message": message}


def generate_part(text: str, *, reasoning: str = "", calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a piece of an answer of `/api/generate`, which knows no tools."""
    del calls
    return {"response": text, **({"thinking": reasoning} if reasoning else {})}


class OllamaAnswers:
    """Render answers of one route.

    Args:
        generate: Whether the route is `/api/generate`.
    """

    streams_by_default = True
    renders = True
    reads_any_type = True

    def __init__(self, *, generate: bool) -> None:
        self._part = generate_part if generate else chat_part

    def render(self, result: AnswerResult, total_s: float) -> bytes:
        """See WireFormat."""
        completion = _decode(result.entry.body)
        message = completion.choices[0].message
        part = self._part(
            message.content or message.refusal or "", reasoning=message.reasoning_content or "", calls=_calls(message)
        )
        return _encode(_last(part, completion, result, total_s))

    def events(self, _parsed: ParsedRequest, /) -> OllamaEvents:
        """See WireFormat."""
        return OllamaEvents(self._part)


class OllamaEvents:
    """The lines of one stream."""

    restarts = False
    media_type = NDJSON

    def __init__(self, part: Any) -> None:
        self._part = part
        self._model = ""

    def start(self, author: Author) -> bytes:
        """See Events; there is no line of its own for it."""
        self._model = author.model
        return b""

    def delta(self, piece: Text) -> bytes:
        """See Events."""
        part = self._part("", reasoning=piece.text) if piece.reasoning else self._part(piece.text)
        return self._line(part)

    def part(self, _part: Part) -> bytes:
        """See Events; a conversation has none."""
        return b""

    def replay(self, body: bytes) -> Iterable[Text]:
        """See Events."""
        message = _decode(body).choices[0].message
        return [Text(message.reasoning_content or "", reasoning=True), Text(message.content or "")]

    def restart(self, void: AnswerInterrupted) -> bytes:
        """See Events; the format has no word for it."""
        raise void

    def heartbeat(self) -> bytes:
        """See Events; the format knows no comments, so an empty piece stands for one."""
        return self._line(self._part(""))

    def end(self, result: AnswerResult, total_s: float, *, restarted: bool) -> bytes:
        """See Events."""
        del restarted
        completion = _decode(result.entry.body)
        message = completion.choices[0].message
        calls = _calls(message)
        before = self._line(self._part(message.refusal)) if message.refusal else b""
        before += self._line(self._part("", calls=calls)) if calls else b""
        return before + _encode(_last(self._part(""), completion, result, total_s)) + b"\n"

    def error(self, body: bytes) -> bytes:
        """See Events."""
        return body + b"\n"

    def _line(self, part: dict[str, Any]) -> bytes:
        return _encode({"model": self._model, "created_at": _now(), **part, "done": False}) + b"\n"


def _calls(message: Message) -> list[dict[str, Any]]:
    return [
        {"function": {"name": call.function.name, "arguments": msgspec.Raw(call.function.arguments.encode())}}
        for call in message.tool_calls or []
    ]


def _last(part: dict[str, Any], completion: ChatCompletion, result: AnswerResult, total_s: float) -> dict[str, Any]:
    """Return the last object of an answer; durations in nanoseconds, that of a stored answer's computation included."""
    usage = completion.usage
    counts = {"prompt_eval_count": usage.prompt_tokens, "eval_count": usage.completion_tokens} if usage else {}
    return {
        "model": completion.model,
        "created_at": datetime.fromtimestamp(completion.created, UTC).isoformat().replace("+00:00", "Z"),
        **part,
        "done": True,
        "done_reason": "length" if completion.choices[0].finish_reason == "length" else "stop",
        "total_duration": int(total_s * _NS),
        "load_duration": int(dict(result.timings).get("load", 0.0) * _NS),
        **counts,
        "eval_duration": int(result.entry.compute_s * _NS),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
