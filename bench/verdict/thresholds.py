"""The threshold language: k6's syntax, scoped by tags, e.g. ``latency{task:recipe,cache:hit}: p(95)<100``.

Its grammar::

    threshold  = selector ":" expression
    selector   = metric [ "{" tag ":" value { "," tag ":" value } "}" ]
    expression = ( "p(" number ")" | "rate" ) ( "<" | "<=" ) number
    metric     = "latency" (milliseconds, p(..) of proven successes) | "failures" (rate, share of all requests sent)
    tag        = "task" | "phase" | "cache"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from bench.load.workload import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.samples import Sample

TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"task": tuple(TASKS), "phase": ("cached", "uncached"), "cache": ("hit", "miss")}
)
"""Tags a selector may name, with their values."""

AGGREGATES: Mapping[str, str] = MappingProxyType({"latency": "p(N)", "failures": "rate"})
"""Metrics, with the aggregate each is judged by."""

_SELECTOR = re.compile(r"(?P<metric>[^{}\s]*)(?:\{(?P<tags>[^{}]*)\})?")
_EXPRESSION = re.compile(
    r"\s*(?P<aggregate>p\(\s*(?P<p>[\d.]+)\s*\)|rate)\s*(?P<operator><=?)\s*(?P<bound>\d+(?:\.\d+)?)\s*"
)


class ThresholdSyntaxError(ValueError):
    """A threshold is malformed.

    Args:
        message: What is wrong, and what would be right.
        part: ``selector`` or ``expression``: which of the two strings.
        offset: Index of the mistake in that string, from 0.
    """

    def __init__(self, message: str, part: str, offset: int) -> None:
        super().__init__(message)
        self.part = part
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Threshold:
    """One bound that a run is held to.

    Attributes:
        metric: ``latency`` or ``failures``.
        tags: Tag values a sample must carry to be judged here.
        p: Percentile of a latency, 0 < p < 100; unused for a rate.
        strict: Whether the bound itself is too much (``<``) or still allowed (``<=``).
        bound: Milliseconds for a latency, a share from 0 to 1 for a rate.
        selector: The selector as written.
        expression: The expression as written.
        gated: Whether the bound decides the verdict or is only shown.
    """

    metric: str
    tags: Mapping[str, str]
    p: float
    strict: bool
    bound: float
    selector: str
    expression: str
    gated: bool

    def selects(self, sample: Sample) -> bool:
        """Whether a sample carries every tag of the selector."""
        return all(getattr(sample, tag) == value for tag, value in self.tags.items())

    def within(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return value < self.bound if self.strict else value <= self.bound


def parse_threshold(selector: str, expression: str, *, gated: bool) -> Threshold:
    """Parse one threshold.

    Args:
        selector: For example ``latency{task:recipe,cache:hit}``.
        expression: For example ``p(95)<100``.
        gated: Whether the threshold decides the verdict.

    Raises:
        ThresholdSyntaxError: Either string is malformed.
    """
    metric, tags = _parse_selector(selector)
    match = _EXPRESSION.match(expression)
    if match is None or match.end() != len(expression):
        offset = match.end() if match else 0
        _fail(f"{expression!r} is no bound; expected {AGGREGATES[metric]}<NUMBER, e.g. 'p(95)<100'", offset=offset)
    aggregate, p, bound = match["aggregate"], match["p"], float(match["bound"])
    if (metric == "failures") != (aggregate == "rate"):
        _fail(f"{metric} is judged by {AGGREGATES[metric]}, not by {aggregate}", offset=match.start("aggregate"))
    percentile = 0.0
    if p is not None:
        percentile = _percentile(p, match.start("p"))
    elif not 0 < bound < 1:
        _fail(f"a rate is a share between 0 and 1, not {match['bound']}", offset=match.start("bound"))
    return Threshold(
        metric=metric,
        tags=tags,
        p=percentile,
        strict=match["operator"] == "<",
        bound=bound,
        selector=selector,
        expression=expression,
        gated=gated,
    )


def _percentile(text: str, offset: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        _fail(f"p({text}) is no percentile; expected a number above 0 and below 100", offset=offset)
    return value


def _parse_selector(selector: str) -> tuple[str, Mapping[str, str]]:
    match = _SELECTOR.match(selector)
    if match is None or match.end() != len(selector):
        offset = match.end() if match else 0
        _fail(f"{selector!r} is no selector; expected METRIC{{TAG:VALUE,...}}", "selector", offset)
    metric = match["metric"]
    if metric not in AGGREGATES:
        _fail(f"unknown metric {metric!r}; expected one of {', '.join(AGGREGATES)}", "selector", 0)
    tags: dict[str, str] = {}
    offset = match.start("tags")
    for pair in match["tags"].split(",") if match["tags"] is not None else ():
        key, _, value = (part.strip() for part in pair.partition(":"))
        if key not in TAGS:
            _fail(f"unknown tag {key!r}; expected one of {', '.join(TAGS)}", "selector", offset)
        if value not in TAGS[key]:
            _fail(f"tag {key} cannot be {value!r}; expected one of {', '.join(TAGS[key])}", "selector", offset)
        tags[key] = value
        offset += len(pair) + 1
    return metric, MappingProxyType(tags)


def _fail(message: str, part: str = "expression", offset: int = 0) -> NoReturn:
    raise ThresholdSyntaxError(message, part, offset)
