"""From two runs, or two groups of runs, to a verdict: what became slower or faster, what did not, what cannot be told.

A change is named only where the test, corrected over all scopes, rules chance out, and the change is large enough to
matter. SAME is a finding too: the interval lies within what does not matter. The rest is UNDECIDED. Where more requests
fail, the run is worse, however fast the others were: that decides, and no latency of that phase is called better.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.compare.defaults import MOST_RUN_NOISE, NOISE_BY_OTHERS, RUN_NOISE
from bench.compare.failures import FailureRow, compare_failures
from bench.compare.statistics import Shift, cliffs_delta, holm, shift, shift_of_runs, with_noise
from bench.errors import NotComparableError
from bench.results import Verdict
from bench.verdict.percentiles import ALPHA
from bench.verdict.verdicts import worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
        old_ms: Its median over batches, or runs, then, in milliseconds.
        new_ms: The same now.
        shift: The difference; its p is corrected over all rows.
        delta: Cliff's delta of the scope's raw latencies.
        change: What it is called.
        verdict: Against the largest ratio allowed; None where none is given.
        old_runs: Its median over batches of each run then, in milliseconds.
        new_runs: The same now.
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
    old_runs: tuple[float, ...] = ()
    new_runs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, or groups of runs, side by side.

    Attributes:
        rows: In the order of the old run.
        differing: What of the environment is not the same, in words.
        missing: Scopes that only one of the runs has.
        failures: Phases and tasks in which requests failed.
        run_noise: Standard deviation that single runs were taken to have; 0 where repeated runs measured it.
        others: Largest share of the machine that other programs used before a cached phase of single runs, if known.
        verdict: FAIL where more requests fail, or a gated scope became slower, or breaks the largest ratio;
            INCONCLUSIVE where the ratio cannot be decided, or the new run lacks a gated scope.
    """

    rows: list[Row]
    differing: list[str]
    missing: list[str]
    failures: list[FailureRow]
    verdict: Verdict
    run_noise: float = 0.0
    others: float = 0.0


def compare(
    old: Baseline,
    new: Baseline,
    least_change: float,
    max_ratio: float | None = None,
    run_noise: float = RUN_NOISE,
) -> Comparison:
    """Compare two runs.

    Args:
        old: The run, or baseline, to compare with.
        new: The run in question.
        least_change: Smallest change that matters, as a share: 0.05 is 5 %.
        max_ratio: Largest NEW / OLD that gated scopes may show; None to name changes only.
        run_noise: Standard deviation of what runs of one and the same code differ by, as a share. Where other programs
            kept the machine busy it is more, unless it is 0.

    Raises:
        NotComparableError: They were under different load, or have no scope in common.
    """
    others = max(old.others or 0.0, new.others or 0.0)
    noise = max(run_noise, min(NOISE_BY_OTHERS * others, MOST_RUN_NOISE)) if run_noise else 0.0

    def difference(values: tuple[list[list[float]], list[list[float]]]) -> Shift:
        (then,), (now,) = values
        return with_noise(shift(then, now), noise)

    found = _compare([old], [new], least_change, max_ratio, difference)
    return replace(found, run_noise=noise, others=others)


def compare_groups(
    old: Sequence[Baseline],
    new: Sequence[Baseline],
    least_change: float,
    max_ratio: float | None = None,
    *,
    paired: bool = False,
) -> Comparison:
    """Compare repeated runs: how much runs of one and the same code differ is measured, and not assumed.

    Args:
        old: At least `FEWEST_RUNS`.
        new: As many at least.
        least_change: As in `compare`.
        max_ratio: As there.
        paired: They were made in turns, in this order.

    Raises:
        NotComparableError: They were under different load, or have no scope in common.
    """

    def difference(values: tuple[list[list[float]], list[list[float]]]) -> Shift:
        then, now = ([_middle(one) for one in side] for side in values)
        return shift_of_runs(then, now, paired=paired)

    return _compare(old, new, least_change, max_ratio, difference)


