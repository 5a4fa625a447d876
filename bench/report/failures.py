"""Failures by kind over the time of a run, on the axis of the time line."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bench.failures import failure_kind
from bench.report.svg import Drawing
from bench.report.timeline import LEFT, RIGHT, WIDTH, place_samples, tick_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import Result
    from bench.samples import Sample

ROW = 26.0
_COLUMN = 4.0


def draw_failures(result: Result, samples: Sequence[Sample]) -> Drawing | None:
    """Draw a row for each kind of failure, a bar for each moment by how many failed then; None where none did.

    Args:
        result: The run.
        samples: Its raw samples.
    """
    scale = (RIGHT - LEFT) / max(result.duration_s, 1e-3)
    kinds: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for at_s, sample in place_samples(result, samples):
        if not sample.ok:
            kinds[failure_kind(sample.failure)][int(at_s * scale / _COLUMN)] += 1
    if not kinds:
        return None
    most = max(count for columns in kinds.values() for count in columns.values())
    height = ROW * len(kinds) + 24
    drawing = Drawing(WIDTH, height, f"Failures of {len(kinds)} kinds over time")
    for number, (kind, columns) in enumerate(sorted(kinds.items(), key=lambda one: -sum(one[1].values()))):
        bottom = ROW * (number + 1)
        drawing.line(LEFT, bottom, RIGHT, bottom, "grid")
        drawing.text(LEFT, bottom - ROW + 11, f"{sum(columns.values())} x {kind}", "note")
        for column, count in sorted(columns.items()):
            tall = max(2.0, count / most * (ROW - 10))
            drawing.bar(LEFT + column * _COLUMN, bottom - tall, _COLUMN - 0.5, tall, "failed")
    for second in tick_seconds(result.duration_s):
        drawing.text(LEFT + second * scale, height - 6, f"{second} s", "tick", "middle")
    return drawing
