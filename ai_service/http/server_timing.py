"""What took the time of an answer, for `Server-Timing` (W3C) and for the end of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ai_service.skipped_providers import Skipped


def server_timing(
    timings: Iterable[tuple[str, float]], skipped: Iterable[Skipped] = (), total_s: float | None = None
) -> bytes:
    """Return the header's value.

    Args:
        timings: Name and seconds of each part.
        skipped: The providers that gave no answer: the time of each is booked to it, with the reason.
        total_s: Seconds since the request came.
    """
    parts = _each_with_comma(timings)
    if skipped:
        each = (b'%b;dur=%.3f;desc="%b", ' % (name.encode(), s * 1000, reason.encode()) for name, reason, s in skipped)
        parts = b"".join(each) + parts
    return parts[:-2] if total_s is None else b"%btotal;dur=%.3f" % (parts, total_s * 1000)


def milliseconds(timings: Iterable[tuple[str, float]], skipped: Iterable[Skipped], total_s: float) -> dict[str, float]:
    """Return the same as an object: milliseconds by name."""
    spent = [(name, seconds) for name, _, seconds in skipped]
    return {name: round(seconds * 1000, 3) for name, seconds in (*spent, *timings, ("total", total_s)) if seconds}


def _each_with_comma(timings: Iterable[tuple[str, float]]) -> bytes:
    text = b""
    for name, seconds in timings:
        if seconds:
            text += b"%b;dur=%.3f, " % (name.encode(), seconds * 1000)
    return text
