"""From two runs to a verdict: which scopes became slower or faster, which did not, and which cannot be told.

A change is named only where the test, corrected over all scopes, rules chance out, and the change is large enough to
matter. SAME is a finding too: the interval lies within what does not matter. The rest is UNDECIDED.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.compare.statistics import Shift, cliffs_delta, holm, shift
from bench.errors import NotComparableError
from bench.results import Verdict
from bench.verdict.percentiles import ALPHA
from bench.verdict.verdicts import worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.compare.baseline import Baseline, Scope

_COUNTS = re.compile(r" \(\d+ answers\)")


class Change(enum.StrEnum):
    """What became of a latency."""

    SLOWER = "SLOWER"
    FASTER = "FASTER"
    SAME = "SAME"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class Row:
    """One percentile of one scope, then and now.

    Attributes:
        scope: The scope's name.
        percentile: ``p50`` or ``p95``.
        gated: Whether it decides the verdict.
        old_ms: Its median over batches then, in milliseconds.
        new_ms: The same now.
        shift: The difference; its p is corrected over all rows.
        delta: Cliff's delta of the scope's raw latencies.
        change: What it is called.
        verdict: Against the largest ratio allowed; None where none is given.
    """

    scope: str
    percentile: str
    gated: bool
    old_ms: float
    new_ms: float
    shift: Shift
    delta: float
    change: Change
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        rows: In the order of the old run.
        differing: What of the environment is not the same, in words.
        missing: Scopes that only one of the runs has.
        verdict: FAIL where a gated scope became slower, or breaks the largest ratio; INCONCLUSIVE where the ratio
            cannot be decided, or the new run lacks a gated scope.
    """

    rows: list[Row]
    differing: list[str]
    missing: list[str]
    verdict: Verdict


def compare(old: Baseline, new: Baseline, least_change: float, max_ratio: float | None = None) -> Comparison:
    """Compare two runs.

    Args:
        old: The run, or baseline, to compare with.
        new: The run in question.
        least_change: Smallest change that matters, as a share: 0.05 is 5 %.
        max_ratio: Largest NEW / OLD that gated scopes may show; None to name changes only.

    Raises:
        NotComparableError: They were under different load, or have no scope in common.
    """
    if old.profile != new.profile:
        raise NotComparableError(f"different load: OLD is of profile {old.profile}, NEW of {new.profile}")
    before, after = ({scope.name: scope for scope in side.scopes} for side in (old, new))
    pairs = list(_pairs(before, after))
    if not pairs:
        raise NotComparableError("no scope was measured in both runs")
    shifts = [shift(*values) for _then, _now, _name, values in pairs]
    corrected = holm([one.p for one in shifts])
    rows = []
    for (then, now, name, values), raw, p in zip(pairs, shifts, corrected, strict=True):
        ours = Shift(p, raw.ratio, raw.low, raw.high)
        rows.append(
            Row(
                scope=then.name,
                percentile=name,
                gated=then.gated or now.gated,
                old_ms=_middle(values[0]),
                new_ms=_middle(values[1]),
                shift=ours,
                delta=cliffs_delta(then.quantiles_ms, now.quantiles_ms),
                change=name_change(ours, least_change),
                verdict=None if max_ratio is None else _hold(ours, max_ratio),
            )
        )
    missing = sorted(before.keys() ^ after.keys())
    lost = any(scope.gated and scope.name in missing for scope in old.scopes)
    return Comparison(rows, list(_differing(old, new)), missing, _verdict(rows, lost=lost))


def name_change(shift: Shift, least_change: float) -> Change:
    """Return what a difference is called.

    Args:
        shift: With its p corrected over everything that is compared.
        least_change: Smallest change that matters, as a share.
    """
    band = 1 + least_change
    if shift.p < ALPHA and not 1 / band < shift.ratio < band:
        return Change.SLOWER if shift.ratio > 1 else Change.FASTER
    return Change.SAME if 1 / band <= shift.low and shift.high <= band else Change.UNDECIDED


def _pairs(
    before: dict[str, Scope], after: dict[str, Scope]
) -> Iterator[tuple[Scope, Scope, str, tuple[list[float], list[float]]]]:
    for name, then in before.items():
        now = after.get(name)
        if now is None:
            continue
        for percentile, values in (("p50", (then.p50_ms, now.p50_ms)), ("p95", (then.p95_ms, now.p95_ms))):
            if all(values):
                yield then, now, percentile, values


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _hold(shift: Shift, max_ratio: float) -> Verdict:
    if shift.high <= max_ratio:
        return Verdict.PASS
    return Verdict.FAIL if shift.low > max_ratio else Verdict.INCONCLUSIVE


def _verdict(rows: list[Row], *, lost: bool) -> Verdict:
    """Return the worst verdict of the gated rows, of all if none is gated; a gated scope lost in NEW is undecided."""
    gated = [row for row in rows if row.gated] or rows
    verdicts = [row.verdict or (Verdict.FAIL if row.change is Change.SLOWER else Verdict.PASS) for row in gated]
    return worst([*verdicts, Verdict.INCONCLUSIVE] if lost else verdicts)


def _differing(old: Baseline, new: Baseline) -> Iterator[str]:
    for label in {**old.environment, **new.environment}:
        then, now = (_COUNTS.sub("", side.environment.get(label, "not told")) for side in (old, new))
        if then != now:
            yield f"{label}: {then} -> {now}"
