"""Answers as server-sent events: text as the model writes it, then the whole checked answer.

    event: start    {"provider", "model", "degraded"}     who writes
    event: delta    {"text"}                              joined, they are the answer's JSON as the model wrote it
    event: answer   the envelope, as without streaming
    event: error    the envelope of an error, in place of `answer`

The response begins with the first text, so that an error before it has its own status. Where that takes long it begins
without, and comments keep the connection alive. A stored answer is replayed: its data as deltas, then its envelope.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ai_service.errors import Disconnected
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
EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events otherwise.
]

_encode = msgspec.json.Encoder().encode


class Events(Protocol):
    """How a stream looks on the wire."""

    def start(self, author: Author) -> bytes:
        """What comes before the first text."""

    def delta(self, text: str) -> bytes:
        """A piece of the answer."""

    def text_of(self, body: bytes) -> str:
        """The text that stands for a stored answer in a replay."""

    def end(self, body: bytes) -> bytes:
        """The whole answer, from the body that a request without streaming gets."""

    def error(self, body: bytes) -> bytes:
        """An error after the stream has begun, from the body that it has without streaming."""


class _Stored(msgspec.Struct):
    data: msgspec.Raw


class TaskEvents:
    """The events of the three tasks."""

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

    def end(self, body: bytes) -> bytes:
        """See Events."""
        return event(b"answer", body)

    def error(self, body: bytes) -> bytes:
        """See Events."""
        return event(b"error", body)


class EventStream:
    """One streamed response.

    Args:
        events: How it looks.
        headers: Gives the response's headers: for a follower that waits or has text, or for a finished outcome.
        send: ASGI's.
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
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._events = events
        self._headers = headers
        self._send = send
        self._heartbeat_s = heartbeat_s
        self._author_sent = False
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
        follower = Follower()
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
        elif outcome.cache in {"hit", "stale"}:  # What was sent is not the beginning of this answer.
            raise interruption()
        parts.append(self._events.end(outcome.entry.body))
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
