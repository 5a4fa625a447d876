"""Whether a request prefers a stream, by its `Accept` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from functools import lru_cache

from ai_service.http.list_header import elements

EVENT_STREAM = b"text/event-stream"
_JSON = b"application/json"
_QUALITY = re.compile(rb"[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
MAX_REMEMBERED_BYTES = 512


def prefers_event_stream(accept: bytes) -> bool:
    """Return whether `text/event-stream` is preferred to `application/json`.

    It is where its quality is the higher one, or where it is named and JSON is only meant by a wildcard.
    """
    return (_remembered if len(accept) <= MAX_REMEMBERED_BYTES else _prefers)(accept)


def _prefers(accept: bytes) -> bool:
    ranges = dict(sorted(map(_media_range, elements(accept))))  # Of equal ranges the one of the highest quality.
    stream = _preference(EVENT_STREAM, ranges)
    return stream[0] > 0 and stream > _preference(_JSON, ranges)


_remembered = lru_cache(256)(_prefers)


def _preference(media_type: bytes, ranges: dict[bytes, float]) -> tuple[float, int]:
    """Return the quality of the most specific range that covers a type, and how specific it is; 0 where none does."""
    candidates = (media_type, media_type.partition(b"/")[0] + b"/*", b"*/*")
    for specificity, name in enumerate(candidates):
        if name in ranges:
            return ranges[name], -specificity
    return 0.0, -len(candidates)


def _media_range(element: bytes) -> tuple[bytes, float]:
    """Return a range's type and quality. Other parameters, such as a charset, make no difference here."""
    name, *parameters = elements(element, b";")
    found = [match for match in map(_QUALITY.fullmatch, parameters) if match]
    return name.lower(), float(found[-1][1]) if found else 1.0
