"""What a search for the capacity found, and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.errors import FileFormatError
from bench.report.formats import format_rate

if TYPE_CHECKING:
    from pathlib import Path

FILE = "capacity.json"
SCHEMA = 1

GENERATOR, OTHERS = "generator", "others"
"""What stands in the way that is not the service's: the generator, or other programs on the machine."""
FAILURES = "failures"
"""What stands in the way of a service that fails at every rate, whatever is busy meanwhile."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One rate that was tried.

    Attributes:
        rate: Arrivals per second.
        kept: Whether the bounds were kept; None where it cannot be told: the generator was too late, or the samples
            are too few.
        p_ms: The judged percentile of the latencies, in milliseconds; None without a sample.
        failures: Share of the requests that failed.
        samples: How many requests were judged.
        used: Busy share of each resource, 0 to 1, by its name.
        note: Why not, where the bounds were not kept.
        limited: The generator could not do more.
        failed: More requests failed than the bounds allow.
        unproven: Rules of evidence that do not hold, a sentence each.
    """

    rate: float
    kept: bool | None
    p_ms: float | None
    failures: float
    samples: int
    used: dict[str, float]
    note: str = ""
    limited: bool = False
    failed: bool = False
    unproven: list[str] = []


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """The capacity at one hit ratio.

    Attributes:
        hit_ratio: Share of known requests, 0 to 1, as planned.
        capacity: The highest rate at which the bounds were kept, in requests per second; 0 if at none.
        broken: The lowest rate at which they were not; None where none was found.
        saturated: The resource that stood in the way, by name; empty if unknown.
        at_least: The service may keep more: the generator could not send it, or no higher rate was tried.
        steps: Every rate that was tried, in that order.
    """

    hit_ratio: float
    capacity: float
    broken: float | None
    saturated: str
    steps: list[Step]
    at_least: bool = False


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A capacity curve.

    Attributes:
        target: URL of the service.
        task: The service's task.
        bound: The bounds, in words.
        method: How the search went, in words.
        started_at: UTC, ISO 8601.
        duration_s: Of the whole search, in seconds.
        interrupted: It was stopped before its end.
        environment: What was measured and on what, as words.
        points: One for each hit ratio.
        unproven: Rules of evidence that did not hold at some rate, a sentence each: the figures are INVALID.
        schema: Version of this format.
    """

    target: str
    task: str
    bound: str
    method: str
    started_at: str
    duration_s: float
    interrupted: bool
    environment: dict[str, str]
    points: list[Point]
    unproven: list[str] = []
    schema: int = SCHEMA


def describe_point(point: Point) -> tuple[str, str, str]:
    """Return in words how much a service keeps, where it breaks, and what is in the way.

    Args:
        point: What a search found.
    """
    broken = "not found" if point.broken is None else format_rate(point.broken)
    capacity = f"{'>= ' if point.at_least or point.broken is None else ''}{format_rate(point.capacity)}"
    if point.saturated == GENERATOR:
        why = "the generator's limit, not the service's"
    elif point.saturated == OTHERS:
        why = "other programs, which keep this machine busy"
    elif point.saturated == FAILURES:
        why = "failures, at every rate that was tried"
    elif point.broken is None:
        why = "no higher rate was tried"
    elif point.at_least:
        why = "too few samples to tell"
    else:
        why = point.saturated or "nothing that could be seen"
    return capacity, broken, why


def summarize_unproven(curve: Curve) -> list[str]:
    """Return a sentence for each reason that a curve is not proven, with the first rate at which it was seen.

    Args:
        curve: What a search found.
    """
    rates: dict[str, list[str]] = {}
    for sentence in curve.unproven:
        rate, _, reason = sentence.partition(": ")
        rates.setdefault(reason, []).append(rate)
    return [
        f"{first}{f' and at {len(others)} more rates' if others else ''}: {reason}"
        for reason, (first, *others) in rates.items()
    ]


def load_curve(path: Path) -> Curve:
    """Read a capacity file.

    Args:
        path: The file, or its folder.

    Raises:
        FileFormatError: There is none, or it is not one of this version.
    """
    file = path / FILE if path.is_dir() else path
    try:
        curve = msgspec.json.decode(file.read_bytes(), type=Curve)
    except OSError as error:
        raise FileFormatError(f"cannot be read ({error.strerror}); expected a {FILE}", str(file)) from error
    except msgspec.MsgspecError as error:
        raise FileFormatError(f"no capacity curve: {error}", str(file)) from error
    if curve.schema != SCHEMA:
        raise FileFormatError(f"has schema {curve.schema}; this version reads {SCHEMA}", str(file))
    return curve
