"""What callers got while a site was left alone and while playbooks changed it; as a table and read from one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.verdict.percentiles import percentile
from tools.docs.example_deployments.callers import HTTP_OK, NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.docs.example_deployments.callers import Call

QUIET = "quiet"
_HEAD = ("phase", "plays", "seconds", "requests", "failed", "hits", "same bytes", "p50 ms", "p99 ms", "longest ms")
_WIDTHS = (12, 6, 8, 9, 7, 9, 11, 7, 7, 11)
_NS_A_MS = 1_000_000


class Window(NamedTuple):
    """A stretch of time in which one thing was done to the site.

    Attributes:
        phase: What: `quiet`, or a kind of play.
        begun_ns: By the clock of the calls.
        ended_ns: By the clock of the calls.
    """

    phase: str
    begun_ns: int
    ended_ns: int


class Row(NamedTuple):
    """What callers got in all windows of a phase.

    Attributes:
        same: Answers with the bytes that were stored.
        longest: In milliseconds, as `p50` and `p99`.
    """

    phase: str
    plays: int
    seconds: float
    requests: int
    failed: int
    hits: int
    same: int
    p50: float
    p99: float
    longest: float


def summarize(phase: str, windows: Sequence[Window], calls: Sequence[Call]) -> Row:
    """Return what callers got in the windows of a phase.

    Raises:
        ValueError: No request was due in any of them.
    """
    own = [window for window in windows if window.phase == phase]
    due = [call for call in calls if any(window.begun_ns <= call.due_ns < window.ended_ns for window in own)]
    millis = sorted(call.latency_ns / _NS_A_MS for call in due)
    return Row(
        phase,
        0 if phase == QUIET else len(own),
        sum(window.ended_ns - window.begun_ns for window in own) / NS,
        len(due),
        sum(call.status != HTTP_OK for call in due),
        sum(call.cache == "hit" for call in due),
        sum(call.same for call in due),
        percentile(millis, 50),
        percentile(millis, 99),
        millis[-1],
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as lines of text, with a head."""
    lines: list[tuple[str, ...]] = [_HEAD]
    for row in rows:
        shown = (row.phase, row.plays, f"{row.seconds:.1f}", row.requests, row.failed, row.hits, row.same)
        lines.append((*map(str, shown), f"{row.p50:.2f}", f"{row.p99:.2f}", f"{row.longest:.1f}"))
    return "\n".join(
        f"{line[0]:<{_WIDTHS[0]}}"
        + "".join(f"{cell:>{width}}" for cell, width in zip(line[1:], _WIDTHS[1:], strict=True))
        for line in lines
    )


def parse(text: str) -> list[Row]:
    """Return the rows of a table in a text."""
    rows = []
    for words in map(str.split, text.splitlines()):
        if len(words) == len(Row._fields) and words[1].isdecimal():
            phase, plays, seconds, requests, failed, hits, same, *millis = words
            counts = (int(requests), int(failed), int(hits), int(same))
            p50, p99, longest = map(float, millis)
            rows.append(Row(phase, int(plays), float(seconds), *counts, p50, p99, longest))
    return rows
