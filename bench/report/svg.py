"""Just enough SVG: elements with escaped text, and axes that map values to positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Drawing:
    """An inline SVG that scales with the page; its colours come from CSS classes.

    Args:
        width: Width of its coordinate system; about the pixels it gets, so that text keeps its size.
        height: Height of the same.
        label: What it shows, for readers who cannot see it.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        self._root = ET.Element("svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": label})

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """Draw a straight line."""
        self._add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)

    def dot(self, x: float, y: float, radius: float, css: str) -> None:
        """Draw a filled circle."""
        self._add("circle", css, cx=x, cy=y, r=radius)

    def bar(self, x: float, y: float, width: float, height: float, css: str) -> None:
        """Draw a rectangle with slightly rounded corners."""
        self._add("rect", css, x=x, y=y, width=max(width, 0.0), height=height, rx=1.5)

    def steps(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw a staircase: across to the next x first, then up or down to its y."""
        (x, y), *rest = points
        commands = [f"M{x:.1f} {y:.1f}", *(f"H{x:.1f}V{y:.1f}" for x, y in rest)]
        self._add("path", css, d="".join(commands))

    def strokes(self, strokes: Iterable[tuple[float, float, float]], css: str) -> None:
        """Draw vertical strokes, each (x, y1, y2), as one element."""
        self._add("path", css, d="".join(f"M{x:.1f} {y1:.1f}V{y2:.1f}" for x, y1, y2 in strokes))

    def polyline(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw straight lines from point to point."""
        self._add("path", css, d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points))

    def text(self, x: float, y: float, content: str, css: str, anchor: str = "start") -> None:
        """Write text with its baseline at y.

        Args:
            x: Where it is anchored.
            y: The baseline.
            content: The text.
            css: Class names.
            anchor: ``start``, ``middle`` or ``end``: which part of it lies at x.
        """
        self._add("text", css, content, x=x, y=y, **{"text-anchor": anchor})

    def __str__(self) -> str:
        return ET.tostring(self._root, encoding="unicode")

    def _add(self, tag: str, css: str, content: str = "", **attributes: float | str) -> None:
        values = {
            name: value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
            for name, value in attributes.items()
        }
        ET.SubElement(self._root, tag, {"class": css, **values}).text = content or None


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic axis over whole decades.

    Attributes:
        low: Exponent of ten at the start.
        high: Exponent of ten at the end.
        start: Position of the start.
        end: Position of the end.
    """

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> LogAxis:
        """Return the axis of whole decades that holds all values (all above 0)."""
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        """Return the position of a value above 0."""
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def decades(self) -> Iterator[float]:
        """Yield the powers of ten on the axis."""
        for exponent in range(self.low, self.high + 1):
            yield 10.0**exponent
