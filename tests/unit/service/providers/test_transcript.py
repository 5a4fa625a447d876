"""Text for those who follow it."""

from __future__ import annotations

import asyncio

from ai_service.providers.transcript import (
    Author,
    Finished,
    Invalidated,
    Message,
    Started,
    Subscriber,
    Text,
    Transcript,
)
from ai_service.skipped_providers import Skipped


def following(transcript: Transcript, *, restarts: bool = False) -> Subscriber:
    """Return a new subscriber."""
    subscriber = Subscriber(restarts=restarts)
    transcript.attach(subscriber)
    return subscriber


async def received(*subscribers: Subscriber) -> list[list[Message]]:
    """Return what each receives now."""
    async with asyncio.timeout(5):
        return [await subscriber.receive() for subscriber in subscribers]


async def test_text_is_received_once_and_in_order() -> None:
    """Whatever the pieces are."""
    transcript = Transcript()
    subscriber = following(transcript)
    transcript.write("a")
    transcript.write("")
    transcript.write("b")
    assert await received(subscriber) == [[Text("ab")]]
    transcript.write("c")
    assert await received(subscriber) == [[Text("c")]]


async def test_reasoning_and_answer_are_kept_apart() -> None:
    """In the order in which they were written."""
    transcript = Transcript()
    subscriber = following(transcript)
    for text in ("let ", "me see"):
        transcript.reason(text)
    transcript.write("yes")
    expected = [Text("let me see", reasoning=True), Text("yes")]
    assert await received(subscriber, following(transcript)) == [expected, expected]


async def test_a_late_subscriber_gets_all_that_others_got() -> None:
    """Then the rest."""
    transcript = Transcript()
    author = Author("openai", "model", degraded=True)
    transcript.skip(Skipped("ollama", "timeout", 1.0))
    transcript.begin(author, 0.5)
    transcript.write("a")
    late = following(transcript)
    transcript.write("b")
    assert await received(late) == [[Skipped("ollama", "timeout", 1.0), Started(author, 0.5), Text("ab")]]


async def test_void_text_that_was_consumed_is_invalidated() -> None:
    """What another attempt writes does not continue it; who cannot start again does not count as waiting any more."""
    transcript = Transcript(callers=0)
    subscriber = following(transcript)
    transcript.write("a")
    await received(subscriber)
    transcript.write("pending")
    transcript.discard("ollama", "failed")
    assert transcript.abandoned
    ((invalidated,),) = await received(subscriber)
    assert isinstance(invalidated, Invalidated)
    assert invalidated.error.details == [{"provider": "ollama", "problem": "failed"}]


async def test_a_subscriber_that_can_start_again_is_told_once_and_gets_no_more_text() -> None:
    """But waits on for the end, so that the work is not given up."""
    transcript = Transcript(callers=0)
    subscriber = following(transcript, restarts=True)
    transcript.write("a")
    await received(subscriber)
    for _ in range(2):
        transcript.discard("ollama", "truncated")
        transcript.write("other")
    subscriber.push(Finished())
    ((invalidated, finished),) = await received(subscriber)
    assert (type(invalidated), finished) == (Invalidated, Finished())
    assert not transcript.abandoned


async def test_void_text_that_was_not_consumed_is_never_seen() -> None:
    """Nor by those who come after it; what else was said stays."""
    transcript = Transcript()
    early = following(transcript)
    author = Author("ollama", "model", degraded=False)
    transcript.begin(author)
    transcript.write("void")
    transcript.discard("ollama", "failed")
    late = following(transcript)
    transcript.write("good")
    assert await received(early, late) == [[Started(author, 0.0), Text("good")]] * 2
    assert early.consumed
