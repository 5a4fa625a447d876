"""What a model has written so far, for everybody who follows it.

One computation has one transcript, whether anybody follows it or not. Late subscribers get the text so far at once.
When an attempt fails, its text is void, and what another attempt writes does not continue it: subscribers that consumed
some of it are told so, and either wait for the whole answer or give up; everybody else never notices.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.errors import AnswerInterrupted
from ai_service.skipped_providers import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who writes: provider, model, and whether it stands in for the primary or makes its answers up, and why."""

    provider: str
    model: str
    degraded: bool
    degraded_reason: str = ""


class LookedUp(msgspec.Struct, frozen=True):
    """The cache was looked up and does not have the answer.

    Attributes:
        cache: How the request is answered, in the words of the metrics.
        seconds: What the look-up took.
    """

    cache: str
    seconds: float


class Started(msgspec.Struct, frozen=True):
    """A provider begins, after so many seconds in its queue."""

    author: Author
    queue_s: float


class Text(msgspec.Struct, frozen=True):
    """A piece of the answer, or of the reasoning before it."""

    text: str
    reasoning: bool = False


class Part(msgspec.Struct, frozen=True):
    """A complete part of the answer, before its checks.

    Attributes:
        event: What it is: `title`, `ingredient` and the like.
        field: The field of the answer's data that it is, or an item of.
        value: As in the answer's data.
        index: Of an item, from 0; None for a whole field.
    """

    event: str
    field: str
    value: Any
    index: int | None = None

    def shown(self) -> dict[str, Any]:
        """Return what callers get of it beside the event's name."""
        place = {} if self.index is None else {"index": self.index}
        return {"field": self.field, **place, "value": self.value}


class Invalidated(msgspec.Struct, frozen=True):
    """The text consumed so far is void, and no more comes."""

    error: AnswerInterrupted


class Finished(msgspec.Struct, frozen=True):
    """Nothing more comes: there is an answer, or an error, or the client left."""


Message = LookedUp | Skipped | Started | Text | Part | Invalidated | Finished
_WRITTEN = (Text, Part)
"""What is void once an attempt has failed."""


class Subscriber:
    """A caller's queue of messages about a computation.

    Args:
        restarts: Whether the caller can be told that the text it has is void, and wait for another answer.

    Attributes:
        consumed: Whether text was received.
    """

    def __init__(self, *, restarts: bool = False) -> None:
        self.consumed = False
        self._restarts = restarts
        self._void = False
        self._queue: asyncio.Queue[Message] = asyncio.Queue()

    def push(self, message: Message) -> None:
        """Queue a message; no text after text that is void, since it does not continue that."""
        if not (self._void and isinstance(message, _WRITTEN)):
            self._queue.put_nowait(message)

    async def receive(self) -> list[Message]:
        """Wait for messages and return all that there are, consecutive pieces of text of one kind joined."""
        messages: list[Message] = []
        for message in [await self._queue.get(), *self._pending()]:
            last = messages[-1] if messages else None
            if isinstance(message, Text) and isinstance(last, Text) and message.reasoning == last.reasoning:
                messages[-1] = Text(last.text + message.text, message.reasoning)
            else:
                messages.append(message)
        self.consumed = self.consumed or any(isinstance(message, _WRITTEN) for message in messages)
        return messages

    def invalidate(self, error: AnswerInterrupted) -> bool:
        """Drop the text that was not received; return whether the caller goes on: it has none, or can start again."""
        for message in self._pending():
            if not isinstance(message, _WRITTEN):
                self._queue.put_nowait(message)
        if self.consumed and not self._void:
            self._void = True
            self._queue.put_nowait(Invalidated(error))
        return not self.consumed or self._restarts

    def _pending(self) -> list[Message]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]


class Transcript:
    """The text of one computation.

    Args:
        callers: Number of callers that wait for the result only.

    Attributes:
        subscribers: Callers that get the text as it is written.
        running: Whether a provider is at work, instead of a queue or a lock in its way.
        author: Who writes, or wrote last; None before anybody does.
        skipped: The providers that gave no answer, in order.
        prompt_tokens: Tokens read in all attempts, as counted by the providers.
    """

    def __init__(self, *, callers: int = 1) -> None:
        self.subscribers: set[Subscriber] = set()
        self.callers = callers
        self.running = False
        self.author: Author | None = None
        self.skipped: list[Skipped] = []
        self.prompt_tokens = 0
        self._completion_tokens = 0
        self._uncounted_pieces = 0
        self._queue_s = 0.0
        self._pieces: list[Text | Part] = []

    @property
    def abandoned(self) -> bool:
        """Whether no caller waits any more."""
        return not self.callers and not self.subscribers

    @property
    def completion_tokens(self) -> int:
        """Tokens written in all attempts; a token for each piece of text that no provider counted."""
        return self._completion_tokens + self._uncounted_pieces

    def count(self, *, prompt_tokens: int, completion_tokens: int) -> None:
        """Add the tokens of an attempt as counted by its provider; 0 where it counts none."""
        self.prompt_tokens += prompt_tokens
        self._completion_tokens += completion_tokens or self._uncounted_pieces
        self._uncounted_pieces = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Surround a provider's work, which goes on where its last caller leaves."""
        self.running = True
        try:
            yield
        finally:
            self.running = False

    def attach(self, subscriber: Subscriber) -> None:
        """Give a subscriber what was written so far and, from now on, the rest."""
        self.subscribers.add(subscriber)
        for skipped in self.skipped:
            subscriber.push(skipped)
        if self.author is not None:
            subscriber.push(Started(self.author, self._queue_s))
        for piece in self._pieces:
            subscriber.push(piece)

    def detach(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self.subscribers.discard(subscriber)

    def begin(self, author: Author, queue_s: float = 0.0) -> None:
        """Note who is going to write, after so many seconds in its queue."""
        self.author, self._queue_s = author, queue_s
        self._publish(Started(author, queue_s))

    def skip(self, skipped: Skipped) -> None:
        """Note that a provider gave no answer."""
        self.skipped.append(skipped)
        self._publish(skipped)

    def write(self, text: str) -> None:
        """Add text of the answer."""
        self._add(Text(text))

    def show(self, pieces: Iterable[Text | Part]) -> None:
        """Add what another piece of the model's text makes readable."""
        self._uncounted_pieces += 1
        for piece in pieces:
            self._pieces.append(piece)
            self._publish(piece)

    def reason(self, text: str) -> None:
        """Add text of the reasoning before it."""
        self._add(Text(text, reasoning=True))

    def discard(self, provider: str, outcome: str) -> None:
        """Make the text void, because the attempt that wrote it failed.

        Args:
            provider: Whose attempt.
            outcome: Why, in the words of the metrics.
        """
        self._pieces.clear()
        self.count(prompt_tokens=0, completion_tokens=0)
        error = interruption([{"provider": provider, "problem": outcome}])
        self.subscribers = {subscriber for subscriber in self.subscribers if subscriber.invalidate(error)}

    def _add(self, piece: Text) -> None:
        if piece.text:
            self._pieces.append(piece)
            self._uncounted_pieces += 1
            self._publish(piece)

    def _publish(self, message: Message) -> None:
        for subscriber in self.subscribers:
            subscriber.push(message)


def interruption(details: list[dict[str, str]] | None = None) -> AnswerInterrupted:
    """Return the error for a caller whose text is void now."""
    return AnswerInterrupted("The answer broke off, and what was sent of it is void; ask again.", details=details)
