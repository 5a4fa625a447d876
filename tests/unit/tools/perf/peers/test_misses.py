"""Misses are held against the stand-in of the same round, and count only if each was computed."""

from __future__ import annotations

import pytest

from tools.perf.peers.load_table import Trial
from tools.perf.peers.misses import find_problem, relate


def test_what_is_added_is_that_to_the_stand_in_of_the_same_round() -> None:
    """The stand-in itself adds nothing."""
    direct, ours = relate([Trial({"p50 ms": 200.0}), Trial({"p50 ms": 210.0})])
    assert direct.values == {"ms added": 0.0, "p50 ms": 200.0}
    assert ours.values == {"ms added": 10.0, "p50 ms": 210.0}


@pytest.mark.parametrize(
    ("unanswered", "computed", "told"),
    [
        (0, 320, ""),
        (0, 352, ""),
        (3, 320, "3 requests failed"),
        (0, 319, "asked 319 times for 320 answers"),
        (0, 353, "asked 353 times for 320 answers"),
    ],
)
def test_every_answer_is_one_computation(unanswered: int, computed: int, told: str) -> None:
    """Fewer were cached or shared, more were repeated; those under way at the end are allowed for."""
    problem = find_problem(requests=320, unanswered=unanswered, computed=computed, connections=16)
    assert told in problem
    assert bool(problem) == bool(told)
