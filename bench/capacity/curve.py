"""What a search for the capacity found, and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "capacity.json"
SCHEMA = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One rate that was tried.

    Attributes:
        rate: Arrivals per second.
        kept: Whether the bounds were kept; None where the generator was too late to tell.
        p_ms: The judged percentile of the latencies, in milliseconds; None without a sample.
        failures: Share of the requests that failed.
        samples: How many requests were judged.
        used: Busy share of each resource, 0 to 1, by its name.
        note: Why not, where the bounds were not kept.
    """

    rate: float
    kept: bool | None
    p_ms: float | None
    failures: float
    samples: int
    used: dict[str, float]
    note: str = ""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """The capacity at one hit ratio.

    Attributes:
        hit_ratio: Share of known requests, 0 to 1, as planned.
        capacity: The highest rate at which the bounds were kept, in requests per second; 0 if at none.
        broken: The lowest rate at which they were not; None where none was found.
        saturated: The resource that stood in the way, by name; empty if unknown.
        steps: Every rate that was tried, in that order.
    """

    hit_ratio: float
    capacity: float
    broken: float | None
    saturated: str
    steps: list[Step]


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
    schema: int = SCHEMA


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
