"""From rounds to verdicts: ratios by the round, budgets by the interval, nothing from figures that prove nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from bench.results import Verdict
from bench.verdict.bootstrap import Interval
from tools.perf.peers.candidates import Candidate
from tools.perf.peers.comparison import find_problem
from tools.perf.peers.field import ECHO, EDGE, INSTANCE, NGINX
from tools.perf.peers.ranking import Slot, judge_at_least, sum_up
from tools.perf.peers.server import Server
from tools.perf.peers.wrk import Figures, Load

if TYPE_CHECKING:
    from pathlib import Path


def _figures(rate: float = 1000.0, *, failed: int = 0, not_2xx: int = 0, p50_us: int = 900) -> Figures:
    return Figures(int(rate), 1_000_000, 1, p50_us=p50_us, p99_us=2000, max_us=9000, failed=failed, not_2xx=not_2xx)


def _slot(rate: float, *, server: float = 1.0, generator: float = 0.4, problem: str = "") -> Slot:
    return Slot(_figures(rate), server, generator, 1e6 / rate, problem=problem)


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    """Our instances behind their edge; they never run here."""
    return _contender(EDGE, tmp_path)


def _contender(name: str, folder: Path) -> Candidate:
    server = Server(name, ["false"], ready=lambda: True, folder=folder, cores={0})
    return Candidate(name, name, server, Load("http://127.0.0.1:1", ["{}"]), 1200, lambda: 0)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.6, 0.7, Verdict.PASS), (0.59, 0.61, Verdict.INCONCLUSIVE), (0.5, 0.599, Verdict.FAIL)],
)
def test_a_budget_is_judged_by_the_whole_interval(low: float, high: float, verdict: Verdict) -> None:
    """Proven, open, disproven; the budget itself still keeps it."""
    assert judge_at_least(0.6, Interval(low, low, high), 6) is verdict


def test_few_rounds_prove_nothing() -> None:
    """A single round has an interval without width, and says nothing about the next."""
    assert judge_at_least(0.6, Interval(0.9, 0.9, 0.9), 5) is Verdict.INCONCLUSIVE
    assert judge_at_least(0.6, Interval(0.1, 0.1, 0.1), 5) is Verdict.INCONCLUSIVE


def test_ratio_is_to_the_echo_of_the_same_round(candidate: Candidate) -> None:
    """A slow round of the machine does not show in it."""
    ranked = sum_up(candidate, {EDGE: [_slot(7000), _slot(700)] * 3, ECHO: [_slot(10000), _slot(1000)] * 3})
    assert (ranked.ratio, ranked.ratio_low, ranked.ratio_high) == (0.7, 0.7, 0.7)
    assert (ranked.verdict, ranked.bounds) == (Verdict.PASS, [])


@pytest.mark.parametrize(
    ("nginx", "instance", "p50_us", "verdicts"),
    [
        (40_000, 7000, 800, [Verdict.PASS, Verdict.PASS, Verdict.PASS]),
        (50_000, 7000, 800, [Verdict.FAIL, Verdict.PASS, Verdict.PASS]),
        (40_000, 7001, 800, [Verdict.PASS, Verdict.FAIL, Verdict.PASS]),
        (40_000, 7000, 799, [Verdict.PASS, Verdict.PASS, Verdict.FAIL]),
    ],
)
def test_bounds_are_held_against_others_of_the_same_rounds(
    candidate: Candidate, nginx: float, instance: float, p50_us: int, verdicts: list[Verdict]
) -> None:
    """15 % of nginx, no less than one instance, and at most 0.1 ms more."""
    alone = msgspec.structs.replace(_slot(instance), figures=_figures(instance, p50_us=p50_us))
    columns = {EDGE: [_slot(7000)], NGINX: [_slot(nginx)], INSTANCE: [alone], ECHO: [_slot(10_000)]}
    ranked = sum_up(candidate, {name: slots * 6 for name, slots in columns.items()})
    assert [bound.verdict for bound in ranked.bounds] == verdicts
    assert ranked.verdict is (Verdict.FAIL if Verdict.FAIL in verdicts else Verdict.PASS)


def test_ratio_by_cpu_time_does_not_see_who_else_used_the_core(candidate: Candidate) -> None:
    """Half the core is half the rate, but the same CPU time a request."""
    disturbed = msgspec.structs.replace(_slot(3500), cpu_us_per_request=1e6 / 7000)
    ranked = sum_up(candidate, {EDGE: [disturbed], ECHO: [_slot(10000)]})
    assert ranked.ratio == 0.35
    assert ranked.cpu_ratio == pytest.approx(0.7)


def test_a_round_that_proves_nothing_makes_the_standing_invalid(candidate: Candidate) -> None:
    """However fast it was."""
    ranked = sum_up(candidate, {EDGE: [_slot(9000), _slot(9000, problem="lost")], ECHO: [_slot(10000)] * 2})
    assert ranked.verdict is Verdict.INVALID
    assert ranked.notes == ["lost"]


@pytest.mark.parametrize("broken", [ECHO, INSTANCE])
def test_a_round_in_which_a_yardstick_failed_makes_the_standing_invalid(candidate: Candidate, broken: str) -> None:
    """A ratio to a broken yardstick is none."""
    columns = {name: [_slot(9000, problem="lost" * (name == broken))] for name in (EDGE, ECHO, INSTANCE)}
    assert sum_up(candidate, columns).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("server", "generator", "told"),
    [(0.5, 0.97, "the generator was"), (0.5, 0.5, "something else on this machine was")],
)
def test_who_was_the_bottleneck_is_said_where_it_was_not_the_server(
    candidate: Candidate, server: float, generator: float, told: str
) -> None:
    """Else a figure of the generator, or of a busy machine, would pass for one of the server."""
    ranked = sum_up(candidate, {EDGE: [_slot(9000, server=server, generator=generator)], ECHO: [_slot(10000)]})
    assert ranked.notes[0].startswith(told)


def test_a_saturated_server_needs_no_note(candidate: Candidate) -> None:
    """That is what the measurement is for."""
    assert sum_up(candidate, {EDGE: [_slot(9000, server=0.98)], ECHO: [_slot(10000)]}).notes == []


def test_others_have_no_bounds(tmp_path: Path) -> None:
    """Only our service is held to one."""
    columns = {name: [_slot(1)] for name in (ECHO, NGINX, EDGE)}
    assert [sum_up(_contender(name, tmp_path), columns).bounds for name in (ECHO, NGINX)] == [[], []]


@pytest.mark.parametrize(
    ("figures", "computed", "redis_share", "told"),
    [
        (_figures(), 0, 1.0, ""),
        (_figures(failed=3), 0, 1.0, "3 requests failed"),
        (_figures(not_2xx=4), 0, 1.0, "4 had another status"),
        (_figures(), 1, 1.0, "1 answers did not come from the cache"),
        (_figures(), 0, 0.5, "0.500 values from Redis"),
    ],
)
def test_figures_count_only_as_what_they_were_meant_to_be(
    figures: Figures, computed: int, redis_share: float, told: str
) -> None:
    """Failures, computed answers, and hits in the wrong layer are found."""
    problem = find_problem(figures, computed=computed, redis_share=redis_share, expected_share=(0.98, 2.0))
    assert told in problem
    assert bool(problem) == bool(told)


def test_repeated_measurements_are_told(candidate: Candidate) -> None:
    """What proved nothing at first is not passed over in silence."""
    again = msgspec.structs.replace(_slot(9000), repeated_for="it stalled")
    ranked = sum_up(candidate, {EDGE: [again] + [_slot(9000)] * 5, ECHO: [_slot(10000)] * 6})
    assert ranked.notes == ["1 of 6 measurements were repeated, the first because it stalled"]
    assert ranked.verdict is Verdict.PASS
