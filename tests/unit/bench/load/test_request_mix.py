"""What is asked as the n-th request of each workload."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # has none

from bench.load.plan import NEW_FROM
from bench.load.request_mix import GENERATED, RequestMix, zipf_shares
from bench.load.workload import TASKS


def test_known_requests_come_in_turn_and_new_ones_never_again() -> None:
    """Cached goes round its few, uncached counts up, each of three tasks for itself."""
    cached, uncached = RequestMix("cached", distinct=2), RequestMix("uncached")
    assert [cached.pick(number) for number in (0, 1, 2, 3, 6)] == [
        ("recipe", 0),
        ("ingredients", 0),
        ("nutrition", 0),
        ("recipe", 1),
        ("recipe", 0),
    ]
    assert len({uncached.pick(number) for number in range(300)}) == 300


def test_everybody_in_a_herd_asks_the_same() -> None:
    """The number is the herd's; each herd has a question of its own."""
    picks = RequestMix("herd", "recipe")
    assert [picks.pick(herd) for herd in (0, 0, 1)] == [("recipe", 0), ("recipe", 0), ("recipe", 1)]


def test_a_zipf_mix_draws_by_the_shares() -> None:
    """A chi-square test against the stated distribution."""
    picks = RequestMix("zipf", "recipe", seed="seed", catalogue=20, exponent=0.9)
    drawn = Counter(picks.pick(number)[1] for number in range(20_000))
    expected = [share * 20_000 for share in zipf_shares(20, 0.9)]
    assert stats.chisquare([drawn[item] for item in range(20)], expected).pvalue > 0.01


def test_zipf_shares_fall_by_the_exponent() -> None:
    """The second is asked 2 ** -s times as often as the first; all together are 1; 0 asks all alike."""
    shares = zipf_shares(50, 0.8)
    assert sum(shares) == pytest.approx(1)
    assert shares[1] / shares[0] == pytest.approx(2**-0.8)
    assert zipf_shares(4, 0) == [0.25] * 4


def test_a_mix_has_its_share_of_new_requests() -> None:
    """New ones are new each time and far from the known ones."""
    picks = RequestMix("mixed", "recipe", seed="seed", distinct=3, new_share=0.1)
    indexes = [picks.pick(number)[1] for number in range(5000)]
    new = [index for index in indexes if index >= NEW_FROM]
    assert len(new) == len(set(new)) == pytest.approx(500, rel=0.15)
    assert set(indexes) - set(new) == {0, 1, 2}


def test_known_requests_of_a_mix_may_be_asked_as_people_ask() -> None:
    """By Zipf's law among the known ones alone, whatever share is new."""
    picks = RequestMix("mixed", "recipe", seed="seed", distinct=10, new_share=0.2, known_exponent=0.9)
    indexes = [picks.pick(number)[1] for number in range(20_000)]
    known = Counter(index for index in indexes if index < NEW_FROM)
    expected = [share * known.total() for share in zipf_shares(10, 0.9)]
    assert stats.chisquare([known[item] for item in range(10)], expected).pvalue > 0.01
    assert len(indexes) - known.total() == pytest.approx(4000, rel=0.1)


@given(st.sampled_from(GENERATED), st.lists(st.integers(0, 10_000), max_size=20))
def test_a_pick_depends_on_its_number_alone(workload: str, numbers: list[int]) -> None:
    """In any order, in any process: so several can share a phase."""
    here, there = (RequestMix(workload, seed="s", catalogue=9, new_share=0.5) for _ in range(2))
    forwards = {number: here.pick(number) for number in numbers}
    backwards = {number: there.pick(number) for number in reversed(numbers)}
    assert forwards == backwards
    assert all(task in TASKS for task, _index in forwards.values())
