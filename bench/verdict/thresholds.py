"""The threshold language: k6's syntax, scoped by tags, e.g. ``latency{task:recipe,cache:hit}: p(95)<100``.

Its grammar::

    threshold  = selector ":" expression
    selector   = metric [ "{" tag ":" value { "," tag ":" value } "}" ]
    expression = ( "p(" number ")" | "rate" | "count" | "max" ) ( "<" | "<=" ) number
    metric     = a key of `METRICS`
    tag        = "task" | "phase" | "cache" (of latency and failures only)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from bench.load.plan import WORKLOADS
from bench.load.workload import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.samples import Sample

TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"task": tuple(TASKS), "phase": WORKLOADS, "cache": ("hit", "miss")}
)
"""Tags a selector may name, with their values."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What can be bounded.

    Attributes:
        unit: Of its bounds: ``ms``, ``share`` (0 to 1), ``MB`` (10^6 bytes), ``x`` (times) or ``calls``.
        aggregates: By which it is judged.
        phase: The workload it comes from; empty for any.
    """

    unit: str
    aggregates: tuple[str, ...]
    phase: str = ""


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "latency": Metric("ms", ("p(N)",)),  # of proven successes
        "failures": Metric("share", ("rate", "count")),  # of all requests sent after the warm-up
        "ttft": Metric("ms", ("p(N)", "max"), "stream"),  # time to the first token
        "token_gap": Metric("ms", ("p(N)", "max"), "stream"),  # time from one arrival of tokens to the next
        "token_burst": Metric("tokens", ("p(N)", "max"), "stream"),  # tokens that arrive together
        "token_rate": Metric("tokens/s", ("max",), "stream"),  # tokens a second after the first, of each stream
        "model_load": Metric("ms", ("p(N)", "max"), "cold"),  # load_duration of Ollama, by Server-Timing
        "model_memory": Metric("MB", ("max",), "cold"),  # of each loaded model, by Ollama's /api/ps
        "herd_calls": Metric("calls", ("max",), "herd"),  # provider calls for a herd
        "herd_slowdown": Metric("x", ("max",), "herd"),  # slowest of a herd over the one who was answered by the model
    }
)

_SELECTOR = re.compile(r"(?P<metric>[^{}\s]*)(?:\{(?P<tags>[^{}]*)\})?")
_EXPRESSION = re.compile(
    r"\s*(?P<aggregate>p\(\s*(?P<p>[\d.]+)\s*\)|rate|count|max)\s*(?P<operator><=?)\s*(?P<bound>\d+(?:\.\d+)?)\s*"
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
        metric: A key of `METRICS`.
        tags: Tag values a sample must carry to be judged here.
        p: Percentile, 0 < p < 100; 100 for the maximum; unused for a rate and a count.
        strict: Whether the bound itself is too much (``<``) or still allowed (``<=``).
        bound: In the metric's unit.
        selector: The selector as written.
        expression: The expression as written.
        gated: Whether the bound decides the verdict or is only shown.
        counts: Whether it bounds a number of requests instead of a share of them.
    """

    metric: str
    tags: Mapping[str, str]
    p: float
    strict: bool
    bound: float
    selector: str
    expression: str
    gated: bool
    counts: bool = False

    @property
    def phase(self) -> str:
        """The workload whose samples it is about; empty for any."""
        return METRICS[self.metric].phase or self.tags.get("phase", "")

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
    metric_kind = METRICS[metric]
    aggregates = " or ".join(metric_kind.aggregates)
    match = _EXPRESSION.match(expression)
    if match is None or match.end() != len(expression):
        offset = match.end() if match else 0
        example = metric_kind.aggregates[0].replace("N", "95")
        _fail(f"{expression!r} is no bound; expected {aggregates}<NUMBER, e.g. '{example}<100'", offset=offset)
    aggregate, p, bound = match["aggregate"], match["p"], float(match["bound"])
    if ("p(N)" if p is not None else aggregate) not in metric_kind.aggregates:
        _fail(f"{metric} is judged by {aggregates}, not by {aggregate}", offset=match.start("aggregate"))
    if aggregate == "rate" and not 0 < bound < 1:
        _fail(f"a rate is a share between 0 and 1, not {match['bound']}", offset=match.start("bound"))
    percentile = 100.0 if aggregate == "max" else 0.0
    if p is not None:
        percentile = _percentile(p, match.start("p"))
    return Threshold(
        metric=metric,
        tags=tags,
        p=percentile,
        strict=match["operator"] == "<",
        bound=bound,
        selector=selector,
        expression=expression,
        gated=gated,
        counts=aggregate == "count",
    )


def implied_bounds(bounds: Sequence[Threshold], samples: Iterable[Sample]) -> list[Threshold]:
    """Return a bound on the failures of each phase that has some, and no gated bound that is about them.

    Args:
        bounds: Those of the profile.
        samples: Of the run.
    """
    about = [bound for bound in bounds if bound.gated and bound.metric == "failures"]
    phases = dict.fromkeys(
        sample.phase
        for sample in samples
        if not sample.ok and not sample.warmup and not any(bound.selects(sample) for bound in about)
    )
    return [parse_threshold(f"failures{{phase:{phase}}}", "count<=0", gated=True) for phase in phases]


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
    if metric not in METRICS:
        _fail(f"unknown metric {metric!r}; expected one of {', '.join(METRICS)}", "selector", 0)
    tags: dict[str, str] = {}
    offset = match.start("tags")
    for pair in match["tags"].split(",") if match["tags"] is not None else ():
        key, _, value = (part.strip() for part in pair.partition(":"))
        if key not in TAGS:
            _fail(f"unknown tag {key!r}; expected one of {', '.join(TAGS)}", "selector", offset)
        if METRICS[metric].phase and key != "task":
            _fail(f"{metric} can be scoped by task only, not by {key}", "selector", offset)
        if value not in TAGS[key]:
            _fail(f"tag {key} cannot be {value!r}; expected one of {', '.join(TAGS[key])}", "selector", offset)
        tags[key] = value
        offset += len(pair) + 1
    return metric, MappingProxyType(tags)


def _fail(message: str, part: str = "expression", offset: int = 0) -> NoReturn:
    raise ThresholdSyntaxError(message, part, offset)
