"""What a model has written so far, for everybody who follows it.

One computation has one transcript, whether anybody follows it or not. Who comes late gets the text so far at once. When
an attempt fails, its text is void, and what another attempt writes does not continue it: followers that took some of it
are told so, and either wait for the whole answer or give up; everybody else never notices.
"""

from __future__ import annotations

import asyncio

import msgspec

from ai_service.errors import AnswerInterrupted


class Author(msgspec.Struct, frozen=True):
    """Who writes: provider, model, and whether it stands in for the primary or makes its answers up."""

    provider: str
    model: str
    degraded: bool


class Follower:
    """One caller's view of a transcript.

    Args:
        restarts: Whether the caller can be told that the text it has is void, and wait for another answer.

    Attributes:
        author: Who writes; None before anybody does.
        cache: How the request is being answered, in the words of the metrics; "" before that is known.
        timings: Seconds by name, as far as they are known.
        told: Whether text was taken.
        void: Why what was taken is void, and no more text comes; None where it is not.
    """

    def __init__(self, *, restarts: bool = False) -> None:
        self.author: Author | None = None
        self.cache = ""
        self.timings: dict[str, float] = {}
        self.told = False
        self.void: AnswerInterrupted | None = None
        self._restarts = restarts
        self._pending: list[str] = []
        self._news = asyncio.Event()

    def take(self) -> str:
        """The text since the last time; "" where there is none.

        Raises:
            AnswerInterrupted: What was taken before is void, and the caller cannot start again.
        """
        if self.void is not None and not self._restarts:
            raise self.void
        text = "".join(self._pending)
        self._pending.clear()
        self._news.clear()
        self.told = self.told or bool(text)
        return text

    async def wait(self, seconds: float) -> bool:
        """Waits for news; False where none came in that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        """Ends the waiting, text or not."""
        self._news.set()

    def hear(self, text: str) -> None:
        """Hands over text; not to a caller whose text is void, since it does not continue that."""
        if self.void is not None:
            return
        self._pending.append(text)
        self._news.set()

    def forget(self, error: AnswerInterrupted) -> bool:
        """Drops what was not taken; whether the follower goes on: it took nothing, or can start again."""
        self._pending.clear()
        if self.told and self.void is None:
            self.void = error
            self._news.set()
        return not self.told or self._restarts


class Transcript:
    """The text of one computation.

    Args:
        kept: Whether somebody wants the result, however it comes about.

    Attributes:
        followers: Those who want the text as it is written.
    """

    def __init__(self, *, kept: bool = True) -> None:
        self.followers: set[Follower] = set()
        self.kept = kept
        self._parts: list[str] = []
        self._author: Author | None = None
        self._queue_s = 0.0

    @property
    def deserted(self) -> bool:
        """Whether nobody is left for whom it would be worth to go on."""
        return not self.kept and not self.followers

    def attach(self, follower: Follower) -> None:
        """Gives a follower the text so far and, from now on, the rest."""
        follower.author = self._author
        follower.timings["queue"] = self._queue_s
        self.followers.add(follower)
        if self._parts:
            follower.hear("".join(self._parts))

    def detach(self, follower: Follower) -> None:
        """Forgets a follower."""
        self.followers.discard(follower)

    def begin(self, author: Author, queue_s: float = 0.0) -> None:
        """Says who is going to write, after so many seconds in its queue."""
        self._author = author
        self._queue_s = queue_s
        for follower in self.followers:
            follower.author = author
            follower.timings["queue"] = queue_s

    def write(self, text: str) -> None:
        """Adds text."""
        if not text:
            return
        self._parts.append(text)
        for follower in self.followers:
            follower.hear(text)

    def discard(self, provider: str, outcome: str) -> None:
        """Makes the text void, because the attempt that wrote it failed.

        Args:
            provider: Whose attempt.
            outcome: Why, in the words of the metrics.
        """
        self._parts.clear()
        error = interruption([{"provider": provider, "problem": outcome}])
        self.followers = {follower for follower in self.followers if follower.forget(error)}


def interruption(details: list[dict[str, str]] | None = None) -> AnswerInterrupted:
    """What somebody is told who was sent text that is void now."""
    return AnswerInterrupted("The answer broke off, and what was sent of it is void; ask again.", details=details)
