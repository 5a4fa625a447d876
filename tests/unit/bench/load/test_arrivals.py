"""When requests are due: constant, Poisson, on a curve of rates, and shared between processes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # has none

from bench.load.arrivals import PROCESSES, Stage, arrivals, parse_stages
from bench.load.plan import OpenLoop


@given(st.floats(0.5, 2000), st.floats(0.1, 10))
def test_constant_arrivals_are_evenly_spaced_and_do_not_drift(rate: float, seconds: float) -> None:
    """Each arrival is due at its number over the rate, to the nanosecond, however long the run."""
    due_ns = list(arrivals([Stage(seconds, rate, rate)]))
    assert abs(len(due_ns) - rate * seconds) <= 1
    assert all(abs(due - number * 1e9 / rate) <= 2 for number, due in enumerate(due_ns))


def test_a_rate_and_a_time_that_fit_lose_no_arrival_to_rounding() -> None:
    """1.1 s of 30/s are 33 arrivals, though the product is a little less in floating point."""
    assert len(list(arrivals([Stage(1.1, 30, 30)]))) == 33


def test_poisson_arrivals_have_exponential_gaps() -> None:
    """By a Kolmogorov-Smirnov test against the exponential distribution of that rate."""
    due_ns = list(arrivals([Stage(100, 50, 50)], "poisson", "seed"))
    gaps_s = [(later - earlier) / 1e9 for earlier, later in itertools.pairwise(due_ns)]
    assert stats.kstest(gaps_s, "expon", args=(0, 1 / 50)).pvalue > 0.01


def test_poisson_counts_vary_as_much_as_they_should() -> None:
    """The number of arrivals has a variance equal to its mean; constant ones have none."""
    counts = [len(list(arrivals([Stage(1, 100, 100)], "poisson", str(seed)))) for seed in range(400)]
    assert stats.tmean(counts) == pytest.approx(100, rel=0.03)
    assert stats.tvar(counts) == pytest.approx(100, rel=0.25)


def test_another_seed_is_another_sequence_and_the_same_the_same() -> None:
    """A run can be repeated exactly."""
    one, again, other = (list(arrivals([Stage(1, 50, 50)], "poisson", seed)) for seed in ("a", "a", "b"))
    assert one == again
    assert one != other


@pytest.mark.parametrize("process", PROCESSES)
def test_a_ramp_sends_what_lies_below_its_curve(process: str) -> None:
    """From 10 to 100/s in 10 s, 10 s of 100/s, and down to 0: each second gets what the curve says."""
    stages = parse_stages("10s:10-100,10s:100,5:100-0")
    due_s = [due / 1e9 for due in arrivals(stages, process, "seed")]
    assert due_s == sorted(due_s)
    for begin, end, expected in ((0, 1, 14.5), (9, 10, 95.5), (10, 20, 1000), (24, 25, 10)):
        count = sum(begin <= due < end for due in due_s)
        assert count == pytest.approx(expected, abs=1.5 if process == "constant" else 4 * expected**0.5)
    assert len(due_s) == pytest.approx(550 + 1000 + 250, abs=0 if process == "constant" else 4 * 1800**0.5)


@given(st.integers(1, 7), st.sampled_from(PROCESSES))
def test_processes_share_a_schedule_without_loss_or_overlap(parts: int, process: str) -> None:
    """All parts together are what one process alone would send, number by number."""
    loop = OpenLoop(parse_stages("3s:20-60"), 0, process, "seed")
    alone = list(loop.share(0, 1))
    shared = [list(loop.share(part, parts)) for part in range(parts)]
    assert sorted(itertools.chain(*shared)) == alone
    assert max(map(len, shared)) - min(map(len, shared)) <= 1
    assert loop.count == len(alone)


def test_stages_are_written_as_they_are_read() -> None:
    """The harness hands them to the generator on its command line."""
    text = "30s:10-100,1.5s:7,2s:5-0"
    assert ",".join(map(str, parse_stages(text))) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no stage; expected SECONDS:RATE or SECONDS:FROM-TO"),
        ("10", "'10' is no stage"),
        ("10s:-5", "is no stage"),
        ("10s:5,,", "'' is no stage"),
        ("10s:0", "nothing arrives"),
        ("0s:10", "nothing arrives"),
    ],
)
def test_a_malformed_stage_is_refused_with_what_is_right(text: str, message: str) -> None:
    """The message names the part that is wrong."""
    with pytest.raises(ValueError, match=message):
        parse_stages(text)
