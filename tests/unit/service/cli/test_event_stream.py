"""Server-sent events, as the command reads them."""

from __future__ import annotations

import pytest

from ai_service.cli import event_stream
from ai_service.cli.errors import CliError
from ai_service.cli.event_stream import Event, read_events

STREAM = ': waiting\n\nevent: delta\ndata: {"text":"a"}\n\ndata: one\ndata: two\r\n\r\n'
EVENTS = [Event("delta", '{"text":"a"}'), Event("", "one\ntwo")]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events_are_read_from_any_pieces(size: int) -> None:
    """Names, data of several lines, either end of line; comments are none."""
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert list(read_events(pieces)) == EVENTS


def test_an_event_that_is_cut_off_is_none() -> None:
    """What has no empty line after it may not be whole."""
    assert list(read_events(['data: {"text":'])) == []


def test_an_endless_stream_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it has ends of lines or not."""
    monkeypatch.setattr(event_stream, "MAX_CHARACTERS", 100)
    with pytest.raises(CliError, match="longer than 100 characters"):
        list(read_events("x" * 60 for _ in range(3)))
