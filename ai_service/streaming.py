"""Answers as server-sent events: text as the model writes it, then the whole checked answer.

    event: start    {"provider", "model", "degraded"}     who writes
    event: delta    {"text"}                              joined, they are the answer's JSON as the model wrote it
    event: restart  {"reason", "details"}                 all deltas are void, and no more come; `answer` still does
    event: answer   the envelope, as without streaming; `meta` says in addition what took the time
    event: error    the envelope of an error, in place of `answer`

The response begins with the first text, so that an error before it has its own status. Where that takes long it begins
without, and comments keep the connection alive. A stored answer is replayed: its data as deltas, then its envelope.

`Server-Timing` tells what is known when the response begins; all of it is in the last event, since the server that runs
this (uvicorn) sends no trailers with HTTP/1.1.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ai_service.errors import AnswerInterrupted, Disconnected
from ai_service.server_timing import milliseconds
from ai_service.transcript import Author, Follower, interruption

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Send

    from ai_service.completion import Outcome

Headers = list[tuple[bytes, bytes]]

HEARTBEAT_S = 5.0
"""Below the idle time-out of every common proxy; also the time for which an error keeps a status of its own."""
REPLAY_PIECE_CHARACTERS = 80
_HEARTBEAT = b": waiting\n\n"
_VOID = "The answer broke off or was not a valid one. Drop what was sent of it; the whole answer follows in one piece."
EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events otherwise.
]

_encode = msgspec.json.Encoder().encode


class Events(Protocol):
    """How a stream looks on the wire.

    Attributes:
        restarts: Whether the wire format can say that what was sent is void.
    """

    restarts: bool

    def start(self, author: Author) -> bytes:
        """What comes before the first text."""

    def delta(self, text: str) -> bytes:
        """A piece of the answer."""

    def text_of(self, body: bytes) -> str:
        """The text that stands for a stored answer in a replay."""

    def restart(self, void: AnswerInterrupted) -> bytes:
        """What was sent is void; only where the format `restarts`."""

    def end(self, outcome: Outcome, total_s: float, *, restarted: bool) -> bytes:
        """The whole answer.

        Args:
            outcome: With the body that a request without streaming gets.
            total_s: Seconds since the request came.
            restarted: Whether what was sent before is void.
        """

    def error(self, body: bytes) -> bytes:
        """An error after the stream has begun, from the body that it has without streaming."""


class _Stored(msgspec.Struct):
    success: bool
    data: msgspec.Raw
    message: str
    meta: dict[str, Any]


class TaskEvents:
    """The events of the three tasks."""

    restarts = True
    _decode = msgspec.json.Decoder(_Stored).decode

    def start(self, author: Author) -> bytes:
        """See Events."""
        return event(b"start", _encode(author))

    def delta(self, text: str) -> bytes:
        """See Events."""
        return event(b"delta", _encode({"text": text}))

    def text_of(self, body: bytes) -> str:
        """See Events."""
        return bytes(self._decode(body).data).decode()

    def restart(self, void: AnswerInterrupted) -> bytes:
        """See Events."""
        return event(b"restart", _encode({"reason": _VOID, "details": void.details or []}))

    def end(self, outcome: Outcome, total_s: float, *, restarted: bool) -> bytes:
        """See Events."""
        answer = self._decode(outcome.entry.body)
        answer.meta["timings_ms"] = milliseconds(outcome.timings, total_s)
        if outcome.passed_over:
            answer.meta["passed_over"] = [f"{name}: {reason}" for name, reason in outcome.passed_over]
        if restarted:
            answer.meta["restarted"] = True
        return event(b"answer", _encode(answer))

    def error(self, body: bytes) -> bytes:
        """See Events."""
        return event(b"error", body)


class EventStream:
    """One streamed response.

    Args:
        events: How it looks.
        headers: Gives the response's headers: for a follower that waits or has text, or for a finished outcome.
        send: ASGI's.
        started: `time.perf_counter()` when the request came.
        heartbeat_s: Seconds without text after which the response begins nevertheless, and between two comments.

    Attributes:
        begun: Whether the response has begun: an error can have no status any more.
    """

    def __init__(
        self,
        events: Events,
        headers: Callable[[Follower, Outcome | None], Headers],
        send: Send,
        *,
        started: float,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._events = events
        self._headers = headers
        self._send = send
        self._heartbeat_s = heartbeat_s
        self._started = started
        self._author_sent = False
        self._restarted = False
        self.begun = False

    async def run(self, answer: Callable[[Follower], Awaitable[Outcome]], receive: Receive) -> Outcome:
        """Streams an answer to its end.

        Args:
            answer: Answers, writing to the follower it is given meanwhile; cancelled where the client leaves.
            receive: ASGI's; the request's body has been read from it.

        Raises:
            HTTPError: There is no answer; the response may have begun.
            Disconnected: The client left.
        """
        follower = Follower(restarts=self._events.restarts)
        answering = asyncio.ensure_future(answer(follower))
        leaving = asyncio.ensure_future(_disconnected(receive))
        for task in (answering, leaving):
            task.add_done_callback(lambda _done: follower.wake())
        try:
            outcome = await self._follow(follower, answering, leaving)
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        await self._finish(follower, outcome)
        return outcome

    async def fail(self, body: bytes) -> None:
        """Ends a stream that has begun with an error."""
        await self._part(self._events.error(body), more=False)

    async def _follow(
        self, follower: Follower, answering: asyncio.Future[Outcome], leaving: asyncio.Future[None]
    ) -> Outcome:
        """Sends what is written until the answer is there."""
        while True:
            news = await follower.wait(self._heartbeat_s)
            if leaving.done():
                raise Disconnected
            finished = answering.done()  # Looked at before the text: what comes later brings news of its own.
            text = follower.take()
            if text and follower.author is not None:
                await self._begin(follower, None)
                await self._part(self._start(follower.author) + self._events.delta(text))
            elif follower.void is not None and not self._restarted:
                await self._part(self._restart(follower.void))
            elif not news:
                await self._begin(follower, None)
                await self._part(_HEARTBEAT)
            if finished:
                return answering.result()

    async def _finish(self, follower: Follower, outcome: Outcome) -> None:
        """Sends the whole answer, after a replay of its text where none was sent."""
        parts = []
        if not follower.told:
            await self._begin(follower, outcome)
            entry = outcome.entry
            parts.append(self._start(Author(entry.provider, entry.model, entry.degraded)))
            text = self._events.text_of(entry.body)
            parts += [
                self._events.delta(text[at : at + REPLAY_PIECE_CHARACTERS])
                for at in range(0, len(text), REPLAY_PIECE_CHARACTERS)
            ]
        elif outcome.cache in {"hit", "stale"} and not self._restarted:  # What was sent is not the beginning of this.
            if not self._events.restarts:
                raise interruption()
            parts.append(self._restart(interruption()))
        total_s = time.perf_counter() - self._started
        parts.append(self._events.end(outcome, total_s, restarted=self._restarted))
        await self._part(b"".join(parts), more=False)

    async def _begin(self, follower: Follower, outcome: Outcome | None) -> None:
        if not self.begun:
            self.begun = True
            headers = self._headers(follower, outcome)
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    def _start(self, author: Author) -> bytes:
        if self._author_sent:
            return b""
        self._author_sent = True
        return self._events.start(author)

    def _restart(self, void: AnswerInterrupted) -> bytes:
        self._restarted = True
        return self._events.restart(void)

    async def _part(self, part: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})


def event(name: bytes, data: bytes) -> bytes:
    """One server-sent event; the data is JSON on one line."""
    return b"event: %s\ndata: %s\n\n" % (name, data)


async def _disconnected(receive: Receive) -> None:
    """Returns when the client has left."""
    message: Any = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
