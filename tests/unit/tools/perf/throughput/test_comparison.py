"""Throughput is held against Ollama's own of the same round, and only where both had the same work."""

from __future__ import annotations

import pytest

from bench.results import Verdict
from tools.perf.throughput.callers import Answered, Callers
from tools.perf.throughput.comparison import DIRECT, Turn, compare, find_problem, relate

WAY = "edge"


def _rounds(*rates: float, problem: str = "") -> list[list[Turn]]:
    return [
        [Turn({DIRECT: 100.0 * level, WAY: rate * level}, {DIRECT: 9.9 * level, WAY: 10.0 * level}, problem=problem)]
        for level, rate in enumerate(rates, start=1)
    ]


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ([98.0, 99.0, 100.0, 99.0, 98.5, 99.5], Verdict.PASS),
        ([97.9, 97.0, 96.0, 97.5, 97.2, 97.1], Verdict.FAIL),
        ([90.0, 99.0, 97.0, 99.0, 96.0, 99.0], Verdict.INCONCLUSIVE),
        ([100.0, 100.0], Verdict.INCONCLUSIVE),
    ],
)
def test_the_bound_is_kept_only_where_the_whole_interval_says_so(rates: list[float], verdict: Verdict) -> None:
    """A machine that gets faster from round to round does not show: ratios are those of a round."""
    (found,) = relate(_rounds(*rates), [4])
    assert (found.way, found.parallel, found.verdict) == (WAY, 4, verdict)
    assert found.low <= found.ratio <= found.high <= 1.0
    assert (found.cpu_low, found.cpu_ratio, found.cpu_high) == pytest.approx((0.99, 0.99, 0.99))


def test_unequal_work_is_invalid_however_fast_it_was() -> None:
    """And says why."""
    (found,) = relate(_rounds(*[100.0] * 6, problem="it wrote less"), [1])
    assert (found.verdict, found.problems) == (Verdict.INVALID, ["it wrote less"])


@pytest.mark.parametrize(
    ("computed", "tokens", "told"),
    [(4, 400, ""), (3, 400, "only 3 of 4 answers were computed"), (4, 399, "399 to 400 tokens")],
)
def test_ways_compare_only_with_equal_work(computed: int, tokens: int, told: str) -> None:
    """Cached answers would make the service look faster than Ollama, and so would shorter ones."""
    problem = find_problem({DIRECT: Answered(4, 400, 1.0, 4, 1.0), WAY: Answered(4, tokens, 1.0, computed, 1.0)})
    assert told in problem
    assert bool(problem) == bool(told)


class _Noting(Callers):
    """Callers who note that they were asked, and ask nobody."""

    def __init__(self, name: str, order: list[str]) -> None:
        super().__init__("http://127.0.0.1:1", "none", lambda: 0.0, direct=True)
        self._name, self._order = name, order

    def ask(self, parallel: int, chats: int = 1) -> Answered:
        self._order.append(self._name)
        return Answered(parallel * chats, 10, 0.1, parallel * chats, 0.1)


def test_everybody_comes_first_as_often() -> None:
    """What the machine does to who comes first hits all alike."""
    order: list[str] = []
    ways = {name: _Noting(name, order) for name in (DIRECT, "a", "b")}
    compare(ways, rounds=3, parallel=[1], done=lambda _parallel, _turn: None)
    rounds = order[3:]  # The first of each loads the model.
    assert sorted(rounds[::3]) == sorted(ways)
