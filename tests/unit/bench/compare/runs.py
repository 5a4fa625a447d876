"""Runs as comparisons and baselines have them: samples in a row, condensed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.compare.baseline import Baseline, condense
from bench.compare.comparison import Change, Comparison
from bench.compare.comparison import compare as compare_on_any_machine
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import hit, result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.results import Result
    from bench.samples import Sample

GATE = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)


def compare(old: Baseline, new: Baseline, least_change: float, max_ratio: float | None = None) -> Comparison:
    """Compare two runs of a machine on which runs do not differ without a cause."""
    return compare_on_any_machine(old, new, least_change, max_ratio, run_noise=0.0)


def run(samples: Sequence[Sample], **changes: Any) -> Baseline:
    """Condense a run of these samples, in which the cached recipes are gated."""
    return condense(a_result(samples, **changes), samples)


def a_result(samples: Sequence[Sample], **changes: Any) -> Result:
    """Return the result of such a run."""
    return result(thresholds=[judge(GATE, samples)], **changes)


def hits(latencies: Iterable[float], task: str = "recipe") -> list[Sample]:
    """Return hits in a row, a hundred a second."""
    return [hit(float(value), task=task, intended_ns=number * 10**7) for number, value in enumerate(latencies)]


def noise(source: np.random.Generator, count: int, tied: float = 0.0) -> np.ndarray:
    """Latencies with a long tail; `tied` is how much of each one's deviation the next one keeps."""
    steps, values, last = source.normal(0, 0.5, count), np.empty(count), 0.0
    for number, step in enumerate(steps):
        last = tied * last + (1 - tied**2) ** 0.5 * step
        values[number] = 2.0 * np.exp(last)
    return values


def rows(comparison: Comparison) -> dict[str, Change]:
    """Return what became of each scope."""
    return {f"{row.scope} {row.percentile}": row.change for row in comparison.rows}
