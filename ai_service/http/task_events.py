"""The server-sent events of the three tasks.

    event: start    {"provider", "model", "degraded", "degraded_reason"?}     who writes
    event: delta    {"text"}                              joined, they are the JSON of the answer's data, unchecked
    event: title, description, nutrition                  a complete field of the data, unchecked: {"field", "value"}
    event: nutrient {"field", "value"}                    one number of a nutrition analysis
    event: ingredient, instruction, tag, suggestion       a complete item of a list: {"field", "value", "index"}
    event: restart  {"reason", "details"}                 all before is void, and nothing but `answer` comes
    event: answer   the envelope, as without streaming; `meta` says in addition what took the time
    event: error    the envelope of an error, in place of `answer`

A stored answer is replayed: its data as deltas, its parts, then its envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.http.event_stream import HEARTBEAT, SSE
from ai_service.http.server_timing import milliseconds
from ai_service.providers.transcript import Author, Part, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.errors import AnswerInterrupted
    from ai_service.tasks import Task

_VOID = "The answer broke off or was not a valid one. Drop what was sent of it; the whole answer follows in one piece."

_encode = msgspec.json.Encoder().encode


class _Stored(msgspec.Struct):
    success: bool
    data: msgspec.Raw
    message: str
    meta: dict[str, Any]


class TaskEvents:
    """The events of the three tasks.

    Args:
        task: Which one; knows the parts of its answers.
    """

    restarts = True
    media_type = SSE
    _decode = msgspec.json.Decoder(_Stored).decode

    def __init__(self, task: Task) -> None:
        self._task = task

    def start(self, author: Author) -> bytes:
        """See Events."""
        return _event(b"start", _encode(author))

    def delta(self, piece: Text) -> bytes:
        """See Events."""
        return _event(b"delta", _encode({"text": piece.text}))

    def part(self, part: Part) -> bytes:
        """See Events."""
        return _event(part.event.encode(), _encode(part.shown()))

    def replay(self, body: bytes) -> Iterable[Text | Part]:
        """See Events."""
        data = bytes(self._decode(body).data).decode()
        preview = self._task.preview()
        parts = preview.read(data) if preview else []
        return [Text(data), *(part for part in parts if isinstance(part, Part))]

    def heartbeat(self) -> bytes:
        """See Events."""
        return HEARTBEAT

    def restart(self, void: AnswerInterrupted) -> bytes:
        """See Events."""
        return _event(b"restart", _encode({"reason": _VOID, "details": void.details or []}))

    def end(self, result: AnswerResult, total_s: float, *, restarted: bool) -> bytes:
        """See Events."""
        answer = self._decode(result.entry.body)
        answer.meta["timings_ms"] = milliseconds(result.timings, result.skipped, total_s)
        if result.completion_tokens:
            answer.meta["completion_tokens"] = result.completion_tokens
        if result.skipped:
            answer.meta["passed_over"] = list(map(str, result.skipped))
        if restarted:
            answer.meta["restarted"] = True
        return _event(b"answer", _encode(answer))

    def error(self, body: bytes) -> bytes:
        """See Events."""
        return _event(b"error", body)


def _event(name: bytes, data: bytes) -> bytes:
    """One server-sent event; the data is JSON on one line."""
    return b"event: %s\ndata: %s\n\n" % (name, data)
