"""Events are read out of chunks of any size, and an event is complete when its empty line is."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bench.sequential.event_reader import Event, EventReader

STREAM = 'event: delta\r\ndata: {"text": "é"}\r\n\r\n: alive\n\ndata: a\ndata:b\n\nevent:answer\rdata: {}\r\r'.encode()
EVENTS = [Event("delta", '{"text": "é"}'), Event("message", "a\nb"), Event("answer", "{}")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_events_are_the_same_in_chunks_of_any_size(cuts: list[int]) -> None:
    """Also where a chunk ends within a character, or between the two halves of an end of line."""
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader()
    found = [event for low, high in itertools.pairwise(edges) for event in reader.feed(STREAM[low:high])]
    assert [*found, *reader.feed(b"\n")] == EVENTS


def test_an_event_without_its_end_is_none() -> None:
    """It may go on."""
    reader = EventReader()
    assert list(reader.feed(b"event: delta\ndata: x\n")) == []
    assert list(reader.feed(b"\n")) == [Event("delta", "x")]
