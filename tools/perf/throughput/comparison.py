"""Rounds of callers, and what the service's throughput is of Ollama's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.results import Verdict
from bench.verdict.bootstrap import median_interval, ratio_interval
from tools.perf.peers.load_table import Trial
from tools.perf.peers.ranking import judge_at_least
from tools.perf.peers.rounds import attempt, measure_in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tools.perf.throughput.callers import Answered, Callers

DIRECT = "Ollama directly"
LEAST = 0.98
PARALLEL = (1, 2, 4)


class Ratio(msgspec.Struct, frozen=True):
    """One way to ask, by so many callers, over all rounds.

    Attributes:
        way: Through what.
        parallel: Callers.
        rate: Tokens a second, median.
        direct_rate: Those of Ollama asked directly in the same rounds, median.
        ratio: Of both in the same round, median.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        verdict: Of the bound `LEAST`.
        problems: Why that is INVALID.
    """

    way: str
    parallel: int
    rate: float
    direct_rate: float
    ratio: float
    low: float
    high: float
    verdict: Verdict
    problems: list[str]


def compare(
    ways: Mapping[str, Callers], *, rounds: int, parallel: Sequence[int], done: Callable[[int, Trial], None]
) -> list[list[Trial]]:
    """Let callers ask each way in turns; on Ctrl-C end with the rounds that are whole.

    Args:
        ways: By title; `DIRECT` among them.
        rounds: How many.
        parallel: Numbers of callers.
        done: Is told of every trial, with its number of callers.

    Returns:
        Of each round, a trial for each number of callers, with tokens a second by way.

    Raises:
        TargetError: An answer did not come.
        KeyboardInterrupt: Before the first round was whole.
    """
    for callers in ways.values():  # The model may have to be loaded first.
        callers.ask(max(parallel), 1)
    turns = 0

    def measure(count: int) -> Trial:
        nonlocal turns
        turns += 1
        trial = attempt(lambda: _measure(ways, count, turns))
        done(count, trial)
        return trial

    return measure_in_turns(parallel, measure, rounds)


def relate(rounds: Sequence[Sequence[Trial]], parallel: Sequence[int]) -> list[Ratio]:
    """Return what each way reached, held to the bound.

    Args:
        rounds: At least one, as `compare` returns them.
        parallel: Numbers of callers, in the order of each round.
    """
    ratios = []
    for place, count in enumerate(parallel):
        trials = [row[place] for row in rounds]
        problems = sorted({trial.problem for trial in trials if trial.problem})
        direct = [trial.values[DIRECT] for trial in trials]
        for way in trials[0].values:
            if way == DIRECT:
                continue
            rates = [trial.values[way] for trial in trials]
            found = ratio_interval(rates, direct)
            verdict = Verdict.INVALID if problems else judge_at_least(LEAST, found, len(trials))
            medians = median_interval(rates).median, median_interval(direct).median
            ratios.append(Ratio(way, count, *medians, found.median, found.low, found.high, verdict, problems))
    return ratios


def _measure(ways: Mapping[str, Callers], count: int, turn: int) -> Trial:
    """Ask each way once; who comes first changes every time."""
    names = list(ways)
    first = turn % len(names)
    answered = {name: ways[name].ask(count) for name in names[first:] + names[:first]}
    return Trial(values={name: answered[name].rate for name in names}, problem=find_problem(answered))


def find_problem(answered: Mapping[str, Answered]) -> str:
    """Return why answers do not compare, or nothing.

    Args:
        answered: By way.
    """
    for way, found in answered.items():
        if found.computed < found.chats:
            return f"{way}: only {found.computed} of {found.chats} answers were computed"
    if len(tokens := {found.tokens for found in answered.values()}) > 1:
        return f"the model wrote {min(tokens)} to {max(tokens)} tokens, so the ways had different work"
    return ""
