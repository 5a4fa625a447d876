"""The plot of a task: which share of its answers took at most so long, by cache path, on a logarithmic axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.formats import format_bound, format_ms
from bench.report.svg import Drawing, LogAxis
from bench.verdict.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 360.0, 236.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 36.0, 350.0, 44.0, 206.0
_FEW = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """The latencies of one cache path.

    Attributes:
        path: ``hit`` or ``miss``; also its CSS class.
        latencies_ms: Proven latencies, sorted ascending, in milliseconds; at least one.
        bound_ms: The bound they are held to, if any.
        failed: Requests that failed, so were never answered: the curve ends below 100 %.
    """

    path: str
    latencies_ms: Sequence[float]
    bound_ms: float | None
    failed: int = 0

    @property
    def asked(self) -> int:
        """How many requests there were, answered or not."""
        return len(self.latencies_ms) + self.failed


FIGURES = (5, 25, 50, 75, 90, 95, 99, 99.9)
"""Percentiles that the table behind a plot tells."""


def tabulate(curves: Sequence[Curve]) -> list[tuple[str, list[float | None], int]]:
    """Return the figures of a plot for those who read tables: least, `FIGURES`, greatest latency, and failures.

    Failures count as slower than any answer: a percentile that is one of them is None.
    """
    return [
        (
            curve.path,
            [curve.latencies_ms[0], *(_percentile(curve, p) for p in FIGURES), curve.latencies_ms[-1]],
            curve.failed,
        )
        for curve in curves
    ]


def _percentile(curve: Curve, p: float) -> float | None:
    place = percentile(range(curve.asked), p)
    return curve.latencies_ms[place] if place < len(curve.latencies_ms) else None


def common_axis(curves: Sequence[Curve]) -> LogAxis:
    """Return one axis for all plots of a report, so that they can be compared by eye."""
    values = [value for curve in curves for value in (*curve.latencies_ms, curve.bound_ms) if value]
    return LogAxis.around(values or [1.0, 1000.0], _LEFT, _RIGHT)


def plot(task: str, curves: Sequence[Curve], axis: LogAxis) -> Drawing:
    """Draw the distribution of a task's latencies.

    Args:
        task: The task's name.
        curves: Its cache paths, at most one each.
        axis: The axis of latencies.
    """
    drawing = Drawing(WIDTH, HEIGHT, f"Distribution of {task} latencies by cache path")
    _draw_grid(drawing, axis)
    for curve in curves:
        if curve.bound_ms is not None:
            _draw_bound(drawing, curve, axis)
    for number, curve in enumerate(curves):
        _draw_curve(drawing, curve, axis, label_y=_TOP + 26 + 17 * number)
    return drawing


def _height(share: float) -> float:
    return _BOTTOM - share * (_BOTTOM - _TOP)


def _draw_grid(drawing: Drawing, axis: LogAxis) -> None:
    for percent in (0, 50, 95):
        y = _height(percent / 100)
        drawing.line(_LEFT, y, _RIGHT, y, "grid")
        drawing.text(_LEFT - 6, y + 3.5, f"{percent}%", "tick", "end")
    for value in axis.decades():
        x = axis.at(value)
        drawing.line(x, _TOP, x, _BOTTOM, "grid")
        drawing.text(x, _BOTTOM + 16, format_bound("ms", value), "tick", "middle")


def _draw_bound(drawing: Drawing, curve: Curve, axis: LogAxis) -> None:
    assert curve.bound_ms is not None
    x = axis.at(curve.bound_ms)
    drawing.line(x, _TOP - 6, x, _BOTTOM, f"bound {curve.path}")
    anchor = "end" if x > (_LEFT + _RIGHT) / 2 else "start"
    label = f"bound {format_bound('ms', curve.bound_ms)}"
    # Each path has a line of its own, because both bounds may be close.
    y = _TOP - (12 if curve.path == "hit" else 25)
    drawing.text(x + (4 if anchor == "end" else -4), y, label, f"note {curve.path}", anchor)


def _draw_curve(drawing: Drawing, curve: Curve, axis: LogAxis, label_y: float) -> None:
    ordered, count = curve.latencies_ms, curve.asked
    points = [(axis.at(ordered[0]), _height(0))]
    for number, value in enumerate(ordered, start=1):
        x, y = axis.at(value), _height(number / count)
        # Steps that fall on one tenth of a pixel are one: a curve of 100,000 samples stays as small as one of 500.
        if round(x, 1) == round(points[-1][0], 1) and number > 1:
            points[-1] = (points[-1][0], y)
        else:
            points.append((x, y))
    drawing.steps([*points, (axis.end, _height(len(ordered) / count))], f"curve {curve.path}")
    if curve.failed:
        told = f"{curve.failed / count:.1%} never answered"
        drawing.text(axis.end, _height(len(ordered) / count) - 4, told, "value failed", "end")
    if count < _FEW:
        for number, value in enumerate(ordered, start=1):
            drawing.dot(axis.at(value), _height(number / count), 2.5, curve.path)
    rank = percentile(range(count), 95)
    if rank >= len(ordered):
        drawing.text(_RIGHT, label_y, "p95 never", f"value {curve.path}", "end")
        return
    x, y = axis.at(ordered[rank]), _height((rank + 1) / count)
    drawing.dot(x, y, 4.5, f"mark {curve.path}")
    anchor, gap = ("end", -8.0) if x > _RIGHT - 80 else ("start", 8.0)
    drawing.text(x + gap, label_y, f"p95 {format_ms(ordered[rank])}", f"value {curve.path}", anchor)
