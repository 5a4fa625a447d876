"""Answers as streams: text as the model writes it, then the whole checked answer.

The response begins with the first text, so that an error before it has its own status. Where that takes long it begins
without, and comments keep the connection alive. A stored answer is replayed: its text, its parts, then the whole.

`Server-Timing` tells what is known when the response begins; all of it is in the last event, since the server that runs
this (uvicorn) sends no trailers with HTTP/1.1.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from ai_service.answers.disconnect import wait_for_disconnect
from ai_service.errors import AnswerInterrupted, Disconnected
from ai_service.providers.transcript import (
    Author,
    Finished,
    Invalidated,
    LookedUp,
    Part,
    Started,
    Subscriber,
    Text,
    interruption,
)
from ai_service.skipped_providers import Skipped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import Receive, Send

    from ai_service.answers.answer_result import AnswerResult

Headers = list[tuple[bytes, bytes]]

HEARTBEAT_S = 5.0
"""Below the idle time-out of every common proxy; also the time for which an error keeps a status of its own."""
REPLAY_PIECE_CHARACTERS = 80
HEARTBEAT = b": waiting\n\n"
SSE = b"text/event-stream; charset=utf-8"


class Events(Protocol):
    """How a stream looks on the wire.

    Attributes:
        restarts: Whether the wire format can say that what was sent is void.
        media_type: Of the response.
    """

    restarts: bool
    media_type: bytes

    def start(self, author: Author) -> bytes:
        """Encode the event before the first text."""

    def delta(self, piece: Text) -> bytes:
        """Encode a piece of the answer, or of the reasoning before it."""

    def part(self, part: Part) -> bytes:
        """Encode a complete part of the answer; b"" where the format has no such thing."""

    def replay(self, body: bytes) -> Iterable[Text | Part]:
        """Return what stands for a stored answer in a replay."""

    def heartbeat(self) -> bytes:
        """Encode what keeps the connection alive while there is no text."""

    def restart(self, void: AnswerInterrupted) -> bytes:
        """Encode the invalidation of everything sent so far; only where the format `restarts`."""

    def end(self, result: AnswerResult, total_s: float, *, restarted: bool) -> bytes:
        """Encode the whole answer.

        Args:
            result: With the body that a request without streaming gets.
            total_s: Seconds since the request came.
            restarted: Whether what was sent before is void.
        """

    def error(self, body: bytes) -> bytes:
        """Encode an error after the start of the stream, from its body without streaming."""


class Progress(msgspec.Struct):
    """What is known of an answer that is being written.

    Attributes:
        cache: How the request is answered, in the words of the metrics; "" before that is known.
        author: Who writes; None before anybody does.
        timings: Seconds by name.
        skipped: The providers that gave no answer so far.
    """

    cache: str = ""
    author: Author | None = None
    timings: dict[str, float] = {}
    skipped: list[Skipped] = []


class EventStream:
    """One streamed response.

    Args:
        events: How it looks.
        headers: Gives the response's headers: for an answer that is being written, or for a finished one.
        send: ASGI's.
        started: `time.perf_counter()` when the request came.
        heartbeat_s: Seconds without text after which the response begins nevertheless, and between two comments.

    Attributes:
        begun: Whether the response has begun: an error can have no status any more.
        first_part_s: Seconds from the request to the first complete part; None where none was sent, or is void.
    """

    def __init__(
        self,
        events: Events,
        headers: Callable[[Progress, AnswerResult | None], Headers],
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
        self._progress = Progress()
        self._author_sent = False
        self._restarted = False
        self.begun = False
        self.first_part_s: float | None = None

    async def run(self, answer: Callable[[Subscriber], Awaitable[AnswerResult]], receive: Receive) -> AnswerResult:
        """Stream an answer to its end.

        Args:
            answer: Answers, telling the subscriber meanwhile; cancelled where the client leaves.
            receive: ASGI's; the request's body has been read from it.

        Raises:
            HTTPError: There is no answer; the response may have begun.
            Disconnected: The client left.
        """
        subscriber = Subscriber(restarts=self._events.restarts)
        answering = asyncio.ensure_future(answer(subscriber))
        leaving = asyncio.ensure_future(wait_for_disconnect(receive))
        for task in (answering, leaving):
            task.add_done_callback(lambda _done: subscriber.push(Finished()))
        try:
            await self._follow(subscriber)
            if leaving.done():
                raise Disconnected
            result = answering.result()
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        await self._finish(result)
        return result

    async def fail(self, body: bytes) -> None:
        """End a stream that has begun with an error."""
        await self._part(self._events.error(body), more=False)

    async def _follow(self, subscriber: Subscriber) -> None:
        """Send what is written until nothing more comes.

        Raises:
            AnswerInterrupted: What was sent is void, and the wire format cannot say so.
        """
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    messages = await subscriber.receive()
            except TimeoutError:
                await self._begin(None)
                await self._part(self._events.heartbeat())
                continue
            for message in messages:
                match message:
                    case LookedUp(cache=cache, seconds=seconds):
                        self._progress.cache = cache
                        self._progress.timings["cache"] = seconds
                    case Skipped():
                        self._progress.skipped.append(message)
                    case Started(author=author, queue_s=queue_s):
                        self._progress.author = author
                        self._progress.timings["queue"] = queue_s
                    case Text():
                        await self._begin(None)
                        await self._part(self._start(self._progress.author) + self._events.delta(message))
                    case Part():
                        await self._part(self._complete(message))
                    case Invalidated(error=error):
                        if not self._events.restarts:
                            raise error
                        await self._part(self._restart(error))
                    case Finished():
                        return

    async def _finish(self, result: AnswerResult) -> None:
        """Send the whole answer, after a replay of its text where none was sent."""
        parts = []
        if not self._author_sent:
            await self._begin(result)
            entry = result.entry
            parts.append(self._start(Author(entry.provider, entry.model, entry.degraded, entry.degraded_reason)))
            parts += [part for piece in self._events.replay(entry.body) for part in self._replayed(piece)]
        elif result.cache in {"hit", "stale"} and not self._restarted:  # What was sent is not the beginning of this.
            if not self._events.restarts:
                raise interruption()
            parts.append(self._restart(interruption()))
        total_s = time.perf_counter() - self._started
        if self.first_part_s is not None:
            result = msgspec.structs.replace(result, timings=(*result.timings, ("first_part", self.first_part_s)))
        parts.append(self._events.end(result, total_s, restarted=self._restarted))
        await self._part(b"".join(parts), more=False)

    def _replayed(self, piece: Text | Part) -> Iterable[bytes]:
        if isinstance(piece, Part):
            return [self._complete(piece)]
        starts = range(0, len(piece.text), REPLAY_PIECE_CHARACTERS)
        return [
            self._events.delta(Text(piece.text[at : at + REPLAY_PIECE_CHARACTERS], piece.reasoning)) for at in starts
        ]

    def _complete(self, part: Part) -> bytes:
        if self.first_part_s is None:
            self.first_part_s = time.perf_counter() - self._started
        return self._events.part(part)

    async def _begin(self, result: AnswerResult | None) -> None:
        if not self.begun:
            self.begun = True
            headers = self._headers(self._progress, result)
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    def _start(self, author: Author | None) -> bytes:
        if self._author_sent or author is None:
            return b""
        self._author_sent = True
        return self._events.start(author)

    def _restart(self, void: AnswerInterrupted) -> bytes:
        self._restarted = True
        self.first_part_s = None
        return self._events.restart(void)

    async def _part(self, part: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})
