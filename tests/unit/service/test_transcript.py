"""Text for those who follow it."""

import pytest

from ai_service.errors import AnswerInterrupted
from ai_service.transcript import Author, Follower, Transcript


def following(transcript: Transcript) -> Follower:
    """A new follower."""
    follower = Follower()
    transcript.attach(follower)
    return follower


def test_text_is_taken_once_and_in_order() -> None:
    """Whatever the pieces are."""
    transcript = Transcript()
    follower = following(transcript)
    transcript.write("a")
    transcript.write("b")
    assert follower.take() == "ab"
    assert follower.take() == ""
    transcript.write("c")
    assert follower.take() == "c"


def test_who_comes_late_gets_the_text_so_far_and_its_author() -> None:
    """Then the rest."""
    transcript = Transcript()
    author = Author("ollama", "model", degraded=False)
    transcript.begin(author)
    transcript.write("a")
    late = following(transcript)
    transcript.write("b")
    assert (late.author, late.take()) == (author, "ab")


def test_void_text_that_was_taken_breaks_the_stream() -> None:
    """What another attempt writes does not continue it."""
    transcript = Transcript()
    follower = following(transcript)
    transcript.write("a")
    follower.take()
    transcript.discard("ollama", "failed")
    transcript.write("other")
    with pytest.raises(AnswerInterrupted) as caught:
        follower.take()
    assert caught.value.details == [{"provider": "ollama", "problem": "failed"}]


def test_who_can_start_again_is_told_and_gets_no_more_text() -> None:
    """But waits on for the end, so that the work is not given up."""
    transcript = Transcript(kept=False)
    follower = Follower(restarts=True)
    transcript.attach(follower)
    transcript.write("a")
    follower.take()
    transcript.discard("ollama", "truncated")
    transcript.write("other")
    assert follower.take() == ""
    assert follower.void is not None
    assert not transcript.deserted


def test_void_text_that_was_not_taken_is_never_seen() -> None:
    """Nor by those who come after it."""
    transcript = Transcript()
    early = following(transcript)
    transcript.write("void")
    transcript.discard("ollama", "failed")
    late = following(transcript)
    transcript.write("good")
    assert (early.take(), late.take()) == ("good", "good")


async def test_waiting_ends_with_text_with_a_call_and_with_time() -> None:
    """So that a heartbeat can be sent, and the end be seen."""
    transcript = Transcript()
    follower = following(transcript)
    assert not await follower.wait(0.001)
    transcript.write("a")
    assert await follower.wait(60)
    follower.take()
    follower.wake()
    assert await follower.wait(60)
