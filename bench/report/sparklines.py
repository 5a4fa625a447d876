"""Small drawings that stand in a table's cell: a value against its bound, a share against its prediction, a spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report.svg import Drawing, LogAxis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import HitRatio, ThresholdResult

WIDTH, HEIGHT = 150.0, 16.0
_MOST_DOTS = 200


def draw_bound(bound: ThresholdResult) -> Drawing:
    """Draw a bound as a tick at three quarters, the measured value as a bar, its confidence interval as a line."""
    drawing = Drawing(WIDTH, HEIGHT, f"{bound.selector} against its bound")
    tick = WIDTH * 0.75
    drawing.bar(0, 5, WIDTH, 6, "track")
    if bound.value is not None:
        css = str(bound.verdict).lower() if bound.gated else "shown"
        drawing.bar(0, 5, max(1.5, min(_reach(bound.value, bound) * tick, WIDTH)), 6, css)
    if bound.lower is not None and bound.upper is not None:
        left, right = (min(_reach(value, bound) * tick, WIDTH) for value in (bound.lower, bound.upper))
        drawing.line(left, 8, right, 8, "interval")
    drawing.line(tick, 1, tick, 15, "limit")
    return drawing


def _reach(value: float, bound: ThresholdResult) -> float:
    """Return a value as a share of its bound; where none is allowed, one is already twice as much."""
    return value / bound.bound if bound.bound else 2.0 * bool(value)


def draw_hit_ratio(ratio: HitRatio) -> Drawing:
    """Draw what chance explains as a bar from 0 to 100 %, what was measured as a dot."""
    drawing = Drawing(WIDTH, HEIGHT, f"hit ratio of {ratio.task}: predicted and measured")
    drawing.bar(0, 5, WIDTH, 6, "track")
    drawing.bar(ratio.low * WIDTH, 5, max(2.0, (ratio.high - ratio.low) * WIDTH), 6, "shown")
    within = ratio.low <= ratio.measured <= ratio.high
    drawing.dot(ratio.measured * WIDTH, 8, 4, "pass" if within else "fail")
    return drawing


def draw_spread(values: Sequence[float], axis: LogAxis) -> Drawing:
    """Draw values as dots on a logarithmic axis, evenly thinned out where there are many.

    Args:
        values: Sorted ascending; at least one.
        axis: Of all sparklines in the same column, so that they can be compared by eye.
    """
    drawing = Drawing(WIDTH, HEIGHT, f"spread of {len(values)} values")
    drawing.bar(0, 7, WIDTH, 2, "track")
    step = max(1, len(values) // _MOST_DOTS)
    for value in (*values[::step], values[-1]):
        drawing.dot(axis.at(max(value, 10.0**axis.low)), 8, 2.5, "spread")
    return drawing


def sparkline_axis(values: Sequence[float]) -> LogAxis:
    """Return an axis as wide as a sparkline, of whole decades, that holds all values above 0."""
    return LogAxis.around([value for value in values if value > 0] or [1.0], 4.0, WIDTH - 4.0)