_Values = tuple[list[list[float]], list[list[float]]]


def _compare(
    old: Sequence[Baseline],
    new: Sequence[Baseline],
    least_change: float,
    max_ratio: float | None,
    difference: Callable[[_Values], Shift],
) -> Comparison:
    for one in (*old[1:], *new):
        old[0].refuse_other_load(one.profile, one.load)
    pairs = list(_pairs(old, new))
    if not pairs:
        raise NotComparableError("no scope was measured in both runs")
    shifts = [difference(values) for _then, _now, _name, values in pairs]
    corrected = holm([one.p for one in shifts])
    failures = compare_failures(old, new)
    worse = {(row.phase, row.task) for row in failures if row.more}
    rows = []
    for (then, now, name, values), raw, p in zip(pairs, shifts, corrected, strict=True):
        ours = Shift(p, raw.ratio, raw.low, raw.high, raw.noise)
        change = name_change(ours, least_change)
        if (then.phase, then.task) in worse and change is not Change.SLOWER:
            change = Change.UNDECIDED
        old_runs, new_runs = (tuple(map(_middle, side)) for side in values)
        rows.append(
            Row(
                scope=then.name,
                percentile=name,
                gated=then.gated or now.gated,
                old_ms=_middle(old_runs),
                new_ms=_middle(new_runs),
                shift=ours,
                delta=cliffs_delta(then.quantiles_ms, now.quantiles_ms),
                change=change,
                verdict=None if max_ratio is None else _hold(ours, max_ratio),
                old_runs=old_runs,
                new_runs=new_runs,
            )
        )
    before, after = ({scope.name for scope in side[0].scopes} for side in (old, new))
    missing = sorted(before ^ after)
    lost = any(scope.gated and scope.name in missing for scope in old[0].scopes)
    differing = list(dict.fromkeys(text for one in new for text in _differing(old[0], one)))
    return Comparison(rows, differing, missing, failures, _verdict(rows, lost=lost, worse=bool(worse)))


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


def _pairs(old: Sequence[Baseline], new: Sequence[Baseline]) -> Iterator[tuple[Scope, Scope, str, _Values]]:
    then, now = ([{scope.name: scope for scope in run.scopes} for run in side] for side in (old, new))
    for name, first in then[0].items():
        if not all(name in scopes for scopes in (*then, *now)):
            continue
        for percentile in ("p50", "p95"):
            values = tuple([getattr(scopes[name], f"{percentile}_ms") for scopes in side] for side in (then, now))
            if all(all(side) for side in values):
                yield first, now[0][name], percentile, (values[0], values[1])


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _hold(shift: Shift, max_ratio: float) -> Verdict:
    if shift.high <= max_ratio:
        return Verdict.PASS
    return Verdict.FAIL if shift.certain[0] > max_ratio else Verdict.INCONCLUSIVE


def _verdict(rows: list[Row], *, lost: bool, worse: bool) -> Verdict:
    """Return the worst verdict of the gated rows, of all if none is gated; a gated scope lost in NEW is undecided."""
    gated = [row for row in rows if row.gated] or rows
    verdicts = [row.verdict or (Verdict.FAIL if row.change is Change.SLOWER else Verdict.PASS) for row in gated]
    return worst([*verdicts, *[Verdict.INCONCLUSIVE] * lost, *[Verdict.FAIL] * worse])


def _differing(old: Baseline, new: Baseline) -> Iterator[str]:
    for label in {**old.environment, **new.environment}:
        then, now = (_COUNTS.sub("", side.environment.get(label, "not told")) for side in (old, new))
        if then != now:
            yield f"{label}: {then} -> {now}"
    if old.bounds and new.bounds and old.bounds != new.bounds:
        yield f"bounds: {old.bounds} -> {new.bounds}"
    if old.failures is None or new.failures is None:
        yield "failures: a baseline from before they were kept has none to compare; save it again"
