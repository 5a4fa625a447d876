"""What took the time of an answer, for `Server-Timing` (W3C) and for the end of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def durations(timings: Iterable[tuple[str, float]]) -> bytes:
    """`name;dur=milliseconds` for each name and seconds; what took no time at all is left out."""
    return _each_with_comma(timings)[:-2]


def server_timing(
    timings: Iterable[tuple[str, float]], passed_over: Sequence[tuple[str, str]], total_s: float
) -> bytes:
    """The header's value.

    Args:
        timings: Name and seconds of each part.
        passed_over: Provider and reason for each fallback.
        total_s: Seconds since the request came.
    """
    parts = _each_with_comma(timings)
    for name, reason in passed_over:
        parts += f'fallback;desc="{name}: {reason}", '.encode()
    return b"%btotal;dur=%.3f" % (parts, total_s * 1000)


def milliseconds(timings: Iterable[tuple[str, float]], total_s: float) -> dict[str, float]:
    """The same as an object: milliseconds by name."""
    return {name: round(seconds * 1000, 3) for name, seconds in (*timings, ("total", total_s)) if seconds}


def _each_with_comma(timings: Iterable[tuple[str, float]]) -> bytes:
    text = b""
    for name, seconds in timings:
        if seconds:
            text += b"%b;dur=%.3f, " % (name.encode(), seconds * 1000)
    return text
