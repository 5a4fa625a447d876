"""The predicted hit ratio of a Zipf mix is that of simulated caches."""

from __future__ import annotations

import pytest

from bench.load.plan import OpenLoop, Phase
from bench.load.request_mix import RequestMix
from bench.verdict.hit_ratio import compare, predict
from tests.unit.bench.records import hit

PHASE = Phase("zipf", "recipe", OpenLoop.steady(10, 1, 0), catalogue=6, exponent=0.9)


def simulated(catalogue: int, exponent: float, requests: int, seed: int) -> float:
    """Return the hit ratio of a cache that forgets nothing, fed by the picks that a generator really sends."""
    picks = RequestMix("zipf", "recipe", seed=str(seed), catalogue=catalogue, exponent=exponent)
    cached: set[int] = set()
    hits = 0
    for number in range(requests):
        index = picks.pick(number)[1]
        hits += index in cached
        cached.add(index)
    return hits / requests


@pytest.mark.parametrize(("catalogue", "exponent", "requests"), [(6, 0.9, 130), (50, 1.0, 200), (1000, 0.7, 800)])
def test_the_prediction_is_the_mean_of_simulated_runs(catalogue: int, exponent: float, requests: int) -> None:
    """And nearly every single run lies within the bounds of chance, which are not wide."""
    predicted, low, high = predict(catalogue, exponent, requests)
    runs = [simulated(catalogue, exponent, requests, seed) for seed in range(300)]
    assert sum(runs) / len(runs) == pytest.approx(predicted, abs=0.005)
    assert sum(low <= run <= high for run in runs) >= 298
    assert low < predicted < high
    assert high - low < 0.25


def test_bounds_hold_where_nearly_every_item_is_asked() -> None:
    """The count is skewed there: one item less, which 1 run in 50 sees, is chance and no fault of the cache."""
    _, low, high = predict(10, 0.9, 118)
    runs = [simulated(10, 0.9, 118, seed) for seed in range(2000)]
    assert sum(not low <= run <= high for run in runs) <= 10


def test_one_request_is_never_a_hit_and_one_item_nearly_always() -> None:
    """The two ends of the formula."""
    assert predict(10, 1.0, 1)[0] == pytest.approx(0)
    assert predict(1, 1.0, 100)[0] == pytest.approx(0.99)


def test_whoever_waited_for_another_one_needed_no_computation() -> None:
    """Coalesced and stale answers count with the hits; failures count for nothing."""
    outcomes = ["miss", "coalesced", "stale", "hit"]
    samples = [hit(phase="zipf", cache=outcome) for outcome in outcomes] + [hit(phase="zipf", failure="HTTP 503")]
    found = compare(PHASE, samples)
    assert found is not None
    assert (found.requests, found.measured) == (4, 0.75)
    assert compare(PHASE, samples[-1:]) is None
