"""The capacity curve: the highest rate under the bounds, by the share of requests that the cache knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report.formats import format_rate
from bench.report.svg import Drawing, LogAxis

if TYPE_CHECKING:
    from bench.capacity.curve import Curve

WIDTH, HEIGHT = 540.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 520.0, 24.0, 212.0
_LEAST_RATE = 0.1
"""Requests per second at which a capacity of none at all is drawn."""


def draw_capacity(curve: Curve) -> Drawing:
    """Draw a capacity curve; the line at each point reaches to the lowest rate that broke the bounds.

    Args:
        curve: With at least one point.
    """
    points = sorted(curve.points, key=lambda point: point.hit_ratio)
    rates = [max(rate, _LEAST_RATE) for point in points for rate in (point.capacity, point.broken) if rate is not None]
    axis = LogAxis.around(rates, _BOTTOM, _TOP)
    drawing = Drawing(WIDTH, HEIGHT, f"Capacity by hit ratio, {curve.task}, under {curve.bound}")
    for rate in axis.decades():
        drawing.line(_LEFT, axis.at(rate), _RIGHT, axis.at(rate), "grid")
        drawing.text(_LEFT - 6, axis.at(rate) + 3.5, f"{rate:,.10g}/s", "tick", "end")
    for percent in (0, 25, 50, 75, 100):
        drawing.text(_x(percent / 100), _BOTTOM + 16, f"{percent}% hits", "tick", "middle")
    places = [(_x(point.hit_ratio), axis.at(max(point.capacity, _LEAST_RATE))) for point in points]
    drawing.polyline(places, "curve hit")
    for point, (x, y) in zip(points, places, strict=True):
        if point.broken is not None:
            drawing.line(x, y, x, axis.at(max(point.broken, _LEAST_RATE)), "interval")
        drawing.dot(x, y, 4, "mark hit")
        near_end = point.hit_ratio > 0.5
        drawing.text(
            x + (-7 if near_end else 7), y - 8, format_rate(point.capacity), "value hit", "end" if near_end else "start"
        )
    return drawing


def _x(hit_ratio: float) -> float:
    return _LEFT + hit_ratio * (_RIGHT - _LEFT)
