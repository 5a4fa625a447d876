"""What `Accept` prefers."""

from __future__ import annotations

import pytest

from ai_service.http.accept import prefers_event_stream


@pytest.mark.parametrize(
    ("accept", "preferred"),
    [
        (b"*/*", False),
        (b"application/json", False),
        (b"text/event-stream", True),
        (b"Text/Event-Stream", True),
        (b"text/event-stream; charset=utf-8", True),
        (b"application/json, text/event-stream", False),
        (b"text/event-stream, application/json", False),
        (b"text/event-stream, */*", True),
        (b"text/event-stream;q=0", False),
        (b"text/event-stream;q=0.1, */*;q=0.2", False),
        (b"text/event-stream;q=0.1, application/json", False),
        (b"application/json;q=0.5, text/event-stream", True),
        (b"application/json;q=0.5,text/event-stream;Q=0.9", True),
        (b"application/*;q=0.5, text/*", True),
        (b"text/*, application/json", False),
        (b"text/event-stream;q=0.2, text/event-stream;q=0.8, application/json;q=0.5", True),
        (b'application/json;note="text/event-stream, x"', False),
        (b'text/event-stream;note="a;q=0"', True),
        (b"text/event-streams", False),
        (b"text/html", False),
        (b", ,", False),
        (b"text/event-stream;q=nonsense", True),
        (b"x" * 10_000 + b", text/event-stream", True),
    ],
)
def test_a_stream_is_sent_where_it_is_preferred(accept: bytes, *, preferred: bool) -> None:
    """By quality, then by how specific a range is; JSON where both are as welcome."""
    assert prefers_event_stream(accept) is preferred
