"""The time line of a run: every request's latency when it was due, failures, and what was done to the site."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bench.report.formats import format_bound
from bench.report.svg import Drawing, LogAxis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.results import Annotation, PhaseResult, Result
    from bench.samples import Sample

WIDTH, HEIGHT = 1080.0, 262.0
LEFT, RIGHT, _TOP, _BOTTOM = 48.0, 1070.0, 64.0, 234.0
_FAILED_Y = 56.0
_LEVELS = 3
"""Lines that the names of phases are written on."""

_COLUMN = 2.0
"""Width of what is drawn as one, so that 100,000 requests make a picture as small as 1,000."""

_OUTCOMES = {"hit": "hit", "miss": "miss"}
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds between two ticks."""


def draw_timeline(result: Result, samples: Sequence[Sample]) -> Drawing | None:
    """Draw the run; None where it is not known when its phases began, or nothing was sent.

    Args:
        result: The run.
        samples: Its raw samples.
    """
    placed = place_samples(result, samples)
    if not placed:
        return None
    latencies = [max(sample.latency_ns / 1e6, 1e-3) for _at, sample in placed if sample.ok]
    axis = LogAxis.around(latencies or [1.0, 1000.0], _BOTTOM, _TOP)
    scale = (RIGHT - LEFT) / max(result.duration_s, 1e-3)
    drawing = Drawing(WIDTH, HEIGHT, _describe(result, len(placed)))
    _draw_phases(drawing, result.phases, scale)
    _draw_axes(drawing, axis, result.duration_s, scale)
    _draw_samples(drawing, placed, axis, scale)
    _draw_annotations(drawing, result.annotations, scale)
    return drawing


def place_samples(result: Result, samples: Sequence[Sample]) -> list[tuple[float, Sample]]:
    """Return each sample with the second of the run at which it was due; none where phases tell no beginning."""
    # A phase of all tasks is found by its name alone.
    starts = {key: phase.started_s for phase in result.phases for key in (phase.phase, (phase.phase, phase.task))}
    if not any(starts.values()):
        return []
    return [
        (starts.get((sample.phase, sample.task), starts[sample.phase]) + sample.intended_ns / 1e9, sample)
        for sample in samples
        if sample.phase in starts
    ]


def tick_seconds(duration_s: float) -> range:
    """Return the seconds at which an axis of a run's time has ticks."""
    step = next((step for step in _STEPS if duration_s / step <= 12), _STEPS[-1])
    return range(0, int(duration_s) + 1, step)


def _describe(result: Result, count: int) -> str:
    annotations = f"; {len(result.annotations)} annotations" if result.annotations else ""
    span = f"{count} requests over {result.duration_s:.0f} seconds"
    return f"Time line of {span}, latency on a logarithmic axis{annotations}"


def _draw_phases(drawing: Drawing, phases: Sequence[PhaseResult], scale: float) -> None:
    for number, phase in enumerate(sorted(phases, key=lambda phase: phase.started_s)):
        x, width = LEFT + phase.started_s * scale, phase.wall_s * scale
        drawing.bar(x, _TOP, width, _BOTTOM - _TOP, "band")
        # Neighbours take turns, because a short phase is narrower than its name.
        anchor, at = ("end", x + width) if x > (LEFT + RIGHT) / 2 else ("start", x)
        drawing.text(at, 11 + 13 * (number % _LEVELS), f"{phase.phase} {phase.task}", "tick", anchor)


def _draw_axes(drawing: Drawing, axis: LogAxis, duration_s: float, scale: float) -> None:
    for value in axis.decades():
        y = axis.at(value)
        drawing.line(LEFT, y, RIGHT, y, "grid")
        drawing.text(LEFT - 6, y + 3.5, format_bound("ms", value), "tick", "end")
    for second in tick_seconds(duration_s):
        drawing.text(LEFT + second * scale, _BOTTOM + 16, f"{second} s", "tick", "middle")


def _draw_samples(drawing: Drawing, placed: Iterable[tuple[float, Sample]], axis: LogAxis, scale: float) -> None:
    """Draw the range of each column as a bar and each request of a sparse one as its own short stroke."""
    columns: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for at_s, sample in placed:
        css = _OUTCOMES.get(sample.cache, "other") if sample.ok else "failed"
        columns[css][int(at_s * scale / _COLUMN)].append(max(sample.latency_ns / 1e6, 1e-3))
    for css, ours in sorted(columns.items()):
        drawing.strokes(_strokes(ours, axis, css), f"samples {css}")


def _strokes(columns: Mapping[int, Sequence[float]], axis: LogAxis, css: str) -> list[tuple[float, float, float]]:
    strokes = []
    for column, latencies in sorted(columns.items()):
        x = LEFT + (column + 0.5) * _COLUMN
        if css == "failed":
            strokes.append((x, _FAILED_Y - 5, _FAILED_Y + 3))
        else:
            high, low = axis.at(max(latencies)), axis.at(min(latencies))
            strokes.append((x, high - 1.5, low + 1.5))
    return strokes


def _draw_annotations(drawing: Drawing, annotations: Sequence[Annotation], scale: float) -> None:
    for number, annotation in enumerate(annotations, start=1):
        x = LEFT + annotation.at_s * scale
        drawing.line(x, _TOP - 10, x, _BOTTOM, "mark")
        drawing.text(x + 3, _TOP - 4, str(number), "note mark")
