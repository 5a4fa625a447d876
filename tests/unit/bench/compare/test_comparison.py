"""A change is named where there is one, and noise is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace as replace_sample

from bench.compare.baseline import Baseline, Scope, encode_baseline, load_baseline
from bench.compare.batches import batch
from bench.compare.comparison import Change, Comparison, compare_groups, name_change
from bench.compare.comparison import compare as compare_on_any_machine
from bench.compare.statistics import Shift, holm, shift
from bench.errors import NotComparableError
from bench.results import Verdict
from bench.verdict.summaries import summarize_phase
from tests.unit.bench.compare.runs import compare, hits, noise, rows, run
from tests.unit.bench.records import cached_record, hit, miss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TASKS = ("recipe", "ingredients", "nutrition")
COMPARISONS = 1000


def side(measured: Iterable[tuple[str, np.ndarray]]) -> Baseline:
    """Condense latencies without the detour over samples, of which a thousand runs have too many."""
    scopes = [
        Scope(
            phase="cached",
            task=task,
            cache="hit",
            gated=True,
            samples=len(latencies),
            p50_ms=batch(list(latencies), 50),
            p95_ms=batch(list(latencies), 95),
            quantiles_ms=sorted(latencies),
        )
        for task, latencies in measured
    ]
    return Baseline(target="", profile="lab", started_at="", environment={}, scopes=scopes)


def simulated(tied: float) -> Iterator[Comparison]:
    """Compare pairs of runs of one and the same service, three scopes each."""
    source = np.random.default_rng(11)
    return (
        compare(
            side([(task, noise(source, 240, tied)) for task in TASKS]),
            side([(task, noise(source, 240, tied)) for task in TASKS]),
            0.05,
        )
        for _ in range(COMPARISONS)
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tied", [0.0, 0.6])
def test_noise_is_called_a_change_in_at_most_5_percent_of_comparisons(tied: float) -> None:
    """1,000 times a service against itself, six rows each: no false alarm anywhere in 95 % of them.

    Also where a sample resembles the one before it, as behind a queue.
    """
    alarms = sum(bool({Change.SLOWER, Change.FASTER} & set(rows(one).values())) for one in simulated(tied))
    assert alarms <= 0.05 * COMPARISONS


def test_without_batches_noise_would_be_called_a_change_in_half_of_the_comparisons() -> None:
    """What they are for: the same tests on raw samples that resemble their neighbours cry wolf."""
    source, alarms = np.random.default_rng(11), 0
    for _ in range(100):
        shifts = [shift(*(list(noise(source, 240, 0.6)) for _ in "AA")) for _task in TASKS]
        corrected = holm([one.p for one in shifts])
        changes = {name_change(replace(one, p=p), 0.05) for one, p in zip(shifts, corrected, strict=True)}
        alarms += bool({Change.SLOWER, Change.FASTER} & changes)
    assert 40 <= alarms <= 60


def test_a_real_change_is_named_in_nine_of_ten_comparisons() -> None:
    """Caution alone would be worthless: 30 % slower in one of three scopes is found there, and nowhere else."""
    source, found, elsewhere = np.random.default_rng(3), 0, 0
    for _ in range(100):
        old = side([(task, noise(source, 700)) for task in TASKS])
        new = side([(task, noise(source, 700) * (1.3 if task == "recipe" else 1.0)) for task in TASKS])
        changes = rows(compare(old, new, 0.05))
        found += changes["recipe hit p50"] is Change.SLOWER
        elsewhere += any(one in {Change.SLOWER, Change.FASTER} for name, one in changes.items() if "recipe" not in name)
    assert found >= 90
    assert elsewhere <= 5


def test_a_tail_that_became_slower_is_found_where_the_median_did_not_move() -> None:
    """One request in ten takes ten times as long: p50 is the same, p95 is not."""
    source = np.random.default_rng(1)
    old = hits(source.lognormal(0, 0.1, 1200))
    new = hits(source.lognormal(0, 0.1, 1200) * np.where(np.arange(1200) % 10 == 0, 10.0, 1.0))
    changes = rows(compare(run(old), run(new), 0.2))
    assert changes == {"recipe hit p50": Change.SAME, "recipe hit p95": Change.SLOWER}


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (Shift(p=0.001, ratio=1.2, low=1.1, high=1.3), Change.SLOWER),
        (Shift(p=0.001, ratio=0.8, low=0.7, high=0.9), Change.FASTER),
        (Shift(p=0.001, ratio=1.02, low=1.01, high=1.03), Change.SAME),
        (Shift(p=0.5, ratio=1.2, low=0.9, high=1.6), Change.UNDECIDED),
        (Shift(p=0.05, ratio=1.2, low=1.1, high=1.3), Change.UNDECIDED),
        (Shift(p=0.5, ratio=1.0, low=0.97, high=1.04), Change.SAME),
        (Shift(p=0.5, ratio=1.0, low=0.90, high=1.04), Change.UNDECIDED),
    ],
)
def test_a_change_is_sure_and_large_enough_to_matter(difference: Shift, expected: Change) -> None:
    """Sure but tiny is no change; large but unsure is undecided; SAME has to be proven too."""
    assert name_change(difference, 0.05) is expected


@pytest.mark.parametrize(
    ("factor", "max_ratio", "expected"),
    [
        (1.0, None, Verdict.PASS),
        (1.5, None, Verdict.FAIL),
        (0.5, None, Verdict.PASS),
        (1.0, 1.2, Verdict.PASS),
        (1.1, 1.2, Verdict.PASS),
        (1.2, 1.2, Verdict.INCONCLUSIVE),
        (1.5, 1.2, Verdict.FAIL),
    ],
)
def test_the_verdict_is_that_of_the_gated_scopes(factor: float, max_ratio: float | None, expected: Verdict) -> None:
    """With a largest ratio, the interval has to lie on one side of it; without one, slower is what fails."""
    source = np.random.default_rng(8)
    old, new = (source.lognormal(1, 0.1, 700) for _ in range(2))
    ungated, worse = (hits(factor * source.lognormal(1, 0.1, 300), "nutrition") for factor in (1.0, 9.0))
    comparison = compare(run(hits(old) + ungated), run(hits(factor * new) + worse), 0.05, max_ratio)
    assert rows(comparison)["nutrition hit p50"] is Change.SLOWER
    assert comparison.verdict is expected


def test_a_gated_scope_that_the_new_run_lost_is_not_decided() -> None:
    """No hit proven any more is no PASS."""
    others = hits(range(1, 100), "nutrition")
    comparison = compare(run(hits(range(1, 100)) + others), run(others), 0.05)
    assert (comparison.missing, comparison.verdict) == (["recipe hit"], Verdict.INCONCLUSIVE)


def test_few_uncached_samples_leave_the_question_open() -> None:
    """Four answers of a model, half a second apart, are no proof of anything; and they do not gate here."""
    quick = hits(np.random.default_rng(4).lognormal(1, 0.1, 700))
    old = [*quick, *(miss(ms) for ms in (3000.0, 3100.0, 3300.0, 3500.0))]
    new = [*quick, *(miss(ms) for ms in (3400.0, 3200.0, 3600.0, 3900.0))]
    comparison = compare(run(old), run(new), 0.05, 1.2)
    assert rows(comparison)["recipe miss p50"] is Change.UNDECIDED
    assert comparison.verdict is Verdict.PASS


def test_a_run_in_which_more_requests_fail_is_worse_however_fast_the_others_were() -> None:
    """22 % against none: the verdict is FAIL, the kinds are counted, and no latency of that phase is called better."""
    source = np.random.default_rng(5)
    old = hits(source.lognormal(1, 0.1, 700))
    new = [
        replace_sample(sample, failure="HTTP 429") if number % 9 < 2 else sample
        for number, sample in enumerate(hits(0.5 * source.lognormal(1, 0.1, 700)))
    ]
    for max_ratio in (None, 1.2):
        comparison = compare(run(old), run(new), 0.05, max_ratio)
        (row,) = comparison.failures
        assert (row.change, row.kinds, comparison.verdict) == ("MORE FAIL", {"HTTP 429": 156}, Verdict.FAIL)
        assert set(rows(comparison).values()) == {Change.UNDECIDED}
    back = compare(run(new), run(old), 0.05)
    assert (back.failures[0].change, back.verdict) == ("FEWER FAIL", Verdict.FAIL)
    few = compare(run(old), run([*old[:-1], hit(failure="HTTP 500")]), 0.05)
    assert (few.failures[0].change, few.verdict) == ("UNDECIDED", Verdict.PASS)


def test_unequal_loads_are_refused_and_unequal_bounds_said() -> None:
    """100 a second is no 300 a second, though both are of the profile lab; how many requests were known is no load."""
    asked = "open loop, constant arrivals, {}/s for 8 s over {} known requests"

    def loaded(rate: int, known: int, bounds: str = "b") -> Baseline:
        phase = summarize_phase(cached_record(hits([1.0, 2.0, 3.0])), [])
        return run(
            hits([1.0, 2.0, 3.0]), phases=[replace_sample(phase, arrivals=asked.format(rate, known))], bounds=bounds
        )

    with pytest.raises(
        NotComparableError, match=r"different load in cached recipe: OLD .* 100/s for 8 s, NEW .* 300/s"
    ):
        compare(loaded(100, 4), loaded(300, 4), 0.05)
    assert compare(loaded(100, 4), loaded(100, 3), 0.05).differing == []
    assert compare(loaded(100, 4), loaded(100, 4, "c"), 0.05).differing == ["bounds: b -> c"]


def test_a_baseline_from_before_failures_were_kept_is_read_and_said(tmp_path: Path) -> None:
    """Latencies are compared as ever."""
    saved = json.loads(encode_baseline(run(hits([1.0, 2.0, 3.0]))))
    for name in ("failures", "load", "bounds"):
        del saved[name]
    (tmp_path / "old.json").write_text(json.dumps(saved), encoding="utf-8")
    (told,) = compare(load_baseline(tmp_path / "old.json"), run(hits([1.0, 2.0, 3.0])), 0.05).differing
    assert told.startswith("failures: a baseline from before they were kept has none to compare")


def test_two_single_runs_are_no_proof_of_a_change_that_runs_of_one_code_show() -> None:
    """20 % slower is what a neighbour on the machine may do, three times as slow is not."""
    source = np.random.default_rng(6)
    old, new = (source.lognormal(1, 0.1, 700) for _ in range(2))
    for factor, expected in ((1.2, Change.UNDECIDED), (3.0, Change.SLOWER)):
        comparison = compare_on_any_machine(run(hits(old)), run(hits(factor * new)), 0.05)
        assert set(rows(comparison).values()) == {expected}


@pytest.mark.parametrize(
    ("others", "factor", "noise", "expected"),
    [
        (0.05, 3.0, 0.15, Change.SLOWER),
        (0.9, 5.0, 0.15, Change.UNDECIDED),
        (0.9, 50.0, 0.15, Change.SLOWER),
        (0.9, 5.0, 0.0, Change.SLOWER),
    ],
)
def test_single_runs_say_little_where_other_programs_kept_the_machine_busy(
    others: float, factor: float, noise: float, expected: Change
) -> None:
    """Whole phases are slower by times then; one of the two runs is enough; `--run-noise 0` is taken at its word."""
    source = np.random.default_rng(6)
    old, new = (source.lognormal(1, 0.1, 700) for _ in range(2))
    comparison = compare_on_any_machine(run(hits(old)), run(hits(factor * new), others=others), 0.05, run_noise=noise)
    assert set(rows(comparison).values()) == {expected}
    assert comparison.others == others


def repeated(source: np.random.Generator, noisy: float, factor: float, *, paired: bool) -> set[Change]:
    """Compare five runs with five whose service is so many times as slow; levels of runs differ by `noisy` anyway."""
    old, new = (
        [side([("recipe", by * np.exp(source.normal(0, noisy)) * source.lognormal(1, 0.1, 200))]) for _ in range(5)]
        for by in (1.0, factor)
    )
    return set(rows(compare_groups(old, new, 0.05, paired=paired)).values())


@pytest.mark.parametrize("paired", [False, True])
def test_repeated_runs_find_what_is_more_than_runs_differ_by(paired: bool) -> None:
    """40 % slower where runs differ by 5 %: named in 95 of 100 groups of runs, and never the wrong way."""
    source = np.random.default_rng(13)
    found = [repeated(source, 0.05, 1.4, paired=paired) for _ in range(100)]
    assert sum(changes == {Change.SLOWER} for changes in found) >= 95
    assert not any(Change.FASTER in changes for changes in found)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("paired", [False, True])
def test_repeated_runs_of_one_service_are_called_different_in_at_most_5_percent(paired: bool) -> None:
    """However much runs differ, by 5 % or by 50 %: that is measured from them, and so is what may be chance."""
    source = np.random.default_rng(13)
    found = [repeated(source, noisy, 1.0, paired=paired) for noisy in (0.05, 0.5) for _ in range(COMPARISONS // 2)]
    assert sum(bool({Change.SLOWER, Change.FASTER} & changes) for changes in found) <= 0.05 * len(found)


def test_differing_environments_are_named() -> None:
    """CPU and versions, but not how many answers a provider happened to give."""
    then = run(hits([1, 2, 3]), environment={"generator CPU": "A", "provider / model": "ollama / m (12 answers)"})
    now = run(
        hits([1, 2, 3]), environment={"generator CPU": "B", "provider / model": "ollama / m (9 answers)", "x": "1"}
    )
    assert compare(then, now, 0.05).differing == ["generator CPU: A -> B", "x: not told -> 1"]


def test_runs_under_different_load_or_without_a_common_scope_are_not_compared() -> None:
    """A number would mean nothing."""
    with pytest.raises(NotComparableError, match="OLD is of profile lab, NEW of prod"):
        compare(run(hits([1.0])), run(hits([1.0]), profile="prod"), 0.05)
    with pytest.raises(NotComparableError, match="no scope was measured in both"):
        compare(run(hits([1.0])), run(hits([1.0], "nutrition")), 0.05)
