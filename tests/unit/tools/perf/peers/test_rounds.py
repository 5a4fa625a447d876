"""Rounds stay whole, and what proved nothing is tried once more."""

from __future__ import annotations

import pytest

from tools.perf.peers.load_table import Trial
from tools.perf.peers.rounds import attempt, measure_in_turns, notes_on

_GOOD, _BAD = Trial({"ms": 1.0}), Trial({"ms": 9.0}, problem="it stalled")


@pytest.mark.parametrize(
    ("tries", "repeated_for", "problem"),
    [([_GOOD], "", ""), ([_BAD, _GOOD], "it stalled", ""), ([_BAD, _BAD], "it stalled", "it stalled")],
)
def test_a_measurement_that_proves_nothing_is_repeated_once(
    tries: list[Trial], repeated_for: str, problem: str
) -> None:
    """The second one counts, whatever it is, and says why the first did not."""
    left = iter(tries)
    found = attempt(lambda: next(left))
    assert (found.repeated_for, found.problem) == (repeated_for, problem)
    assert next(left, None) is None


def test_an_interrupted_round_is_left_out() -> None:
    """Ratios need everybody's figures of the same round."""
    answers = iter([1, 2, 3])

    def measure(_name: str) -> int:
        for answer in answers:
            return answer
        raise KeyboardInterrupt

    assert measure_in_turns(["a", "b"], measure, 5) == [[1, 2]]


def test_an_interruption_before_the_first_whole_round_leaves_nothing() -> None:
    """So nothing is reported as measured."""
    answers = iter([1])
    with pytest.raises(KeyboardInterrupt):
        measure_in_turns(["a", "b"], lambda _name: next(answers, None) or _interrupt(), 5)


def _interrupt() -> int:
    raise KeyboardInterrupt


def test_problems_and_repetitions_are_told_once_each() -> None:
    """However many rounds had the same one."""
    again = Trial({"ms": 1.0}, repeated_for="it was late")
    assert notes_on([_BAD, _BAD, again, _GOOD]) == [
        "it stalled",
        "1 of 4 measurements were repeated, the first because it was late",
    ]
